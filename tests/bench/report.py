# SPDX-License-Identifier: Apache-2.0
"""What a bench hands on, and where its figures go: the terminal, a table in Markdown, figures.json.

A figure is a row of the table in bench.py. What cannot be measured on a machine says why; none is left out silently.
"""
import dataclasses
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import time

from measure import ROOT, end_what_is_left

OUT = pathlib.Path(os.environ.get("BENCH_OUT", ROOT / "build/bench"))
TABLE, FIGURES, PICTURE = OUT / "performance.md", OUT / "figures.json", OUT / "growth.svg"


class NotMeasured(Exception):
    """This machine lacks what the figure needs."""


@dataclasses.dataclass
class Figure:
    """A row: its name on the command line, what it is, what it should be ("": nothing is promised), its function."""

    name: str
    what: str
    aim: str
    measure: object


@dataclasses.dataclass
class Reading:
    """now: the figure in words; numbers: what it was made of; failures: what must not be, such as losses."""

    now: str
    numbers: dict = dataclasses.field(default_factory=dict)
    failures: list = dataclasses.field(default_factory=list)


def first_line_of(path, mark):
    found = re.search(rf"^{mark}\s*: (.*)$", pathlib.Path(path).read_text(), re.M)
    return found[1] if found else "unknown"


def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=10"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine():
    return {"commit": commit(), "kernel": os.uname().release, "cpu": first_line_of("/proc/cpuinfo", "model name"),
            "processors": os.cpu_count(), "date": datetime.date.today().isoformat()}


def described(about):
    return (f"{about['date']}, commit {about['commit']}, Linux {about['kernel']}, {about['cpu']}, {about['processors']} "
            f"processors, `{about['command']}`")


class Report:
    def __init__(self, figures, command):
        self.figures, self.about = figures, {**machine(), "command": command}
        self.readings, self.failures = {}, []

    def take(self, figure, ground):
        """One figure; another one's failure does not keep it from being measured."""
        place = f"[{len(self.readings) + 1}/{len(self.figures)}] {figure.what}"
        if sys.stderr.isatty():
            print(f"{place} ...\r", end="", file=sys.stderr, flush=True)
        begin = time.monotonic()
        try:
            reading = figure.measure(ground)
        except NotMeasured as why:
            reading = Reading(f"not measured: {why}")
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
            reading = Reading("not measured: it failed", failures=[f"{type(error).__name__}: {error}"])
        finally:
            end_what_is_left()
        self.readings[figure.name] = reading
        self.failures += [f"{figure.name}: {text}" for text in reading.failures]
        print(f"{place}: {reading.now}   ({time.monotonic() - begin:.0f} s)", flush=True)

    def table(self):
        rows = [f"| {figure.what} | `{figure.name}` | {self.readings[figure.name].now} | {figure.aim} |" for figure in self.figures]
        return "\n".join([f"Measured {described(self.about)}:", "", "| figure | `BENCH=` | now | aim |", "| --- | --- | --- | --- |",
                          *rows])

    def write(self):
        OUT.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(self.table() + "\n")
        FIGURES.write_text(json.dumps({**self.about, "figures": [
            {"name": figure.name, "what": figure.what, "aim": figure.aim, "now": self.readings[figure.name].now,
             **self.readings[figure.name].numbers} for figure in self.figures]}, indent=1) + "\n")
