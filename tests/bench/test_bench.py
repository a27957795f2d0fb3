# SPDX-License-Identifier: Apache-2.0
"""The cost of hark, counted instead of timed, so that the figures are the same on a quiet machine and a busy one:
instructions and system calls of hark an exchange, events an exchange, and runs of its BPF programs.

What is kept of a server's throughput depends on the machine and is make bench's business.
"""
import functools
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import bench  # noqa: E402
from conversations import WRITERS  # noqa: E402
from counted import (FEW, MANY, collected, instructions_an_exchange, program_statistics, replay_command,  # noqa: E402
                     runs_of_programs, sum_of_programs)
from measure import CONNECTIONS, ROOT, Load, Watch, serving, wrk  # noqa: E402
from footprint import held_connections, resident_mb  # noqa: E402
from harness import HARK, is_sanitized, run, scratch_folder, uses_sessions, wait_until  # noqa: E402
from recording import RECEIVED, SENT, Recording, Socket  # noqa: E402
from soak import short_tls  # noqa: E402

# Instructions an exchange, replayed into JSON; what was measured when the row was last changed (docs/performance.md).
# A tenth more fails: say in the commit what it buys, and change the row. A tenth less: change the row.
INSTRUCTIONS = {"http1": 8_720, "http1-new": 14_200, "http2": 11_370}
# The same of a recording whose secrets are overwritten, which looks at every byte of a head and its Huffman code.
INSTRUCTIONS_REDACTED = 24_100
MARGIN = 1.10
ALLOCATIONS_OF_GROWTH = 10  # of 2,500 exchanges more: a table or a buffer grows
# Of both sides of an exchange, a record a call: request out and in, then head and body each in a call of its own at
# most (how many the client reads at once depends on the moment); over TLS a call is one record and no more.
EVENTS = {"http1": 6.2, "http2": 6.2, "tls": 6.2}
# Replayed: input is read and lines are written in blocks of 4 KiB.
SYSTEM_CALLS_A_KILOBYTE, SYSTEM_CALLS_OF_A_START = 0.3, 200
# Which the kernel's verifier looks at to load the programs, nearly all of hark's start. 71,000 on Linux 6.18; kernels
# differ in what they look at twice, hence the room.
VERIFIED_INSTRUCTIONS = 95_000
# Without what hark is at rest. 2,800 to 5,300 are measured, by what was free before and where tables double.
RESIDENT_BYTES_A_CONNECTION = 6_000
# The same of a recording of servers' ends with an exchange each: no tables of the kernel's, no client.
# 3,160 to 3,750 are measured.
REPLAYED_BYTES_A_CONNECTION = 3_900


@pytest.fixture(scope="module")
def folder():
    with scratch_folder("bench") as path:
        yield path


@pytest.fixture(scope="module")
def nginx(folder):
    with serving(folder) as server:
        yield server


@pytest.mark.skipif(is_sanitized(), reason="callgrind counts the sanitizer's instructions")
@pytest.mark.parametrize("protocol", WRITERS)
def test_instructions_an_exchange(folder, protocol):
    figure = instructions_an_exchange(folder, protocol)
    print(f"{protocol}: {figure:.0f} instructions an exchange")
    assert figure <= INSTRUCTIONS[protocol] * MARGIN


@pytest.mark.skipif(is_sanitized(), reason="valgrind and the sanitizer each replace malloc")
@pytest.mark.parametrize("shown", ["json", "stat"])
@pytest.mark.parametrize("protocol", WRITERS)
def test_allocations_an_exchange(folder, protocol, shown):
    """In the steady state there is none: what an exchange takes was another's before."""
    def allocations(exchanges):
        command = replay_command(folder, protocol, exchanges)
        done = run("valgrind", *(command if shown == "json" else command[:3] + ("stat",)), deadline_s=300)
        return int(re.search(r"total heap usage: ([\d,]+) allocs", done.err.decode())[1].replace(",", ""))

    few, many = allocations(FEW), allocations(MANY)
    assert 0 < few and many - few <= ALLOCATIONS_OF_GROWTH, (few, many)


