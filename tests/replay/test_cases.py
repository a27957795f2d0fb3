# SPDX-License-Identifier: Apache-2.0
"""Recordings of what was read wrong once, each with the right values (testdata/cases)."""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
CASES = ROOT / "testdata/cases"


def watch(name, *options):
    done = subprocess.run([HARK, "replay", CASES / f"{name}.rec", "-v", "-o", "json", *options],
                          capture_output=True, text=True, timeout=60, env={**os.environ, "TZ": "UTC"})
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def brief(row):
    return (row.get("http.request.method"), row.get("url.path"), row.get("http.response.status_code"),
            row.get("hark.flags", []))


ROWS = {
    "h2-two-statuses": [("GET", "/", 200, ["malformed"])],
    "h2-no-scheme": [("GET", "/", 200, [])],
    "glued-method": [(None, None, 200, ["late-joined", "no-request", "guess"])],
}


@pytest.mark.parametrize("name", ROWS)
def test_case(name):
    assert [brief(row) for row in watch(name)] == ROWS[name]


def test_no_scheme_is_invented():
    [row] = watch("h2-no-scheme")
    assert "url.scheme" not in row


def test_a_fake_head_is_no_answer_without_a_mark():
    for row in watch("fake-head-in-body"):
        assert row.get("http.response.status_code") != 404 or "guess" in row["hark.flags"]
