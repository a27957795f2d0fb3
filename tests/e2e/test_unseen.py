# SPDX-License-Identifier: Apache-2.0
"""Traffic that cannot be read is told of: TLS of an unknown library, UDP port 443, io_uring. And what stands before or
around the bytes that can: PROXY prefaces, CONNECT tunnels, containers."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile

import pytest

import servers
from harness import DEADLINE_S, HARK, JAVA, PEERS, Gate, Program, assert_whole, briefs, run, wait_until
from servers import PYTHON, PythonServer

CURL = ["curl", "-sk", "--max-time", "20"]
WHY = "Java's own TLS, which hark does not follow"


class Traced:
    """hark -- COMMAND, in text; other programs of the machine do not show."""

    def __init__(self, folder, options, command):
        self.text_path, stats = (pathlib.Path(tempfile.mkstemp(dir=folder)[1]) for _ in range(2))
        self.done = run(HARK, *options, "-o", f"text:{self.text_path}", "--stats-json", stats, "--", *command)
        self.lines = self.text_path.read_text().splitlines()
        self.talk = self.done.err.decode()
        self.stats = json.loads(stats.read_text())


@pytest.fixture
def trace(tmp_path):
    return lambda *command, options=(): Traced(tmp_path, options, command)


# --- TLS whose plaintext is not seen -------------------------------------------


def test_opaque_tls_is_told(trace, nginx, localhost, capture):
    """Java's TLS is its own, in no library."""
    seen = trace(*JAVA, f"https://{localhost}:{nginx.tls}/one", options=("--capture", capture))
    assert len(seen.lines) == 1, seen.lines
    assert re.search(rf"java\[(\d+)\] .* \S+:{nginx.tls} .*TLS 1\.[23] sni=localhost not read: {WHY} "
                     r"\(hark doctor \1 says more\)$", seen.lines[0]), seen.lines
    assert seen.stats["connections.opaque"] == 1
    assert re.search(r"^hark: .*; not read: 1 TLS connection \(hark doctor\)", seen.talk, re.M)
    assert seen.stats["bytes.ciphertext"] > 1000 and seen.stats["bytes.lost"] == 0
    assert seen.stats["bytes.moved"] == seen.stats["bytes.copied"] + seen.stats["bytes.skipped"]


def test_opaque_lines_that_say_the_same_are_one(trace, nginx, localhost, tmp_path):
    urls = [f"https://{localhost}:{nginx.tls}/one"] * 10
    seen = trace(*JAVA, *urls, options=("-o", f"json:{tmp_path}/all.json"))
    assert len(seen.lines) == 1 and seen.lines[0].endswith(" says more)"), seen.lines
    assert seen.stats["connections.opaque"] == 10 and "not read: 10 TLS connections (hark doctor)" in seen.talk
    seen = run(HARK, "conns", "-o", f"json:{tmp_path}/conns.json", "--", *JAVA, *urls)
    told = [json.loads(line) for line in (tmp_path / "conns.json").read_text().splitlines()]
    assert [one["hark.opaque"] for one in told] == [WHY] * 10
    talk = run(HARK, "-o", "json", "--", *JAVA, *urls).err.decode()
    assert talk.count(": not read: ") == 1, talk


def test_opaque_line_comes_while_it_is_open(hark, nginx, localhost, tmp_path):
    """A request that is not answered before the line is there."""
    text, gate = tmp_path / "watch.txt", Gate(tmp_path)
    with hark("-o", f"text:{text}"):
        with subprocess.Popen([*JAVA, f"https://{localhost}:{nginx.tls}/wait/until{gate.path}"]) as client:
            try:
                wait_until(lambda: f"java[{client.pid}]" in text.read_text(errors="replace"), "the line about java")
            finally:
                gate.open()
    assert text.read_text(errors="replace").count(f"java[{client.pid}]") == 1


def test_opaque_connection_in_json(hark, nginx, localhost, python_https, capture):
    """TLS 1.2 or 1.3 with nginx, as its build likes; 1.3 with Python."""
    ports = (nginx.tls, python_https.port)
    with hark("--capture", capture, "port:{},{}".format(*ports), view=("conns",)) as watch:
        clients = [run(*JAVA, f"https://{localhost}:{port}/one") for port in ports]
        for client in clients:
            watch.wait_for(1, client)
    for client, versions in zip(clients, ({"1.2", "1.3"}, {"1.3"})):
        (conn,) = watch.of(client)
        assert conn["hark.opaque"] == WHY and conn["tls"] is True
        assert conn["tls.client.server_name"] == "localhost"
        assert conn["tls.protocol.version"] in versions
        assert "tls.next_protocol" not in conn and "hark.tls.alpn_offered" not in conn  # Fetch offers none


