# SPDX-License-Identifier: Apache-2.0
"""Running it: a command behind --, processes by id, signals, broken outputs, the time until it is ready."""
import contextlib
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import DEADLINE_S, HARK, Hark, Program, brief, briefs, run, wait_until
from servers import PYTHON
from terminal import spawn

CURL = ("curl", "-sS", "-k")
SUDO = {"SUDO_UID": "65534", "SUDO_GID": "65534", "SUDO_USER": "nobody", "SUDO_COMMAND": "hark"}


def watched(*words, status=0, env=None, cwd=None):
    """hark -o json -- COMMAND: what the command printed and what hark saw, apart."""
    path = pathlib.Path(f"/tmp/hark-running-{os.getpid()}.json")
    done = run(HARK, "-o", f"json:{path}", *words, status=status, env=env, cwd=cwd)
    try:
        return done, [json.loads(line) for line in path.read_text().splitlines()]
    finally:
        path.unlink(missing_ok=True)


def talk_of(done):
    return done.err.decode(errors="replace")


class Started:
    """hark in the background with its stderr in a list; ready when made."""

    def __init__(self, *words, stdout=subprocess.PIPE, ready=True):
        self.process = subprocess.Popen([str(word) for word in (HARK, *words)], stdin=subprocess.DEVNULL,
                                        stdout=stdout, stderr=subprocess.PIPE, text=True, errors="replace")
        self.talk = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if ready:
            wait_until(self._is_ready, "hark: ready")

    def _is_ready(self):
        if self.said("hark: ready"):
            return True
        assert self.process.poll() is None, f"hark ended: {self.process.returncode}\n" + "\n".join(self.talk)
        return False

    def _read(self):
        for line in self.process.stderr:
            self.talk.append(line.rstrip("\n"))

    def said(self, text):
        return any(text in line for line in list(self.talk))

    def end(self):
        """Its status once it has ended by itself."""
        try:
            status = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("hark did not end:\n" + "\n".join(self.talk)) from None
        self.reader.join(DEADLINE_S)
        if self.process.stdout:
            self.process.stdout.close()
        self.process.stderr.close()
        return status


# --- hark -- COMMAND ---------------------------------------------------------------

def test_pipeline_of_the_command(nginx):
    """Its stdio is its own; hark's lines for people go to stderr."""
    url = f"https://127.0.0.1:{nginx.tls}/one"
    done = run(HARK, "--", "sh", "-c", f"curl -sk -o /dev/null -w '{{\"code\": %{{http_code}}}}' {url} | jq .code")
    assert done.text == "200\n"
    assert "GET" in talk_of(done) and "/one" in talk_of(done)


def test_stdin_is_the_commands():
    assert run(HARK, "-q", "--", "cat", given=b"through and through").out == b"through and through"


def test_the_command_inherits_nothing_of_hark(tmp_path):
    done = run(HARK, "-q", "-o", f"json:{tmp_path}/a", "-o", "json", "-w", tmp_path / "b", "--", "sh", "-c",
               # A shell that waits for a child has its signals blocked for a moment: it becomes what reads.
               'for fd in /proc/$$/fd/*; do readlink "$fd"; done; exec grep -E "NoNewPrivs|SigBlk|SigIgn" /proc/self/status')
    lines = done.text.splitlines()
    assert not [line for line in lines if "bpf" in line or "anon_inode" in line or str(tmp_path) in line], lines
    assert sum(line.startswith("pipe:") for line in lines) == 3, lines
    status = dict(line.split(":\t") for line in lines if ":\t" in line)
    assert status["NoNewPrivs"] == "0" and int(status["SigBlk"], 16) == 0
    assert not int(status["SigIgn"], 16) >> (signal.SIGPIPE - 1) & 1


@pytest.mark.parametrize("words, status", [
    (["true"], 0), (["sh", "-c", "exit 42"], 42), (["sh", "-c", "kill -TERM $$"], 143),
    (["sh", "-c", "kill -KILL $$"], 137), (["/nothing/here"], 127), (["/etc/passwd"], 126)])
def test_exit_status(words, status):
    run(HARK, "-q", "--", *words, status=status)


@pytest.mark.parametrize("capture_way", ["socket", "syscall"])
def test_every_short_command_is_seen_whole(nginx, capture_way):
    for i in range(10):
        _, seen = watched("--capture", capture_way, "--", "curl", "-s", "-o", "/dev/null",
                          f"http://127.0.0.1:{nginx.http}/one?{i}")
        assert briefs(seen) == [f"GET /one?{i} 200 0 1"] and "hark.flags" not in seen[0], seen


