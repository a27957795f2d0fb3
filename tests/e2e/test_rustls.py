# SPDX-License-Identifier: Apache-2.0
"""rustls: hyper on tokio, which moves its connections about, and rustls's own streams, of two versions."""
import base64
import contextlib
import ssl
import subprocess

import pytest

from harness import HARK, LARGE_RING, PEERS, Gate, Program, brief, briefs, free_port, run, wait_until

CURL = ("curl", "-sS", "-k")
CURRENT, OLD = PEERS / "rustls/current", PEERS / "rustls/old"


@pytest.fixture(scope="module")
def der(certificates, scratch):
    """Certificate and key as the peers want them."""
    if not CURRENT.exists():
        pytest.skip("no crates for the peers of rustls: " + (PEERS / "rustls.why").read_text()[-300:])
    key = (certificates / "key.pem").read_text().split("-----")[2]
    (scratch / "key.der").write_bytes(base64.b64decode(key))
    (scratch / "cert.der").write_bytes(ssl.PEM_cert_to_DER_cert((certificates / "cert.pem").read_text()))
    return scratch / "cert.der", scratch / "key.der"


@contextlib.contextmanager
def serving(program, way, der, folder):
    port = free_port()
    server = Program([program, way, port, *der], folder, ports=(port,))
    server.port, server.role = port, "server"
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def hyper(der, scratch):
    with serving(CURRENT, "serve", der, scratch) as server:
        yield server


@pytest.fixture(scope="module")
def streams(der, scratch):
    """Servers of both versions. While they run their files are probed."""
    with serving(CURRENT, "stream-serve", der, scratch) as current, serving(OLD, "serve", der, scratch) as old:
        yield {CURRENT: current, OLD: old}


def size(c, n):
    return (c * 131 + n * 37) % 5000


def wanted(connections, requests):
    """By path, how large both bodies are."""
    return {f"/{c}/{n}": size(c, n) for c in range(connections) for n in range(requests)}


def assert_right(watch, client, server, connections, requests, version="1.1", library=("rustls", "rustls")):
    """All exchanges at each end, each on its own connection as the client said it: its port, and nobody else's."""
    ports = dict(line.split() for line in client.text.splitlines())
    assert len(set(ports.values())) == connections
    for who, key, name in ((client, "network.local.port", library[0]), (server, "network.peer.port", library[1])):
        seen = watch.of(who)
        assert {one["url.path"]: one["http.request.body.size"] for one in seen} == wanted(connections, requests)
        assert len(seen) == connections * requests
        for one in seen:
            c = one["url.path"].split("/")[1]
            assert one["http.request.body.size"] == one["http.response.body.size"], one
            assert (one.get(key), one["tls.library"], one["network.protocol.version"], one.get("hark.flags")) == \
                (int(ports[c]), name, version, None), one
    watch.assert_nothing_lost()


@pytest.mark.parametrize("version", ["h1", "h2"])
def test_hyper(hark, hyper, capture, version):
    """Connections at once, whose objects move after their handshake and change threads: each with its own peer."""
    with hark("--capture", capture, "--ring", LARGE_RING, "--both-ends", f"port:{hyper.port}", verbose=0) as watch:
        client = run(CURRENT, "ask", hyper.port, 30, 4, version)
        watch.wait_for(120, client)
        watch.wait_for(120, hyper)
    assert_right(watch, client, hyper, 30, 4, {"h1": "1.1", "h2": "2"}[version])


@pytest.mark.parametrize("client, server", [(OLD, CURRENT), (CURRENT, OLD)], ids=["old client", "old server"])
def test_streams(hark, streams, client, server):
    """rustls's own streams, one connection after the other in the same memory."""
    served = streams[server]
    with hark("--both-ends", f"port:{served.port}", verbose=0) as watch:
        asked = run(client, "ask" if client == OLD else "stream-ask", served.port, 8, 5)
        watch.wait_for(40, asked)
        watch.wait_for(40, served)
    assert_right(watch, asked, served, 8, 5)


def test_other_library(hark, hyper, nginx):
    """Each end has a library of its own, whichever end it is."""
    with hark("--both-ends", f"port:{hyper.port} or port:{nginx.tls}") as watch:
        client = run(*CURL, "--http2", "-d", "hello", f"https://127.0.0.1:{hyper.port}/asked")
        watch.wait_for(1, client)
        watch.wait_for(1, hyper)
    for who, library in ((client, "openssl"), (hyper, "rustls")):
        assert [(brief(one).split()[:4], one["tls.library"]) for one in watch.of(who)] == \
            [(["POST", "/asked", "200", "5"], library)]


def test_connection_from_before(hark, hyper, tmp_path):
    """hark comes later than the connection. What is sent shows whose it is: a server's first answer comes too early."""
    gate = Gate(tmp_path)
    client = Program([CURRENT, "stream-ask", hyper.port, 1, 3, gate.path], tmp_path)
    wait_until(lambda: "waits" in client.log(), "the first answer")
    with hark("--both-ends", f"port:{hyper.port}", verbose=0) as watch:
        gate.open()
        watch.wait_for(1, client)
        gate.open()
        watch.wait_for(2, client)
        watch.wait_for(1, hyper)
    assert client.process.wait(10) == 0, client.log()
    briefly = [f"POST /0/{n} 200 {size(0, n)} {size(0, n)}" for n in (1, 2)]
    for who, key, expected in ((client, "network.local.port", briefly), (hyper, "network.peer.port", briefly[1:])):
        assert [(brief(one), one[key]) for one in watch.of(who)] == [(one, int(client.log().split()[1])) for one in expected]


def test_stripped(hark, der, tmp_path):
    """Without symbols nothing of it can be followed, which the connection's line and doctor say."""
    stripped = tmp_path / "stripped"
    subprocess.run(["strip", "-o", stripped, CURRENT], check=True)
    with serving(stripped, "stream-serve", der, tmp_path) as server:
        with hark(f"port:{server.port}") as watch:
            client = run(CURRENT, "stream-ask", server.port, 1, 1)
            watch.wait_for(1, client)
            wait_until(lambda: any(f"[{server.pid}]" in line for line in list(watch.talk)), "the server's line")
        doctor = run(HARK, "doctor", server.pid, status=None).text
    why = "rustls whose functions are stripped or inlined, which hark does not follow"
    (line,) = [line for line in watch.talk if f"[{server.pid}]" in line]
    assert f"not read: {why}" in line
    assert not watch.of(server) and briefs(watch.of(client)) == ["POST /0/0 200 0 0"]
    assert "rustls whose functions are stripped or inlined" in doctor
