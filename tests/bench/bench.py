# SPDX-License-Identifier: Apache-2.0
"""make bench: what hark costs nginx (one worker) under wrk, a Go server under hey, and system calls that are none of
its business.

Medians of alternating runs with and without hark, which traces both ends and writes every exchange as JSON to a
file. The ratios are this machine's: they are printed, not judged. Exits with 1 when an exchange is lost or made up.
"""
import functools
import os
import pathlib
import statistics
import sys

from measure import CONNECTIONS, Load, View, Watch, hey, loop_ratio, serving, serving_go, wrk
from harness import scratch_folder

ROUNDS = int(os.environ.get("BENCH_ROUNDS", 5))
SECONDS = int(os.environ.get("BENCH_SECONDS", 5))
LOSSLESS_RATE = 60_000

failures = []


def require(holds, text):
    if not holds:
        failures.append(text)


def bench_load(name, load):
    """True: none was lost. More than were made is a failure at any rate."""
    lost, missing = sum(load.lost), sum(load.missing)
    print(f"{name:26} without {statistics.median(load.without):9,.0f}/s   with {statistics.median(load.with_hark):9,.0f}/s   "
          f"kept {load.ratio:.2f}   lost {lost}   not seen {missing}", flush=True)
    require(load.surplus <= CONNECTIONS, f"{name}: {load.surplus} exchanges more than were made")
    return not lost and not missing


def bench_nginx(folder, nginx, tls, capture):
    load = Load(folder, functools.partial(wrk, nginx, tls), nginx.worker, ROUNDS, SECONDS, "--capture", capture)
    name = f"{'TLS' if tls else 'plain'}, --capture={capture}"
    whole = bench_load(name, load)
    require(whole or (not tls and statistics.median(load.with_hark) > LOSSLESS_RATE * 2), f"{name}: exchanges were lost")


def bench_go(folder, server):
    """hey is a program of Go's too: probes at both ends."""
    name = "Go's TLS under hey"
    whole = bench_load(name, Load(folder, functools.partial(hey, server), lambda: server.pid, ROUNDS, SECONDS))
    require(whole, f"{name}: exchanges were lost")


def bench_loop(folder, what, capture):
    ratio, base = loop_ratio(folder, what, ROUNDS, 1, "--capture", capture)
    print(f"{what:8} --capture={capture:8} {base:7.1f} ns a round without hark, {ratio:.3f} of it with hark", flush=True)


def bench_views(folder, nginx):
    """Both ends of each exchange are seen; each counts."""
    views = {"-o json": ["-o", "json"], "text": [], "stat": ["stat"], "top": ["top"]}
    taken_us = {name: [] for name in views}
    for _ in range(ROUNDS):
        for name, words in views.items():
            view = View(folder, *words, screen=name == "top")
            wrk(nginx, False, SECONDS)
            taken_us[name].append(view.stop())
    for name, values in taken_us.items():
        print(f"{name:8} {statistics.median(values):5.2f} us of hark's own time an exchange", flush=True)


def bench_ready(folder):
    """From the start of hark to its line that it is ready, by its own clock."""
    ready_ms, load_ms = [], []
    for _ in range(ROUNDS):
        stats = Watch(folder).stop()
        ready_ms.append(stats["ready.us"] / 1000)
        load_ms.append(stats["ready.load_us"] / 1000)
    processes = sum(entry.name.isdigit() for entry in pathlib.Path("/proc").iterdir())
    print(f"ready    {statistics.median(ready_ms):5.0f} ms after the start, of which {statistics.median(load_ms):.0f} to load "
          f"the BPF programs, among {processes} processes", flush=True)


def main():
    print(f"nginx (1 worker), wrk -c{CONNECTIONS} -t1, medians of {ROUNDS} runs of {SECONDS} s each way, "
          f"{os.uname().release}, {os.cpu_count()} processors")
    with scratch_folder("bench") as folder:
        with serving(folder) as nginx:
            for capture in ("socket", "syscall"):
                bench_nginx(folder, nginx, False, capture)
                bench_nginx(folder, nginx, True, capture)
            with serving_go(folder) as server:
                bench_go(folder, server)
            bench_views(folder, nginx)
        for what in ("getppid", "pipe"):
            bench_loop(folder, what, "socket")
            bench_loop(folder, what, "syscall")
        bench_ready(folder)
    for failure in failures:
        print("missed: " + failure)
    return 1 if failures else 0


sys.exit(main())