def test_opaque_without_text_is_told_on_stderr(hark, nginx, localhost):
    with hark(f"port:{nginx.tls}") as watch:  # a few lines are told, which others' connections would take
        client = run(*JAVA, f"https://{localhost}:{nginx.tls}/one")
    told = [line for line in watch.talk if f"java[{client.pid}]" in line]
    assert len(told) == 1 and "sni=localhost" in told[0] and WHY in told[0]


HELLO = r"""
import socket, ssl, sys
context = ssl._create_unverified_context()
context.set_alpn_protocols(["h2", "http/1.1"])
context.maximum_version = getattr(ssl.TLSVersion, sys.argv[2])
answers, hello = ssl.MemoryBIO(), ssl.MemoryBIO()
try:
    context.wrap_bio(answers, hello, server_hostname="some.example").do_handshake()
except ssl.SSLWantReadError:
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    s.sendall(hello.read())
    s.recv(65536)
"""


@pytest.mark.parametrize("version, alpn", [("TLSv1_2", "h2"), ("TLSv1_3", "h2,http/1.1?")])
def test_protocols_of_the_hellos(trace, hark, nghttpd, version, alpn):
    """A client that goes away after the server's hello: no session ever comes up."""
    seen = trace(PYTHON, "-c", HELLO, nghttpd.port, version)
    number = version[-3:].replace("_", ".")
    assert [line for line in seen.lines if f"TLS {number} sni=some.example alpn={alpn} not read" in line], seen.lines
    with hark(view=("conns",)) as watch:
        client = run(PYTHON, "-c", HELLO, nghttpd.port, version)
        watch.wait_for(1, client)
    (conn,) = watch.of(client)
    assert conn["hark.tls.alpn_offered"] == ["h2", "http/1.1"]
    assert conn.get("tls.next_protocol") == ("h2" if version == "TLSv1_2" else None)


# A request leaves when hark has waited in vain for plaintext (OPAQUE_WAIT_NS, 0.4 s): it may not have judged by then.
ASYNCIO = r"""
import asyncio, ssl, sys
async def main():
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]), ssl=ssl._create_unverified_context())
    for close in (b"keep-alive", b"close"):
        await asyncio.sleep(0.6)
        writer.write(b"GET /one HTTP/1.1\r\nHost: apart\r\nConnection: " + close + b"\r\n\r\n")
    await reader.read()
    writer.close()
asyncio.run(main())
"""


def test_never_where_plaintext_is_seen(trace, nginx, localhost, capture):
    """curl's sessions show their sockets; asyncio's do by their hellos, for it moves the ciphertext by itself."""
    for command in ([*CURL, "-o", "/dev/null", f"https://{localhost}:{nginx.tls}/one"],
                    [PYTHON, "-c", ASYNCIO, nginx.tls]):
        seen = trace(*command, options=("--capture", capture))
        assert len(seen.lines) == (1 if command[0] == "curl" else 2), seen.lines
        assert all("GET" in line and " 200 " in line for line in seen.lines)
        assert seen.stats["connections.opaque"] == 0
        assert seen.stats["connections.unbound"] == seen.stats["tls.unbound"] == 0


@pytest.mark.alone
@pytest.mark.parametrize("words", [["port:{}"], ["port:{},1", "method:GET"], ["peer:127.0.0.1"], ["port:{}", "method:POST"]])
def test_what_a_port_filter_cannot_know_is_said(hark, trace, nginx, tmp_path, capture, words):
    """Nobody knows the ports of TLS in memory buffers that is older than hark, in a program that does not say where its
    ciphertext goes: it stays out, counted and said once."""
    words = [word.format(nginx.tls) for word in words]
    gate = Gate(tmp_path)
    client = Program([PEERS / "memory", nginx.tls, gate.path], tmp_path)
    wait_until(lambda: "connected" in client.log(), "its connection")
    with hark("--capture", capture, *words) as watch:
        gate.open()
        assert client.process.wait(DEADLINE_S) == 0
    other = words[-1] == "method:POST"
    assert watch.of(client) == []
    assert watch.stats["filter.no_address"] == (0 if other else 2)
    assert len([line for line in watch.talk if "keeps its TLS in memory buffers" in line]) == (not other), watch.talk
    seen = trace(*CURL, "-o", "/dev/null", f"https://127.0.0.1:{nginx.tls}/one", options=("--capture", capture, *words[:1]))
    assert len(seen.lines) == 1 and seen.stats["filter.no_address"] == 0


