# SPDX-License-Identifier: Apache-2.0
"""A TLS session is not the address of its object: busy servers use one again within microseconds."""
import collections
import shutil
import subprocess
import time

import pytest

from harness import LARGE_RING, PEERS, Program, assert_whole, free_port, is_listening, run, wait_until
from servers import HERE, PYTHON, HaproxyTcp, PythonServer, Stunnel, Tinyproxy

SHORT = 3000  # connections, each with one exchange


def whole(objects):
    """How many of them were answered, by status, and the flags of all."""
    flags = collections.Counter(flag for one in objects for flag in one.get("hark.flags", []))
    return collections.Counter(one.get("http.response.status_code") for one in objects), flags


@pytest.mark.alone
@pytest.mark.parametrize("at_once", [1, 20])
def test_addresses_used_again_at_once(hark, nginx, capture, at_once):
    """ab makes and frees an SSL object a connection, and so does nginx."""
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{nginx.tls}", verbose=0) as watch:
        client = run("ab", "-q", "-n", SHORT, "-c", at_once, f"https://127.0.0.1:{nginx.tls}/one", deadline_s=120)
        watch.wait_for(SHORT, nginx)
        watch.wait_for(SHORT, client)
    assert "Complete requests:      3000" in client.text, client.text
    watch.assert_nothing_lost()
    for who in (nginx, client):
        statuses, flags = whole(watch.of(who))
        assert statuses == {200: SHORT} and not flags, (statuses, flags)


@pytest.mark.alone
def test_many_short_programs(hark, nginx, capture):
    """Several hundred curls, many of them at the same address in processes that ended before."""
    count = 500
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{nginx.tls}", verbose=0) as watch:
        run("sh", "-c", f"seq {count} | xargs -P 40 -I{{}} curl -sk --http1.1 -o /dev/null "
                        f"'https://127.0.0.1:{nginx.tls}/one?n={{}}'", deadline_s=120)
        watch.wait_for(count, nginx)
        watch.wait_for(count, process_executable_name="curl", network_peer_port=nginx.tls)
    for seen in (watch.of(nginx), watch.of(process_executable_name="curl", network_peer_port=nginx.tls)):
        statuses, flags = whole(seen)
        assert statuses == {200: count} and not flags, (statuses, flags)
        assert len({one["url.query"] for one in seen}) == count


@pytest.mark.parametrize("way", ["again", "clear"])
def test_one_object_after_another(hark, nginx, capture, way):
    """The same address for each connection, by SSL_free() and SSL_new() or by SSL_clear() and SSL_set_fd()."""
    rounds = 100
    with hark("--capture", capture, f"port:{nginx.tls}", verbose=0) as watch:
        client = run(PEERS / "callbacks", way, nginx.tls, rounds)
        watch.wait_for(rounds, nginx)
        watch.wait_for(rounds, client)
    assert client.text == "done\n"
    watch.assert_nothing_lost()
    for who in (client, nginx):
        seen = watch.of(who)
        assert [one["url.query"] for one in seen] == [f"n={n}" for n in range(rounds)]
        statuses, flags = whole(seen)
        assert statuses == {200: rounds} and not flags
        assert len({one["hark.connection"] for one in seen}) == rounds


# --- what moves inside a call --------------------------------------------------


def targets(objects):
    """The query asked of which port, over TLS or not, and the status."""
    return sorted((one.get("url.query"), one["network.peer.port"], one["tls"], one.get("http.response.status_code"))
                  for one in objects)


def assert_no_loss(watch):
    watch.assert_nothing_lost()
    assert watch.stats["returns.refused"] == 0


def test_a_message_callback_asks_another_server(hark, nginx, capture):
    with hark("--capture", capture, f"port:{nginx.tls},{nginx.http}") as watch:
        client = run(PEERS / "callbacks", "message", nginx.http, nginx.tls)
        watch.wait_for(2, client)
        watch.wait_for(2, nginx)
    assert client.text == "done\n"
    assert targets(watch.of(client)) == [("clear", nginx.http, False, 200), ("n=0", nginx.tls, True, 200)]
    for who in (client, nginx):
        assert_whole(watch.of(who))
    assert_no_loss(watch)


