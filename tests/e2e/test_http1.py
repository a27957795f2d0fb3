# SPDX-License-Identifier: Apache-2.0
"""HTTP/1 as it makes observing hard, on real sockets."""
import contextlib
import socket

import pytest

from harness import LARGE_RING, Program, assert_whole, brief, briefs, free_port, header, run, wait_until
from servers import HERE, PYTHON, PythonServer

CURL = ("curl", "-sS", "-k")

TALK = r"""
import socket, ssl, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
if sys.argv[2] == "tls":
    s = ssl._create_unverified_context().wrap_socket(s)
s.sendall(sys.argv[3].encode().decode("unicode_escape").encode("latin-1"))
data = b""
while piece := s.recv(65536):
    data += piece
sys.stdout.write(data.decode("latin-1"))
"""


def talk(port, text, tls=False):
    """Sends the text (with its escapes) in one write and reads until the end."""
    return run(PYTHON, "-c", TALK, port, "tls" if tls else "clear", text)


def request(line, *headers, body=""):
    return "\\r\\n".join([line + " HTTP/1.1", "Host: x", *headers, "", body])


@pytest.mark.parametrize("tls", [False, True])
def test_pipelining(hark, nginx, tls, capture):
    paths = ["one", "small.txt", "nothing", "one", "medium.bin"]
    text = "".join(request(f"GET /{path}") for path in paths) + request("HEAD /one", "Connection: close")
    port = nginx.tls if tls else nginx.http
    with hark("--capture", capture, f"port:{port}") as watch:
        client = talk(port, text, tls)
        watch.wait_for(6, nginx)
        watch.wait_for(6, client)
    for who in (client, nginx):
        seen = watch.of(who)
        assert [brief(one).split()[:3] for one in seen] == \
            [["GET", f"/{path}", "404" if path == "nothing" else "200"] for path in paths] + [["HEAD", "/one", "200"]]
        assert [one["http.response.body.size"] for one in seen if one["http.response.status_code"] == 200] == \
            [1, 1000, 1, 100_000, 0]
        assert_whole(seen)
    watch.assert_nothing_lost()


def test_chunked_request_with_trailers_and_extensions(hark, python_http):
    body = "5;a=b\\r\\nhello\\r\\n6\\r\\n world\\r\\n0\\r\\nX-Check: yes\\r\\n\\r\\n"
    with hark() as watch:
        client = talk(python_http.port, request("POST /in", "Transfer-Encoding: chunked", "Connection: close", body=body))
        watch.wait_for(1, python_http)
    for who in (client, python_http):
        assert briefs(watch.of(who)) == ["POST /in 201 11 7"]
        assert watch.of(who)[0]["http.request.trailer"] == [["X-Check", "yes"]]
        assert_whole(watch.of(who))


def test_chunked_response_and_close_delimited(hark, python_http):
    with hark() as watch:
        first = run(*CURL, f"http://127.0.0.1:{python_http.port}/trailers")
        second = run(*CURL, f"http://127.0.0.1:{python_http.port}/until-close")
        watch.wait_for(2, python_http)
    assert len(first.out) == 5009 and len(second.out) == 5000
    assert briefs(watch.of(first)) == ["GET /trailers 200 0 5009"]
    assert briefs(watch.of(second)) == ["GET /until-close 200 0 5000"]
    assert sorted(briefs(watch.of(python_http))) == sorted(briefs(watch.of(first) + watch.of(second)))
    assert_whole(watch.of(python_http) + watch.of(first) + watch.of(second))


def test_keep_alive_is_one_connection(hark, nginx):
    with hark() as watch:
        client = run(*CURL, "-w", "%{num_connects}\n", "-o", "/dev/null",
                     f"http://127.0.0.1:{nginx.http}/small.txt?n=[1-40]")
        watch.wait_for(40, nginx)
    expected = [f"GET /small.txt?n={i} 200 0 1000" for i in range(1, 41)]
    for who in (client, nginx):
        assert briefs(watch.of(who)) == expected
        assert len({one["hark.connection"] for one in watch.of(who)}) == 1


