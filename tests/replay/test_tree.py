# SPDX-License-Identifier: Apache-2.0
"""hark tree of a recording: three servers that hand B3 on, and one request that names the same trace by W3C."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def tree(*words):
    done = subprocess.run([HARK, "replay", ROOT / "testdata/cases/trace.rec", "tree", "-q", *words], capture_output=True,
                          text=True, timeout=60, env={**os.environ, "TZ": "UTC", "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_text():
    assert tree(TRACE[:4]).splitlines() == [
        f"Trace {TRACE}: 5 exchanges, 24 ms from 11:23:44.684",
        "    START      TIME   NETWORK                            EXCHANGE",
        " 0.000 ms     12 ms         ? |=============           | ? -> python3.11[11709]  GET 127.0.0.1:23692/start  200",
        "  0.80 ms   6.25 ms  0.019 ms |=======                 |   python3.11[11709] -> python3.11[11700]  GET 127.0.0.1:23693/from/23692?token=[redacted]  200",
        "  1.49 ms   2.98 ms  0.019 ms | ====                   |     python3.11[11700] -> python3.11[11694]  GET 127.0.0.1:23694/from/23693?token=[redacted]  200",
        "  7.69 ms   2.31 ms  0.017 ms |       ===              |   python3.11[11709] -> python3.11[11694]  GET 127.0.0.1:23694/from/23692?token=[redacted]  200",
        "    22 ms   2.30 ms         ? |                     ===| ? -> python3.11[11694]  GET 127.0.0.1:23694/start  200",
    ]


def test_json():
    rows = [json.loads(line) for line in tree(TRACE, "-o", "json").splitlines()]
    assert [(row["hark.tree.number"], row.get("hark.tree.parent"), row["hark.tree.depth"]) for row in rows] == [
        (1, None, 0), (2, 1, 1), (3, 2, 2), (4, 1, 1), (5, None, 0)]
    assert [row.get("parent_span_id") for row in rows[:4]] == [None, rows[0]["span_id"], rows[1]["span_id"], rows[0]["span_id"]]
    assert not any("hark.tree.guess" in row for row in rows) and {row["trace_id"] for row in rows} == {TRACE}


def test_all_of_them():
    heading, line = tree().splitlines()
    assert heading.split() == ["TIME", "COUNT", "FAILED", "TRACE", "FIRST", "EXCHANGE"]
    assert line.split()[:5] == ["24", "ms", "5", "0", TRACE]
    [row] = map(json.loads, tree("-o", "json").splitlines())
    assert (row["trace_id"], row["count"], row["hark.tree.failed"]) == (TRACE, 5, 0)


def test_none_of_that_name():
    assert tree("5bf9") == "" and tree("5bf9", "-o", "json") == ""
