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
    done = subprocess.run([HARK, "replay", CASES / f"{name}.rec", "-v", "--all", "-o", "json", *options],
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
    "h2-headers-never-ended": [("GET", "/", None, ["partial-headers", "in-flight"])],
    "h2-stream-reused": [("GET", "/", 200, [])],
    "h2-trailers-as-head": [("GET", "/q3", None, ["late-joined", "partial-headers"])],
    "tls-hello-to-http": [(None, None, 400, ["no-request"])],
    # The surplus response came before the request that was answered next.
    "response-before-request": [("GET", "/q1", 200, []), (None, None, 500, ["no-request"]), ("GET", "/q2", 200, [])],
    "one-lost-request": [("GET", "/q0", 200, []), (None, None, 200, ["gap", "no-request"])]
                        + [("GET", f"/q{n}", 200, []) for n in range(2, 7)],
    "two-lost-requests": [("GET", "/q0", 200, []), (None, None, 200, ["gap", "no-request"]), ("GET", "/q2", 200, []),
                          (None, None, 200, ["gap", "no-request"]), ("GET", "/q4", 200, [])],
    "head-size": [(None, None, 200, ["late-joined", "gap", "no-request", "guess"]),
                  (None, None, 200, ["late-joined", "no-request", "guess"]),
                  ("GET", "/q2", 200, ["late-joined", "guess"])],
    "glued-method": [(None, None, 200, ["late-joined", "no-request", "guess"])],
}


@pytest.mark.parametrize("name", ROWS)
def test_case(name):
    assert [brief(row) for row in watch(name)] == ROWS[name]


def test_fastcgi():
    """Both ends: two requests at a time, one that is aborted, one that is not taken, an error stream, a long answer."""
    for role in ("client", "server"):
        rows = watch("fastcgi", f"role:{role}")
        assert [(*brief(row), row.get("hark.stream"), row.get("http.response.body.size")) for row in rows] == [
            ("GET", "/one/0", 200, [], 1, 8), ("POST", "/two/0", 200, [], 2, 8), ("GET", "/wait", 200, ["reset"], 3, 5),
            ("GET", "/overloaded", None, ["reset"], 4, 0), ("GET", "/errors", 500, [], 4, 0), ("GET", "/big", 200, [], 4, 100_000)]
        assert rows[3]["hark.fastcgi.protocol_status"] == "OVERLOADED" and rows[4]["hark.fastcgi.app_status"] == 3
        assert ["FCGI_STDERR", "went wrong"] in rows[4]["http.response.trailer"]
        assert {(row["network.protocol.name"], row["server.address"]) for row in rows} == {("fastcgi", "fast.example")}
        assert "hush" not in str(rows)


@pytest.mark.parametrize("view", (["raw"], ["raw", "--hex"], ["raw", "-o", "json"], ["-vv"], ["-o", "har"], ["--as", "curl"], ["frames"], ["tree"]))
def test_fastcgi_has_secrets(view):
    shown = subprocess.run([HARK, "replay", CASES / "fastcgi.rec", *view], capture_output=True, text=True, check=True).stdout
    assert "hush" not in shown and "a=h" not in shown and "a=hus".encode().hex() not in shown


def test_statements_keep_their_literals_beside_requests_too():
    """Their bodies are the texts as they were sent, literals and all."""
    rows = watch("postgresql", "-vv", "proto:postgresql")
    assert "insert into t values (?)" in [row.get("db.query.text") for row in rows]
    assert {row["http.request.body"] for row in rows if "http.request.body" in row} == {"[redacted]"}
    assert {row["http.response.body"] for row in rows if "http.response.body" in row} == {"[redacted]"}
    lines = subprocess.run([HARK, "replay", CASES / "postgresql.rec", "-vv", "proto:postgresql"], capture_output=True, text=True,
                           check=True).stdout
    assert ">| [redacted]" in lines and "HTTP/" not in lines and "db.query.text: insert into t values (?)" in lines
    [open_one] = {row["http.request.body"] for row in watch("postgresql", "-vv", "--show-secrets", "proto:postgresql")
                  if row.get("db.operation.name") == "INSERT"}
    assert open_one == "insert into t values (1), (2)"


def test_a_statement_is_said_once_below_its_line():
    """With its literals it is another text than the one without, and both stand there."""
    def below(*options):
        shown = subprocess.run([HARK, "replay", CASES / "postgresql.rec", "queries", "-v", *options], capture_output=True, text=True, check=True).stdout
        return [line.strip() for line in shown.splitlines() if line.startswith("    ")]
    assert "> insert into t values (?)" in below() and not [line for line in below() if "db.query.text" in line]
    assert "= db.query.summary: INSERT t" in below()
    assert {"> insert into t values (1), (2)", "= db.query.text: insert into t values (?)"} <= set(below("--show-secrets"))


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


@pytest.mark.parametrize("name", ["response-before-request", "one-lost-request", "two-lost-requests", "head-size"])
def test_each_answer_stands_with_its_own_request(name):
    """X-Id in a request and in its response names the true pair."""
    def number(fields):
        return [value for key, value in fields or [] if key.lower() == "x-id"]

    for row in watch(name):
        asked, answered = row.get("http.request.header"), row.get("http.response.header")
        if asked is not None and answered is not None:
            assert number(asked) == number(answered), row


def test_the_answer_to_an_unseen_head_has_no_size():
    rows = watch("head-size")
    assert [row.get("http.response.body.size") for row in rows] == [None, 5, 1]


def test_the_size_of_a_body_is_right_or_not_told():
    """q0: a length and chunked; q1: lengths that differ; q2: that agree; q3: with a sign; q4: chunked, gzip; q5: gzip,
    chunked; q6: a space before the colon."""
    rows = {row["url.path"]: (row.get("http.response.body.size"), row.get("hark.flags")) for row in watch("framings")}
    assert rows == {"/q0": (2, ["malformed"]), "/q1": (None, ["gap", "malformed"]), "/q2": (2, None),
                    "/q3": (None, ["gap", "malformed"]), "/q4": (3, None), "/q5": (2, None),
                    "/q6": (None, ["gap", "partial-headers", "malformed"])}


def test_no_scheme_is_invented():
    [row] = watch("h2-no-scheme")
    assert "url.scheme" not in row


def test_a_fake_head_is_no_answer_without_a_mark():
    for row in watch("fake-head-in-body"):
        assert row.get("http.response.status_code") != 404 or "guess" in row["hark.flags"]


def test_statistics_leave_guesses_out():
    done = subprocess.run([HARK, "replay", CASES / "glued-method.rec", "stat", "-o", "json"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and done.stdout == ""
