# SPDX-License-Identifier: Apache-2.0
"""What the uploader does with receivers of any kind: what is not delivered is counted, and hark never waits for long.

The rows of -o clickhouse are what is sent; a recording has always the same ones.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from harness import HARK, ROOT, Hark, Live, children_of, free_port, is_sanitized, run, wait_until
from receiver import Answer, Receiver
from servers import make_certificate

sys.path.insert(0, str(ROOT / "tests/bench"))
from conversations import WRITERS  # noqa: E402

RECORDING = ROOT / "testdata/recordings/mixed.rec"
ROWS = 22  # ends of exchanges in it
FLUSH_S = 6


def replay(url, *options, status=0, env=None, recording=RECORDING):
    """The counters and what was said."""
    done = run(HARK, "replay", recording, "-o", f"clickhouse:{url}", "--stats-json", "/dev/stdout", *options, status=status, env=env)
    counters = json.loads(done.text)
    said = done.err.decode()
    return {name.removeprefix("export."): value for name, value in counters.items() if name.startswith("export.")}, said


def test_all_is_delivered():
    with Receiver() as receiver:
        counts, said = replay(receiver.url)
    assert counts == {"delivered": ROWS, "rejected": 0, "lost": 0} and "nothing lost" in said
    assert len(receiver.rows().splitlines()) == ROWS
    request = receiver.requests[0]
    assert request.headers["Content-Encoding"] == "gzip" and request.raw_bytes < len(request.body) / 3
    assert request.headers["User-Agent"].startswith("hark/")


# What a receiver answers to everything, and what becomes of it; `says` is in a line of hark's.
ANSWERS = {
    "refuses": (Answer(400, body=b"no such column\nsecond line"), "rejected", "status 400: no such column"),
    "redirects": (Answer(307, [("Location", "http://127.0.0.1:1/")]), "rejected", "status 307"),
    "is forbidden": (Answer(403), "rejected", "status 403"),
    "is busy": (Answer(503), "lost", "status 503"),
    "fails": (Answer(500, body=b"\x1b[31mred"), "lost", r"status 500: \x1b[31mred"),
    "asks to wait": (Answer(429, [("Retry-After", "3600")]), "lost", "status 429"),
    "says garbage": (b"\x00\xff\x16\x03garbage\r\n\r\n", "lost", "takes nothing now"),
    "hangs up": (b"", "lost", "takes nothing now"),
    "breaks off": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort", "delivered", ""),
    "says a lot": (Answer(200, body=b"x" * (8 << 20)), "delivered", ""),
    "has a long head": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (4 << 20) + b"\r\n\r\n", "delivered", ""),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_answers(case):
    answer, becomes, says = ANSWERS[case]
    with Receiver(lambda request: answer) as receiver:
        began = time.monotonic()
        counts, said = replay(receiver.url)
    assert counts == {"delivered": 0, "rejected": 0, "lost": 0} | {becomes: ROWS}, said
    assert says in said and time.monotonic() - began < 2 * FLUSH_S
    assert becomes == "delivered" or f"export.{becomes} {ROWS}" in said


def test_nobody_listens():
    counts, said = replay(f"http://127.0.0.1:{free_port()}")
    assert counts == {"delivered": 0, "rejected": 0, "lost": ROWS}
    assert "cannot be reached" in said and f"{ROWS} rows had not been sent" in said


def test_quiet_is_not_silent():
    """-q leaves errors: that nothing was delivered is one."""
    done = run(HARK, "-q", "replay", RECORDING, "-o", f"clickhouse:http://127.0.0.1:{free_port()}")
    said = done.err.decode().splitlines()
    assert len(said) == 2 and "cannot be reached" in said[0] and f"{ROWS} rows had not been sent" in said[1], said


def test_no_such_host():
    counts, said = replay("http://no-such-host.invalid:1")
    assert counts["lost"] == ROWS and "cannot be reached" in said


def test_a_receiver_that_is_back_takes_it():
    """Once unavailable, then not: nothing is lost, and nothing comes twice."""
    answers = iter([Answer(503, [("Retry-After", "1")]), Answer(502)])
    with Receiver(lambda request: next(answers, Answer(200))) as receiver:
        counts, said = replay(receiver.url)
    assert counts == {"delivered": ROWS, "rejected": 0, "lost": 0} and "answers again" in said
    bodies = [request.body for request in receiver.requests]
    assert len(bodies) == 3 and len(set(bodies)) == 1


def test_a_slow_receiver_is_not_waited_for():
    with Receiver(lambda request: time.sleep(2 * FLUSH_S) or Answer(200)) as receiver:
        began = time.monotonic()
        counts, _ = replay(receiver.url)
        took_s = time.monotonic() - began
    assert counts["lost"] == ROWS and took_s < 2 * FLUSH_S


def test_https_with_the_systems_certificates(tmp_path):
    """One that they do not vouch for gets nothing; the same one does once they do (in a mount namespace of the test's)."""
    make_certificate(tmp_path)
    certificate = tmp_path / "cert.pem", tmp_path / "key.pem"
    with Receiver(certificate=certificate) as receiver:
        counts, said = replay(receiver.url)
        assert counts["lost"] == ROWS and "certificate" in said and not receiver.requests
        bundle = "/etc/ssl/certs/ca-certificates.crt"
        done = run("unshare", "--mount", "sh", "-c", f"mount --bind {certificate[0]} {bundle} && exec \"$@\"", "sh", HARK, "replay",
                   RECORDING, "-o", f"clickhouse:{receiver.url}", "--stats-json", "/dev/stdout")
    assert json.loads(done.text)["export.delivered"] == ROWS and len(receiver.rows().splitlines()) == ROWS


def test_a_replay_does_not_wait_for_ever(tmp_path):
    """Once nothing had room for two seconds what comes is lost at once: of a recording of any length."""
    recording = tmp_path / "long.rec"
    WRITERS["http1"](recording, 150_000)
    began = time.monotonic()
    process = subprocess.Popen([HARK, "replay", recording, "-q", "-o", f"clickhouse:http://127.0.0.1:{free_port()}"],
                               stderr=subprocess.PIPE, text=True)
    sender = uploader_of(process.pid)
    _, said = process.communicate(timeout=60)  # up to the end of all that has its stderr
    assert time.monotonic() - began < 50 and process.returncode == 0, said
    assert not os.path.exists(f"/proc/{sender}") or status_of(sender)["State"][0] == "Z"


def test_headers(tmp_path):
    secrets = tmp_path / "headers"
    secrets.write_text("Authorization: Bearer abc\r\n\nX-Scope: a: b\n")
    with Receiver() as receiver:
        replay(receiver.url, "--export-header", "X-One: 1", "--export-header", f"@{secrets}")
    headers = receiver.requests[0].headers
    assert (headers["X-One"], headers["Authorization"], headers["X-Scope"]) == ("1", "Bearer abc", "a: b")


WRONG = {
    "no colon": (["--export-header", "abc"], "'Name: value'"),
    "no such file": (["--export-header", "@/none"], "/none: No such file"),
    "own": (["--export-header", "Content-Length: 1"], "hark's own matter"),
    "control": (["--export-header", "A: b\rc"], "control characters"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_options(case):
    words, says = WRONG[case]
    done = run(HARK, "replay", RECORDING, "-o", "clickhouse:http://127.0.0.1:1", *words, status=2)
    assert says in done.err.decode()


def test_wrong_places():
    for place in ("127.0.0.1:8123", "ftp://a/", "http:///x", "http://a b/", "http://"):
        done = run(HARK, "replay", RECORDING, "-o", f"clickhouse:{place}", status=2)
        assert "no URL of a receiver" in done.err.decode(), place
    assert "seen by everybody" in run(HARK, "replay", RECORDING, "-o", "clickhouse:http://a:b@c/", status=2).err.decode()


def uploader_of(pid):
    return wait_until(lambda: children_of(pid), "a process that sends")[0]


def status_of(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def test_the_process_has_no_rights():
    watch = Live("-o", f"clickhouse:http://127.0.0.1:{free_port()}", "port:1")
    status = status_of(uploader_of(watch.process.pid))
    if not is_sanitized():
        assert status["Seccomp"] == "2"
    assert status["NoNewPrivs"] == "1" and set(status["Uid"].split()) == {"65534"}
    assert {int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    opened = {os.readlink(path) for path in pathlib.Path(f"/proc/{uploader_of(watch.process.pid)}/fd").iterdir()}
    assert not [name for name in opened if "bpf" in name or "perf" in name], opened
    watch.end()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_process_ends_with_hark(how):
    watch = Live("-o", f"clickhouse:http://127.0.0.1:{free_port()}", "port:1")
    sender = uploader_of(watch.process.pid)
    watch.process.send_signal(how)
    watch.process.wait()
    watch.process.communicate()
    # By PID 1 it may be reaped late: a zombie has ended.
    wait_until(lambda: not os.path.exists(f"/proc/{sender}") or status_of(sender)["State"][0] == "Z", "its end")


def test_keys_and_service_managers_do_not_end_the_process_first():
    """SIGINT reaches all of a terminal's group, SIGTERM all of a service: what was seen is sent all the same."""
    with Receiver() as receiver:
        watch = Live("-o", f"clickhouse:{receiver.url}", "--", "curl", "-s", f"http://127.0.0.1:{free_port()}/")
        watch.process.wait()
        watch.process.communicate()
        watch = Live("-o", f"clickhouse:{receiver.url}", "port:1")
        sender = uploader_of(watch.process.pid)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(sender, number)
        assert status_of(sender)["State"][0] != "Z"
        watch.end()
    assert "is gone" not in watch.said


def test_a_process_that_was_killed_ends_the_run():
    watch = Live("-o", f"clickhouse:http://127.0.0.1:{free_port()}", "port:1")
    os.kill(uploader_of(watch.process.pid), signal.SIGKILL)
    _, said = watch.process.communicate(timeout=30)
    assert watch.process.returncode == 1 and "the process that sends is gone" in said
    assert not children_of(watch.process.pid)


def test_a_process_that_was_stopped_is_left():
    watch = Live("-o", f"clickhouse:http://127.0.0.1:{free_port()}", "port:1")
    sender = uploader_of(watch.process.pid)
    os.kill(sender, signal.SIGSTOP)
    began = time.monotonic()
    watch.process.send_signal(signal.SIGINT)
    watch.process.wait(30)
    assert time.monotonic() - began < 3 * FLUSH_S
    os.kill(sender, signal.SIGKILL)
    watch.process.communicate()


def test_own_traffic_is_not_observed(tmp_path, nginx):
    """Neither what the process sends, by the kernel side, nor, in what is sent, the receiver's end of it."""
    with Receiver() as receiver, Hark(tmp_path, "-o", f"clickhouse:{receiver.url}", f"port:{nginx.http},{receiver.port}") as hark:
        sender = uploader_of(hark.pid)
        for _ in range(2):
            before = len(receiver.requests)
            run("curl", "-s", "-o", tmp_path / "out", f"http://127.0.0.1:{nginx.http}/one")
            wait_until(lambda before=before: len(receiver.requests) > before, "rows")
        wait_until(lambda: [one for one in hark.objects if one.get("process.pid") == os.getpid()], "the receiver's end")
    assert not [one for one in hark.objects if one.get("process.pid") == sender]
    rows = [json.loads(line) for line in receiver.rows().splitlines()]
    assert {row["process_executable_name"] for row in rows} >= {"curl", "nginx"}
    assert not [row for row in rows if row["process_pid"] in (sender, os.getpid())]


def test_without_the_library(tmp_path):
    """libcurl cannot be loaded: said by name, and the run fails."""
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "libcurl.so.4").write_text("no library")
    done = run(HARK, "replay", RECORDING, "-o", "clickhouse:http://127.0.0.1:1", status=1, env={"LD_LIBRARY_PATH": str(empty)})
    assert "libcurl4" in done.err.decode() and f"export.lost {ROWS}" in done.err.decode()


def test_start_is_not_delayed():
    """The process loads its libraries while hark loads its own."""
    def began_s(*words):
        started = time.monotonic()
        process = subprocess.Popen([HARK, "replay", RECORDING, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.wait()
        return time.monotonic() - started

    with Receiver() as receiver:
        plain_s = min(began_s("-o", "json") for _ in range(5))
        sent_s = min(began_s("-o", f"clickhouse:{receiver.url}") for _ in range(5))
    assert sent_s < plain_s + 1, "a whole flush of a run that was short"