def test_expect_100_continue(hark, python_http):
    """An interim response does not end the exchange."""
    with hark() as watch:
        client = run(*CURL, "-H", "Expect: 100-continue", "-d", "b" * 4000,
                     f"http://127.0.0.1:{python_http.port}/in")
        watch.wait_for(1, python_http)
    for who in (client, python_http):
        assert briefs(watch.of(who)) == ["POST /in 201 4000 9"]
        assert_whole(watch.of(who))


def test_http_1_0(hark, nginx):
    with hark() as watch:
        client = run(*CURL, "--http1.0", f"http://127.0.0.1:{nginx.http}/small.txt")
        watch.wait_for(1, nginx)
    assert [one["network.protocol.version"] for one in watch.of(client)] == ["1.0"]
    assert briefs(watch.of(nginx)) == ["GET /small.txt 200 0 1000"]


def test_websocket_upgrade_is_marked(hark, tmp_path):
    """101 to something else: the exchange is marked, what follows is opaque."""
    script = r"""
import socket, sys
l = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    s, _ = l.accept()
    s.recv(65536)
    s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    s.sendall(b"\x81\x05hello" * 100)
    s.close()
"""
    port = free_port()
    server = Program([PYTHON, "-c", script, port], tmp_path, ports=(port,))
    try:
        with hark(verbose=0) as watch:
            client = talk(port, request("GET /chat", "Connection: Upgrade", "Upgrade: websocket"))
            watch.wait_for(1, server)
    finally:
        server.stop()
    for who in (client, server):
        assert [(one["http.response.status_code"], one["hark.flags"]) for one in watch.of(who)] == \
            [(101, ["upgraded"])]
    assert watch.stats["messages.upgraded"] >= 2


@pytest.fixture
def connect_proxy(scratch, tmp_path):
    server = PythonServer(tmp_path, "connect")
    yield server
    server.stop()


def test_connect_then_tls(hark, nginx, connect_proxy, capture):
    """One connection of curl's: CONNECT in the clear, then the library's plaintext, on the same connection."""
    with hark("--capture", capture) as watch:
        client = run(*CURL, "-x", f"http://127.0.0.1:{connect_proxy.port}", f"https://127.0.0.1:{nginx.tls}/small.txt")
        watch.wait_for(2, client)
        watch.wait_for(1, nginx)
    assert len(client.out) == 1000
    seen = watch.of(client)
    assert [(one["http.request.method"], one["http.response.status_code"]) for one in seen] == \
        [("CONNECT", 200), ("GET", 200)]
    assert [one["tls"] for one in seen] == [False, True]
    assert len({one["hark.connection"] for one in seen}) == 1
    assert briefs(watch.of(nginx)) == ["GET /small.txt 200 0 1000"]
    assert [one["http.request.method"] for one in watch.of(connect_proxy)] == ["CONNECT"]


STARTTLS = r"""
import socket, ssl, sys, threading
cert, key = sys.argv[1:3]
l = socket.create_server(("127.0.0.1", 0))
def serve():
    s, _ = l.accept()
    s.sendall(b"220 ready\r\n")
    assert s.recv(100) == b"STARTTLS\r\n"
    s.sendall(b"220 go on\r\n")
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain(cert, key)
    s = c.wrap_socket(s, server_side=True)
    s.recv(65536)
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmail")
    s.close()
t = threading.Thread(target=serve); t.start()
s = socket.create_connection(l.getsockname())
s.recv(100); s.sendall(b"STARTTLS\r\n"); s.recv(100)
s = ssl._create_unverified_context().wrap_socket(s)
s.sendall(b"GET /inside HTTP/1.1\r\nHost: x\r\n\r\n")
while s.recv(65536): pass
t.join()
"""


