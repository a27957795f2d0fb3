# SPDX-License-Identifier: Apache-2.0
"""make bench: every figure of docs/performance.md, in one call.

    BENCH=tls,bodies-1m      only these figures; a name stands for all that begin with it and a dash
    BENCH_ROUNDS, BENCH_SECONDS    how many runs each way, and how long each is

It prints and does not judge: ratios and times are this machine's. Exits with 1 when an exchange is lost or made up, or
when a bench fails. Writes build/bench/performance.md, figures.json and growth.svg (make bench-docs takes them over).
"""
import functools
import os
import signal
import sys

import curves
import footprint
import kept
import others
import own
from ground import Ground
from harness import scratch_folder
from report import Figure, Report

ROUNDS = int(os.environ.get("BENCH_ROUNDS", 5))
SECONDS = int(os.environ.get("BENCH_SECONDS", 3))
BOTH = ("socket", "syscall")


def row(name, what, aim, function, /, **arguments):
    return Figure(name, what, aim, functools.partial(function, **arguments))


FIGURES = [
    row("plain", "throughput kept, plain HTTP/1.1", "≥ 0.75", kept.nginx, tls=False, capture="socket"),
    row("tls", "throughput kept, HTTP/1.1 over TLS", "≥ 0.60", kept.nginx, tls=True, capture="socket"),
    row("http2", "throughput kept, HTTP/2 over TLS (h2load -c8 -m16)", "≥ 0.70", kept.http2),
    row("plain-syscall", "the same in plain, `--capture syscall`", "", kept.nginx, tls=False, capture="syscall"),
    row("tls-syscall", "the same over TLS, `--capture syscall`", "", kept.nginx, tls=True, capture="syscall"),
    row("go", "throughput kept, Go's TLS under hey", "", kept.go),
    row("bodies-1m-plain", "bytes kept, bodies of 1 MiB, plain", "≥ 0.95, none lost", kept.body, name="1m", tls=False),
    row("bodies-1m-tls", "bytes kept, bodies of 1 MiB, TLS", "≥ 0.95, none lost", kept.body, name="1m", tls=True),
    row("bodies-100m-plain", "bytes kept, bodies of 100 MiB, plain", "≥ 0.95, none lost", kept.body, name="100m", tls=False),
    row("bodies-100m-tls", "bytes kept, bodies of 100 MiB, TLS", "≥ 0.95, none lost", kept.body, name="100m", tls=True),
    row("excluded", "throughput kept, TLS, excluded by `-p OTHER`", "≥ 0.90", kept.excluded),
    *(row(f"loop-{what}-{capture}", f"speed kept by a loop of {what}, `--capture {capture}`",
          "1.00" if capture == "socket" else "", kept.loop, what=what, capture=capture)
      for what in ("getppid", "pipe") for capture in BOTH),
    row("kernel-plain", "programs in the kernel, plain HTTP/1.1", "≤ 500 ns a record", own.kernel, tls=False),
    row("kernel-tls", "programs in the kernel, HTTP/1.1 over TLS", "≤ 5 µs a request", own.kernel, tls=True),
    row("own-json", "hark's own time an exchange and side, HTTP/1.1, JSON", "≤ 1.2 µs", own.view_of_http1, name="json"),
    row("own-pcapng", "the same, packets for Wireshark", "", own.view_of_http1, name="pcapng"),
    row("own-pcapng-all", "the same, secrets left in them", "", own.view_of_http1, name="pcapng-all"),
    row("own-text", "the same, text", "", own.view_of_http1, name="text"),
    row("own-stat", "the same, `stat`", "≤ 0.9 µs", own.view_of_http1, name="stat"),
    row("own-top", "the same, `top`", "", own.view_of_http1, name="top"),
    row("own-serve", "the same, `serve`", "", own.view_of_http1, name="serve"),
    row("own-otlp", "the same, sent as spans (`otlp`)", "", own.sent, form="otlp"),
    row("own-clickhouse", "the same, sent as rows (`clickhouse`)", "", own.sent, form="clickhouse"),
    row("own-sqlite", "the same, `-o sqlite`", "≤ 10 µs", own.view_of_http1, name="sqlite"),
    row("own-http2", "the same, HTTP/2 over TLS, JSON", "≤ 2 µs", own.view_of_http2),
    row("instructions-http1", "instructions an exchange replayed into JSON, HTTP/1.1", "≤ 9,000", own.instructions,
        protocol="http1"),
    row("instructions-new", "the same, HTTP/1.1 where no head comes again", "", own.instructions, protocol="http1-new"),
    row("instructions-http2", "the same, HTTP/2", "≤ 18,000", own.instructions, protocol="http2"),
    row("replay-http1", "replay into JSON on one core, HTTP/1.1", "≥ 1,000,000/s, ≥ 0.5", own.replay, protocol="http1"),
    row("replay-new", "the same, HTTP/1.1 where no head comes again", "", own.replay, protocol="http1-new"),
    row("replay-http2", "the same, HTTP/2", "", own.replay, protocol="http2"),
    row("added-1000", "mean request time added at 1,000 requests a second", "≤ 10 %", own.added, rate=1000),
    row("added-10000", "the same at 10,000", "≤ 10 %", own.added, rate=10000),
    row("cpu-1000", "hark's own time a request, both sides, at 1,000 requests a second", "≤ 8 µs", own.constant_cpu,
        rate=1000),
    row("cpu-10000", "the same at 10,000", "≤ 4 µs", own.constant_cpu, rate=10000),
    row("resident-idle", "resident without the ring, idle", "≤ 15 MB", footprint.idle),
    row("resident-connections", "the same, 10,000 connections", "≤ 64 MB", footprint.connections),
    row("resident-million", "the same, growth with a million exchanges", "flat", footprint.million),
    row("ready", "ready after the start, processes as they are", "", footprint.ready, processes=0),
    row("ready-200", "the same, 200 processes more", "≤ 150 ms", footprint.ready, processes=200),
    row("ready-2000", "the same, 2,000 processes more", "≤ 600 ms", footprint.ready, processes=2000),
    row("wakeups", "wake-ups without traffic", "≤ 2/s", footprint.wakeups),
    row("growth", "growth when an input doubles (growth.svg)", "≤ 2 and what tables that double add", curves.measure),
    row("others-hark-plain", "beside other tools: hark, plain", "", others.hark, tls=False),
    row("others-tcpdump", "tcpdump writing a file, plain", "", others.tcpdump),
    row("others-strace", "`strace -f -c` on nginx, plain", "", others.strace),
    row("others-tshark", "tshark decoding live, plain", "", others.tshark),
    row("others-tshark-file", "tshark decoding a capture file, plain", "", others.tshark_decode),
    row("others-mitmdump", "mitmdump as a reverse proxy, plain", "", others.mitmdump),
    row("others-hark-tls", "beside other tools: hark, TLS", "", others.hark, tls=True),
    row("others-bpftrace", "bpftrace counting SSL_read and SSL_write, TLS", "", others.bpftrace),
]


def chosen(words):
    """The figures of BENCH; all of them without it."""
    names = [word.strip() for word in words.split(",") if word.strip()]
    found = [figure for figure in FIGURES if not names or any(figure.name == name or figure.name.startswith(name + "-")
                                                              for name in names)]
    unknown = [name for name in names if not any(figure.name == name or figure.name.startswith(name + "-") for figure in FIGURES)]
    if unknown:
        sys.exit(f"BENCH: no figure {', '.join(unknown)}; there are: {' '.join(figure.name for figure in FIGURES)}")
    return found


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, the kernel's switch put back
    figures = chosen(os.environ.get("BENCH", ""))
    words = f"BENCH={os.environ['BENCH']} " if os.environ.get("BENCH") else ""
    report = Report(figures, f"{words}BENCH_ROUNDS={ROUNDS} BENCH_SECONDS={SECONDS} make bench")
    with scratch_folder("bench") as folder, Ground(folder, ROUNDS, SECONDS) as ground:
        for figure in figures:
            report.take(figure, ground)
    report.write()
    print("\n" + report.table())
    for failure in report.failures:
        print("missed: " + failure)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