# --- UDP and io_uring ------------------------------------------------------------

DATAGRAMS = r"""
import socket, sys
address = (sys.argv[1], 443)
def udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server, connected, sending, other = udp(), udp(), udp(), udp()
server.bind(address)
connected.connect(address)
for _ in range(3):
    connected.send(b"ask")
    _, peer = server.recvfrom(100)
    server.sendto(b"answer", peer)
    connected.recv(100)
sending.sendto(b"ask", address)
server.recv(100, socket.MSG_PEEK)
_, peer = server.recvfrom(100)
sending.sendmsg([b"a", b"sk"], [], 0, address)
server.recv(100)
other.bind((sys.argv[1], 0))
other.sendto(b"no", other.getsockname())
other.recv(100)
"""


def test_udp_443_is_counted_and_named(trace, capture):
    """Each of the three sockets is told of, whichever way the address was given; other ports do not count."""
    address = f"127.{os.getpid() % 200 + 1}.{os.getpid() // 200 % 250}.9"
    seen = trace(PYTHON, "-c", DATAGRAMS, address, options=("--capture", capture))
    told = [line for line in seen.lines if f"UDP {address}:443: HTTP/3 (QUIC) is not read" in line]
    assert len(told) == len(seen.lines) == 1 and told[0].endswith(" is not read"), seen.lines
    assert all("python3" in line for line in told)
    assert seen.stats["transfers.udp_443"] == 16
    assert "not read: 16 datagrams of UDP port 443 (hark doctor)" in seen.talk


def test_udp_443_without_text_is_told_on_stderr(hark, tmp_path):
    address = f"127.{os.getpid() % 200 + 1}.{os.getpid() // 200 % 250}.10"
    with hark("port:443") as watch:
        client = run(PYTHON, "-c", DATAGRAMS, address)
    assert sum(f"[{client.pid}] UDP {address}:443" in line for line in watch.talk) == 1, "three that say the same"


# A datagram that begins a QUIC connection, by each call that moves datagrams, between two sockets of its own; with it one
# that is short and one that is long and no QUIC: before it, but on port 443, where those alone would be told of.
QUIC = r"""
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
initial = open(sys.argv[1], "rb").read()
datagrams = [b"short", b"\xc0\0\0\0\5" + bytes(1300), initial]
if sys.argv[3] == "443":
    datagrams.reverse()
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_size", ctypes.c_uint), ("vectors", ctypes.POINTER(Vector)),
                ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t),
                ("flags", ctypes.c_size_t), ("moved", ctypes.c_uint)]
def messages(buffers):
    vectors = [Vector(ctypes.addressof(buffer), len(buffer)) for buffer in buffers]
    return (Message * len(buffers))(*[Message(vectors=ctypes.pointer(one), count=1) for one in vectors]), vectors
def send_all(s, datagrams):
    buffers = [(ctypes.c_char * len(one)).from_buffer_copy(one) for one in datagrams]
    all, kept = messages(buffers)
    assert libc.sendmmsg(s.fileno(), all, len(buffers), 0) == len(buffers)
def receive_all(s, n):
    buffers = [(ctypes.c_char * 2000)() for _ in range(n)]
    all, kept = messages(buffers)
    done = 0
    while done < n:
        done += libc.recvmmsg(s.fileno(), ctypes.byref(all, done * ctypes.sizeof(Message)), n - done, 0x10000, None)
def each(call):
    return lambda s, datagrams: [call(s, one) for one in datagrams]
ways = [
    (each(lambda s, one: s.send(one)), each(lambda s, one: s.recv(2000))),
    (each(lambda s, one: s.sendto(one, s.getpeername())), each(lambda s, one: s.recvfrom(2000))),
    (each(lambda s, one: s.sendmsg([one])), each(lambda s, one: s.recvmsg(2000))),
    (each(lambda s, one: os.write(s.fileno(), one)), each(lambda s, one: os.read(s.fileno(), 2000))),
    (send_all, lambda s, datagrams: receive_all(s, len(datagrams))),
]
for send, receive in ways:
    client, server = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    server.bind((sys.argv[2], int(sys.argv[3])))
    client.connect(server.getsockname())
    send(client, datagrams)
    receive(server, datagrams)
    client.close()
    server.close()
"""
INITIAL = pathlib.Path(__file__).resolve().parents[2] / "testdata/fuzz/quic_initial"