def test_starttls(hark, certificates):
    with hark() as watch:
        both = run(PYTHON, "-c", STARTTLS, certificates / "cert.pem", certificates / "key.pem")
        watch.wait_for(2, both)
    assert briefs(watch.of(both)) == ["GET /inside 200 0 4"] * 2
    assert all(one["tls"] for one in watch.of(both))


NOISE = r"""
import socket, sys
a = socket.create_server(("127.0.0.1", int(sys.argv[1])))
c = socket.create_connection(a.getsockname()); s, _ = a.accept()
block = bytes((i * 31 + 1) % 256 for i in range(8192))
while True:
    c.sendall(block)
    left = len(block)
    while left: left -= len(s.recv(left))
"""


def test_other_protocols_are_muted(hark, nginx, tmp_path):
    """Much that is not HTTP: counted, muted, and HTTP beside it is whole.

    How soon it is muted, and again each time that hark has listened whether HTTP is there now, is a matter of the
    machine's load: the noise goes on until hark says that at least half of what moved since was not copied."""
    port = free_port()
    with hark(f"port:{port},{nginx.http}") as watch:
        noise = Program([PYTHON, "-c", NOISE, port], tmp_path)
        try:
            wait_until(lambda: watch.counted("connections.muted") == [2], "both ends muted")
            first = watch.counted("bytes.moved", "bytes.skipped")

            def most_is_left_out():
                moved, skipped = (now - then for now, then in zip(watch.counted("bytes.moved", "bytes.skipped"), first))
                return skipped >= 2 * 8192 * 150 and skipped >= moved / 2

            wait_until(most_is_left_out, "half of it skipped")
            client = run(*CURL, f"http://127.0.0.1:{nginx.http}/small.txt")
            watch.wait_for(1, nginx)
            watch.wait_for(1, client)
        finally:
            noise.stop()
    assert watch.of(noise) == []
    assert briefs(watch.of(client)) == ["GET /small.txt 200 0 1000"]
    assert watch.stats["connections.muted"] == 2


LARGE = r"""
import socket, sys
a = socket.create_server(("127.0.0.1", int(sys.argv[1])))
c = socket.create_connection(a.getsockname()); s, _ = a.accept()
def move(one, other, head, count):
    one.sendall(head + b"Content-Length: %d\r\n\r\n" % count)
    while not other.recv(1000).endswith(b"\r\n\r\n"): pass
    while count:
        piece = one.send(bytes(min(count, 65536)))
        count -= piece
        while piece: piece -= len(other.recv(min(piece, 8192)))
for number in range(3):
    move(c, s, b"PUT /large/%d HTTP/1.1\r\nHost: x\r\n" % number, 200_000_001)
    move(s, c, b"HTTP/1.1 200 OK\r\n", 100_000_003)
    move(c, s, b"PUT /small/%d HTTP/1.1\r\nHost: x\r\n" % number, 5)
    move(s, c, b"HTTP/1.1 200 OK\r\n", 4)
"""


def test_bodies_that_nobody_wants_end_where_they_end(hark, capture):
    """Most of them is passed over by the kernel side; what follows is whole."""
    port = free_port()
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{port}") as watch:
        both = run(PYTHON, "-c", LARGE, port)
        watch.wait_for(12, both)
    wanted = [f"PUT /{path} 200 {sizes}" for number in range(3) for path, sizes in
              ((f"large/{number}", "200000001 100000003"), (f"small/{number}", "5 4"))]
    assert sorted(briefs(watch.of(both))) == sorted(wanted * 2)
    assert not any("hark.flags" in one for one in watch.of(both))
    stats = watch.stats
    assert stats["bytes.moved"] == stats["bytes.copied"] + stats["bytes.skipped"] + stats["bytes.lost"]
    assert stats["bytes.moved"] > 6 * 300_000_000 and stats["bytes.skipped"] > stats["bytes.copied"]