@pytest.mark.parametrize("where", ["main", "thread"])
def test_an_sni_callback_asks_other_servers(hark, nginx, certificates, tmp_path, capture, where):
    """One of them over TLS: a session inside another one's handshake."""
    port = free_port()
    server = Program([PYTHON, HERE / "peers/callback.py", port, certificates / "cert.pem", certificates / "key.pem",
                      nginx.http, nginx.tls, where], tmp_path, ports=(port,))
    try:
        with hark("--capture", capture, f"port:{nginx.tls},{nginx.http},{port}") as watch:
            client = run("curl", "-sSk", f"https://localhost:{port}/a", f"https://localhost:{port}/b")
            watch.wait_for(2, server, hark_role="server")
            watch.wait_for(2, server, hark_role="client")
    finally:
        server.stop()
    assert client.text == "/a [200, 200]\n/b [200, 200]\n"
    assert targets(watch.of(server, hark_role="client")) == [("clear", nginx.http, False, 200),
                                                             ("tls", nginx.tls, True, 200)]
    served = watch.of(server, hark_role="server")
    assert [(one["url.path"], one["network.local.port"], one["tls"]) for one in served] == [("/a", port, True), ("/b", port, True)]
    for who in (client, server, nginx):
        assert_whole(watch.of(who))
    assert_no_loss(watch)


@pytest.mark.parametrize("way", ["connect", "fetch", "foreign"])
def test_node_writes_in_secure_connect(hark, nginx, capture, way, tmp_path):
    """The first request of a connection is written inside the SSL_read that ends its handshake."""
    # There before hark, so that its OpenSSL is probed by then: looking through 100 MB takes longer than one request.
    known = Program(["node", "-e", "setInterval(() => {}, 1000)"], tmp_path)
    try:
        with hark("--capture", capture) as watch:
            client = run("node", HERE / "peers/secure.js", way, nginx.tls, nginx.http, env={"NODE_NO_WARNINGS": "1"})
            watch.wait_for(3 if way == "foreign" else 2, client)
            watch.wait_for(3 if way == "foreign" else 2, nginx)
    finally:
        known.stop()
    assert client.text == "done\n"
    seen = watch.of(client)
    assert sorted(one["url.query"] for one in seen) == (["first", "foreign", "second"] if way == "foreign" else ["first", "second"])
    for one in seen:
        assert one["tls"] is (one["url.query"] != "foreign") and one["http.response.status_code"] == 200
        assert one["network.peer.port"] == (nginx.http if one["url.query"] == "foreign" else nginx.tls)
    assert_whole(seen)
    assert_whole(watch.of(nginx))


@pytest.fixture
def proxies(tmp_path, certificates):
    """(stunnel, tinyproxy behind it): a proxy that is spoken to by TLS."""
    tinyproxy = Tinyproxy(tmp_path)
    stunnel = Stunnel(tmp_path, certificates, tinyproxy.port)
    yield stunnel, tinyproxy
    stunnel.stop()
    tinyproxy.stop()


def test_tls_in_tls(hark, nginx, proxies, capture):
    """curl through an https proxy: the session with the server is in the plaintext of that with the proxy."""
    stunnel, tinyproxy = proxies
    with hark("--capture", capture, f"port:{nginx.tls},{stunnel.port},{tinyproxy.port}") as watch:
        client = run("curl", "-sSk", "--proxy-insecure", "--proxy", f"https://127.0.0.1:{stunnel.port}",
                     f"https://127.0.0.1:{nginx.tls}/one?a", f"https://127.0.0.1:{nginx.tls}/small.txt?b")
        watch.wait_for(2, nginx)
        watch.wait_for(3, client)
        watch.wait_for(1, tinyproxy)
    assert len(client.out) == 1001
    seen = watch.of(client)
    assert [(one["http.request.method"], one.get("url.query"), one["http.response.status_code"], one["tls"],
             one["network.peer.port"], one.get("http.response.body.size")) for one in seen] == [
        ("CONNECT", None, 200, True, stunnel.port, 0),
        ("GET", "a", 200, True, stunnel.port, 1), ("GET", "b", 200, True, stunnel.port, 1000)]
    assert [one.get("hark.flags") for one in seen] == [["upgraded"], None, None]
    assert [one["url.query"] for one in watch.of(nginx)] == ["a", "b"]
    assert_whole(watch.of(nginx))
    assert_no_loss(watch)


