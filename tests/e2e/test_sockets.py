# SPDX-License-Identifier: Apache-2.0
"""Every call that moves bytes on a stream socket, both ways into the kernel (peers/sockets.c)."""
import platform
import subprocess

import pytest

from harness import LARGE_RING, PEERS, ROOT, Program, assert_whole, brief, briefs, free_port, header, is_listening, run, wait_until
from servers import PYTHON

SIZES = "3000 5000"
COPIED = ["write", "sendto", "writev", "pwritev2", "sendmsg", "many", "sendmmsg", "partial", "peek", "failed", "dup"]
HOLES = ["sendfile", "splice", "io_uring"]


class Pair:
    """The peer's two ends, by the pids that it printed."""

    def __init__(self, done):
        lines = [line.split() for line in done.text.splitlines()]
        self.client = {int(pid) for role, pid in lines if role == "client"}
        self.server = {int(pid) for role, pid in lines if role == "server"}


def talk(way, family, count=1, port=0):
    """port: of the server; 0 is any."""
    return Pair(run(PEERS / "sockets", way, family, count, port))


def assert_seen(watch, pair, way, family, count, ends=("client", "server")):
    for end in ends:
        seen = watch.of(*getattr(pair, end), hark_role=end)
        assert briefs(seen) == [f"POST /{way}?by={family} 200 {SIZES}"] * count, end
        assert len({one["hark.connection"] for one in seen}) == count
        assert all(header(one, "x-mark", "request") == ["3000 bytes"] for one in seen)
        assert all(header(one, "x-mark") == ["5000 bytes"] for one in seen)
    assert len(watch.of(*pair.client, *pair.server)) == 2 * count, "each exchange once a side"


@pytest.mark.parametrize("family", ["4", "6", "unix"])
@pytest.mark.parametrize("way", COPIED)
def test_copied(hark, capture, way, family):
    """Three connections one after the other: the same fd each time, never the same connection."""
    if family == "unix":
        return unix_case(hark, capture, way)
    port = free_port()
    with hark("--capture", capture, f"port:{port}", verbose=2) as watch:
        pair = talk(way, family, 3, port)
        watch.wait_for(6, *pair.client, *pair.server)
    assert_seen(watch, pair, way, family, 3)
    body = "".join(chr(ord("a") + i % 26) for i in range(5000))
    for one in watch.of(*pair.client, *pair.server):
        assert one["http.response.body"] == body and one["http.request.body"] == body[:3000]
    assert_whole(watch.of(*pair.client, *pair.server))
    if way == "peek":
        assert watch.stats["transfers.peeked"] > 100
    watch.assert_nothing_lost()


def unix_case(hark, capture, way):
    """Unix sockets have no state changes: the role comes from who asks."""
    with hark("--capture", capture) as watch:
        pair = talk(way, "unix", 3)
        watch.wait_for(6, *pair.client, *pair.server)
    assert_seen(watch, pair, way, "unix", 3)
    assert {one["network.transport"] for one in watch.of(*pair.client)} == {"unix"}
    assert_whole(watch.of(*pair.client, *pair.server))


@pytest.mark.parametrize("family", ["4", "unix"])
@pytest.mark.parametrize("way", HOLES)
def test_bodies_without_a_user_buffer(hark, capture, way, family):
    """The sender's body is a hole of known size; the exchange has it all the same."""
    port = free_port()
    with hark("--capture", capture, *([] if family == "unix" else [f"port:{port}"])) as watch:
        pair = talk(way, family, 2, port)
        watch.wait_for(4, *pair.client, *pair.server)
    assert_seen(watch, pair, way, family, 2, ends=("client",))
    server = watch.of(*pair.server)
    if way == "io_uring" and capture == "syscall" and family == "unix":  # nothing tells how many they were
        assert briefs(server) == [f"POST /{way}?by={family} 200 3000 -"] * 2
        assert all("gap" in one["hark.flags"] for one in server), "hark's own loss is no fault of theirs"
    else:
        assert briefs(server) == [f"POST /{way}?by={family} 200 {SIZES}"] * 2
    assert watch.stats["bytes.lost"] == 0
    if way == "io_uring" and family == "4" and capture == "socket":
        assert watch.stats["transfers.io_uring"] >= 2


@pytest.mark.parametrize("family", ["4", "6", pytest.param("unix", marks=pytest.mark.alone)])
def test_bodies_spliced_out_of_the_socket(hark, capture, family):
    """splice(2) from the socket into a pipe: known at the receiver as at the sender."""
    if family == "unix" and capture == "socket":
        return splice_that_no_tracepoint_meets(hark)
    port = free_port()
    with hark("--capture", capture, *([] if family == "unix" else [f"port:{port}"])) as watch:
        pair = talk("splice-in", family, 3, port)
        watch.wait_for(6, *pair.client, *pair.server)
    assert_seen(watch, pair, "splice-in", family, 3)
    assert_whole(watch.of(*pair.client, *pair.server))
    watch.assert_nothing_lost()
    assert watch.stats["bytes.skipped"] >= 3 * 8000
    assert watch.stats["bytes.moved"] == watch.stats["bytes.copied"] + watch.stats["bytes.skipped"]


