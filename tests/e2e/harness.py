# SPDX-License-Identifier: Apache-2.0
"""The ground of the end-to-end tests: processes with an owner, waits with a deadline, hark itself.

Every program runs in the foreground on loopback, is ended by its pid, and nothing sleeps to synchronise.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

os.environ["HARK_CONFIG"] = ""  # what this machine's users want of hark is not what is tested

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
TOY_HARK = pathlib.Path(HARK).parent / "toy/hark"  # with the rows of tests/toys (make toy)


def is_sanitized():
    return "san" in pathlib.Path(HARK).parent.name or bool(os.environ.get("SAN"))


# How hark goes five times in a row, while what it observes is at work.
GOES = [signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGINT, signal.SIGKILL]
# For loads as fast as the machine can: what hark lags (sanitized, a lot) waits in the ring.
LARGE_RING = "512M" if is_sanitized() else "64M"
PEERS = ROOT / "build/peers"
# Asks for each URL by a TLS that hark does not follow.
JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", str(PEERS), "Fetch"]
DEADLINE_S = 30


def wait_until(condition, what, deadline_s=DEADLINE_S, pause_s=0.01):
    """Returns the first true value of condition(); fails with what after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not after {deadline_s} s")
        time.sleep(pause_s)


@contextlib.contextmanager
def scratch_folder(name):
    """A temporary folder that other users may enter, as servers do that give up their rights."""
    with tempfile.TemporaryDirectory(prefix=f"hark-{name}-") as path:
        folder = pathlib.Path(path)
        folder.chmod(0o755)
        yield folder


# Below the range that the kernel hands to clients, so that no connection takes a port in between.
_ports = iter(range(20000 + os.getpid() % 8000, 32000))
_claims = []


def claim(port):
    """Whether the port is this process's: of all that run these tests at once only one can bind the name."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0hark-tests-port-{port}")
    except OSError:
        name.close()
        return False
    _claims.append(name)
    return True


def free_port():
    for port in _ports:
        if not claim(port):
            continue
        with contextlib.closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


def is_listening(port, host="127.0.0.1"):
    """Looks into the socket table: a trial connection would show up in what is observed."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                return True
    return False


def children_of(pid):
    """Those whose parent is one of its threads; what ends meanwhile has none."""
    found = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, pathlib.Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return found


def family_of(pid):
    """The process and all that descend from it."""
    found, rest = {pid}, [pid]
    while rest:
        more = [child for child in children_of(rest.pop()) if child not in found]
        found.update(more)
        rest += more
    return found


class Program:
    """A program in the background: its output in files, its end by pid."""

    def __init__(self, command, folder, ports=(), env=None, cwd=None):
        self.command = [str(word) for word in command]
        self.log_path = pathlib.Path(tempfile.mkstemp(dir=folder, suffix=".log")[1])
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(env or {})}, cwd=cwd)
        self.pid = self.process.pid
        self.family = {self.pid}
        for port in ports:
            wait_until(lambda port=port: self.is_serving(port), f"{self.command[0]} on port {port}")

    def is_serving(self, port):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.command} ended with {self.process.returncode}:\n{self.log()}")
        return is_listening(port)

    def log(self):
        return self.log_path.read_text(errors="replace")

    @property
    def pids(self):
        """It and its descendants, also those that have ended by now."""
        self.family |= family_of(self.pid)
        return self.family

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.family |= family_of(self.pid)
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        return self.process.returncode


class Finished:
    """A program that ran to its end."""

    def __init__(self, pid, status, out, err):
        self.pid, self.status, self.out, self.err = pid, status, out, err
        self.pids = {pid}

    @property
    def text(self):
        return self.out.decode(errors="replace")


