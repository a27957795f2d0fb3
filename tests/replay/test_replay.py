# SPDX-License-Identifier: Apache-2.0
"""Recorded events through each sink equal the golden files; UPDATE=1 writes them anew (read the diff)."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
RECORDINGS = sorted((ROOT / "testdata/recordings").glob("*.rec"))
VIEWS = {
    "watch.txt": [],
    "watch-v.txt": ["-v"],
    "watch.json": ["-v", "-o", "json"],
    "watch.curl": ["--as", "curl"],
    "conns.txt": ["conns"],
    "conns-v.txt": ["conns", "-v"],
    "conns.json": ["conns", "-o", "json"],
    "frames.txt": ["frames"],
    "frames.json": ["frames", "-o", "json"],
    "raw.txt": ["raw"],
    "raw-hex.txt": ["raw", "--hex"],
    "raw.json": ["raw", "-o", "json"],
}


def replay(path, words):
    done = subprocess.run([HARK, "replay", path, *words], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_golden(recording, name):
    golden = recording.with_suffix("." + name)
    out = replay(recording, VIEWS[name])
    if os.environ.get("UPDATE"):
        golden.write_text(out)
    assert out == golden.read_text()


def test_there_are_recordings():
    assert RECORDINGS
