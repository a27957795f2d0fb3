# SPDX-License-Identifier: Apache-2.0
"""Equal addresses in several network namespaces; hark, or those whom it observes, in a pid namespace."""
import json
import pathlib
import subprocess

import pytest

from harness import HARK, assert_whole, briefs, run
from servers import PYTHON

NETNS = pathlib.Path(__file__).resolve().parent / "peers/netns.py"


class End:
    """peers/netns.py in a network namespace of its own; call() waits until a word is done."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", PYTHON, NETNS], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        assert self.process.stdout.readline().strip() == "ready"
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        run("nsenter", "-t", self.pid, "-n", "ip", *words)

    def start(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == words[0]

    def call(self, *words):
        self.start(*words)
        assert self.process.stdout.readline().strip() == "done"

    def end(self):
        self.start("end")
        assert self.process.wait(30) == 0

    @property
    def pids(self):
        return {self.pid}


@pytest.fixture
def ends():
    """ends(COUNT) makes them."""
    made = []

    def make(count):
        made.extend(End() for _ in range(count))
        return made

    yield make
    for one in made:
        one.process.kill()
        one.process.wait()


def counted(tmp_path, recording, *ends):
    """How many exchanges `stat` counts of these."""
    pids = ",".join(str(one.pid) for one in ends)
    rows = run(HARK, "replay", recording, "stat", f"pid:{pids}", "-o", "json").text.splitlines()
    return sum(json.loads(row)["count"] for row in rows)


def test_equal_addresses(hark, ends, capture, tmp_path):
    """127.0.0.1:40000 talks to 127.0.0.1:8080 twice at once, in two namespaces."""
    both, recording = ends(2), tmp_path / "equal.rec"
    with hark("--capture", capture, "-w", recording) as watch:
        for one in both:
            one.call("listen")
            one.call("connect", "127.0.0.1")
            one.call("accept")
        for word in ("ask", "answer"):
            for one in both:
                one.call(word)
        for one in both:
            one.end()
            watch.wait_for(2, one)
    for one in both:
        seen = watch.of(one)
        assert sorted(each["hark.role"] for each in seen) == ["client", "server"]
        assert briefs(seen) == ["GET /asked 200 0 700"] * 2
        assert_whole(seen)
    assert watch.stats["exchanges.joined"] >= 2
    assert counted(tmp_path, recording, *both) == 2


def test_veth_pairs_with_equal_addresses(hark, ends, capture, tmp_path):
    """Two pairs of namespaces, each connected, with the same addresses: four namespaces, two exchanges."""
    clients, recording = ends(4), tmp_path / "veth.rec"
    servers = clients[2:]
    del clients[2:]
    for client, server in zip(clients, servers):
        names = f"hk{client.pid}", f"hk{server.pid}"
        run("ip", "link", "add", names[0], "netns", client.pid, "type", "veth", "peer", "name", names[1],
            "netns", server.pid)
        for one, name, address in ((client, names[0], "10.0.0.1/24"), (server, names[1], "10.0.0.2/24")):
            one.ip("addr", "add", address, "dev", name)
            one.ip("link", "set", name, "up")
    with hark("--capture", capture, "-w", recording) as watch:
        for client, server in zip(clients, servers):
            server.call("listen")
            client.call("connect", "10.0.0.2")
            server.call("accept")
        for client in clients:
            client.call("ask")
        for server in servers:
            server.call("answer")
        for one in clients + servers:
            one.end()
            watch.wait_for(1, one)
    for one in clients + servers:
        assert briefs(watch.of(one)) == ["GET /asked 200 0 700"]
        assert_whole(watch.of(one))
    assert counted(tmp_path, recording, *clients, *servers) == 2
    for client, server in zip(clients, servers):
        assert counted(tmp_path, recording, client, server) == 1
