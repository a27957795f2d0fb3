# SPDX-License-Identifier: Apache-2.0
"""What observed programs keep of their speed, medians of alternating runs with and without hark, which traces both ends
and writes every exchange as JSON to a file."""
import functools
import statistics

from measure import CONNECTIONS, HTTP2_STREAMS, Load, hey, load_of_http2, loop_ratio, wrk
from report import Reading

LOSSLESS_RATE = 60_000
LARGE_CONNECTIONS = 4


def amount(rate, large):
    return f"{rate / 2 ** 30:.2f} GiB/s" if large else f"{rate:,.0f}/s"


def read_load(load, open_requests=CONNECTIONS, large=False, lossless_rate=float("inf")):
    """A load as a reading. More exchanges than were made are a failure at any rate, fewer up to lossless_rate."""
    without, with_hark = statistics.median(load.without), statistics.median(load.with_hark)
    lost, missing, records = sum(load.lost), sum(load.missing), sum(load.lost_records)
    said = f"{records} records lost, {missing} exchanges not seen" if lost or missing else "nothing lost"
    failures = []
    if load.surplus > open_requests:
        failures.append(f"{load.surplus} exchanges more than were made")
    if (lost or missing) and with_hark <= lossless_rate:
        failures.append(said)
    return Reading(f"**{load.ratio:.2f}** of {amount(without, large)}, {said}",
                   {"kept": load.ratio, "without": load.without, "with": load.with_hark, "records_lost": load.lost_records,
                    "missing": load.missing}, failures)


def nginx(ground, tls, capture):
    load = Load(ground.folder, functools.partial(wrk, ground.nginx, tls), ground.nginx.worker, ground.rounds, ground.seconds,
                "--capture", capture)
    return read_load(load, lossless_rate=float("inf") if tls else LOSSLESS_RATE * 2)


def http2(ground):
    return read_load(Load(ground.folder, functools.partial(load_of_http2, ground.nginx), ground.nginx.worker, ground.rounds,
                          ground.seconds), HTTP2_STREAMS)


def body(ground, name, tls):
    """Nobody wants it: heads alone are written."""
    ask = functools.partial(wrk, ground.nginx, tls, path=f"/{name}", connections=LARGE_CONNECTIONS)
    return read_load(Load(ground.folder, ask, ground.nginx.worker, ground.rounds, ground.seconds), LARGE_CONNECTIONS, True)


def excluded(ground):
    """hark is asked for another program, which does nothing."""
    return read_load(Load(ground.folder, functools.partial(wrk, ground.nginx, True), None, ground.rounds, ground.seconds,
                          "-p", str(ground.bystander)))


def go(ground):
    """hey is a program of Go's too: probes at both ends."""
    return read_load(Load(ground.folder, functools.partial(hey, ground.go), lambda: ground.go.pid, ground.rounds,
                          ground.seconds))


def loop(ground, what, capture):
    ratio, base = loop_ratio(ground.folder, what, ground.rounds, 1, "--capture", capture)
    return Reading(f"**{1 / ratio:.2f}** ({base:.0f} ns a round, {base * ratio:.0f} with hark)",
                   {"kept": 1 / ratio, "without_ns": base, "with_ns": base * ratio})
