# SPDX-License-Identifier: Apache-2.0
"""Equal addresses in several network namespaces; hark, or those whom it observes, in a pid namespace."""
import contextlib
import json
import os
import pathlib
import subprocess

import pytest

from harness import HARK, Gate, assert_whole, briefs, run, wait_until
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


# --- pid namespaces --------------------------------------------------------------

# The propagation of / stays as it is: only a mount's can be changed, and in a chroot / is none. That of /proc is changed.
INSIDE = ["unshare", "-pf", "--mount-proc", "--propagation", "unchanged", "--kill-child"]

# Says where it is, waits for a line, asks once.
CLIENT = r"""
import sys, urllib.request
with open(sys.argv[1]) as gate:
    gate.readline()
urllib.request.urlopen(sys.argv[2]).read()
"""


def children(pid):
    with contextlib.suppress(OSError):
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@contextlib.contextmanager
def inside(folder, *command):
    """A hark that ends by itself (-n), in a pid namespace; its lines are in folder/out.json afterwards."""
    talk = folder / "talk.txt"
    with open(talk, "wb") as err, subprocess.Popen([*INSIDE, *map(str, command)], stdin=subprocess.DEVNULL,
                                                   stdout=err, stderr=err) as process:
        wait_until(lambda: "hark: ready" in talk.read_text() or process.poll() is not None, "hark: ready")
        try:
            assert process.poll() is None, talk.read_text()
            yield process
            assert process.wait(30) == 0, talk.read_text()
        finally:
            process.kill()


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_command_inside(nginx, capture, tmp_path):
    out = tmp_path / "out.json"
    run(*INSIDE, HARK, "--capture", capture, "-o", f"json:{out}", "--",
        "sh", "-c", f"curl -s -o /dev/null http://127.0.0.1:{nginx.http}/one; true")
    (one,) = lines_of(out)
    assert one["process.executable.name"] == "curl" and 1 < one["process.pid"] < 100
    assert_whole([one])


def test_named_process_inside(nginx, capture, cgroup, tmp_path):
    """-p and the container are looked up with the numbers that hark sees."""
    number = f"{os.getpid():08x}" * 8
    place, gate, out = cgroup(f"docker-{number}.scope"), Gate(tmp_path), tmp_path / "out.json"
    (tmp_path / "client.py").write_text(CLIENT)
    client = f"(sh -c 'echo $$ > {place}/cgroup.procs; exec {PYTHON} {tmp_path}/client.py {gate.path} " \
             f"http://127.0.0.1:{nginx.http}/one') & echo $! > {tmp_path}/pid; "
    watch = f"exec {HARK} -p $! --capture {capture} -n 1 -o json:{out}"
    with inside(tmp_path, "sh", "-c", client + watch):
        run("curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/other")
        gate.open()
    (one,) = lines_of(out)
    assert one["url.path"] == "/one" and one["process.pid"] == int((tmp_path / "pid").read_text())
    assert one["process.executable.name"].startswith("python3")
    assert one["container.id"] == number


def test_everybody_from_inside(nginx, capture, tmp_path):
    """Those inside have their numbers; those outside have none, and the names that the kernel tells."""
    out = tmp_path / "out.json"
    with inside(tmp_path, HARK, "--capture", capture, "-n", "4", "-o", f"json:{out}", f"port:{nginx.http}") as outer:
        (own,) = children(outer.pid)
        outside = run("curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/outside")
        run("nsenter", "-t", own, "-p", "-m", "curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/inside")
    seen = lines_of(out)
    assert_whole(seen)
    assert sorted((one["url.path"], one["hark.role"]) for one in seen) == [
        ("/inside", "client"), ("/inside", "server"), ("/outside", "client"), ("/outside", "server")]
    for one in seen:
        within = (one["url.path"], one["hark.role"]) == ("/inside", "client")
        assert ("process.pid" in one) == ("thread.id" in one) == within, one
        assert one["thread.name"] == ("curl" if one["hark.role"] == "client" else "nginx")
        assert one.get("process.executable.name") == ("curl" if one["hark.role"] == "client" else None)
        assert "process.user.id" in one
        if within:
            assert 1 < one["process.pid"] < 100 and one["process.pid"] != outside.pid


def test_seen_from_outside(hark, nginx, capture, tmp_path):
    """Whoever is in a pid namespace has the number that it has where hark is."""
    gate = Gate(tmp_path)
    with hark("--capture", capture) as watch:
        with subprocess.Popen([*INSIDE, "curl", "-s", "-o", "/dev/null",
                               f"http://127.0.0.1:{nginx.http}/wait/until{gate.path}"]) as outer:
            (pid,) = wait_until(lambda: children(outer.pid), "curl")
            gate.open()
        assert outer.returncode == 0
        watch.wait_for(1, pid)
    (one,) = watch.of(pid)
    assert one["process.executable.name"] == "curl"
    assert_whole([one])


def test_a_foreign_proc_is_refused():
    done = run("unshare", "-pf", HARK, "-d", "1", status=1)
    assert "hark: /proc is that of another pid namespace" in done.err.decode()