def splice_that_no_tracepoint_meets(hark):
    """Nothing tells of what is spliced out of a Unix socket (README, What it cannot see): a body without a size, an
    exchange with a flag, and everything else right."""
    with hark("--capture", "socket") as watch:
        pair = talk("splice-in", "unix", 3)
        watch.wait_for(6, *pair.client, *pair.server)
    for end, sizes in (("client", "3000 -"), ("server", "- 5000")):
        seen = watch.of(*getattr(pair, end), hark_role=end)
        assert briefs(seen) == [f"POST /splice-in?by=unix 200 {sizes}"] * 3
        assert all(one["hark.flags"] == ["closed"] for one in seen)
        assert all(header(one, "x-mark", "request") == ["3000 bytes"] for one in seen)
        assert all(header(one, "x-mark") == ["5000 bytes"] for one in seen)
    watch.assert_nothing_lost()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="int 0x80 is x86's")
def test_32_bit_callers(hark, capture):
    """The whole send side is a 32-bit caller's: sizes are known, contents are not, nothing is invented."""
    with hark("--capture", capture) as watch:
        pair = talk("compat", "4", 2)
    assert watch.stats["transfers.compat"] >= 4
    for one in watch.of(*pair.client, *pair.server):
        assert one.get("url.path", "/compat") == "/compat"
        assert one.get("http.response.status_code", 200) == 200


@pytest.mark.parametrize("way", ["fork", "passed"])
@pytest.mark.parametrize("family", ["4", "unix"])
def test_shared_sockets_stay_one_connection(hark, capture, way, family):
    """One process takes the request, another answers: by fork, or with an fd that came by SCM_RIGHTS."""
    with hark("--capture", capture) as watch:
        pair = talk(way, family, 2)
        watch.wait_for(4, *pair.client, *pair.server)
    seen = watch.of(*pair.server)
    assert briefs(seen) == [f"POST /{way}?by={family} 200 {SIZES}"] * 2
    assert len({one["hark.connection"] for one in seen}) == 2
    assert_whole(seen)


def test_many_connections_on_one_fd(hark, capture):
    port = free_port()
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{port}") as watch:  # the default one takes 390
        pair = talk("write", "4", 500, port)
        watch.wait_for(1000, *pair.client, *pair.server)
    assert_seen(watch, pair, "write", "4", 500)
    watch.assert_nothing_lost()


ENDS = r"""
import array, fcntl, select, socket, struct, sys, termios
how = sys.argv[1]
length = b"" if how == "cleared" else b"Content-Length: 5000\r\n"
request = b"GET /%s HTTP/1.1\r\nHost: ends\r\n\r\n" % how.encode()
response = b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + b"x" * 5000
listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
queued = array.array("i", [0])

def talk():
    client.sendall(request)
    assert server.recv(1000) == request
    server.sendall(response)
    while queued[0] < len(response):
        fcntl.ioctl(client, termios.FIONREAD, queued)

def read():
    got = b""
    while len(got) < len(response):
        got += client.recv(1000)
    assert got == response
    queued[0] = 0

def reset():
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    waits = select.poll()
    waits.register(client, 0)
    assert waits.poll(10000)

if how in ("shut", "shut-fin"):
    client.shutdown(socket.SHUT_RD)
    assert client.recv(10) == b""
    for _ in range(2):
        talk()
        read()
    assert client.recv(10) == b""
    if how == "shut-fin":
        talk()
        server.close()
        read()
else:
    talk()
    reset()
    read()
if how == "cleared":
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    assert client.recv(10) == b""
client.close()
server.close()
"""


@pytest.mark.parametrize("how, count", [("reset", 1), ("shut", 2), ("shut-fin", 3)])
def test_only_a_fin_is_the_end_of_a_direction(hark, capture, how, count):
    """Whole responses, read after a reset, or after the reader's own shutdown(SHUT_RD)."""
    port = free_port()
    with hark("--capture", capture, f"port:{port}") as watch:
        client = run(PYTHON, "-c", ENDS, how, port)
        watch.wait_for(2 * count, client)
    for role in "client", "server":
        seen = watch.of(client, hark_role=role)
        assert briefs(seen) == [f"GET /{how} 200 0 5000"] * count, role
        assert_whole(seen)
    watch.assert_nothing_lost()


