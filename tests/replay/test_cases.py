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
    "h2-lost-part": [("GET", "/", 204, []), (None, None, 200, ["gap", "no-request"])],
    "h2-headers-never-ended": [("GET", "/", None, ["partial-headers", "in-flight", "unanswered"])],
    "h2-stream-reused": [("GET", "/", 200, [])],
    "h2-trailers-as-head": [("GET", "/q3", None, ["late-joined", "partial-headers"])],
    "tls-hello-to-http": [(None, None, 400, ["no-request"])],
    "glued-method": [(None, None, 200, ["late-joined", "no-request", "guess"])],
}


@pytest.mark.parametrize("name", ROWS)
def test_case(name):
    assert [brief(row) for row in watch(name)] == ROWS[name]


def test_trailers_are_no_head():
    [row] = watch("h2-trailers-as-head")
    assert "http.response.body.size" not in row
    assert row["http.response.header"] == [] and len(row["http.response.trailer"]) == 2


def test_what_is_not_shown_is_counted(tmp_path):
    counters = tmp_path / "counters"
    watch("h2-stream-reused", "--stats-json", counters)
    assert json.loads(counters.read_text())["messages.refused"] == 2, "a request and its answer on a used stream"
    watch("h2-headers-never-ended", "--stats-json", counters)
    assert json.loads(counters.read_text())["hpack.blocks_lost"] == 1


def test_no_scheme_is_invented():
    [row] = watch("h2-no-scheme")
    assert "url.scheme" not in row


def test_a_fake_head_is_no_answer_without_a_mark():
    for row in watch("fake-head-in-body"):
        assert row.get("http.response.status_code") != 404 or "guess" in row["hark.flags"]
