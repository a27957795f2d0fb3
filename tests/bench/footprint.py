# SPDX-License-Identifier: Apache-2.0
"""What hark takes while it waits: memory, wake-ups, time until it is ready."""
import contextlib
import pathlib
import re
import resource
import socket
import statistics
import subprocess
import sys
import time

from ground import sleepers
from measure import Watch, cpu_s, run
from report import Reading

RING = "anon_inode:bpf-map"
MANY_CONNECTIONS = 10_000  # ends: what hark holds of a server with so many clients
HALF_A_MILLION = 500_000
HOLDERS = 4
SETTLE_S = 1.5
QUIET_S = 10
REQUEST = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def resident_mb(pid):
    """Without the ring, which is as large as --ring says."""
    taken = 0
    where = ""
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            where = line
        elif line.startswith("Rss:") and RING not in where:
            taken += int(line.split()[1])
    return taken * 1024 / 1e6


def idle(ground):
    watch = Watch(ground.folder)
    time.sleep(SETTLE_S)
    figure = resident_mb(watch.process.pid)
    watch.stop()
    return Reading(f"**{figure:.1f} MB**", {"mb": figure})


def hold(count):
    """So many connections of this process with itself that had an exchange each and stay until its input ends."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    listener, held = socket.create_server(("127.0.0.1", 0), backlog=128), []
    for number in range(count):
        client = socket.create_connection(listener.getsockname())
        server = listener.accept()[0]
        client.sendall(REQUEST % number)
        server.recv(1024)
        server.sendall(RESPONSE)
        client.recv(1024)
        held += [client, server]
    print("held", flush=True)
    sys.stdin.read()


@contextlib.contextmanager
def held_connections(count):
    """In several processes: a process may have few descriptors."""
    holders = [subprocess.Popen([sys.executable, __file__, str(count // HOLDERS)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(HOLDERS)]
    try:
        for one in holders:
            assert one.stdout.readline() == "held\n", one.communicate()[1]
        yield
    finally:
        for one in holders:
            one.communicate("")


def connections(ground):
    """Both ends of half as many are seen, and each is one that hark holds."""
    watch = Watch(ground.folder)
    with held_connections(MANY_CONNECTIONS // 2):
        time.sleep(SETTLE_S)
        figure = resident_mb(watch.process.pid)
    stats = watch.stop()
    opened = stats["connections.opened"]
    assert opened >= MANY_CONNECTIONS, f"{opened} connections were seen"
    return Reading(f"**{figure:.1f} MB**", {"mb": figure, "opened": opened})


def million(ground):
    """Plain HTTP/1.1, both ends; lines go nowhere."""
    watch = Watch(ground.folder, output="/dev/null")
    taken_mb = []
    for _ in range(2):
        done = run("h2load", f"-n{HALF_A_MILLION}", "-c16", "-t1", "--h1", f"http://127.0.0.1:{ground.nginx.http}/one",
                   deadline_s=300)
        assert f"{HALF_A_MILLION} succeeded" in done.text, done.text
        time.sleep(SETTLE_S)
        taken_mb.append(resident_mb(watch.process.pid))
    lost = watch.stop()["events.lost"]
    half, whole = taken_mb
    return Reading(f"**{whole - half:+.1f} MB** from half a million to a million ({half:.1f}, {whole:.1f} MB), lost {lost}",
                   {"mb": taken_mb, "lost": lost})


def ready_once(folder):
    """(ms until ready, ms of them to load the programs, processor time of the start in ms), by hark's own clock."""
    watch = Watch(folder)
    cpu_ms = cpu_s(watch.process.pid) * 1e3
    stats = watch.stop()
    return stats["ready.us"] / 1000, stats["ready.load_us"] / 1000, cpu_ms


def ready(ground, processes):
    """Among so many more processes than there are."""
    with sleepers(processes):
        rows = [ready_once(ground.folder) for _ in range(ground.rounds)]
        running = sum(entry.name.isdigit() for entry in pathlib.Path("/proc").iterdir())
    ready_ms, load_ms, _ = (statistics.median(column) for column in zip(*rows))
    return Reading(f"**{ready_ms:.0f} ms**, {load_ms:.0f} of them to load the BPF programs, among {running}", {"rows_ms": rows})


def wakeups_of(pid):
    """How often its threads waited and went on."""
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (thread / "status").read_text(), re.M)[1])
               for thread in pathlib.Path(f"/proc/{pid}/task").iterdir())


def wakeups(ground):
    """hark is asked for a program that does nothing, yet learns of each one that begins: the quietest second counts."""
    watch = Watch(ground.folder, "-p", str(ground.bystander))
    time.sleep(SETTLE_S)
    counts, quiet_s = [], min(QUIET_S, ground.rounds * ground.seconds)
    for _ in range(quiet_s + 1):
        counts.append(wakeups_of(watch.process.pid))
        time.sleep(1)
    seconds = [after - before for before, after in zip(counts, counts[1:])]
    watch.stop()
    return Reading(f"**{min(seconds)}/s** in the quietest second of {quiet_s}, {statistics.median(seconds):.0f} in the median one",
                   {"a_second": seconds})


if __name__ == "__main__":
    hold(int(sys.argv[1]))