# --- when ----------------------------------------------------------------------

ASK_MANY = """
import http.client, ssl, sys
c = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=ssl._create_unverified_context())
for i in range(int(sys.argv[2])):
    c.request("GET", f"/{sys.argv[3]}?n={i}")
    c.getresponse().read()
"""


@pytest.mark.parametrize("name", ["one", "medium.bin"])
@pytest.mark.parametrize("which", ["nginx", "python_https"])
def test_the_server_is_never_slower_than_its_client_sees(hark, request, capture, which, name):
    """A request begins when its first call is entered, an answer ends when the socket had taken it."""
    # Python answers in two packets, of which the second waits 40 ms for an acknowledgement.
    server, count = request.getfixturevalue(which), 60 if which == "python_https" else 300
    port = server.port if which == "python_https" else server.tls
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{port}", verbose=0) as watch:
        client = run(PYTHON, "-c", ASK_MANY, port, count, name)
        watch.wait_for(count, server)
        watch.wait_for(count, client)
    asked = {one["url.query"]: one for one in watch.of(client)}
    served = {one["url.query"]: one for one in watch.of(server)}
    assert len(asked) == len(served) == count
    for query, one in asked.items():
        other = served[query]
        assert one["time"] <= other["time"], (one, other)
        for key in ("hark.duration_ms", "hark.ttfb_ms"):
            assert 0 < other[key] <= one[key], (key, one, other)


# --- early data ----------------------------------------------------------------