@pytest.mark.parametrize("rfc, port", [("rfc9001_a2", 0), ("rfc9369_a2", 443)])
def test_quic_is_told_by_name(trace, capture, rfc, port, tmp_path):
    """Both sides of each connection, once, on any port; a recording tells the same, redacted or not."""
    address = f"127.{os.getpid() % 200 + 1}.{os.getpid() // 200 % 250}.11"
    seen = trace(PYTHON, "-c", QUIC, INITIAL / rfc, address, port,
                 options=("--capture", capture, "-w", tmp_path / "quic.rec"))
    told = seen.lines
    assert told and all(re.search(r" python3\S*\[\d+\] .* QUIC sni=example\.com alpn=alpn\? not read: QUIC, which hark "
                                  r"does not read$", line) for line in told), seen.lines
    assert any(f" {address}:" in line for line in told)
    assert seen.stats["connections.quic"] == seen.stats["transfers.quic"] == 10
    assert seen.stats["transfers.udp_443"] == (30 if port else 0)
    assert seen.stats["quic.unnamed"] == seen.stats["limit.datagrams"] == seen.stats["faults"] == 0
    assert run(HARK, "replay", tmp_path / "quic.rec", "-o", "text").text.splitlines() == seen.lines
    seen = trace(PYTHON, "-c", QUIC, INITIAL / rfc, address, port,
                 options=("--capture", capture, "--redacted", "-w", tmp_path / "redacted.rec"))
    assert seen.stats["connections.quic"] == 10 and seen.stats["record.dropped"] == 0
    assert run(HARK, "replay", tmp_path / "redacted.rec", "-o", "text").text.splitlines() == seen.lines


def test_io_uring_is_counted_and_named(trace):
    """Only the socket layer's tracepoints see such transfers: no system call moves the bytes."""
    seen = trace(PEERS / "sockets", "io_uring", "4", "2", options=("-v", "--capture", "socket"))
    told = [line for line in seen.lines if "what moves through io_uring is not read" in line]
    assert len(told) == 2 and all("sockets[" in line for line in told), seen.lines
    assert seen.stats["transfers.io_uring"] >= 2


# --- containers --------------------------------------------------------------------


# Whoever has ended is in no container any more: it stays until it was seen.
ASKS_AND_STAYS = """
import sys, urllib.request, urllib.error
try:
    urllib.request.urlopen(sys.argv[1])
except urllib.error.HTTPError:
    pass
sys.stdin.read()
"""


def test_container_id(hark, nginx, cgroup, capture, tmp_path):
    """A client in a container's cgroup and one in a unit's; the recording knows both."""
    number = f"{os.getpid():08x}" * 8
    unit = f"hark-test-{os.getpid()}.service"
    places = {number: cgroup(f"docker-{number}.scope"), unit: cgroup(unit)}
    recording = tmp_path / "containers.rec"
    clients = {}
    with hark("--capture", capture, "-w", recording) as watch:
        for name, place in places.items():
            words = ["sh", "-c", f"echo $$ > {place}/cgroup.procs; exec {PYTHON} -c '{ASKS_AND_STAYS}' "
                                 f"http://127.0.0.1:{nginx.http}/{name}"]
            with subprocess.Popen(words, stdin=subprocess.PIPE) as clients[name]:
                watch.wait_for(1, clients[name].pid)
    replayed = [json.loads(line) for line in run(HARK, "replay", recording, "-o", "json").text.splitlines()]
    for objects in (watch.objects, replayed):
        for name, client in clients.items():
            assert [one["container.id"] for one in objects if one.get("process.pid") == client.pid] == [name]


@contextlib.contextmanager
def state_file(path, text):
    """As an engine writes it; the folders that it had to make are removed at the end."""
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    try:
        yield
    finally:
        path.unlink()
        for folder in made:
            with contextlib.suppress(OSError):  # another engine's, or test's, by now
                folder.rmdir()