@pytest.mark.skipif(is_sanitized(), reason="callgrind counts the sanitizer's instructions")
def test_instructions_of_a_redacted_recording(folder):
    def once(exchanges):
        recording = replay_command(folder, "http2", exchanges)[2]
        (folder / "redacted.rec").unlink(missing_ok=True)
        return collected(folder, HARK, "replay", recording, "record", "-w", folder / "redacted.rec", "--redacted")

    figure = (once(600) - once(100)) / 500
    print(f"redacted: {figure:.0f} instructions an exchange")
    assert figure <= INSTRUCTIONS_REDACTED * MARGIN


@pytest.mark.parametrize("protocol", WRITERS)
def test_system_calls_of_a_replay(folder, protocol):
    """Input and output are read and written in blocks, never exchange by exchange."""
    command = replay_command(folder, protocol, MANY)
    summary = folder / "strace.txt"
    run("strace", "-f", "-c", "-U", "calls", "-o", summary, *command, deadline_s=120)
    calls = max(int(line) for line in summary.read_text().split() if line.isdigit())
    moved_kilobytes = (command[2].stat().st_size + (folder / "replay.json").stat().st_size) / 1024
    assert MANY < moved_kilobytes * 4 and calls <= SYSTEM_CALLS_OF_A_START + moved_kilobytes * SYSTEM_CALLS_A_KILOBYTE, calls


@pytest.mark.parametrize("protocol", EVENTS)
def test_events_an_exchange(folder, nginx, protocol):
    """Nothing more than one record a call, whatever the machine does meanwhile."""
    port, words = {"http1": (nginx.http, ["--h1"]), "http2": (nginx.h2c, ["-m10"]), "tls": (nginx.tls, ["--h1"])}[protocol]
    scheme = "https" if protocol == "tls" else "http"
    watch = Watch(folder, "--ring", "256M", f"port:{port}")
    client = run("h2load", "-n20000", f"-c{CONNECTIONS}", "-t1", *words, f"{scheme}://127.0.0.1:{port}/one", deadline_s=120)
    stats = watch.stop()
    print(f"{protocol}: {stats['events.received'] / 20000:.2f} events an exchange of both sides")
    for pid in (client.pid, nginx.worker()):
        strange = [line for line in watch.lines(pid) if b'"hark.flags"' in line]
        assert not strange and watch.count(pid) == 20000, strange[:5]
    assert stats["events.lost"] == 0
    assert stats["events.received"] / 20000 <= EVENTS[protocol]


@pytest.mark.parametrize("tls", [False, True])
def test_load(folder, nginx, tls):
    """wrk goes as fast as the machine can, which may be more than the default ring is meant for (make bench looks
    at that one): a large ring takes what hark lags."""
    load = Load(folder, functools.partial(wrk, nginx, tls), nginx.worker, 1, 2, "--ring", "512M" if is_sanitized() else "256M")
    assert load.surplus <= CONNECTIONS
    assert sum(load.lost) == 0 and sum(load.missing) == 0, (load.lost, load.missing)


@pytest.mark.parametrize("capture", ["socket", "syscall"])
def test_short_tls(folder, nginx, capture):
    """The short form of make soak: sessions that follow one another at the same addresses, each end counted."""
    counted = short_tls(folder, nginx, 3000, capture)
    assert counted.lost == 0 and counted.flagged == 0
    assert counted.missing(nginx.worker(), 3000) == 0 and counted.missing(counted.client.pid, 3000) == 0


@pytest.mark.skipif(not uses_sessions(), reason="before Linux 6.13 the programs have other forms")
def test_verified_instructions(folder):
    """One more is not dear; a way more into much code is."""
    watch = Watch(folder)
    figure = sum_of_programs(watch.process.pid, "verified_insns")
    watch.stop()
    print(f"{figure} instructions verified at the start")
    assert figure <= VERIFIED_INSTRUCTIONS


