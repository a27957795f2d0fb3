# SPDX-License-Identifier: Apache-2.0
"""The cost of hark: the same load with and without it, in turn, so that the machine's moods meet both alike."""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

from harness import HARK, Program, free_port, run, wait_until  # noqa: E402
from servers import Nginx, make_certificate, make_site  # noqa: E402

CONNECTIONS = 16
HTTP2_WORDS = ("-c8", "-m16")
HTTP2_STREAMS = 8 * 16
OUTPUT_MB = 512  # of a run, at most
UNITS = {"": 1, "K": 2 ** 10, "M": 2 ** 20, "G": 2 ** 30}


_harks = []


def start_hark(*words, **more):
    _harks.append(subprocess.Popen([HARK, *words], **more))
    return _harks[-1]


def end_what_is_left():
    """Each hark that a bench left when it failed."""
    for process in _harks:
        if process.poll() is None:
            process.kill()
            process.wait()
    _harks.clear()


class Watch:
    """hark that writes every exchange as JSON to a file."""

    def __init__(self, folder, *options, output=None):
        self.output, self.stats_path = output or folder / "exchanges.json", folder / "stats.json"
        self.log_path = folder / "hark.log"
        with open(self.log_path, "wb") as log:
            self.process = start_hark("-o", f"json:{self.output}", "--stats-json", self.stats_path, *options,
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.is_ready, "hark: ready")

    def is_ready(self):
        assert self.process.poll() is None, self.log_path.read_text()
        return "hark: ready" in self.log_path.read_text()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.log_path.read_text()
        return json.loads(self.stats_path.read_text())

    def count(self, pid):
        """Answered exchanges of a process: its lines with a status and without a flag."""
        return sum(b'"http.response.status_code"' in line and b'"hark.flags"' not in line for line in self.lines(pid))

    def lines(self, pid):
        mark = re.compile(rb'"process\.pid": ?%d\b' % pid)
        with open(self.output, "rb") as lines:
            yield from filter(mark.search, lines)


@contextlib.contextmanager
def serving(folder):
    """An nginx at work, without a log."""
    make_certificate(folder, ["rsa:2048"])  # what the published figures are of
    nginx = Nginx(folder, folder, make_site(folder), log=False)
    try:
        yield nginx
    finally:
        nginx.stop()


@contextlib.contextmanager
def serving_go(folder):
    """A server of Go's net/http at work, over TLS."""
    program, port = folder / "go-server", free_port()
    done = run(shutil.which("go"), "build", "-o", program, ROOT / "tests/e2e/peers/https.go", status=None, deadline_s=300,
               env={"GOTOOLCHAIN": "local", "GOFLAGS": ""})
    assert done.status == 0, done.err.decode()
    server = Program([program, "serve", f"127.0.0.1:{port}", folder / "cert.pem", folder / "key.pem"], folder, ports=(port,))
    server.tls = port
    try:
        yield server
    finally:
        server.stop()


def wrk(nginx, tls, seconds, path="/one", connections=CONNECTIONS, port=None):
    """(requests a second, requests, wrk's pid); of bodies (another path) bytes a second stand for requests."""
    url = f"http{'s' if tls else ''}://127.0.0.1:{port or (nginx.tls if tls else nginx.http)}{path}"
    done = run("wrk", f"-c{connections}", "-t1", f"-d{seconds}", "--timeout", "30", url, deadline_s=seconds + 60)
    assert "Socket errors" not in done.text and "Non-2xx" not in done.text, done.text
    number, unit = re.search(r"Transfer/sec: +([\d.]+)([KMG]?)B", done.text).groups()
    rate = re.search(r"Requests/sec: +([\d.]+)", done.text)[1] if path == "/one" else float(number) * UNITS[unit]
    return float(rate), int(re.search(r"(\d+) requests in", done.text)[1]), done.pid


def hey(server, seconds):
    """The same of hey, a client of Go's own. No pid: hark may meet its file when its first calls are over."""
    done = run("hey", "-c", CONNECTIONS, "-z", f"{seconds}s", f"https://127.0.0.1:{server.tls}/one", deadline_s=seconds + 30)
    statuses = dict(re.findall(r"\[(\d+)\]\s+(\d+) responses", done.text))
    assert list(statuses) == ["200"], done.text
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.text)[1]), int(statuses["200"]), None