def test_children_left_behind_are_counted():
    """They live as long as the other end of the command's stdin is open."""
    with subprocess.Popen([HARK, "--", "sh", "-c", "exec 3<&0; for one in 1 2; do cat <&3 >/dev/null 2>&1 & done; exit 3"],
                          stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
        talk = watch.stderr.read()
        assert watch.wait(DEADLINE_S) == 3, talk
        watch.stdin.close()
    assert "2 processes that the command started go on without hark" in talk


def test_without_privilege_the_command_never_runs(tmp_path):
    tmp_path.chmod(0o777)
    done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", HARK, "--", "touch", tmp_path / "ran",
               status=1)
    assert not (tmp_path / "ran").exists() and b"root" in done.err


# --- who runs it --------------------------------------------------------------------

WHO = 'id -u; id -g; id -G; echo "$HOME $USER $LOGNAME"; env | grep -c ^SUDO_; pwd; echo "$KEPT"; touch made'


@pytest.mark.parametrize("words, env", [([], SUDO), (["-u", "nobody"], {}), (["-u", "65534"], {"SUDO_UID": "0"})])
def test_under_sudo_the_command_is_the_callers(nginx, scratch, words, env):
    folder = scratch / f"nobody-{len(words)}-{len(env)}"
    folder.mkdir()
    folder.chmod(0o777)
    script = f"{WHO}; curl -sk https://127.0.0.1:{nginx.tls}/one >/dev/null"
    done, seen = watched("-q", *words, "--", "sh", "-c", script, env={**env, "KEPT": "kept"}, cwd=folder)
    assert done.text.splitlines() == ["65534", "65534", "65534", "/nonexistent nobody nobody", "0", str(folder), "kept"]
    assert (folder / "made").stat().st_uid == 65534
    assert briefs(seen) == ["GET /one 200 0 1"] and seen[0]["process.user.id"] == 65534


def test_there_is_no_way_back(scratch):
    script = "import os\ntry: os.setuid(0)\nexcept PermissionError: print('held')\nprint(os.getresuid(), os.getresgid())"
    done = run(HARK, "-q", "--", PYTHON, "-c", script, env=SUDO, cwd="/")
    assert done.text.splitlines() == ["held", "(65534, 65534, 65534) (65534, 65534, 65534)"]


@pytest.fixture
def nobody_may_sudo():
    """A rule for this hark alone, while the test runs."""
    rule = pathlib.Path(f"/etc/sudoers.d/hark-test-{os.getpid()}")
    rule.touch(mode=0o440)
    try:
        rule.write_text(f"nobody ALL=(root) NOPASSWD: {HARK}\nDefaults:nobody !use_pty\n")
        yield
    finally:
        rule.unlink()


def test_through_the_real_sudo(nginx, nobody_may_sudo):
    """nobody calls sudo, which runs hark as root, whose command is nobody's again."""
    script = f"id -u >&2; env | grep -c ^SUDO_ >&2; curl -sk https://127.0.0.1:{nginx.tls}/one >/dev/null"
    done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sudo", "-n", HARK, "-o", "json", "-q",
               "--", "sh", "-c", script, cwd="/")
    # sudo may have something to say of its own, where the host has no name.
    assert [line for line in talk_of(done).splitlines() if not line.startswith("sudo:")] == ["65534", "0"]
    assert briefs(json.loads(line) for line in done.text.splitlines()) == ["GET /one 200 0 1"]


def test_sudo_by_root_stays_root():
    done = run("sudo", "-n", HARK, "-q", "--", "sh", "-c", "id -u; env | grep -c ^SUDO_; echo $HOME", cwd="/")
    assert done.text.split() == ["0", "0", "/root"]


def test_a_user_that_is_not_there():
    assert b"no-such-user" in run(HARK, "-u", "no-such-user", "--", "true", status=2).err
    assert b"SUDO_UID" in run(HARK, "--", "true", env={**SUDO, "SUDO_UID": "x"}, status=1).err


# --- signals --------------------------------------------------------------------------

LAST_WORDS = r"""
import signal, subprocess, sys, time
url = sys.argv[1]
try:
    print("up", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    subprocess.run(["curl", "-sk", "-o", "/dev/null", url + "?last"], check=True)
    sys.exit(5)
"""


