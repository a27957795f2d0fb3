# SPDX-License-Identifier: Apache-2.0
"""What is added takes its own file and one row: a copy of the sources gets both, and hark has it."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HARK", str(ROOT / "build/hark"))).resolve().parent
RECORDING = ROOT / "testdata/recordings/mixed.rec"


@pytest.fixture
def tree(tmp_path):
    """A copy of the sources and of what was built of them: make has little to do."""
    for folder in ("include", "bpf", "protocols", "agent", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy2(ROOT / "Makefile", tmp_path)
    shutil.copytree(BUILD, tmp_path / "build",
                    ignore=lambda folder, names: {"tests", "fuzz", "fresh", "kernels", "dist", "peers", "bench"} & set(names)
                    if pathlib.Path(folder) == BUILD else ())
    return tmp_path


def add_row(path, begin, row):
    """Puts a row behind the first line that begins so."""
    lines = path.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(begin))
    path.write_text("\n".join([*lines[:at + 1], row, *lines[at + 1:], ""]))


def build(tree):
    sanitized = os.environ.get("SAN")
    done = subprocess.run(["make", "-j2", "--no-print-directory", "BUILD=build", f"SAN={sanitized or ''}", "build/hark"], cwd=tree,
                          capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return tree / "build/hark"


def replay(hark, *words):
    done = subprocess.run([hark, "replay", RECORDING, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_sink(tree):
    """With bodies, and a timer of its own."""
    shutil.copy2(ROOT / "tests/toys/toy_sink.c", tree / "agent/sinks")
    add_row(tree / "agent/sinks/sinks.h", "#define SINKS(X)", "\tX(toy_sink) \\")
    hark = build(tree)
    shown = replay(hark, "-o", "toy")
    assert re.fullmatch(r"toy: [1-9]\d* exchanges, 0 bytes of bodies, .*\n", shown), shown
    shown = replay(hark, "-o", "toy", "-vv", "--speed", "10")
    assert re.fullmatch(r"toy: [1-9]\d* exchanges, [1-9]\d* bytes of bodies, the clock ticked\n", shown), shown


def test_a_content(tree):
    """How its bodies are shown, and how its calls ended."""
    shutil.copy2(ROOT / "tests/toys/toy_content.c", tree / "protocols/content")
    add_row(tree / "protocols/content/contents.h", "#define CONTENTS(X)", "\tX(toy_content) \\")
    hark = build(tree)
    greetings = [line for line in replay(hark).splitlines() if "/hello" in line]
    assert len(greetings) == 3 and all(" 200 toy:12 " in line for line in greetings)
    told = [json.loads(line) for line in replay(hark, "-o", "json", "-vv").splitlines()]
    for exchange in told:
        if exchange["url.path"] == "/hello":
            assert (exchange["rpc.system"], exchange["rpc.toy.status_code"]) == ("toy", 12)
            assert exchange["http.response.body"] == {"base64": "aGVsbG8gd29ybGQK"}
        else:
            assert "rpc.system" not in exchange
    assert sum("rpc.system" in exchange for exchange in told) == 2 * len(greetings), "each end of each"
