# SPDX-License-Identifier: Apache-2.0
"""Every recording that went wrong once, as an archive and as commands: one JSON text, and words that a shell takes."""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
RECORDINGS = sorted(ROOT.glob("testdata/recordings/*.rec")) + sorted(ROOT.glob("testdata/cases/*.rec"))


def replay(path, *words):
    return subprocess.run([HARK, "replay", path, "-q", *words], capture_output=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_archive(path):
    lines = [json.loads(line) for line in replay(path, "-o", "json").splitlines()]
    log = json.loads(replay(path, "-o", "har", "--both-ends"))["log"]
    asked = [one for one in lines if "http.request.method" in one and "url.path" in one]
    assert len(log["entries"]) <= len(lines)
    assert [one["request"]["method"] for one in log["entries"] if one["response"]["status"]] == \
        [one["http.request.method"] for one in asked if "http.response.status_code" in one]
    left_out = len(lines) - len(log["entries"])
    assert log.get("comment") == (f"left out, for their request was not seen: {left_out}" if left_out else None)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_commands(path, tmp_path):
    script = tmp_path / "script"
    script.write_bytes(replay(path, "--as", "curl", "--show-secrets"))
    subprocess.run(["sh", "-n", script], check=True, timeout=60)
    for line in script.read_text().splitlines():
        assert line.startswith(("# ", "curl ", "printf "))
    said = subprocess.run(["sh", "-c", 'curl() { test "$#" -gt 0 && echo called; }; . "$0"', script], capture_output=True,
                          text=True, check=True, timeout=60).stdout.splitlines()
    assert said == [line for line in ["called"] for command in script.read_text().splitlines() if command[0] != "#"]