class Talker:
    """openssl s_server or s_client: what it says comes to a file, what it is told goes to its peer."""

    def __init__(self, folder, *words):
        self.path = folder / f"{words[0]}-{time.monotonic_ns()}.log"
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen(["openssl", *map(str, words)], stdin=subprocess.PIPE, stdout=log,
                                            stderr=subprocess.STDOUT, cwd=folder)
        self.pid, self.pids = self.process.pid, {self.process.pid}

    def wait_said(self, text, times=1):
        wait_until(lambda: self.path.read_bytes().count(text) >= times, f"{text} in {self.path}")

    def tell(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def start_s_server(folder, certificates, *words, port=None):
    port = port or free_port()
    server = Talker(folder, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificates / "cert.pem", "-key",
                    certificates / "key.pem", "-tls1_3", "-early_data", "-no_anti_replay", *words)
    wait_until(lambda: is_listening(port), "s_server")
    server.port = port
    return server


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%d\n"


def early_round(folder, server, answers_early):
    """s_client with GET /early as early data and GET /real after the handshake; the client."""
    client = Talker(folder, "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_3", "-sess_in", "ticket",
                    "-early_data", "early", "-quiet")
    try:
        if answers_early:
            server.wait_said(b"GET /early")
            server.tell(ANSWER % 1)
            client.wait_said(b"\r\n\r\n1\n")
        client.tell(get("/real"))
        server.wait_said(b"GET /real", 2)
        server.tell(ANSWER % 2)
        client.wait_said(b"\r\n\r\n2\n")
    finally:
        client.end()
    return client


@pytest.mark.parametrize("fate", ["accepted", "unknown ticket", "other group"])
def test_early_data(hark, certificates, tmp_path, capture, fate):
    """Early data that the server refused it never read: no request."""
    first = start_s_server(tmp_path, certificates)
    second = start_s_server(tmp_path, certificates, *(["-groups", "P-384"] if fate == "other group" else []))
    server = first if fate == "accepted" else second
    (tmp_path / "early").write_bytes(get("/early"))
    try:
        ticket = Talker(tmp_path, "s_client", "-connect", f"127.0.0.1:{first.port}", "-tls1_3", "-sess_out", "ticket", "-quiet")
        ticket.tell(get("/real"))
        first.wait_said(b"GET /real")
        first.tell(ANSWER % 0)
        ticket.wait_said(b"\r\n\r\n0\n")
        wait_until((tmp_path / "ticket").exists, "the ticket")
        ticket.end()
        if server is second:
            before = Talker(tmp_path, "s_client", "-connect", f"127.0.0.1:{second.port}", "-tls1_3", "-quiet")
            before.tell(get("/real"))
            second.wait_said(b"GET /real")
            before.end()
        with hark("--capture", capture) as watch:
            client = early_round(tmp_path, server, fate == "accepted")
            wanted = 2 if fate == "accepted" else 1
            watch.wait_for(wanted, client)
            watch.wait_for(wanted, server)
    finally:
        first.end()
        second.end()
    paths = ["/early", "/real"] if fate == "accepted" else ["/real"]
    for who in (client, server):
        seen = watch.of(who)
        assert [(one["url.path"], one.get("http.response.status_code")) for one in seen] == [(path, 200) for path in paths]
        assert_whole(seen)


# --- what is said of others' TLS -----------------------------------------------

RELAY = "a relay of others' TLS, which only the two ends can read"


@pytest.mark.parametrize("kind", ["connect", "tcp"])
def test_a_relay_is_a_relay(hark, nginx, tmp_path, capture, kind):
    """A CONNECT tunnel, and a proxy that hands bytes through (and has OpenSSL mapped)."""
    relay = Tinyproxy(tmp_path) if kind == "connect" else HaproxyTcp(tmp_path, nginx.tls)
    words = ["--proxy", f"http://127.0.0.1:{relay.port}"] if kind == "connect" else []
    port = nginx.tls if kind == "connect" else relay.port
    try:
        with hark("--capture", capture, view=("conns",)) as watch:
            client = run("curl", "-sSk", *words, f"https://127.0.0.1:{port}/one")
            watch.wait_for(2, relay)
            watch.wait_for(1, client)
    finally:
        relay.stop()
    conns = watch.of(relay)
    assert len(conns) == 2 and all(one["tls"] for one in conns), conns
    for one in conns:
        assert one["hark.opaque"] == RELAY and "relayed" in one["hark.flags"], one
    for one in watch.of(client) + watch.of(nginx):
        assert "hark.opaque" not in one and "relayed" not in one.get("hark.flags", []), one


def start_h2o(folder, certificates):
    port = free_port()
    (folder / "www").mkdir()
    (folder / "www/one").write_text("1")
    (folder / "h2o.conf").write_text(f"""
listen: {{ host: 127.0.0.1, port: {port}, ssl: {{ certificate-file: {certificates}/cert.pem, key-file: {certificates}/key.pem }} }}
user: root
num-threads: 1
hosts: {{ default: {{ paths: {{ /: {{ file.dir: {folder}/www }} }} }} }}
""")
    return port, Program(["h2o", "-c", folder / "h2o.conf"], folder, ports=(port,))


def start_asyncio(folder, certificates):
    server = PythonServer(folder, "own-ciphertext", certificates / "cert.pem", certificates / "key.pem")
    return server.port, server


# Debian has no h2o after 12.
@pytest.mark.parametrize("start", [start_asyncio, *[start_h2o] * bool(shutil.which("h2o"))])
def test_own_ciphertext_is_read_and_no_stranger(hark, certificates, tmp_path, capture, start):
    """The server gives its ciphertext to the socket by itself: what is read is not reported as unread."""
    port, server = start(tmp_path, certificates)
    try:
        with hark("--capture", capture) as watch:
            client = run("curl", "-sSk", "--http1.1", f"https://127.0.0.1:{port}/one", f"https://127.0.0.1:{port}/one")
            watch.wait_for(2, server)
    finally:
        server.stop()
    for who in (client, server):
        assert [(one["url.path"], one["http.response.status_code"], one["tls.library"]) for one in watch.of(who)] == \
            [("/one", 200, "openssl")] * 2
    assert not [line for line in watch.talk if "not read" in line and f"[{server.pid}]" in line]
