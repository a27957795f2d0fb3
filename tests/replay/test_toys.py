# SPDX-License-Identifier: Apache-2.0
"""An addition takes its own file and one row (tests/toys/tree), and hark has it."""
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HARK", str(ROOT / "build/hark"))).resolve().parent
RECORDING = ROOT / "testdata/recordings/mixed.rec"


@pytest.fixture(scope="session")
def toy_hark():
    """The build with the rows of tests/toys/tree."""
    path = BUILD / "toy/hark"
    done = subprocess.run(["make", "--no-print-directory", "BUILD=" + os.path.relpath(BUILD, ROOT),
                           "SAN=" + os.environ.get("SAN", ""), os.path.relpath(path, ROOT)], cwd=ROOT,
                          capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return path


def replay(hark, *words):
    done = subprocess.run([hark, "replay", RECORDING, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_sink(toy_hark):
    """With bodies, and a timer of its own."""
    shown = replay(toy_hark, "-o", "toy")
    assert re.fullmatch(r"toy: [1-9]\d* exchanges, 0 bytes of bodies, .*\n", shown), shown
    shown = replay(toy_hark, "-o", "toy", "-vv", "--speed", "10")
    assert re.fullmatch(r"toy: [1-9]\d* exchanges, [1-9]\d* bytes of bodies, the clock ticked\n", shown), shown


def test_a_content(toy_hark):
    """How its bodies are shown, and how its calls ended."""
    greetings = [line for line in replay(toy_hark).splitlines() if "/hello" in line]
    assert len(greetings) == 3 and all(" 200 toy:12 " in line for line in greetings)
    told = [json.loads(line) for line in replay(toy_hark, "-o", "json", "-vv").splitlines()]
    for exchange in told:
        if exchange["url.path"] == "/hello":
            assert (exchange["rpc.system"], exchange["rpc.toy.status_code"]) == ("toy", 12)
            assert exchange["http.response.body"] == {"base64": "aGVsbG8gd29ybGQK"}
        else:
            assert "rpc.system" not in exchange
    assert sum("rpc.system" in exchange for exchange in told) == 2 * len(greetings), "each end of each"
