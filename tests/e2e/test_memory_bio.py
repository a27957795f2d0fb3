# SPDX-License-Identifier: Apache-2.0
"""Programs that give their ciphertext to the socket by themselves: each exchange has its connection, and the right one."""
import pytest

from harness import LARGE_RING, Program, assert_whole, free_port, run
from servers import HERE, PYTHON

COUNT = 200
JS, PY = ["node", HERE / "peers/many.js"], [PYTHON, HERE / "peers/many.py"]


@pytest.fixture
def known(tmp_path):
    """Programs of each kind that were there before hark: their libraries are probed by then."""
    started = [Program(["node", "-e", "setInterval(() => {}, 1000)"], tmp_path),
               Program([PYTHON, "-c", "import ssl, signal; signal.pause()"], tmp_path)]
    yield
    for one in started:
        one.stop()


def ports_of(client):
    """What it said: which exchange went over the connection of which port; None: it cannot tell."""
    said = dict(line.split() for line in client.text.splitlines())
    assert len(said) == COUNT, client.text
    return {int(n): int(port) if port.isdigit() else None for n, port in said.items()}


def number_of(one):
    return int(one["url.query"].removeprefix("n=") if "url.query" in one else one["url.path"].removeprefix("/many/"))


def assert_bound(seen, key, ports, what):
    """The exchanges have their connections: `key` is the port that tells them apart, `ports` the truth."""
    told = {number_of(one): one.get(key) for one in seen}
    bound = {n: port for n, port in told.items() if port is not None}
    wrong = {n: port for n, port in bound.items() if ports[n] not in (None, port)}
    print(f"{what}: {len(bound)} of {COUNT} bound from the first exchange on, {len(wrong)} wrong")
    assert len(seen) == len(told) == COUNT
    assert not wrong
    assert len(bound) >= 0.99 * COUNT
    assert len(set(bound.values())) == len(bound) == len({one["hark.connection"] for one in seen if one.get(key)})


@pytest.mark.parametrize("way", [[*JS, "fetch"], [*JS, "https"], [*JS, "http2"], [*PY, "httpx"], [*PY, "aiohttp"]],
                         ids=lambda way: way[-1])
def test_many_clients(hark, nginx, known, capture, way):
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{nginx.tls}", verbose=0) as watch:
        client = run(*way, nginx.tls, COUNT)
        watch.wait_for(COUNT, client)
        watch.wait_for(COUNT, nginx)
    ports = ports_of(client)
    asked, served = watch.of(client), watch.of(nginx)
    # nginx has its sockets under its sessions: where the client cannot tell, it can.
    assert_bound(served, "network.peer.port", ports, "nginx")
    ports = {number_of(one): one["network.peer.port"] for one in served}
    assert_bound(asked, "network.local.port", ports, f"{way[-1]} as client, {capture}")
    for one in asked:
        assert (one["hark.role"], one["network.peer.port"], one["http.response.status_code"]) == ("client", nginx.tls, 200)
    assert_whole(asked)
    watch.assert_nothing_lost()


@pytest.mark.parametrize("way", [[*JS, "serve"], [*PY, "uvicorn"], [*PY, "hypercorn"]], ids=lambda way: way[-1])
def test_many_served(hark, known, certificates, tmp_path, capture, way):
    port = free_port()
    server = Program([*way, port, certificates / "cert.pem", certificates / "key.pem"], tmp_path, ports=(port,))
    try:
        with hark("--capture", capture, "--ring", LARGE_RING, f"port:{port}", verbose=0) as watch:
            client = run(*PY, "threads", port, COUNT)
            watch.wait_for(COUNT, client)
            watch.wait_for(COUNT, server)
    finally:
        server.stop()
    served = watch.of(server)
    assert_bound(served, "network.peer.port", ports_of(client), f"{way[-1]} as server, {capture}")
    for one in served:
        assert (one["hark.role"], one["network.local.port"], one["http.response.status_code"]) == ("server", port, 200)
    assert_whole(served)
    watch.assert_nothing_lost()


def test_both_ends_in_one_process(hark, known, certificates):
    """The two sessions of a connection know the same hellos."""
    port = free_port()
    with hark("--ring", LARGE_RING, f"port:{port}", verbose=0) as watch:
        program = run(*JS, "both", port, COUNT, certificates / "cert.pem", certificates / "key.pem")
        watch.wait_for(2 * COUNT, program)
    ports = ports_of(program)
    assert_bound(watch.of(program, hark_role="client"), "network.local.port", ports, "node as client of its own")
    assert_bound(watch.of(program, hark_role="server"), "network.peer.port", ports, "node as server of its own")
    assert_whole(watch.of(program))
    watch.assert_nothing_lost()


def test_many_calls(hark, known, certificates, tmp_path, capture):
    """gRPC's C core, both ends: a pair of BIOs, and threads that take turns."""
    port = free_port()
    server = Program([*PY, "grpc", port, certificates / "cert.pem", certificates / "key.pem"], tmp_path, ports=(port,))
    try:
        with hark("--capture", capture, "--ring", LARGE_RING, f"port:{port}", verbose=0) as watch:
            client = run(*PY, "calls", port, COUNT, certificates / "cert.pem")
            watch.wait_for(COUNT, client)
            watch.wait_for(COUNT, server)
    finally:
        server.stop()
    ports = ports_of(client)
    assert_bound(watch.of(client), "network.local.port", ports, f"grpcio as client, {capture}")
    assert_bound(watch.of(server), "network.peer.port", ports, f"grpcio as server, {capture}")
    for who, role in ((client, "client"), (server, "server")):
        assert {(one["hark.role"], one["rpc.grpc.status_code"]) for one in watch.of(who)} == {(role, 0)}
        assert_whole(watch.of(who))
    watch.assert_nothing_lost()


def test_after_another_hello(hark, known, certificates, tmp_path, capture):
    """A server that wants another hello of its client: the randoms are those of the client's and of its second answer."""
    port = free_port()
    server = Program(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificates / "cert.pem", "-key",
                      certificates / "key.pem", "-tls1_3", "-groups", "P-384", "-www", "-quiet"], tmp_path, ports=(port,))
    try:
        with hark("--capture", capture, f"port:{port}") as watch:
            client = run(*PY, "httpx", port, 1)
            watch.wait_for(1, client)
            watch.wait_for(1, server)
    finally:
        server.stop()
    for who, key in ((client, "network.local.port"), (server, "network.peer.port")):
        (one,) = watch.of(who)
        assert (one["url.query"], one[key]) == ("n=0", int(client.text.split()[1]))