def test_a_read_of_nothing_after_a_reset_is_no_end(hark, capture):
    """SO_ERROR was asked for, so read() returns 0; a body without a length is not whole all the same."""
    with hark("--capture", capture) as watch:
        client = run(PYTHON, "-c", ENDS, "cleared", 0)
        watch.wait_for(2, client)
    (seen,) = watch.of(client, hark_role="client")
    assert seen["http.response.status_code"] == 200 and "reset" in seen["hark.flags"], seen


HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    option splice-response
    option splice-request
listen in_front
    bind 127.0.0.1:{port}
    server behind 127.0.0.1:{behind}
"""

LIGHTTPD = """
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_proxy")
server.stream-response-body = {stream}
proxy.server = ("" => (("host" => "127.0.0.1", "port" => {behind})))
"""


def in_front(kind, folder, behind):
    """haproxy or lighttpd, which moves bodies by splice(2) where it can."""
    port, config = free_port(), folder / f"{kind}.conf"
    if kind == "haproxy":
        config.write_text(HAPROXY.format(port=port, behind=behind))
        return port, Program(["haproxy", "-db", "-f", config], folder, ports=(port,))
    config.write_text(LIGHTTPD.format(port=port, behind=behind, folder=folder, stream=kind[-1]))
    return port, Program(["lighttpd", "-D", "-f", config], folder, ports=(port,))


@pytest.mark.parametrize("kind", ["haproxy", "lighttpd-1", "lighttpd-2"])
def test_proxies_that_splice(hark, nginx, capture, tmp_path, kind):
    """A keep-alive client, small and large bodies: four ends, each with its sizes."""
    port, proxy = in_front(kind, tmp_path, nginx.http)
    paths = ["/small.txt", "/large.bin", "/one", "/large.bin", "/small.txt"]
    try:
        with hark("--capture", capture, "--ring", LARGE_RING, f"port:{port},{nginx.http}") as watch:
            client = run("curl", "-s", *(f"http://127.0.0.1:{port}{path}" for path in paths))
            for role in "client", "server":
                watch.wait_for(len(paths), proxy, hark_role=role)
            watch.wait_for(len(paths), client)
            watch.wait_for(len(paths), nginx)
    finally:
        proxy.stop()
    seen = watch.of(client)
    assert [one["url.path"] for one in seen] == paths
    assert sum(one["http.response.body.size"] for one in seen) == len(client.out)
    for other in watch.of(nginx), watch.of(proxy, hark_role="server"), watch.of(proxy, hark_role="client"):
        assert briefs(other) == briefs(seen)
        assert_whole(other)
    assert_whole(seen)
    watch.assert_nothing_lost()


MOVES = r"""
import os, socket, sys
FIRST = {"muted": bytes([1, 2, 3, 4, 5, 6]), "tls": bytes([22, 3, 3, 31, 251, 1])}
out, into = os.pipe()
ends = {}

def connect(what):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return client, listener.accept()[0], FIRST[what] + bytes((i * 31 + 1) % 256 for i in range(8192 - 6))

def recv(server, size):
    return len(server.recv(size))

def splice(server, size):
    moved = os.splice(server.fileno(), into, size)
    assert len(os.read(out, moved)) == moved
    return moved

for line in sys.stdin:
    name, way = line.split()
    if name not in ends:
        ends[name] = connect(name.split("-")[0])
    client, server, block = ends[name]
    for _ in range(150):
        client.sendall(block)
        left = len(block)
        while left:
            left -= {"recv": recv, "splice": splice}[way](server, left)
    print(line, end="", flush=True)
"""


def test_all_bytes_of_a_socket_that_nobody_decodes_are_counted(hark, capture):
    """Read by recv(2) and by splice(2), once the kernel side is to leave them out: each byte is in one counter."""
    then = {"muted-1": ["splice", "recv", "splice"], "muted-2": ["recv", "splice"],
            "tls-1": ["splice", "recv", "splice"], "tls-2": ["recv", "splice"]}
    turn = 2 * 150 * 8192  # both ends

    with subprocess.Popen([PYTHON, "-c", MOVES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as peer:
        def move(name, way):
            print(name, way, file=peer.stdin)
            assert peer.stdout.readline() == f"{name} {way}\n"

        # Four times 2.4 MB of records that take twice as much in the ring each, before a busy machine's reader is there.
        with hark("--capture", capture, "-p", peer.pid, "--ring", "64M") as watch:
            for name in then:
                move(name, "recv")
            wait_until(lambda: watch.counted("connections.muted", "bytes.ciphertext") == [4, 2 * turn], "the mutes and the ciphertext")
            for name, ways in then.items():
                for way in ways:
                    move(name, way)
            peer.stdin.close()
            assert peer.wait() == 0
    turns = sum(1 + len(ways) for ways in then.values()) / 2
    bytes_of = {name: watch.stats[f"bytes.{name}"] for name in ("moved", "copied", "skipped", "lost", "ciphertext")}
    assert bytes_of["moved"] == bytes_of["ciphertext"] == turns * turn, bytes_of
    assert bytes_of["moved"] == bytes_of["copied"] + bytes_of["skipped"], bytes_of
    watch.assert_nothing_lost()


HANDED_ON = r"""
import os, socket, sys
how = sys.argv[1]
listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
channel, given = socket.socketpair()

