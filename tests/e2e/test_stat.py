# SPDX-License-Identifier: Apache-2.0
"""hark stat: numbers by endpoint and other keys, live and from a recording, against what the exchanges say.

Others' harks would have to read the load of those that are alone.
"""
import json
import math
import os
import pathlib
import re
import signal
import tempfile

import pytest

from harness import HARK, ROOT, Program, free_port, run, wait_until
from servers import HERE, PYTHON

RANKS = {"p50": 0.50, "p90": 0.90, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


def stat(recording, *options, status=0):
    done = run(HARK, "replay", recording, "stat", "-q", "-o", "json", *options, status=status)
    return [json.loads(line) for line in done.text.splitlines()]


def table(recording, *options):
    return run(HARK, "replay", recording, "stat", "-q", *options).text


@pytest.fixture(scope="module")
def load(nginx, tmp_path_factory):
    """10,000 exchanges on one server, of which the JSON lines and a recording are there."""
    folder = tmp_path_factory.mktemp("stat")
    lines, recording, stats = folder / "lines.json", folder / "load.rec", folder / "stats.json"
    hark = Program([HARK, "--ring", "64M", "-o", f"json:{lines}", "-w", recording, "--stats-json", stats, "--comm", "nginx"], folder)
    wait_until(lambda: "hark: ready" in hark.log(), "hark: ready")
    for path, count in (("/small.txt", 6000), ("/one", 3000), ("/missing", 1000)):
        run("h2load", "-n", count, "-c10", "-m10", f"http://127.0.0.1:{nginx.h2c}{path}")
    wait_until(lambda: lines.read_bytes().count(b'"server.port":%d,' % nginx.h2c) >= 10000, "the exchanges")
    hark.stop(2)
    assert json.loads(stats.read_text())["events.lost"] == 0
    own = [one for one in map(json.loads, lines.read_text().splitlines()) if one.get("server.port") == nginx.h2c]
    assert len(own) == 10000
    return recording, own, nginx


def of_rank(values, share):
    """The value that a share of all is not above."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@pytest.mark.alone
def test_percentiles_are_those_of_the_exchanges(load):
    recording, own, nginx = load
    rows = {row["http.route"]: row for row in stat(recording, f"port:{nginx.h2c}")}
    assert {route: row["count"] for route, row in rows.items()} == {"/small.txt": 6000, "/one": 3000, "/missing": 1000}
    for route, row in rows.items():
        mine = [one for one in own if one["url.path"] == route]
        for numbers, key in (("duration_ms", "hark.duration_ms"), ("ttfb_ms", "hark.ttfb_ms")):
            for name, share in RANKS.items():
                assert row[numbers][name] == pytest.approx(of_rank([one[key] for one in mine], share), rel=0.01), (route, name)
        assert row["http.response.body.size"] == sum(one["http.response.body.size"] for one in mine)
        assert row["errors.4xx"] == (1000 if route == "/missing" else 0)
        assert row["server.address"] == "127.0.0.1" and row["http.request.method"] == "GET"
        assert row["in_flight"] == row["errors.5xx"] == row["errors.reset"] == row["errors.timeout"] == 0


@pytest.mark.alone
@pytest.mark.parametrize("by, key, groups", [
    ("host", "server.address", 1), ("path", "url.path", 3), ("status", "http.response.status_code", 2),
    ("connection", "hark.connection", 30), ("process", "process.pid", 1), ("container", "container.id", 1)])
def test_by(load, by, key, groups):
    recording, own, nginx = load
    rows = stat(recording, f"port:{nginx.h2c}", "comm:nginx", "--by", by)
    assert len(rows) == groups and sum(row["count"] for row in rows) == 10000
    for row in rows:
        assert row["count"] == sum(one.get(key) == row.get(key) for one in own), row


@pytest.mark.alone
def test_both_ends_in_one_row_count_once(load):
    """Two processes have a row each; neither has a container, which is one row."""
    recording, _, nginx = load
    assert sum(row["count"] for row in stat(recording, f"port:{nginx.h2c}", "--by", "process")) == 20000
    assert sum(row["count"] for row in stat(recording, f"port:{nginx.h2c}", "--by", "container")) == 10000


@pytest.mark.alone
def test_sort_top_and_the_whole(load):
    recording, _, nginx = load
    assert [row["count"] for row in stat(recording, f"port:{nginx.h2c}")] == [6000, 3000, 1000]
    assert [row["count"] for row in stat(recording, f"port:{nginx.h2c}", "--sort=-count")] == [1000, 3000, 6000]
    assert [row["http.route"] for row in stat(recording, f"port:{nginx.h2c}", "--sort=name")] == ["/missing", "/one", "/small.txt"]
    assert len(stat(recording, f"port:{nginx.h2c}", "--top", "2")) == 2
    text = table(recording, f"port:{nginx.h2c}", "--top", "2")
    assert re.search(r"^ *6000 .* GET +127\.0\.0\.1/small\.txt$", text, re.M) and "/missing" not in text
    assert text.endswith("(1 more row, 1000 exchanges)\n")


@pytest.mark.alone
def test_pictures(load):
    recording, _, nginx = load
    text = table(recording, f"port:{nginx.h2c}", "path:/one", "--hist", "--heat")
    counts = [int(count) for count in re.findall(r"^ +[\d.]+ (?:us|ms|s) +(\d+) +[\d.]+% [#█▏▎▍▌▋▊▉]+", text, re.M)]
    assert sum(counts) in (3000, 6000) and "a column is" in text


def test_live_intervals(hark, tmp_path):
    """A table every half a second, of that time; the last one is of the whole run."""
    port = free_port()
    server = Program([PYTHON, HERE / "peers/delay.py", port], tmp_path, ports=(port,))
    path = pathlib.Path(tempfile.mkstemp(dir=tmp_path)[1])
    try:
        done = run(HARK, "stat", "-i", "0.5", "-o", f"json:{path}", "--", "sh", "-c",
                   f"for i in 1 2 3 4 5 6; do curl -s http://127.0.0.1:{port}/delay/300 >/dev/null; done")
    finally:
        server.stop()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    parts, whole = [row for row in rows if "interval_s" in row], [row for row in rows if "interval_s" not in row]
    assert len(whole) == 1 and whole[0]["count"] == 6 and whole[0]["in_flight"] == 0, done.err
    assert len({row["time"] for row in parts}) >= 3 and whole[0]["duration_ms"]["p50"] >= 300
    assert sum(row["count"] for row in parts) <= 6 and all(row["interval_s"] > 0 for row in parts)
    assert any(row["in_flight"] == 1 for row in parts)


def test_both_ends_count_once(nginx, tmp_path):
    path = tmp_path / "rows.json"
    hark = Program([HARK, "stat", "-o", f"json:{path}", f"port:{nginx.h2c}"], tmp_path)
    wait_until(lambda: "hark: ready" in hark.log(), "hark: ready")
    run("h2load", "-n", 500, "-c5", "-m10", f"http://127.0.0.1:{nginx.h2c}/one")
    hark.stop(2)
    (row,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert row["count"] == 500 and row["client_duration_ms"]["p50"] >= row["duration_ms"]["p50"]


@pytest.mark.parametrize("format_", ["text", "json"])
def test_outermost(nginx, tmp_path, format_):
    """curl asks nginx, which asks itself: with --outermost what curl asked for counts alone, from either end."""
    def count(*options):
        path = tmp_path / "rows"
        hark = Program([HARK, "stat", *options, "-o", f"{format_}:{path}", f"port:{nginx.http}", "path:*one"], tmp_path)
        wait_until(lambda: "hark: ready" in hark.log(), "hark: ready")
        run("curl", "-s", *[word for _ in range(5) for word in ("-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/proxy/one")])
        hark.stop(2)
        if format_ == "json":
            return {row["http.route"]: row["count"] for row in map(json.loads, path.read_text().splitlines())}
        return {words[-1].removeprefix("127.0.0.1"): int(words[0])
                for words in map(str.split, path.read_text().splitlines()[2:]) if words[0].isdigit()}  # no habits

    assert count() == {"/proxy/one": 5, "/one": 5}
    assert count("--outermost") == {"/proxy/one": 5}


@pytest.mark.alone
def test_a_table_says_that_its_numbers_miss_something(nginx, tmp_path):
    """On stdout, also with -q; in JSON each row does."""
    table, rows = tmp_path / "table", tmp_path / "rows"
    hark = Program([HARK, "stat", "-q", "--ring", "64K", "-o", f"text:{table}", "-o", f"json:{rows}",
                    "--stats-json", tmp_path / "stats"], tmp_path)
    wait_until(lambda: is_ready(hark), "hark is ready")
    os.kill(hark.pid, signal.SIGSTOP)
    run("h2load", "-n5000", "-c10", "-m10", f"http://127.0.0.1:{nginx.h2c}/small.txt")
    os.kill(hark.pid, signal.SIGCONT)
    assert hark.stop(signal.SIGINT) == 0 and not hark.log()
    lost = json.loads((tmp_path / "stats").read_text())["events.lost"]
    heading, said, *_ = table.read_text().splitlines()
    assert heading.startswith("Whole run, ") and lost > 0
    assert said.startswith(f"These numbers miss something. Lost: events.lost {lost}, bytes.lost ")
    assert all(json.loads(row)["incomplete"] for row in rows.read_text().splitlines())


def is_ready(hark):
    """Of one that says nothing: once it has given up its rights, the last thing that it does before."""
    status = pathlib.Path(f"/proc/{hark.pid}/status").read_text()
    return re.search(r"^NoNewPrivs:\s+1$", status, re.M)


def test_summary_after_the_lines(nginx):
    text = run(HARK, "-q", "--summary", "--", "curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/one",
               "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/users/12/orders").err.decode()
    lines = text.splitlines()
    assert "/one" in lines[0] and "/users/12/orders" in lines[1]
    assert any(re.search(r" GET +127\.0\.0\.1/users/\{id\}/orders$", line) for line in lines[2:]), text


def test_routes_of_the_user(nginx, tmp_path):
    path = tmp_path / "rows.json"
    run(HARK, "stat", "--route", "GET /files/*", "-o", f"json:{path}", "--", "curl", "-s", "-o", "/dev/null",
        f"http://127.0.0.1:{nginx.http}/files/a", "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/files/b/c")
    (row,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert row["http.route"] == "/files/*" and row["count"] == 2


@pytest.mark.alone
def test_demo_traffic_gives_something_to_look_at(tmp_path):
    """The endpoints of make demo-traffic are found by themselves, and nothing that it starts stays."""
    path = tmp_path / "rows.json"
    done = run(HARK, "-q", "-o", f"json:{path}", "--", ROOT / "scripts/demo-traffic", 4)
    assert "hark top" in done.text
    ones = [json.loads(line) for line in path.read_text().splitlines()]
    shop = [one for one in ones if one.get("server.address") == "shop.example" and one["hark.role"] == "server"]
    assert {one["http.route"] for one in shop[100:]} >= {"/v1/products/{id}", "/v1/carts/{id}", "/health", "/v1/search",
                                                         "/v1/products/{id}/reviews", "/v1/carts/{id}/items"}
    assert {"1.1", "2"} <= {one.get("network.protocol.version") for one in ones}
    assert any(one.get("http.response.status_code", 0) >= 500 for one in shop) and any(one["tls"] for one in ones)
    assert len({one["process.pid"] for one in ones}) > 5
    assert not [word for word in os.listdir("/proc") if word.isdigit() and b"hark-traffic-" in cmdline(word)]


def cmdline(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