def test_names_of_a_pod(hark, nginx, cgroup, tmp_path):
    """What containerd writes down of a pod's container is known of what runs in it, live and of a recording."""
    number, uid = f"{os.getpid():08x}" * 8, f"{os.getpid():08x}-1111-2222-3333-444444444444"
    pod = f"kubepods-besteffort-pod{uid.replace('-', '_')}.slice"
    cgroup(pod)
    place = cgroup(f"{pod}/cri-containerd-{number}.scope")
    state = pathlib.Path(f"/run/containerd/io.containerd.runtime.v2.task/k8s.io/{number}/config.json")
    name, namespace = f"web-{os.getpid()}", "shop\x1b[2J"  # who can write there can write anything
    labels = {"container-name": "nginx", "container-type": "container", "sandbox-name": name, "sandbox-namespace": namespace}
    recording = tmp_path / "pods.rec"
    with state_file(state, json.dumps({"annotations": {f"io.kubernetes.cri.{key}": text for key, text in labels.items()}})), \
            hark("-w", recording, f"pod:{name}") as watch:
        run("curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/outside")
        words = ["sh", "-c", f"echo $$ > {place}/cgroup.procs; exec {PYTHON} -c '{ASKS_AND_STAYS}' "
                             f"http://127.0.0.1:{nginx.http}/inside"]
        with subprocess.Popen(words, stdin=subprocess.PIPE) as client:
            watch.wait_for(1, client.pid)
    replayed = [json.loads(line) for line in run(HARK, "replay", recording, f"pod:{name}", "-o", "json").text.splitlines()]
    names = {"container.id": number, "k8s.pod.name": name, "k8s.pod.uid": uid, "k8s.namespace.name": namespace,
             "k8s.container.name": "nginx"}
    for objects in (watch.objects, replayed):
        (one,) = objects
        assert one["url.path"] == "/inside"
        assert {key: one.get(key) for key in names} == names
    assert "container.name" not in one and "hark.pod.hostname" not in one and "hark.systemd.unit" not in one
    table = run(HARK, "replay", recording, "stat", "--by", "pod", f"pod:{name}").text
    assert f"/{name}" in table and "\x1b" not in table, table
    (row,) = map(json.loads, run(HARK, "replay", recording, "stat", "--by", "pod", "-o", "json", f"namespace:shop*").text.splitlines())
    assert (row["k8s.namespace.name"], row["k8s.pod.name"], row["count"]) == (namespace, name, 1)
    (row,) = map(json.loads, run(HARK, "replay", recording, "stat", "--by", "unit", "-o", "json", "container:nginx").text.splitlines())
    assert row["count"] == 1 and "hark.systemd.unit" not in row


# --- in front of the bytes, and around them ------------------------------------------


@pytest.fixture
def haproxy(tmp_path, nginx):
    server = servers.Haproxy(tmp_path, nginx.proxied)
    yield server
    server.stop()


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_proxy_preface(hark, nginx, haproxy, kind, capture):
    """haproxy says who the client is before it passes the request on: three sides, each whole."""
    with hark("--capture", capture) as watch:
        client = run(*CURL, f"http://127.0.0.1:{getattr(haproxy, kind)}/small.txt")
        watch.wait_for(2, haproxy)
        watch.wait_for(1, nginx)
    assert len(client.out) == 1000
    for seen in (watch.of(client, hark_role="client"), watch.of(haproxy, hark_role="server"),
                 watch.of(haproxy, hark_role="client"), watch.of(nginx)):
        assert briefs(seen) == ["GET /small.txt 200 0 1000"]
        assert_whole(seen)


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_connect_tunnel(hark, nginx, tmp_path, http, capture):
    """CONNECT ends at both sides of it; what goes through the tunnel shows at its ends and not in its middle."""
    proxy, text = PythonServer(tmp_path, "connect"), tmp_path / "watch.txt"
    try:
        with hark("--capture", capture, "-o", f"text:{text}") as watch:
            client = run(*CURL, http, "-x", f"http://127.0.0.1:{proxy.port}",
                         f"https://127.0.0.1:{nginx.tls}/small.txt")
            watch.wait_for(2, client)
            watch.wait_for(1, nginx)
            watch.wait_for(1, proxy)
    finally:
        proxy.stop()
    assert len(client.out) == 1000
    connect, inner = watch.of(client)
    (through,) = watch.of(proxy)
    for one in (connect, through):
        assert (one["http.request.method"], one["http.response.status_code"], one["hark.flags"]) == \
            ("CONNECT", 200, ["upgraded"])
    assert inner["tls"] is True and "hark.flags" not in inner
    assert inner["network.protocol.version"] == ("2" if http == "--http2" else "1.1")
    assert briefs([inner]) == briefs(watch.of(nginx)) == ["GET /small.txt 200 0 1000"]
    unread = [line for line in text.read_text().splitlines() if "not read" in line]
    relayed = [line for line in unread if "a relay of others' TLS" in line and f"[{proxy.pid}]" in line]
    assert len(relayed) == 2, "the proxy's two connections"
    assert all(f"[{client.pid}]" not in line for line in unread)