CUT = r"""
import ctypes, os, socket, struct, sys, time
port, how = int(sys.argv[1]), sys.argv[2]
libc = ctypes.CDLL(None, use_errno=True)
a = socket.create_server(("127.0.0.1", port))
def ask(path):
    c.sendall(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
    while not s.recv(1000).endswith(b"\r\n\r\n"): pass
def answer(count): s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % count)
def move(least, least_s):
    end = time.monotonic() + least_s
    while least > 0 or time.monotonic() < end:
        least -= (piece := s.send(bytes(65536)))
        while piece: piece -= len(c.recv(min(piece, 65536)))
def disconnect():
    if libc.connect(c.fileno(), bytes(16), 16): raise OSError(ctypes.get_errno(), "connect")
c = socket.socket()
for number in range(5):
    c.connect(a.getsockname()); s, _ = a.accept()
    ask(b"large/%d" % number); answer(1_000_000_000)
    move(30_000_000, 0.1)
    if how == "again":
        disconnect(); s.close()
    if how == "reset":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); s.close()
        try: c.recv(10)
        except ConnectionResetError: pass
    if how == "shutdown":
        c.shutdown(socket.SHUT_RDWR); s.close()
    if how in ("reset", "shutdown"):
        c.close(); c = socket.socket()
    c.connect(a.getsockname()); s, _ = a.accept()
    ask(b"small/%d" % number); answer(4); s.sendall(b"1234"); c.recv(1000)
    disconnect(); s.close()
"""


@pytest.mark.parametrize("how", ["again", "reset", "shutdown"])
def test_a_body_that_nobody_wants_is_cut(hark, capture, how):
    """Amid it the connection ends, or the socket connects again: what it had to be is not told for what it was."""
    port = free_port()
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{port}") as watch:
        both = run(PYTHON, "-c", CUT, port, how)
        watch.wait_for(20, both)
    seen = watch.of(both)
    assert sorted(briefs(seen)) == sorted([f"GET /{path}" for number in range(5) for path in
                                           (f"large/{number} 200 0 -", f"small/{number} 200 0 4")] * 2)
    for one in seen:
        cut = one["url.path"].startswith("/large")
        assert ("closed" in one.get("hark.flags", [])) == cut, one
    assert len({one["hark.connection"] for one in seen}) == 20
    stats = watch.stats
    assert stats["bytes.moved"] == stats["bytes.copied"] + stats["bytes.skipped"] + stats["bytes.lost"]
    assert stats["bytes.skipped"] > 2 * 5 * 10_000_000


GIGANTIC = r"""
import os, socket, sys, tempfile
a = socket.create_server(("127.0.0.1", int(sys.argv[1])))
c = socket.create_connection(a.getsockname()); s, _ = a.accept()
count = 5 << 30
for path, size in (b"large", count), (b"small", 3):
    c.sendall(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
    while not s.recv(1000).endswith(b"\r\n\r\n"): pass
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    while not c.recv(1000).endswith(b"\r\n\r\n"): pass
    if os.fork():
        into = bytearray(1 << 20)
        while size: size -= c.recv_into(into, min(size, len(into)))
        os.wait()
        continue
    with tempfile.TemporaryFile() as file:
        file.truncate(1 << 20)
        while size: size -= os.sendfile(s.fileno(), file.fileno(), 0, min(size, 1 << 20))
    os._exit(0)
"""


def test_a_body_beyond_the_numbers_of_tcp(hark, capture):
    """They have 32 bits: what is passed over is so to the end, and the next exchange begins where it does."""
    port = free_port()
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{port}") as watch:
        run(PYTHON, "-c", GIGANTIC, port)
        watch.wait_for(4)
    assert sorted(briefs(watch.objects)) == ["GET /large 200 0 5368709120"] * 2 + ["GET /small 200 0 3"] * 2
    assert not any("hark.flags" in one for one in watch.objects)
    stats = watch.stats
    assert stats["bytes.moved"] == stats["bytes.copied"] + stats["bytes.skipped"] + stats["bytes.lost"]
    assert stats["bytes.moved"] >= 2 * (5 << 30) and stats["bytes.skipped"] > 2 * (5 << 30) * 0.95


