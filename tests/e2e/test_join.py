# SPDX-License-Identifier: Apache-2.0
"""Both ends of an exchange on one machine, and how long things take."""
import concurrent.futures
import re

import pytest

from harness import LARGE_RING, Program, free_port, run
from servers import HERE, PYTHON

WAYS = {"http/1.1": ("http", "--h1"), "h2c": ("h2c",), "h2+tls": ("tls",)}
SLOW_DELAYS_MS = (1, 10, 100, 1000)
CURL_ROUNDING_MS = 0.002


@pytest.fixture(scope="module")
def delay(tmp_path_factory):
    port = free_port()
    server = Program([PYTHON, HERE / "peers/delay.py", port], tmp_path_factory.mktemp("delay"), ports=(port,))
    server.port = port
    yield server
    server.stop()


def assert_joined(watch, client, server, requests):
    """Each exchange of the client's has exactly one of the server's, and both tell so."""
    there = {(one["hark.connection"], one.get("hark.stream")): [] for one in watch.of(server)}
    for one in watch.of(server):
        there[one["hark.connection"], one.get("hark.stream")].append(one)
    mine = watch.of(client)
    assert len(mine) == requests
    for one in mine:
        other = there[one["hark.peer_connection"], one.get("hark.stream")].pop(0)
        assert other["hark.peer_connection"] == one["hark.connection"]
        assert (one["hark.role"], other["hark.role"]) == ("client", "server")
        assert (one["network.local.port"], one["network.peer.port"]) == (other["network.peer.port"], other["network.local.port"])
        assert one["hark.server_ms"] == other["hark.server_ms"] == other["hark.duration_ms"]
        assert one["hark.network_ms"] == pytest.approx(max(0, one["hark.duration_ms"] - one["hark.server_ms"]), abs=1e-5)
    assert not any(there.values())


@pytest.mark.parametrize("way", WAYS)
def test_every_exchange_of_h2load(hark, nginx, capture, way):
    port, *options = WAYS[way]
    scheme = "https" if port == "tls" else "http"
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{getattr(nginx, port)}", verbose=0) as watch:
        client = run("h2load", "-n2000", "-c10", *([] if options else ["-m10"]), *options,
                     f"{scheme}://127.0.0.1:{getattr(nginx, port)}/small.txt")
        watch.wait_for(2000, client)
        watch.wait_for(2000, nginx)
    assert_joined(watch, client, nginx, 2000)
    assert watch.stats["exchanges.joined"] >= 2000
    watch.assert_nothing_lost()


def text_lines(hark, tmp_path, command, *options):
    text = tmp_path / "watch.txt"
    with hark("-o", f"text:{text}", *options) as watch:
        client = run(*command)
        watch.wait_for(1, client)
    return client, text.read_text().splitlines()


def test_text_has_one_line(hark, tmp_path, delay):
    command = ("curl", "-sS", f"http://127.0.0.1:{delay.port}/delay/20")
    client, lines = text_lines(hark, tmp_path, command)
    mine = [line for line in lines if f"curl[{client.pid}]" in line]
    assert len(mine) == 1 and f"[{delay.process.pid}]" in mine[0], lines
    server, own = re.search(r" 200 0/3 +(\d+) ms \(client curl\[\d+\] (\d+) ms\)$", mine[0]).groups()
    assert 20 <= int(server) <= int(own)
    client, lines = text_lines(hark, tmp_path, command, "--both-ends")
    pair = [line for line in lines if f":{delay.port}/delay/20" in line]
    assert len(pair) == 2 and not any("(client" in line for line in pair)


def test_one_end_alone_stands_for_itself(hark, tmp_path, delay):
    """The other end is not among what is wanted."""
    text = tmp_path / "watch.txt"
    with hark("-o", f"text:{text}", "--comm", "curl") as watch:
        client = run("curl", "-sS", f"http://127.0.0.1:{delay.port}/delay/1")
        watch.wait_for(1, client)
    (line,) = [line for line in text.read_text().splitlines() if f"curl[{client.pid}]" in line]
    assert line.endswith(" ms") and "(server" not in line


def test_latencies_agree_with_curl(hark, nginx, delay):
    """Asserts what must hold on any machine: the server's time has its sleep in it, the client's lies within curl's own
    time_total less time_connect (both of curl's moments lie outside of hark's)."""
    def ask(ms):
        return ms, run("curl", "-sS", "-o", "/dev/null", "-w", "%{time_total} %{time_connect}",
                       f"http://127.0.0.1:{delay.port}/delay/{ms}")

    with hark(verbose=0) as watch, concurrent.futures.ThreadPoolExecutor(5) as pool:
        clients = list(pool.map(ask, [ms for ms in SLOW_DELAYS_MS for _ in range(5)]))
        for _, client in clients:
            watch.wait_for(1, client)
        watch.wait_for(len(clients), delay)
    for ms, client in clients:
        total, before = map(float, client.text.split())
        (one,) = watch.of(client)
        assert one["hark.duration_ms"] <= (total - before) * 1000 + CURL_ROUNDING_MS, (ms, client.text)
    for one in watch.of(delay):
        assert one["hark.duration_ms"] >= float(one["url.path"].rsplit("/", 1)[1])
    assert len(watch.of(delay)) == len(clients)