def test_ctrl_c_reaches_both_in_the_right_order(nginx, tmp_path):
    """Typed on a terminal: the command does its last request, hark shows it and ends with the command's status."""
    output = tmp_path / "seen.json"
    # Who runs the tests in the background ignores SIGINT.
    process, terminal = spawn("env", "--default-signal=INT", HARK, "-o", f"json:{output}", "--", PYTHON, "-c", LAST_WORDS,
                              f"http://127.0.0.1:{nginx.http}/one")
    screen = b""
    end = time.monotonic() + DEADLINE_S
    typed = 0
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            screen += os.read(terminal, 65536)
        except OSError:
            break
        if b"up\r\n" in screen and not typed:
            typed = os.write(terminal, b"\x03")
    status = process.wait(DEADLINE_S)
    os.close(terminal)
    assert status == 5, screen
    seen = [json.loads(line) for line in output.read_text().splitlines()]
    assert briefs(seen) == ["GET /one?last 200 0 1"]


def test_sigterm_is_passed_on():
    watch = Started("--", "sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.02; done")
    assert watch.process.stdout.readline() == "up\n"
    watch.process.send_signal(signal.SIGTERM)
    assert watch.end() == 9


def test_a_second_sigterm_does_not_wait():
    watch = Started("--", "sh", "-c", "trap 'echo no' TERM; echo $$; while :; do sleep 0.02; done")
    command = int(watch.process.stdout.readline())
    try:
        watch.process.send_signal(signal.SIGTERM)
        assert watch.process.stdout.readline() == "no\n"
        watch.process.send_signal(signal.SIGTERM)
        watch.process.wait(DEADLINE_S)
    finally:
        os.kill(command, signal.SIGKILL)
    assert watch.end() == 128 + signal.SIGTERM
    assert watch.said("goes on without hark")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_each_of_these_ends_it_well(number):
    watch = Started(stdout=subprocess.DEVNULL)  # a pipe that nobody reads would hold it up
    watch.process.send_signal(number)
    assert watch.end() == 0


# Four threads, each with a connection; the reply that makes it 500 sends SIGINT, what was answered by then is told.
THOUSAND = r"""
import http.client, os, signal, sys, threading
port, hark = int(sys.argv[1]), int(sys.argv[2])
lock, done, after = threading.Lock(), [], []
def work(thread):
    c = http.client.HTTPConnection("127.0.0.1", port)
    for i in range(250):
        name = f"{thread}-{i}"
        c.request("GET", "/one?" + name)
        assert c.getresponse().read()
        with lock:
            done.append(name)
            if len(done) == 500:
                os.kill(hark, signal.SIGINT)
                after.extend(done)
threads = [threading.Thread(target=work, args=(t,)) for t in range(4)]
for t in threads: t.start()
for t in threads: t.join()
assert len(done) == 1000
print(*after)
"""


def test_sigint_amid_a_thousand_requests(nginx, tmp_path):
    hanging = socket.create_server(("127.0.0.1", 0))
    with Hark(tmp_path, verbose=0) as watch:
        waiting = socket.create_connection(hanging.getsockname())
        waiting.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
        client = run(PYTHON, "-c", THOUSAND, nginx.http, watch.pid)
        watch.process.wait(DEADLINE_S)
    waiting.close()
    hanging.close()
    answered = client.text.split()
    assert len(answered) == 500
    shown = [one["url.query"] for one in watch.of(client) if one.get("http.response.status_code") == 200]
    missing = set(answered) - set(shown)
    assert not missing, sorted(missing)[:10]
    assert len(shown) == len(set(shown))
    never = [one for one in watch.of(os.getpid()) if one.get("url.path") == "/never"]
    assert len(never) == 1 and "in-flight" in never[0]["hark.flags"], never


# --- broken outputs ------------------------------------------------------------------

@pytest.mark.parametrize("view", ["watch", "conns", "raw", "frames", "stat -i 0.1", "stat -i 0.1 -o json"])
def test_a_closed_pipe_ends_each_view_quietly(nginx, view):
    """hark VIEW | head -1"""
    watch = Started(*view.split(), "--no-color", ready=False)  # conns may have its line, and end, before that
    head = subprocess.Popen(["head", "-1"], stdin=watch.process.stdout, stdout=subprocess.PIPE, text=True)
    watch.process.stdout.close()
    watch.process.stdout = None

    def ended():
        run(*CURL, f"http://127.0.0.1:{nginx.http}/one")
        run(*CURL, "--http2-prior-knowledge", f"http://127.0.0.1:{nginx.h2c}/one")
        return watch.process.poll() is not None

    wait_until(ended, "hark's end", pause_s=0.05)
    assert head.communicate(timeout=DEADLINE_S)[0].count("\n") == 1
    assert watch.end() == 0
    assert not watch.said("cannot") and not watch.said("ipe"), watch.talk


@pytest.mark.parametrize("words", [["-o", "json:/dev/full"], ["-o", "text:/dev/full"], ["-w", "/dev/full"],
                                   ["stat", "-i", "0.1", "-o", "text:/dev/full"]])
