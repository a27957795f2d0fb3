# SPDX-License-Identifier: Apache-2.0
"""hark's own cost: processor time an exchange, at full load and at a constant one; time that it adds
to a request; instructions; replays beside the bare parsers; programs in the kernel."""
import functools
import os
import statistics
import subprocess

import counted
from harness import children_of
from measure import ROOT, View, Watch, cpu_s, h2load, load_of_http2, run, wrk
from receiver import Receiver
from report import Reading

VIEWS = {"json": ["-o", "json"], "text": [], "stat": ["stat"], "top": ["top"],
         "serve": ["serve", "--listen", "127.0.0.1:0"], "sqlite": ["-o", "sqlite:{folder}/own.db", "--keep", "1G"]}
PACKETS = {"pcapng": ["-o", "pcapng"], "pcapng-all": ["-o", "pcapng", "--show-secrets"]}
RATE_CLIENTS = 10
REPLAYED = {"http1": (20_000, 220_000), "http1-new": (20_000, 220_000), "http2": (10_000, 110_000)}
EMPTY_CALLS = 500_000


@functools.cache
def views(ground):
    """Microseconds an exchange and side of each view, in turns."""
    taken_us = {name: [] for name in VIEWS | PACKETS}
    for _ in range(ground.rounds):
        for name, words in (VIEWS | PACKETS).items():
            view = View(ground.folder, *(word.format(folder=ground.folder) for word in words), screen=name == "top")
            wrk(ground.nginx, False, ground.seconds)
            taken_us[name].append(view.stop())
    return taken_us


def microseconds(values):
    return Reading(f"**{statistics.median(values):.2f} µs** ({min(values):.2f} to {max(values):.2f})", {"us": values})


def view_of_http1(ground, name):
    return microseconds(views(ground)[name])


def sent(ground, form):
    """What is sent costs hark, and its process that sends, apart; the receiver takes it and looks at nothing."""
    hark_us, sender_us = [], []
    for _ in range(ground.rounds):
        with Receiver(keeps=False) as receiver:
            view = View(ground.folder, "-o", f"{form}:{receiver.url}")
            sender, = children_of(view.process.pid)
            before_s = cpu_s(sender)
            wrk(ground.nginx, False, ground.seconds)
            taken_s = cpu_s(sender) - before_s
            hark_us.append(view.stop())
            sender_us.append(taken_s * 1e6 / view.exchanges)
    reading = microseconds(hark_us)
    return Reading(f"{reading.now}, the process that sends {statistics.median(sender_us):.2f} µs",
                   {"us": hark_us, "sender_us": sender_us})


def view_of_http2(ground):
    taken_us = []
    for _ in range(ground.rounds):
        view = View(ground.folder, "-o", "json")
        load_of_http2(ground.nginx, ground.seconds)
        taken_us.append(view.stop())
    return microseconds(taken_us)


@functools.cache
def constant(ground, rate):
    """Mean request time without hark and with it, and hark's own time a request, both sides: a row a round."""
    words = ("--h1", f"-c{RATE_CLIENTS}", f"--rps={rate // RATE_CLIENTS}")
    rows = []
    for _ in range(ground.rounds):
        *_, without_us = h2load(ground.nginx.http, False, ground.seconds, *words)
        watch = Watch(ground.folder)
        before_s = cpu_s(watch.process.pid)
        _, requests, _, with_us = h2load(ground.nginx.http, False, ground.seconds, *words)
        own_us = (cpu_s(watch.process.pid) - before_s) * 1e6 / requests
        watch.stop()
        assert requests > 0.8 * rate * ground.seconds, f"only {requests} requests in {ground.seconds} s"
        rows.append((without_us, with_us, own_us))
    return rows


def added(ground, rate):
    without, with_hark, _ = (statistics.median(column) for column in zip(*constant(ground, rate)))
    return Reading(f"**{with_hark / without - 1:+.0%}** ({without:.0f} µs, {with_hark:.0f} with hark)",
                   {"rows_us": constant(ground, rate)})


def constant_cpu(ground, rate):
    return microseconds([row[2] for row in constant(ground, rate)])


def instructions(ground, protocol):
    figure = counted.instructions_an_exchange(ground.folder, protocol)
    return Reading(f"**{figure:,.0f}**", {"instructions": figure})


def processor_time_s(command):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return usage.ru_utime + usage.ru_stime


def replay(ground, protocol):
    """The difference of a long and a short recording: no start in it. The parsers run over the long one, in turns."""
    few, many = REPLAYED[protocol]
    commands = [counted.replay_command(ground.folder, protocol, count, "/dev/null") for count in (few, many)]
    ours_ns, bare_ns = [], []
    for _ in range(ground.rounds):
        short_s, long_s = (processor_time_s([*command, "-q"]) for command in commands)
        ours_ns.append((long_s - short_s) * 1e9 / (many - few))
        bare_ns.append(float(run(ROOT / "build/bench/parsers", protocol.split("-")[0], commands[1][2], deadline_s=120).text.split()[1]))
    for command in commands:
        command[2].unlink()
    ours, bare = statistics.median(ours_ns), statistics.median(bare_ns)
    return Reading(f"**{1e9 / ours:,.0f}/s**, **{bare / ours:.2f}** of the bare parsers' {1e9 / bare:,.0f}/s",
                   {"ours_ns": ours_ns, "bare_ns": bare_ns})


def kernel(ground, tls):
    """All programs of hark, whoever ran them, while a load runs."""
    with counted.program_statistics():
        empty_ns = float(run(ROOT / "build/bench/empty_program", EMPTY_CALLS, deadline_s=60).text)
        watch = Watch(ground.folder)
        before = [counted.sum_of_programs(watch.process.pid, fact) for fact in ("run_time_ns", "run_cnt")]
        _, requests, _ = wrk(ground.nginx, tls, ground.seconds)
        taken_ns, runs = (counted.sum_of_programs(watch.process.pid, fact) - was
                          for fact, was in zip(("run_time_ns", "run_cnt"), before))
        records = watch.stop()["events.received"]
    return Reading(f"**{taken_ns / records:.0f} ns** a record, **{taken_ns / requests / 1000:.2f} µs** a request ({runs / requests:.1f} "
                   f"runs of {taken_ns / runs:.0f} ns, {records / requests:.1f} records; an empty program takes {empty_ns:.0f} ns)",
                   {"taken_ns": taken_ns, "runs": runs, "records": records, "requests": requests, "empty_ns": empty_ns})