def run(*command, status=0, env=None, cwd=None, given=None, deadline_s=DEADLINE_S):
    """Runs a client; its exit status must be status (None: any)."""
    command = [str(word) for word in command]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, **(env or {})}, cwd=cwd)
    try:
        out, err = process.communicate(given, deadline_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{command}: not done after {deadline_s} s\n{err.decode(errors='replace')}") from None
    assert status is None or process.returncode == status, \
        f"{command}: exit {process.returncode}\n{out.decode(errors='replace')[-2000:]}{err.decode(errors='replace')[-2000:]}"
    return Finished(process.pid, process.returncode, out, err)


class Gate:
    """A FIFO: who opens it for reading waits until open()."""

    def __init__(self, folder):
        self.path = folder / "gate"
        os.mkfifo(self.path)

    def open(self):
        """Lets the reader go on; nobody reads: the test fails in time, it does not wait for ever."""
        def opened():
            with contextlib.suppress(OSError):
                return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            return None

        descriptor = wait_until(opened, f"a reader of {self.path}")
        with contextlib.suppress(BrokenPipeError):  # it may have closed again: that it opened is enough
            os.write(descriptor, b"go\n")
        os.close(descriptor)


def uses_sessions():
    """Whether TLS calls are followed by uprobe sessions (Linux 6.13), which need not arm each return."""
    return "uprobe sessions work" in run(HARK, "doctor", status=None).text


class Live:
    """hark with these words alone: ready once it is made."""

    def __init__(self, *options, command=(HARK,), cwd=None):
        self.process = subprocess.Popen([*map(str, (*command, *options))], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, cwd=cwd)
        self.said = ""
        for line in self.process.stderr:
            self.said += line
            if line.startswith("hark: ready"):
                break

    def wait_end(self):
        """Its output once it has ended by itself."""
        out, err = self.process.communicate(timeout=DEADLINE_S)
        self.said += err
        assert self.process.returncode == 0, self.said
        return out

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.wait_end()


def ring_for(options):
    """Who leaves nothing out in the kernel reads what all of the machine does meanwhile, on a processor that is others'
    too: what it lags waits in the ring. A size among the options comes behind this one, and is taken."""
    words = list(map(str, options))
    return () if "-p" in words or "--" in words or any("port:" in word for word in words) else ("--ring", LARGE_RING)


class Hark:
    """hark at work, as a context: ready at its begin, ended by SIGINT at its end, then all it said.

    Its lines go to a file: a pipe's slow reader would hold hark up, and then it loses records.
    """

    def __init__(self, folder, *options, view=(), verbose=1, expect_status=0):
        options = (*ring_for(options), *options)
        self.stats_path = pathlib.Path(tempfile.mkstemp(dir=folder, suffix=".stats.json")[1])
        self.output_path = pathlib.Path(tempfile.mkstemp(dir=folder, suffix=".json")[1])
        every = [] if view and view[0] not in ("watch", "conns") else ["--all"]  # what is judged is all that hark knows
        self.command = [HARK, *view, *every, *["-v"] * verbose, "-o", f"json:{self.output_path}", "--stats-json", str(self.stats_path),
                        *map(str, options)]
        self.expect_status = expect_status
        self.talk = []
        self._objects, self._rest = [], b""
        self.stats = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self._read_talk, daemon=True)
        self.reader.start()
        try:
            wait_until(self._is_ready, "hark: ready")
        except BaseException:
            self.process.kill()  # nobody else ends it, and each that is left makes the next one later
            self.process.wait()
            raise
        self.output = open(self.output_path, "rb")
        return self

    @property
    def objects(self):
        """All lines so far."""
        if not self.output.closed:
            *lines, self._rest = (self._rest + self.output.read()).split(b"\n")
            self._objects += map(json.loads, lines)
        return self._objects

    def _read_talk(self):
        for line in self.process.stderr:
            self.talk.append(line.decode(errors="replace").rstrip("\n"))

    def _is_ready(self):
        if any(line.startswith("hark: ready") for line in list(self.talk)):
            return True
        assert self.process.poll() is None, f"hark ended: {self.process.returncode}\n" + "\n".join(self.talk)
        return False

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            if kind is None:
                raise AssertionError("hark did not end after SIGINT") from None
        self.reader.join(DEADLINE_S)
        assert self.objects is self._objects and not self._rest, "a line without an end"
        self.output.close()
        if kind is None:
            assert self.process.returncode == self.expect_status, \
                f"hark: exit {self.process.returncode}\n" + "\n".join(self.talk)
            self.stats = json.loads(self.stats_path.read_text())
        else:
            print("hark said:\n" + "\n".join(self.talk[-40:]))

    def leave(self, how):
        """hark goes: by SIGINT it takes its probes off by itself, by SIGKILL the kernel does."""
        if how == signal.SIGINT:
            return self.__exit__(None, None, None)
        self.process.send_signal(how)
        self.process.wait(DEADLINE_S)
        return self.reader.join(DEADLINE_S)

    def counted(self, *names):
        """These counters as hark told them last, and asks for the next: each poll of a condition has a newer answer."""
        found = dict(re.findall(r"^  ([a-z0-9_.]+) +(\d+)  ", "\n".join(list(self.talk)), re.M))
        self.process.send_signal(signal.SIGUSR1)
        return [int(found.get(name, 0)) for name in names]

    def of(self, *who, **keys):
        """The objects of these processes (programs, pids), in order, whose keys have these values (_ is .)."""
        roles = {}  # by pid; None: any
        for one in who:
            for pid in one.pids if hasattr(one, "pids") else {one}:
                roles[pid] = None if "hark_role" in keys else getattr(one, "role", None)
        wanted = {key.replace("__", ".").replace("_", "."): value for key, value in keys.items()}
        return [o for o in self.objects if (not roles or o.get("process.pid") in roles)
                and roles.get(o.get("process.pid")) in (None, o.get("hark.role"))
                and all(o.get(key) == value for key, value in wanted.items())]

    def wait_for(self, count, *who, deadline_s=DEADLINE_S, **keys):
        """Waits for at least count such objects."""
        try:
            wait_until(lambda: len(self.of(*who, **keys)) >= count, "objects", deadline_s, pause_s=0.03)
        except AssertionError:
            came = [brief(one) for one in self.of(*who, **keys)]
            raise AssertionError(f"{len(came)} objects came in {deadline_s} s where {count} were waited for: {came}") from None

    def assert_all_read(self, *who):
        """No connection of theirs was one whose plaintext was not seen, nor any without its socket. The counter has others'
        as well: a socket that is closed has no port by which a filter could leave it out."""
        unread = [line for line in self.talk if ": not read: " in line]
        assert not [line for line in unread for pid in {pid for one in who for pid in one.pids} if f"[{pid}] " in line], unread
        assert self.stats["connections.unbound"] == 0

    def assert_nothing_lost(self):
        """A call whose return was refused leaves a hole in its session, and one without a socket has no port by which
        another test's would be left out: those are not counted."""
        holes = self.stats.get("stream.holes", 0) - self.stats["returns.refused"]
        stats = {**self.stats, "stream.holes": max(0, holes)}
        if self.stats["connections.unbound"]:  # whose plaintext is decoded all the same
            stats["messages.refused"] = 0
        lost = {name: value for name, value in stats.items() if value and (
            name.endswith(".lost") or name.startswith("limit.") or name in
            ("connections.evicted", "exchanges.dropped", "messages.refused", "stream.holes", "faults"))}
        assert not lost, lost


def brief(one):
    """method target status request-size response-size, as one short string; '-' for what is absent."""
    target = one.get("url.path", "-")
    if "url.query" in one:
        target += "?" + one["url.query"]
    return " ".join(str(word) for word in (
        one.get("http.request.method", "-"), target, one.get("http.response.status_code", "-"),
        one.get("http.request.body.size", "-"), one.get("http.response.body.size", "-")))


def briefs(objects):
    return [brief(one) for one in objects]


def header(one, name, side="response"):
    """All values of a header."""
    return [value for key, value in one.get(f"http.{side}.header", []) if key.lower() == name.lower()]


def assert_whole(objects):
    flagged = [(brief(one), one["hark.flags"]) for one in objects if one.get("hark.flags")]
    assert not flagged, flagged


def assert_times(objects):
    for one in objects:
        assert 0 <= one["hark.ttfb_ms"] <= one["hark.duration_ms"] < 60000, one
