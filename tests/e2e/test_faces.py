# SPDX-License-Identifier: Apache-2.0
"""Everything that the user meets: recordings, views, pipes, secrets, limits, exit codes."""
import json
import os
import signal
import stat
import time

import pytest

from harness import HARK, Live, Program, brief, briefs, header, run, wait_until
from servers import PYTHON

CURL = ("curl", "-sS", "-k")


def some_traffic(nginx):
    """A bit of everything; the clients' pids."""
    base = f"https://127.0.0.1:{nginx.tls}"
    clients = [
        run(*CURL, f"{base}/small.txt", f"{base}/nothing", "-o", "/dev/null"),
        run(*CURL, "--http1.1", "-d", "some=body", "-H", "Cookie: crumbs", f"{base}/post"),
        run(*CURL, "-I", f"http://127.0.0.1:{nginx.http}/one"),
        run("h2load", "-n100", "-c5", "-m5", f"http://127.0.0.1:{nginx.h2c}/one"),
        run(*CURL, "--haproxy-protocol", f"http://127.0.0.1:{nginx.proxied}/medium.bin", "-o", "/dev/null"),
    ]
    return clients


def replay(path, *options, status=0):
    return run(HARK, "replay", path, *options, status=status)


def objects(done):
    return [json.loads(line) for line in done.text.splitlines()]


def test_replay_prints_what_the_live_run_printed(hark, nginx, tmp_path, capture):
    recording = tmp_path / "events.hark"
    with hark("--capture", capture, "-w", recording, verbose=2) as watch:
        clients = some_traffic(nginx)
        watch.wait_for(104, nginx)
    assert stat.S_IMODE(recording.stat().st_mode) == 0o600
    assert len(watch.of(*clients)) >= 105
    again = objects(replay(recording, "-vv", "-o", "json"))
    assert again == watch.objects


def test_replay_needs_no_root(hark, nginx, tmp_path):
    recording = tmp_path / "events.hark"
    with hark("-w", recording) as watch:
        some_traffic(nginx)
        watch.wait_for(104, nginx)
    data = recording.read_bytes()
    done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
               HARK, "replay", "/dev/stdin", "-v", "-o", "json", given=data, status=None)
    if done.status:  # /dev/stdin may not be reopened by another user: "-" is
        done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", HARK, "replay", "-", "-v",
                   "-o", "json", given=data)
    assert objects(done) == watch.objects


def test_record_alone_and_views_of_it(nginx, tmp_path, hark):
    recording = tmp_path / "only.hark"
    recorder = Live("record", "-w", recording)
    clients = some_traffic(nginx)
    size = recording.stat().st_size
    assert recorder.end() == "" and size > 0
    assert stat.S_IMODE(recording.stat().st_mode) == 0o600
    seen = [one for one in objects(replay(recording, "-o", "json")) if one["process.pid"] in clients[0].pids]
    assert [brief(one).split()[:3] for one in seen] == [["GET", "/small.txt", "200"], ["GET", "/nothing", "404"]]
    text = replay(recording).text
    assert "/small.txt" in text and "404" in text
    conns = [one for one in objects(replay(recording, "conns", "-o", "json"))
             if one["process.pid"] in clients[3].pids]
    assert [one["hark.exchanges"] for one in conns] == [20] * 5