def h2load(port, tls, seconds, *words):
    """(requests a second, requests, its pid, mean microseconds a request)"""
    url = f"http{'s' if tls else ''}://127.0.0.1:{port}/one"
    done = run("h2load", "-t1", "-D", seconds, *words, url, deadline_s=seconds + 60)
    assert " 0 failed, 0 errored, 0 timeout" in done.text, done.text
    number, unit = re.search(r"time for request: +\S+ +\S+ +([\d.]+)(us|ms|s) ", done.text).groups()
    return (float(re.search(r"finished in \S+, ([\d.]+) req/s", done.text)[1]),
            int(re.search(r"(\d+) succeeded", done.text)[1]), done.pid, float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit])


def load_of_http2(nginx, seconds):
    return h2load(nginx.tls, True, seconds, *HTTP2_WORDS)[:3]


def memory_at_hand(folder):
    """Writes and removes a file, as large as what hark will write. A small virtual machine gives free memory back to its
    host; who writes next waits for it (0.85 GB a second here instead of 3.9), which is no cost of hark's."""
    path = folder / "memory"
    with open(path, "wb") as file:
        for _ in range(OUTPUT_MB):
            file.write(bytes(1 << 20))
    path.unlink()


class Load:
    """Alternating runs of a load; what they kept, and what hark saw of them.

    ask(seconds) is the load: (requests a second, requests, its pid or None: its side is not counted). server() is
    the pid of who answers; None: hark is to see nothing of it."""

    def __init__(self, folder, ask, server, rounds, seconds, *options):
        self.without, self.with_hark, self.missing = [], [], []
        self.lost, self.lost_records = [], []
        self.surplus = 0
        ask(1)
        for _ in range(rounds):
            memory_at_hand(folder)
            self.without.append(ask(seconds)[0])
            memory_at_hand(folder)
            watch = Watch(folder, *options)
            rate, requests, pid = ask(seconds)
            stats = watch.stop()
            self.with_hark.append(rate)
            self.lost.append(stats["events.lost"] + stats["bytes.lost"])
            self.lost_records.append(stats["events.lost"])
            # A load leaves up to one request a connection unanswered when it ends; hark may see their answers.
            seen = [watch.count(one) for one in (pid, server()) if one] if server else []
            self.missing.append(max([0, *(requests - one for one in seen)]))
            self.surplus = max([self.surplus, *(one - requests for one in seen)])
            watch.output.unlink()

    @property
    def ratio(self):
        return statistics.median(self.with_hark) / statistics.median(self.without)


def cpu_s(pid):
    """Processor time of a process until now, of threads that ended too: its clock (MAKE_PROCESS_CPUCLOCK of linux/posix-timers.h)."""
    return time.clock_gettime(~pid << 3 | 2)


class View:
    """hark in one of its views, and the processor time that it takes itself."""

    def __init__(self, folder, *words, screen=False):
        self.stats_path, log_path = folder / "view.stats.json", folder / "view.log"
        master, terminal = pty.openpty() if screen else (None, subprocess.DEVNULL)
        with open(log_path, "wb") as log:
            self.process = start_hark(*words, "--stats-json", self.stats_path, stdin=terminal, stderr=log,
                                      stdout=terminal if screen else subprocess.DEVNULL,
                                      env={**os.environ, "TERM": "xterm-256color"})
        if screen:
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
            os.close(terminal)
            threading.Thread(target=self.drain, args=(master,), daemon=True).start()
        wait_until(lambda: "hark: ready" in log_path.read_text(), "hark: ready")
        self.before_s = cpu_s(self.process.pid)

    @staticmethod
    def drain(master):
        with contextlib.suppress(OSError):
            while os.read(master, 65536):
                pass

    def stop(self):
        """Microseconds an exchange."""
        taken_s = cpu_s(self.process.pid) - self.before_s
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0
        stats = json.loads(self.stats_path.read_text())
        self.exchanges = stats["exchanges.whole"] + stats["exchanges.flagged"]
        return taken_s * 1e6 / self.exchanges


def loop_ratio(folder, what, rounds, seconds, *options):
    """How much slower a loop of an unrelated system call is while hark watches (1: not at all)."""
    program = ROOT / "build/bench/loops"
    without, with_hark = [], []
    for _ in range(rounds):
        without.append(float(run(program, what, seconds, deadline_s=60).text))
        watch = Watch(folder, *options)
        with_hark.append(float(run(program, what, seconds, deadline_s=60).text))
        watch.stop()
    return statistics.median(with_hark) / statistics.median(without), statistics.median(without)
