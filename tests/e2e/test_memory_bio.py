# SPDX-License-Identifier: Apache-2.0
"""Programs that give their ciphertext to the socket by themselves: each exchange has its connection, and the right one."""
import pytest

from harness import DEADLINE_S, GOES, LARGE_RING, PEERS, Gate, Hark, Program, assert_whole, free_port, run, wait_until
from servers import HERE, PYTHON

COUNT, KEPT, ROUNDS = 200, 100, 10
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


@pytest.mark.parametrize("wheel", [None, "grpcio-1.80.1", "grpcio-1.85.3"], ids=lambda wheel: wheel or "packaged")
def test_many_calls(hark, known, certificates, tmp_path, capture, wheel):
    """gRPC's C core, both ends: a pair of BIOs, and threads that take turns. PyPI's wheels hold BoringSSL without symbols."""
    if wheel and not (PEERS / wheel).exists():
        pytest.skip(f"{PEERS / wheel} is not there: pip could not fetch it (make peers says why)")
    port, env = free_port(), {"PYTHONPATH": str(PEERS / wheel)} if wheel else None
    server = Program([*PY, "grpc", port, certificates / "cert.pem", certificates / "key.pem"], tmp_path, ports=(port,), env=env)
    try:
        with hark("--capture", capture, "--ring", LARGE_RING, f"port:{port}", verbose=0) as watch:
            client = run(*PY, "calls", port, COUNT, certificates / "cert.pem", env=env)
            watch.wait_for(COUNT, client)
            watch.wait_for(COUNT, server)
    finally:
        server.stop()
    ports = ports_of(client)
    assert {one["tls.library"] for one in watch.of(client, server)} == {"boringssl" if wheel else "openssl"}
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


# --- sessions that are older than hark ------------------------------------------------------------


class Kept:
    """A client whose connections are there, each with an exchange behind it; go() makes the others."""

    def __init__(self, program, way, port, folder, *words):
        self.gate = Gate(folder)
        self.client = Program([*program, way, port, KEPT, ROUNDS, self.gate.path, *words], folder)
        wait_until(lambda: self.client.log().startswith("ready\n") or self.client.process.poll() is not None, f"{way}'s connections")

    def go(self, watch, *who):
        self.gate.open()
        for one in who:
            watch.wait_for(KEPT * ROUNDS, one)
        assert self.client.process.wait(DEADLINE_S) == 0, self.client.log()

    def ports(self):
        """As many.py says them."""
        said = dict(line.split() for line in self.client.log().splitlines()[1:])
        assert len(said) == KEPT, self.client.log()
        return {(int(n), k): int(port) for n, port in said.items() for k in range(1, ROUNDS + 1)}


def searches(watch, how):
    """What hark says of the libraries whose ciphertext it compares with what sockets send."""
    return [line for line in list(watch.talk) if "hark: ciphertext of " in line and f" is {how}" in line]


def kept_number_of(one):
    """Which connection, and which exchange of it."""
    text = one["url.query"].removeprefix("n=") if "url.query" in one else one["url.path"].removeprefix("/kept/")
    return tuple(map(int, text.split(".")))


def assert_found(watch, who, key, ports, what):
    """Each connection is found within ROUNDS exchanges, and none is wrong. `ports`: the truth, by exchange."""
    assert searches(watch, "compared"), "these sessions were seen to begin"
    seen = watch.of(who)
    told = {kept_number_of(one): one.get(key) for one in seen}
    assert len(seen) == len(told) == len(ports) == KEPT * ROUNDS
    wrong = [(n, port, ports[n]) for n, port in told.items() if port not in (None, ports[n])]
    bound = [sum(told[n, k] is not None for n in range(KEPT)) for k in range(1, ROUNDS + 1)]
    print(f"{what}: older than hark: bound at exchange 1 to {ROUNDS}: {bound} of {KEPT}, {len(wrong)} wrong")
    assert not wrong
    assert bound[-1] >= 0.9 * KEPT


NODE_KEPT, PYTHON_KEPT = ["node", HERE / "peers/kept.js"], [PYTHON, HERE / "peers/kept.py"]


@pytest.mark.alone
@pytest.mark.parametrize("way,capture", [([*NODE_KEPT, "fetch"], "socket"), ([*NODE_KEPT, "https"], "syscall"),
                                         ([*NODE_KEPT, "http2"], "socket"), ([*PYTHON_KEPT, "httpx"], "socket"),
                                         ([*PYTHON_KEPT, "aiohttp"], "syscall")],
                         ids=lambda word: word if isinstance(word, str) else word[-1])