@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty", "missing"])
def test_damaged_recordings(hark, nginx, tmp_path, damage):
    recording = tmp_path / "events.hark"
    with hark("-w", recording) as watch:
        some_traffic(nginx)
        watch.wait_for(104, nginx)
    data = recording.read_bytes()
    if damage == "truncated":
        recording.write_bytes(data[:len(data) * 2 // 3 + 5])
    elif damage == "garbage":
        recording.write_bytes(data[:len(data) // 2] + b"\xff" * (len(data) // 2))
    elif damage == "empty":
        recording.write_bytes(b"")
    else:
        recording.unlink()
    done = replay(recording, "-o", "json", status=1)
    assert done.err.strip(), "a clear error"
    if damage in ("truncated", "garbage"):
        assert len(objects(done)) > 0, "what came before the damage"
        live = {(one["hark.connection"], one.get("hark.stream"), brief(one)) for one in watch.objects}
        whole = {(one["hark.connection"], one.get("hark.stream"), brief(one)) for one in objects(done)
                 if not one.get("hark.flags")}
        assert whole <= live


def test_secrets_are_redacted(hark, nginx, tmp_path):
    command = [*CURL, "-H", "Authorization: Bearer topsecret", "-H", "Cookie: id=topsecret",
               "-H", "X-Token: topsecret", "-H", "X-Plain: visible", f"https://127.0.0.1:{nginx.tls}/one"]
    with hark("--redact", "x-token") as watch:
        client = run(*command)
        watch.wait_for(1, nginx)
    for who in (client, nginx):
        one = watch.of(who)[0]
        for name in ("authorization", "cookie", "x-token"):
            assert header(one, name, "request") == ["[redacted]"], name
        assert header(one, "x-plain", "request") == ["visible"]
    assert "topsecret" not in json.dumps(watch.objects)
    with hark("--show-secrets") as watch:
        client = run(*command)
        watch.wait_for(1, nginx)
    assert header(watch.of(client)[0], "cookie", "request") == ["id=topsecret"]


def test_a_closed_pipe_ends_quietly(nginx):
    watch = Live("-o", "json").process
    run(*CURL, f"http://127.0.0.1:{nginx.http}/one")
    assert json.loads(watch.stdout.readline())
    watch.stdout.close()

    def ended():
        run(*CURL, f"http://127.0.0.1:{nginx.http}/one")
        return watch.poll() is not None

    wait_until(ended, "hark's end after the pipe's", pause_s=0.1)
    talk = watch.stderr.read().lower()
    watch.stderr.close()
    assert watch.returncode == 0, talk
    assert "broken pipe" not in talk and "epipe" not in talk


def test_text_is_one_readable_line(nginx, tmp_path):
    watch = Program([HARK, "--no-color"], tmp_path)
    try:
        wait_until(lambda: "hark: ready" in watch.log(), "ready")
        client = run(*CURL, "-d", "x=1", f"https://127.0.0.1:{nginx.tls}/post?q=2")
        lines = wait_until(lambda: [line for line in watch.log().splitlines()
                                    if "curl" in line and str(client.pid) in line], "the line", 5)
    finally:
        watch.stop(signal.SIGINT)
    assert len(lines) == 1
    for part in ("POST", "/post?q=2", "201", "ms", "curl"):
        assert part in lines[0], lines[0]
    assert "\x1b" not in watch.log()


def test_hostile_bytes_are_escaped_in_text(nginx, tmp_path):
    script = r"""
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"GET /\x1b[31mred HTTP/1.1\r\nHost: \x1b]0;title\x07\r\nX: \x1b[2J\r\nConnection: close\r\n\r\n")
while s.recv(65536): pass
"""
    watch = Program([HARK, "-vv"], tmp_path)
    try:
        wait_until(lambda: "hark: ready" in watch.log(), "ready")
        client = run(PYTHON, "-c", script, nginx.http)
        run(*CURL, f"http://127.0.0.1:{nginx.http}/one?after")
        wait_until(lambda: "after" in watch.log(), "what came after")
    finally:
        watch.stop(signal.SIGINT)
    assert client.status == 0
    assert "\x1b" not in watch.log() and "\x07" not in watch.log()


def test_output_is_flushed_soon(hark, nginx):
    """A line is out while hark goes on: nothing else comes that would push it."""
    with hark("--comm", "curl") as watch:
        client = run(*CURL, f"http://127.0.0.1:{nginx.http}/one")
        wait_until(lambda: watch.of(client), "the line")
        assert watch.process.poll() is None


@pytest.mark.alone
def test_a_small_ring_loses_loudly_and_never_lies(hark, nginx, tmp_path):
    """Stopped while wrk hammers: records are lost, counted, and what is shown is still right."""
    with hark("--ring", "64K", verbose=0) as watch:
        os.kill(watch.pid, signal.SIGSTOP)
        load = run("h2load", "-n5000", "-c10", "-m10", f"http://127.0.0.1:{nginx.h2c}/small.txt?x=1")
        os.kill(watch.pid, signal.SIGCONT)
        after = run(*CURL, f"http://127.0.0.1:{nginx.http}/one")
        watch.wait_for(1, after)
    assert watch.stats["events.lost"] > 0 and watch.stats["bytes.lost"] > 0
    assert any("--ring" in line for line in watch.talk), watch.talk
    assert briefs(watch.of(after)) == ["GET /one 200 0 1"]
    for one in watch.of(load, nginx):
        if one.get("url.path") == "/one":
            continue
        assert one.get("http.request.method", "GET") == "GET"
        assert one.get("url.path", "/small.txt") == "/small.txt"
        assert one.get("url.query", "x=1") == "x=1"
        assert one.get("http.response.status_code", 200) == 200
        if not one.get("hark.flags"):
            assert brief(one) == "GET /small.txt?x=1 200 0 1000"


def test_moved_is_copied_skipped_and_lost(hark, nginx, capture):
    with hark("--capture", capture, "--snaplen", "4K", f"port:{nginx.http},{nginx.tls}") as watch:
        run(*CURL, f"http://127.0.0.1:{nginx.http}/large.bin", "-o", "/dev/null")
        run(*CURL, "--http1.1", f"https://127.0.0.1:{nginx.tls}/large.bin", "-o", "/dev/null")
        watch.wait_for(2, nginx)
    stats = watch.stats
    assert stats["bytes.moved"] == stats["bytes.copied"] + stats["bytes.skipped"] + stats["bytes.lost"]
    assert stats["bytes.moved"] >= 4 * 3_000_000 and stats["bytes.skipped"] > 0 and stats["bytes.lost"] == 0
    assert [one["http.response.body.size"] for one in watch.of(nginx)] == [3_000_000] * 2
    assert stats["exchanges.whole"] + stats["exchanges.flagged"] == len(watch.objects) + stats["filter.no_address"]


def test_pid_filter(hark, nginx):
    with hark("-p", nginx.worker()) as watch:
        run(*CURL, f"https://127.0.0.1:{nginx.tls}/one", f"http://127.0.0.1:{nginx.http}/one")
        watch.wait_for(2, nginx)
    assert briefs(watch.objects) == ["GET /one 200 0 1"] * 2
    assert {one["process.pid"] for one in watch.objects} == {nginx.worker()}


def test_comm_filter(hark, nginx):
    with hark("--comm", "curl") as watch:
        client = run(*CURL, f"https://127.0.0.1:{nginx.tls}/one")
        watch.wait_for(1, client)
    assert briefs(watch.of(client)) == ["GET /one 200 0 1"]
    assert {one["process.executable.name"] for one in watch.objects} == {"curl"}


@pytest.mark.parametrize("code", [0, 7])
def test_a_command_of_its_own(nginx, code):
    """hark -- COMMAND traces that command and its children alone and ends with its status."""
    script = f"curl -sk https://127.0.0.1:{nginx.tls}/one?own >/dev/null; exit {code}"
    done = run(HARK, "-o", "json", "--", "sh", "-c", script, status=code)
    lines = [json.loads(line) for line in done.text.splitlines()]
    assert briefs(lines) == ["GET /one?own 200 0 1"]
    assert lines[0]["process.executable.name"] == "curl" and lines[0]["hark.role"] == "client"


def test_duration_and_count(nginx):
    begin = time.monotonic()
    assert run(HARK, "-d", "300ms").status == 0
    assert time.monotonic() - begin >= 0.3
    watch = Live("-o", "json", "-n", "3")
    run(*CURL, *[f"http://127.0.0.1:{nginx.http}/one"] * 5)
    assert len(watch.wait_end().splitlines()) == 3


def test_counters_at_sigusr1(hark, nginx):
    with hark() as watch:
        client = run(*CURL, f"http://127.0.0.1:{nginx.http}/one")
        watch.wait_for(1, client)
        os.kill(watch.pid, signal.SIGUSR1)
        wait_until(lambda: any("exchanges.whole" in line for line in list(watch.talk)), "the counters")


def test_connections(hark, nginx, capture):
    with hark("--capture", capture, view=("conns",)) as watch:
        first = run(*CURL, f"https://127.0.0.1:{nginx.tls}/one", f"https://127.0.0.1:{nginx.tls}/small.txt")
        second = run(*CURL, f"http://127.0.0.1:{nginx.http}/medium.bin", "-o", "/dev/null")
        watch.wait_for(2, nginx)
        watch.wait_for(2, first, second)
    one, other = watch.of(first)[0], watch.of(second)[0]
    assert (one["hark.exchanges"], one["tls"], one["network.protocol.version"]) == (2, True, "2")
    assert (other["hark.exchanges"], other["tls"], other["network.protocol.version"]) == (1, False, "1.1")
    # Over TLS newer curls say goodbye first and let the server close.
    assert other["hark.closed_by"] == "local" and one["hark.closed_by"] in ("local", "peer")
    assert one["network.peer.port"] == nginx.tls
    assert one["hark.connect_ms"] >= 0 and other["hark.connect_ms"] >= 0
    assert other["hark.bytes.moved"] == other["hark.bytes.copied"] + other["hark.bytes.skipped"]
    assert {conn["hark.role"] for conn in watch.of(nginx)} == {"server"}


def test_doctor_names_kernel_and_sites(nginx):
    text = run(HARK, "doctor").text
    assert os.uname().release in text
    for word in ("SSL_read", "SSL_write", "libssl"):
        assert word in text


@pytest.mark.parametrize("words", [["--no-such-option"], ["-o", "nonsense"], ["--ring", "3 pints"], ["-p", "x"],
                                   ["replay"], ["--capture", "magic"]])
def test_usage_errors(words):
    done = run(HARK, *words, status=2)
    assert done.err and not done.out


def test_without_privilege_one_clear_line(tmp_path):
    done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", HARK, "-d", "1", status=1)
    assert b"root" in done.err and len(done.err.splitlines()) <= 3, done.err


def test_help_and_version():
    assert "hark -- curl" in run(HARK, "--help").text
    assert run(HARK, "-V").text.startswith("hark ")