def test_an_unanswered_request_says_why(hark):
    script = r"""
import socket, sys
a = socket.create_server(("127.0.0.1", int(sys.argv[2])))
c = socket.create_connection(a.getsockname()); s, _ = a.accept()
c.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n"); s.recv(1000)
if sys.argv[1] == "closed": s.close(); c.recv(10); c.close()
elif sys.argv[1] == "reset":
    import struct
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); s.close()
    try: c.recv(10)
    except ConnectionResetError: pass
elif sys.argv[1] == "open": print("asked", flush=True); sys.stdin.read()
"""
    ports = free_port(), free_port()
    with hark(f"port:{ports[0]},{ports[1]}") as watch:
        closed = run(PYTHON, "-c", script, "closed", ports[0])
        reset = run(PYTHON, "-c", script, "reset", ports[1])
        watch.wait_for(2, closed)
        watch.wait_for(2, reset)
    for who, reason in ((closed, "closed"), (reset, "reset")):
        seen = watch.of(who)
        assert [one["url.path"] for one in seen] == ["/never"] * 2
        assert not any("http.response.status_code" in one for one in seen)
        assert all("unanswered" in one["hark.flags"] for one in seen)
        assert any(reason in one["hark.flags"] for one in seen), seen


def test_timeout_and_in_flight(hark, tmp_path):
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    asked = []
    try:
        with hark("--timeout", "300ms") as watch:
            asked.append(Program(["curl", "-sS", f"http://127.0.0.1:{port}/slow"], tmp_path))
            watch.wait_for(1, asked[0])
        with hark() as other:
            asked.append(Program(["curl", "-sS", f"http://127.0.0.1:{port}/open"], tmp_path))
            first = silent.accept()[0]
            second = silent.accept()[0]
            assert first.recv(10) and second.recv(10)
    finally:
        for one in asked:
            one.stop()
        silent.close()
    assert [(one["url.path"], "timeout" in one["hark.flags"]) for one in watch.of(asked[0])] == [("/slow", True)]
    assert [(one["url.path"], "in-flight" in one["hark.flags"]) for one in other.of(asked[1])] == [("/open", True)]


def test_nothing_observed_reaches_the_output_raw(hark, nginx, tmp_path):
    """Control bytes in a path and a header: shown escaped in one line of JSON, or counted as refused."""
    with hark() as watch:
        client = talk(nginx.http, request("GET /a\\x1b[31m%00", "X-Bad: \\x1b]0;title\\x07", "Connection: close"))
        watch.wait_for(1, client, deadline_s=3)
    seen = watch.of(client)
    assert watch.stats["messages.refused"] or [one["http.request.method"] for one in seen] == ["GET"]
    assert all(one.get("url.path", "/a\x1b[31m%00") == "/a\x1b[31m%00" for one in seen)


@contextlib.contextmanager
def talking(script, way, certificates, folder, *words):
    """Peers that ask and answer all the time."""
    peers = Program([PYTHON, HERE / "peers" / script, way, certificates / "cert.pem", certificates / "key.pem", *words], folder)
    try:
        wait_until(lambda: "going" in peers.log(), "the peers")
        yield peers
    finally:
        peers.stop()


def of_a_small_ring(hark, capture, peers, count):
    """The exchanges of these peers: records are lost all the time."""
    with hark("--capture", capture, "--ring", "64K") as watch:
        watch.wait_for(count, peers)
    assert watch.stats["events.lost"] > 0
    return watch.of(peers)


def pairs_of(objects):
    return [one for one in objects if "url.path" in one and "http.response.status_code" in one]


def assert_right_pair(one):
    number = int(one["url.path"].rsplit("/", 1)[1])
    assert header(one, "x-path") in ([one["url.path"]], []), one
    assert one["http.response.status_code"] == 200 + number % 4, one