def test_older_clients(hark, nginx, tmp_path, way, capture):
    kept = Kept(way[:-1], way[-1], nginx.tls, tmp_path)
    pids = f"{kept.client.pid},{nginx.worker()}"  # an exchange without a socket is on no port
    with hark("--capture", capture, "--ring", LARGE_RING, "--debug", "-p", pids, verbose=0) as watch:
        kept.go(watch, kept.client, nginx)
        wait_until(lambda: searches(watch, "not compared"), "the end of the search")
    # nginx has its sockets under its sessions.
    ports = {kept_number_of(one): one["network.peer.port"] for one in watch.of(nginx)}
    assert_found(watch, kept.client, "network.local.port", ports, f"{way[-1]} as client, {capture}")
    for one in watch.of(kept.client):
        assert one["hark.role"] == "client" and one.get("network.peer.port") in (None, nginx.tls)
    watch.assert_nothing_lost()


@pytest.mark.alone
@pytest.mark.parametrize("way,capture", [([*JS, "serve"], "syscall"), ([*PY, "uvicorn"], "socket"), ([*PY, "hypercorn"], "socket")],
                         ids=lambda word: word if isinstance(word, str) else word[-1])
def test_older_served(hark, certificates, tmp_path, way, capture):
    port = free_port()
    server = Program([*way, port, certificates / "cert.pem", certificates / "key.pem"], tmp_path, ports=(port,))
    try:
        kept = Kept(PYTHON_KEPT, "threads", port, tmp_path)
        with hark("--capture", capture, "--ring", LARGE_RING, "--debug", "-p", server.pid, verbose=0) as watch:
            kept.go(watch, server)
    finally:
        server.stop()
    assert_found(watch, server, "network.peer.port", kept.ports(), f"{way[-1]} as server, {capture}")
    for one in watch.of(server):
        assert one["hark.role"] == "server" and one.get("network.local.port") in (None, port)
    watch.assert_nothing_lost()


@pytest.mark.alone
def test_older_calls(hark, certificates, tmp_path):
    """gRPC's C core, both ends."""
    port = free_port()
    server = Program([*PY, "grpc", port, certificates / "cert.pem", certificates / "key.pem"], tmp_path, ports=(port,))
    try:
        kept = Kept(PYTHON_KEPT, "calls", port, tmp_path, certificates / "cert.pem")
        pids = f"{kept.client.pid},{server.pid}"
        with hark("--ring", LARGE_RING, "--debug", "-p", pids, verbose=0) as watch:
            kept.go(watch, kept.client, server)
    finally:
        server.stop()
    assert_found(watch, kept.client, "network.local.port", kept.ports(), "grpcio as client")
    assert_found(watch, server, "network.peer.port", kept.ports(), "grpcio as server")
    watch.assert_nothing_lost()


@pytest.mark.alone
def test_older_without_a_search(hark, nginx, tmp_path, capture):
    """Who has its sockets under its sessions pays for no search, however old they are."""
    kept = Kept(PYTHON_KEPT, "threads", nginx.tls, tmp_path)
    with hark("--capture", capture, "--ring", LARGE_RING, "--debug", "-p", f"{kept.client.pid},{nginx.worker()}",
              verbose=0) as watch:
        kept.go(watch, kept.client, nginx)
    for who, key in ((kept.client, "network.local.port"), (nginx, "network.peer.port")):
        assert {kept_number_of(one): one[key] for one in watch.of(who)} == kept.ports()
    assert not searches(watch, "compared")


@pytest.mark.alone
def test_come_and_go(certificates, tmp_path):
    """hark comes and goes, or is killed, again and again while node asks node, once it has looked for their sockets: no answer
    changes, and what it shows is right."""
    port = free_port()
    server = Program([*JS, "serve", port, certificates / "cert.pem", certificates / "key.pem"], tmp_path, ports=(port,))
    client = Program(["node", HERE / "peers/steady.js", f"https://127.0.0.1:{port}/one", 2], tmp_path)
    found = 0
    try:
        for how in GOES:
            watch = Hark(tmp_path, "--ring", LARGE_RING, "--debug", "-p", f"{client.pid},{server.pid}", verbose=0)
            watch.__enter__()
            wait_until(lambda watch=watch: len(watch.of(client)) >= 200 and len(watch.of(server)) >= 200, "exchanges")
            watch.leave(how)
            assert searches(watch, "compared")
            seen = watch.of(client, server)
            assert {(one["http.request.method"], one["url.path"], one.get("http.response.status_code", 200))
                    for one in seen if "url.path" in one} == {("GET", "/one", 200)}
            found += len([one for one in seen if one.get("network.peer.port")])
    finally:
        client.stop()
        status = server.process.poll()
        server.stop()
    assert (client.process.returncode, status) == (0, None), client.log()
    assert client.log().endswith(" all right\n") and found