def say(word):
    print(word, os.getpid(), flush=True)

def answer(ends):
    sys.stdin.readline()
    for end in ends:
        end.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole")
        end.close()
    os._exit(0)

def take():
    end, _ = listener.accept()
    assert b"\r\n\r\n" in end.recv(1000)
    return end

if how == "fork":
    ends = [take(), take()]
    parent = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == parent:
        pass
    say("ready")
    answer(ends)
if os.fork() == 0:
    answer([socket.socket(fileno=socket.recv_fds(given, 1, 1)[1][0]) for _ in range(2)])
numbers = set()
for _ in range(2):
    end = take()
    numbers.add(end.fileno())
    socket.send_fds(channel, [b"x"], [end.fileno()])
    end.close()
assert len(numbers) == 1
say("ready")
if how == "passed":
    os.wait()
"""


@pytest.mark.parametrize("how", ["passed", "passed-exit", "fork"])
def test_a_socket_that_changes_hands_stays_one_connection(hark, nginx, capture, how):
    """Two requests are read; the reader passes the sockets on, whose number is used again, or forks, and may
    end; long after, another process answers, which showed no sign of them before."""
    port = free_port()
    with hark("--capture", capture) as watch:
        with subprocess.Popen([PYTHON, "-c", HANDED_ON, how, str(port)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as server:
            wait_until(lambda: is_listening(port), "the server")
            clients = [subprocess.Popen(["curl", "-s", f"http://127.0.0.1:{port}/{i}"], stdout=subprocess.PIPE)
                       for i in range(2)]
            assert server.stdout.readline().startswith("ready")
            for _ in range(3):  # what ended until now has been dealt with when these are shown
                marker = run("curl", "-s", f"http://127.0.0.1:{nginx.http}/one")
                watch.wait_for(1, marker)
            server.stdin.write("answer\n")
            server.stdin.close()
            assert [client.communicate()[0] for client in clients] == [b"whole"] * 2
            watch.wait_for(2, hark_role="server", network_local_port=port)
    seen = watch.of(hark_role="server", network_local_port=port)
    assert sorted(briefs(seen)) == ["GET /0 200 0 5", "GET /1 200 0 5"]
    assert_whole(seen)
    assert len({one["hark.connection"] for one in seen}) == 2


def test_an_answer_read_after_the_reset(hark, capture):
    """The end of a socket that was reset before its FIN was read tells of no byte before the first one."""
    port = free_port()
    with hark("--capture", capture, f"port:{port}") as watch:
        who = run(PYTHON, ROOT / "tests/e2e/peers/reset_then_read.py", port, 3)
        watch.wait_for(6, who)
    assert not [o for o in watch.of(who) if "gap" in o.get("hark.flags", [])], [(brief(o), o["hark.flags"]) for o in watch.of(who)]
    assert sorted(brief(o).split()[1] for o in watch.of(who, hark_role="client")) == ["/r0", "/r1", "/r2"]
    assert watch.stats["bytes.lost"] == 0


@pytest.mark.parametrize("how", ["reset", "shutdown"])
def test_an_answer_read_long_after_the_end(hark, nginx, capture, how):
    """TCP has told its end, and polls went by: what is read then is still the connection's own."""
    port = free_port()
    with hark("--capture", capture, f"port:{port},{nginx.http}") as watch:
        with subprocess.Popen([PYTHON, ROOT / "tests/e2e/peers/read_later.py", how, str(port)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout.readline() == "over\n"
            marker = run("curl", "-s", f"http://127.0.0.1:{nginx.http}/one")
            watch.wait_for(1, marker)  # the end is older than this, and has been dealt with
            client.stdin.write("read\n")
            client.stdin.close()
            assert client.wait() == 0
        watch.wait_for(1, hark_role="client", network_peer_port=port)
    (seen,) = watch.of(hark_role="client", network_peer_port=port)
    assert (seen["http.request.method"], seen["http.response.status_code"], seen["http.response.body.size"]) == ("GET", 200, 5), seen
    assert set(seen.get("hark.flags", [])) <= {"reset"}, seen