@pytest.mark.alone
@pytest.mark.parametrize("way", ["http", "https"])
def test_joined_late_never_shifts(hark, certificates, tmp_path, capture, way):
    """Whatever was under way when hark looked: a response is shown with its own request, or with none.

    Three connections of at most fifty requests, both ends seen: of the first 300 objects some, of the next 300 none
    were joined late."""
    with talking("echo_path.py", way, certificates, tmp_path) as peers:
        for _ in range(4):
            with hark("--capture", capture) as watch:
                watch.wait_for(600, peers)
            pairs = pairs_of(watch.of(peers))
            assert len(pairs) >= 570
            for one in pairs:
                assert_right_pair(one)
                assert one.get("hark.duration_ms", 1) > 0, brief(one)


@pytest.mark.alone
@pytest.mark.parametrize("way", ["http", "https"])
def test_a_ring_too_small_makes_no_wrong_pair(hark, certificates, tmp_path, capture, way):
    """A body of 60 KB does not fit into a ring of 64 KiB: records are lost all the time, and all pairs are right."""
    with talking("echo_path.py", way, certificates, tmp_path, 60000) as peers:
        pairs = pairs_of(of_a_small_ring(hark, capture, peers, 2000))
    assert len(pairs) > 200
    for one in pairs:
        if "guess" not in one.get("hark.flags", []):
            assert_right_pair(one)


@pytest.mark.parametrize("way", ["http", "https", "unix"])
def test_a_lost_end_is_a_gap(hark, certificates, tmp_path, capture, way):
    """All are answered. An answer whose records were lost, with the end of its direction, is no missing answer."""
    with talking("short_lives.py", way, certificates, tmp_path, tmp_path / "unix.sock") as peers:
        seen = [one for one in of_a_small_ring(hark, capture, peers, 600) if "in-flight" not in one.get("hark.flags", ())]
    assert sum("gap" in one.get("hark.flags", ()) for one in seen), "none that this is about"
    silent = [one for one in seen if {"unanswered", "closed"} & set(one.get("hark.flags", ()))
              and not {"gap", "late-joined"} & set(one["hark.flags"])]
    assert not silent, (len(silent), len(seen), silent[:3])


TALK_LONG = r"""
import socket, ssl, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
if sys.argv[2] == "tls":
    s = ssl._create_unverified_context().wrap_socket(s)
try:
    s.sendall(b"GET /" + 100_000 * b"a" + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    while s.recv(65536): pass
except OSError:
    pass
"""


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("name", ["nginx", "apache"])
def test_the_answer_to_a_line_that_was_not_read_to_its_end(hark, request, name, tls, capture):
    """The server reads 8 or 32 KB of a request line of 100 KB, answers 414 and closes."""
    server = request.getfixturevalue(name)
    port = server.tls if tls else server.http
    with hark("--capture", capture, f"port:{port}") as watch:
        client = run(PYTHON, "-c", TALK_LONG, port, "tls" if tls else "clear")
        # nginx ends the TLS session while the one SSL_write() is under way: it fails, and moved nothing.
        ends = (server,) if tls and name == "nginx" else (server, client)
        for who in ends:
            watch.wait_for(1, who)
    for who in ends:
        seen = watch.of(who)
        assert [(one.get("http.request.method"), one.get("http.response.status_code")) for one in seen] == [("GET", 414)], seen
        assert seen[0]["url.path"].startswith("/aaaaaaa") and "truncated" in seen[0]["hark.flags"]


@pytest.mark.parametrize("tls", [False, True])
def test_the_answer_to_a_head_that_was_not_read_to_its_end(hark, nginx, tls, capture):
    """nginx reads 8 KB of a field of 20 KB, answers 400 and closes: that is the answer to this request."""
    with hark("--capture", capture) as watch:
        client = talk(nginx.tls if tls else nginx.http, request("GET /f3", "X-Big: " + 20000 * "a"), tls)
        watch.wait_for(1, nginx)
        watch.wait_for(1, client)
    for who in (client, nginx):
        assert [brief(one).split()[:3] for one in watch.of(who)] == [["GET", "/f3", "400"]], watch.of(who)