def test_a_full_disk_is_one_error(nginx, words):
    watch = Started(*words, stdout=subprocess.DEVNULL, ready=False)  # a recording fails at its header

    def ended():
        run(*CURL, f"http://127.0.0.1:{nginx.http}/one")
        return watch.process.poll() is not None

    wait_until(ended, "hark's end", pause_s=0.05)
    assert watch.end() == 1
    assert len([line for line in watch.talk if "No space left" in line]) == 1, watch.talk


# --- -p and --comm ----------------------------------------------------------------------

def test_a_pid_that_is_not_there():
    done = run(HARK, "-p", "2147483647", status=1)
    assert talk_of(done) == "hark: there is no process 2147483647 (-p)\n"


def test_a_thread_names_its_process(tmp_path):
    script = ("import threading, time; t = threading.Thread(target=time.sleep, args=(60,), daemon=True); t.start();"
              "print(t.native_id, flush=True); time.sleep(60)")
    program = Program([PYTHON, "-c", script], tmp_path)
    try:
        thread = wait_until(lambda: program.log().strip(), "the thread")
        done = run(HARK, "-p", thread, status=1)
    finally:
        program.stop()
    assert f"{thread} is a thread of process {program.pid}" in talk_of(done)


def test_pids_that_end_are_told_and_the_last_ends_hark(nginx, tmp_path):
    script = ("import sys, urllib.request; input(); urllib.request.urlopen(sys.argv[1]).read()")
    url = f"http://127.0.0.1:{nginx.http}/one?last"
    first, second = (subprocess.Popen([PYTHON, "-c", script, url], stdin=subprocess.PIPE) for _ in range(2))
    output = tmp_path / "seen.json"
    watch = Started("-p", first.pid, "-p", f"{second.pid},{first.pid}", "-o", f"json:{output}")
    first.communicate(b"\n")
    wait_until(lambda: watch.said(f"process {first.pid} (python3"), "the first one's end")
    assert watch.process.poll() is None
    second.communicate(b"\n")
    assert watch.end() == 0
    assert watch.said(f"process {second.pid} (python3") and watch.said("the last of those given")
    seen = [json.loads(line) for line in output.read_text().splitlines()]
    assert [(one["process.pid"], brief(one)) for one in seen] == \
        [(pid, "GET /one?last 200 0 1") for pid in (first.pid, second.pid)]


def test_comm_takes_a_list_and_repeats(nginx, tmp_path):
    with Hark(tmp_path, "--comm", "curl,nothing", "--comm", "wget", f"port:{nginx.http}") as watch:
        run(*CURL, f"http://127.0.0.1:{nginx.http}/one")
        run("wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{nginx.http}/one")
        watch.wait_for(2)
    assert [one["process.executable.name"] for one in watch.objects] == ["curl", "wget"]


# --- time to ready ------------------------------------------------------------------------

READY = re.compile(r"^hark: capture by .*; (\d+) ms to start, (\d+) of them to load BPF$")


def ready_once(folder):
    """From the start of the program until its line, in ms; then what the line and the counters say."""
    stats = folder / "stats.json"
    begin = time.monotonic()
    process = subprocess.Popen([HARK, "-n1", "-v", "--stats-json", stats], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline().rstrip("\n")
    took_ms = (time.monotonic() - begin) * 1000
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE_S)
    match = READY.match(line)
    assert match, line
    counters = json.loads(stats.read_text())
    assert counters["ready.us"] // 1000 == int(match[1]) and counters["ready.load_us"] // 1000 == int(match[2])
    assert 0 < counters["ready.load_us"] < counters["ready.us"] <= took_ms * 1000


@pytest.mark.alone
def test_ready_among_200_processes(tmp_path, certificates):
    """How long it took stands in the line and in the counters (make bench publishes it); 40 have OpenSSL mapped."""
    script = "import ssl, sys; sys.stdout.write('up'); sys.stdout.flush(); sys.stdin.read()"
    with contextlib.ExitStack() as stack:
        pythons = [stack.enter_context(subprocess.Popen([PYTHON, "-c", script], stdin=subprocess.PIPE,
                                                        stdout=subprocess.PIPE)) for _ in range(40)]
        sleeps = [stack.enter_context(subprocess.Popen(["cat"], stdin=subprocess.PIPE)) for _ in range(140)]
        try:
            for one in pythons:
                assert one.stdout.read(2) == b"up"
            assert sum(entry.name.isdigit() for entry in pathlib.Path("/proc").iterdir()) >= 200
            ready_once(tmp_path)
        finally:
            for one in pythons + sleeps:
                one.stdin.close()
