# SPDX-License-Identifier: Apache-2.0
"""Go's crypto/tls: clients and servers of net/http, with and without symbols, wherever the linker put them."""
import collections
import os
import shutil
import subprocess

import pytest

from harness import DEADLINE_S, GOES, LARGE_RING, Gate, Hark, Program, brief, briefs, free_port, run, wait_until
from servers import HERE

CURL = ("curl", "-sS", "-k")
REQUESTS = 200
BUILDS = {
    "symbols": [],
    "stripped": ["-ldflags", "-s -w"],
    "pie-cgo": ["-buildmode=pie", "-ldflags", "-s -w -linkmode external"],
}


@pytest.fixture(scope="module")
def programs(scratch):
    """The peer as each of BUILDS."""
    folder = scratch / "go"
    folder.mkdir()
    for name, words in BUILDS.items():
        done = subprocess.run([shutil.which("go"), "build", *words, "-o", folder / name, HERE / "peers/https.go"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env={**os.environ, "CGO_ENABLED": "1", "GOTOOLCHAIN": "local", "GOFLAGS": ""})
        assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def servers_of_go(programs, certificates, scratch):
    """One of each build, by name. While it runs its file is probed."""
    servers = {}
    for name in BUILDS:
        port = free_port()
        servers[name] = Program([programs / name, "serve", f"127.0.0.1:{port}", certificates / "cert.pem",
                                 certificates / "key.pem"], scratch, ports=(port,), env={"GOGC": "10"})
        servers[name].port, servers[name].role = port, "server"
    yield servers
    for server in servers.values():
        server.stop()


def right(path):
    """What each end must show of it."""
    size = int(path.rsplit("/", 1)[1]) * 37 % 5000
    return f"POST {path} 200 {size} {len(path) * 101 + len(str(size)) + 3}"


def expected(count, at_once):
    """What each end must show, in any order."""
    return collections.Counter(right(f"/{who}/{i}") for who in range(at_once) for i in range(count // at_once))


def check(watch, who, count, at_once, version, library="go"):
    seen = watch.of(who)
    assert collections.Counter(briefs(seen)) == expected(count, at_once)
    for one in seen:
        assert (one["tls.library"], one["network.protocol.version"], one.get("hark.flags")) == (library, version, None), one
        assert one["network.peer.address"] == "127.0.0.1" and one["network.peer.port"], one


@pytest.mark.parametrize("version", ["h1", "h2"])
@pytest.mark.parametrize("client", BUILDS)
def test_both_ends(hark, programs, servers_of_go, client, version, capture):
    """A server without symbols and a client of each build; goroutines change threads, stacks move."""
    server = servers_of_go["stripped"]
    with hark("--capture", capture, "--ring", LARGE_RING, "--both-ends", f"port:{server.port}", verbose=0) as watch:
        asked = run(programs / client, "ask", f"https://127.0.0.1:{server.port}", REQUESTS, 4, version, env={"GOGC": "10"})
        watch.wait_for(REQUESTS, asked)
        watch.wait_for(REQUESTS, server)
    assert asked.text == "all right\n"
    for who in (asked, server):
        check(watch, who, REQUESTS, 4, {"h1": "1.1", "h2": "2"}[version])
    assert watch.stats["events.lost"] == watch.stats["bytes.lost"] == 0


def test_other_clients(hark, servers_of_go):
    """curl speaks to a Go server: each end has its own library."""
    server = servers_of_go["pie-cgo"]
    with hark("--both-ends", f"port:{server.port}") as watch:
        for version in ("--http1.1", "--http2"):
            client = run(*CURL, version, "-d", "hello", f"https://127.0.0.1:{server.port}/asked")
            watch.wait_for(1, client)
            assert [(brief(one), one["tls.library"]) for one in watch.of(client)] == [("POST /asked 200 5 610", "openssl")]
        watch.wait_for(2, server)
    assert [(brief(one), one["tls.library"]) for one in watch.of(server)] == 2 * [("POST /asked 200 5 610", "go")]


def test_hey(hark, nginx, tmp_path):
    """A released program, built by Debian with a Go of its own age, with cgo and stripped."""
    gate, url = Gate(tmp_path), f"https://127.0.0.1:{nginx.tls}/small.txt"
    with hark("--debug", "--both-ends", f"port:{nginx.tls}", verbose=0) as watch:
        # One that lives until hark has looked at its file.
        first = Program(["hey", "-n", 1, "-c", 1, "-t", 0, f"https://127.0.0.1:{nginx.tls}/wait/until{gate.path}"], tmp_path)
        wait_until(lambda: any("hey (go)" in line for line in list(watch.talk)), "hey's probes")
        gate.open()
        assert first.process.wait(DEADLINE_S) == 0
        client = run("hey", "-n", 100, "-c", 4, url)
        watch.wait_for(100, client)
    assert "[200]\t100 responses" in client.text
    seen = watch.of(client)
    assert collections.Counter((one["url.path"], one["http.response.status_code"], one["tls.library"]) for one in seen) == \
        {("/small.txt", 200, "go"): 100}
    assert not [one for one in seen if one.get("hark.flags")]


@pytest.mark.alone
@pytest.mark.parametrize("version", ["h1", "h2"])
def test_come_and_go(tmp_path, programs, servers_of_go, version):
    """hark comes and goes, or is killed, again and again under load: no answer changes, and what it shows is right."""
    server = servers_of_go["symbols"]
    # Beneath hark, which is ready no later than on an idle machine; two processors have time left for the client, too.
    client = Program(["nice", programs / "symbols", "ask", f"https://127.0.0.1:{server.port}", 10 ** 9, 8, version], tmp_path,
                     env={"GOGC": "10"})
    try:
        for how in GOES:
            watch = Hark(tmp_path, "--both-ends", "--ring", LARGE_RING, f"port:{server.port}", verbose=0)
            watch.__enter__()
            wait_until(lambda watch=watch: len(watch.of(client)) >= 200, "exchanges")
            watch.leave(how)
            for one in watch.of(client, server):
                if "http.response.body.size" in one and "url.path" in one and not one.get("hark.flags"):
                    assert brief(one) == right(one["url.path"]), one
            assert client.process.poll() is None, client.log()
    finally:
        client.stop()
    assert client.process.returncode == 0 and client.log() == "all right\n"
    assert server.process.poll() is None
