# SPDX-License-Identifier: Apache-2.0
"""What a newcomer meets first: whole exchanges, and one line at the end."""
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
# Two answers to requests that came before hark, then an exchange whose request was seen.
LATE = ROOT / "testdata/cases/head-size.rec"
MIXED = ROOT / "testdata/recordings/mixed.rec"


def replay(recording, *words):
    done = subprocess.run([HARK, "replay", recording, *map(str, words)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    return done


def paths(done):
    return [json.loads(line).get("url.path") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("format_", ["text", "json"])
def test_answers_to_requests_before_hark_are_counted(format_, tmp_path):
    """Also for -n, and in JSON; --all shows them, and so does a filter that asks for their flags."""
    done = replay(LATE, "-o", format_, "--stats-json", tmp_path / "counters")
    assert done.stdout.count("\n") == 1 and "/q2" in done.stdout
    assert done.stderr == "hark: 1 exchange, slowest 1.00 ms; 2 begun before hark not shown (--all); nothing lost\n"
    assert json.loads((tmp_path / "counters").read_text())["exchanges.under_way"] == 2
    assert replay(LATE, "-o", format_, "--all").stdout.count("\n") == 3
    assert replay(LATE, "-o", format_, "flag:no-request").stdout.count("\n") == 2
    assert "/q2" in replay(LATE, "-o", format_, "-n", "1").stdout


def test_only_they_are_left_out():
    """What lost its request otherwise is shown: that is a loss, which is told."""
    for name in ("one-lost-request", "response-before-request", "tls-hello-to-http"):
        assert None in paths(replay(ROOT / f"testdata/cases/{name}.rec", "-o", "json")), name


def test_one_line_at_the_end():
    """As many as there are lines; what failed; the slowest of them. The counters are for -v."""
    text, objects = replay(MIXED), [json.loads(line) for line in replay(MIXED, "-o", "json", "--all").stdout.splitlines()]
    said = re.fullmatch(r"hark: (\d+) exchanges, (\d+) failed, slowest (\S+) (m?s); nothing lost\n", text.stderr)
    assert said, text.stderr
    assert int(said[1]) == len(text.stdout.splitlines())
    assert int(said[2]) == len(replay(MIXED, "--errors").stdout.splitlines())
    slowest = max(one.get("hark.duration_ms", 0) for one in objects)
    assert abs(float(said[3]) * (1000 if said[4] == "s" else 1) - slowest) <= slowest / 20
    detail = replay(MIXED, "-v").stderr
    assert re.search(r"^  exchanges\.whole +\d+  ", detail, re.M) and "  events.lost" not in detail


def test_a_filter_that_matched_nothing_is_told_of():
    """Even with -q; not when something was shown."""
    seen = int(re.match(r"hark: (\d+) ", replay(MIXED).stderr)[1])
    for words in (["-q"], []):
        done = replay(MIXED, "host:nobody.example", *words)
        assert done.stdout == ""
        assert done.stderr.splitlines()[0] == f"hark: the filter matched none of {seen} exchanges"
        assert replay(MIXED, "status:200", "-q").stderr == ""
    assert replay(MIXED, "-q", "pid:4294967").stderr == "hark: the filter matched nothing: no exchange was seen\n"
    assert replay(MIXED, "conns", "-q", "peer:203.0.113.9").stderr.startswith("hark: the filter matched none of ")
    assert "matched" in replay(MIXED, "stat", "-q", "path:/nowhere").stderr


@pytest.mark.parametrize("words, meant", [
    (("port", "443"), "did you mean 'port:443'?"),
    (("443",), "did you mean 'port:443'?"),
    (("404",), "did you mean 'status:404'?"),
    (("-p", "nginx"), "as in: hark --comm nginx"),
    (("--as", "har"), "-o har:FILE"),
])
def test_words_of_other_tools(words, meant):
    done = subprocess.run([HARK, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and meant in done.stderr.splitlines()[0]


def test_why_a_filter_matched_nothing():
    """A part of a path is asked for with stars; -q says only that nothing matched."""
    said = "hark: path:nowhere asks for the whole of it; a part is path:'*nowhere*'"
    assert said in replay(MIXED, "path:nowhere").stderr.splitlines()
    for words in (["path:*nowhere*"], ["!path:/", "status:299"], ["-q", "path:nowhere"]):
        assert "asks for the whole" not in replay(MIXED, *words).stderr


def stat(*words):
    return [json.loads(line) for line in replay(MIXED, "stat", "-o", "json", *words).stdout.splitlines()]


def test_tables_of_intervals():
    """An empty one has a row, the last one covers the run and says so; columns begin at the same places in each."""
    rows = stat("-i", "0.01")
    intervals, totals = [row for row in rows if "interval_s" in row], [row for row in rows if row.get("total")]
    assert len(intervals) + len(totals) == len(rows) and not any("incomplete" in row for row in rows)
    assert sum(row["count"] for row in intervals) == sum(row["count"] for row in totals) == 11
    assert [row for row in intervals if row["count"] == 0 and "http.route" not in row]
    assert totals and rows[-len(totals):] == totals and not any("total" in row for row in stat())
    titles = [line for line in replay(MIXED, "stat", "-i", "0.01").stdout.splitlines() if "COUNT" in line]
    places = [[title.find(name) for name in ("COUNT", "p50", "p99", "MAX", "TIME%")] for title in titles]
    assert len(places) > 10 and places == [places[0]] * len(places)


def test_shares_of_time():
    """Of the time that all took together; --hist sums up to 100 %."""
    shares = [row["duration_share"] for row in stat()]
    sums = [row["count"] * row["duration_ms"]["mean"] for row in stat()]
    assert abs(sum(shares) - 1) < 0.01
    assert all(abs(share - one / sum(sums)) < 0.002 for share, one in zip(shares, sums))
    hist = replay(MIXED, "stat", "--by", "host", "--hist").stdout
    percents = [float(percent) for percent in re.findall(r"^  \d+ [mu]?s +\d+ +([0-9.]+)%", hist, re.M)]
    assert percents == sorted(percents) and percents[-1] == 100 and percents[0] < 100