@pytest.mark.parametrize("what", ["getppid", "pipe"])
def test_unrelated_calls_meet_no_program(folder, what):
    """In the socket way a call on no socket costs nothing: no program of hark runs. In the other one each does."""
    ran = {}
    with program_statistics():
        for capture in ("socket", "syscall"):
            watch = Watch(folder, "--capture", capture)
            at_first = runs_of_programs(watch.process.pid)
            run(ROOT / "build/bench/loops", what, 0.3, deadline_s=60)
            ran[capture] = runs_of_programs(watch.process.pid) - at_first
            watch.stop()
    assert ran["socket"] * 20 < ran["syscall"], ran


@pytest.mark.skipif(is_sanitized(), reason="the sanitizer's memory is larger")
def test_resident_a_connection(folder):
    """Both ends are held, and each is a connection to hark."""
    watch = Watch(folder)
    before = resident_mb(watch.process.pid)
    with held_connections(4000):
        wait_until(lambda: watch.output.read_bytes().count(b'"hark.connection"') >= 4000, "their exchanges")
        figure = (resident_mb(watch.process.pid) - before) * 1e6 / 8000
    watch.stop()
    print(f"{figure:.0f} bytes a connection")
    assert figure <= RESIDENT_BYTES_A_CONNECTION


@pytest.mark.skipif(is_sanitized(), reason="the sanitizer's malloc takes more")
def test_replayed_bytes_a_connection(folder):
    """What a connection takes that is open and idle: the growth of the most that was resident."""
    def most_bytes(connections):
        path = folder / "connections.rec"
        with Recording(path) as recording:
            for socket in [Socket(number) for number in range(connections)]:
                recording.open(socket)
                recording.data(socket, RECEIVED, b"GET /one HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n\r\n")
                recording.data(socket, SENT, b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 2\r\n\r\nok")
                recording.poll()
            recording.poll(20, step_ns=10 ** 8)
        with subprocess.Popen([HARK, "replay", path, "-o", "json:/dev/null"], stderr=subprocess.DEVNULL) as replay:
            _, status, used = os.wait4(replay.pid, 0)
            replay.returncode = os.waitstatus_to_exitcode(status)
        assert replay.returncode == 0
        return used.ru_maxrss * 1024

    figure = (most_bytes(10_000) - most_bytes(5_000)) / 5_000
    print(f"{figure:.0f} bytes a connection")
    assert figure <= REPLAYED_BYTES_A_CONNECTION


def test_the_page_has_each_figure():
    """docs/performance.md: what make bench measures, with the aims of its table."""
    page = (ROOT / "docs/performance.md").read_text()
    wrong = [figure.name for figure in bench.FIGURES
             if not re.search(rf"^\| {re.escape(figure.what)} \| `{figure.name}` \| .* \| {re.escape(figure.aim)} ?\|$", page, re.M)]
    assert not wrong


# Of each kind one, in its shortest form.
SHORT = "excluded,kernel-tls,own-http2,replay-http2,added-1000,cpu-1000,wakeups"


@pytest.mark.skipif(is_sanitized(), reason="nobody times sanitized programs")
def test_what_make_bench_measures_with(folder):
    """That its instruments work here; what they say depends on the machine."""
    done = run(sys.executable, ROOT / "tests/bench/bench.py", status=None, deadline_s=300, env={
        "HARK": HARK, "BENCH": SHORT, "BENCH_ROUNDS": "1", "BENCH_SECONDS": "1", "BENCH_OUT": str(folder / "out")})
    figures = json.loads((folder / "out/figures.json").read_text())["figures"]
    assert len(figures) == len(SHORT.split(",")) and not any("not measured" in figure["now"] for figure in figures), done.text
