# SPDX-License-Identifier: Apache-2.0
"""`hark conns` as a live view: what is there already, what comes and goes, under numbers that every run shares.

The client is this process: it holds its connections open while hark starts.
"""
import contextlib
import http.client
import os
import pathlib
import re
import socket
import ssl
import subprocess

import pytest

from harness import HARK, Hark, run, wait_until

CAPTURES = ["socket", "syscall"]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def connect(nginx, kind):
    """A kept-alive connection that nginx has accepted and served once."""
    if kind == "tls":
        context = ssl._create_unverified_context()
        client = http.client.HTTPSConnection("127.0.0.1", nginx.tls, context=context)
    elif kind == "unix":
        client = UnixConnection(nginx.socket)
    else:
        client = http.client.HTTPConnection("127.0.0.1", nginx.http)
    ask(client, "/none")
    return client


def ask(client, path):
    client.request("GET", path)
    client.getresponse().read()


def port_of(client):
    name = client.sock.getsockname()
    return name[1] if isinstance(name, tuple) else None


class Text:
    """The lines of a text output so far; what="exists" and the like: those that begin or end a connection."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "conns.txt"

    def lines(self, what=None, word=""):
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        if what:
            lines = [line for line in lines if re.match(rf"\S+ +{what} ", line)]
        return [line for line in lines if word in line]

    def wait_for(self, count, what, word):
        wait_until(lambda: len(self.lines(what, word)) >= count, f"{count} × {what} {word}")
        return self.lines(what, word)


def number(line):
    return int(re.search(r"#(\d+)", line).group(1))


def program(pid):
    return f"[{pid}]"


def existing(text, pid, where):
    """The numbers of the connections of this process that were there at the start."""
    return {number(line) for line in text.lines("exists", where) if program(pid) in line}


@pytest.mark.parametrize("kind", ["clear", "tls", "unix"])
@pytest.mark.parametrize("capture", CAPTURES)
def test_idle_connection(tmp_path, nginx, kind, capture):
    with contextlib.closing(connect(nginx, kind)) as client:
        port, text = port_of(client), Text(tmp_path)
        me, server = os.getpid(), nginx.worker()
        pids = ["-p", f"{me},{server}", "--capture", capture]
        with Hark(tmp_path, *pids, "-o", f"text:{text.path}", view=["conns"]) as conns:
            where = f":{port} " if port else " unix "
            for pid in (me, server):
                wait_until(lambda pid=pid: existing(text, pid, where), f"a line of {pid}")
            with Hark(tmp_path, *pids) as watch:
                ask(client, "/small.txt")
                watch.wait_for(2, url_path="/small.txt")
                exchanges = watch.of(url_path="/small.txt")
                client.close()
                if kind != "unix":
                    text.wait_for(2, "close", where)
    seen = {one["process.pid"]: one["hark.connection"] for one in exchanges}
    assert set(seen) == {me, server}
    assert {one["tls"] for one in exchanges} == {kind == "tls"}
    for pid, id_of in seen.items():
        (one,) = [o for o in conns.objects if o["hark.connection"] == id_of]
        assert (one["process.pid"], one["hark.exchanges"]) == (pid, 1)
        assert one["hark.connection.number"] in existing(text, pid, where)
        assert "hark.opened" not in one
    conns.assert_nothing_lost()


@pytest.mark.parametrize("capture", CAPTURES)
def test_listening_and_unconnected_are_none(tmp_path, capture):
    me, text = os.getpid(), Text(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket(), \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.connect(listening.getsockname())
        client = socket.create_connection(listening.getsockname())
        port = client.getsockname()[1]
        with client, Hark(tmp_path, "-p", me, "--capture", capture, "-o", f"text:{text.path}", view=["conns"]):
            text.wait_for(1, "exists", f":{port} ")
            there = text.lines("exists")
    # The other end was not accepted yet: it belongs to no process.
    assert len([line for line in there if f":{listening_port(there, port)} " in line]) == 1


def listening_port(lines, port):
    (line,) = [line for line in lines if f"127.0.0.1:{port} " in line]
    return re.findall(r"127\.0\.0\.1:(\d+)", line)[1]


def test_new_connections_open_and_close(tmp_path, nginx, capture):
    text = Text(tmp_path)
    with Hark(tmp_path, "--capture", capture, "-o", f"text:{text.path}", view=["conns"]):
        clients = [run("curl", "-s", f"http://127.0.0.1:{nginx.http}/one") for _ in range(3)]
        for client in clients:
            text.wait_for(1, "close", program(client.pid))
        events = [(line.split()[1], number(line)) for line in text.lines("(open|close)", program(nginx.worker()))]
        for client in clients:
            lines = [line for line in text.lines("(open|exists|close|stays)") if program(client.pid) in line]
            assert [line.split()[1] for line in lines] == ["open", "close"]
            assert len({number(line) for line in lines}) == 1
            assert re.search(r" client +\? +\? id \d+$", lines[0]) and " local" in lines[1], lines
    opened = [id_of for what, id_of in events if what == "open"]
    assert len(opened) >= 3 and all(events.index(("open", id_of)) < events.index(("close", id_of))
                                    for what, id_of in events if what == "close")


def test_streams_stand_under_their_connection(tmp_path, nginx):
    text = Text(tmp_path)
    urls = [f"http://127.0.0.1:{nginx.h2c}/{path}" for path in ("one", "small.txt", "medium.bin", "none")]
    with Hark(tmp_path, "-o", f"text:{text.path}", view=["conns"]):
        clients = [run("nghttp", "-n", *urls), run("nghttp", "-n", *urls)]
        for client in clients:
            text.wait_for(1, "close", program(client.pid))
    lines = text.lines()
    for client in clients:
        (at,) = [i for i, line in enumerate(lines) if program(client.pid) in line and line.split()[1] == "close"]
        below = lines[at + 1:at + 1 + len(urls)]
        assert all(line.startswith("    ") and f" #{number(lines[at])} " in line for line in below), below
        assert len({re.search(r"h2:(\d+)", line).group(1) for line in below}) == len(urls)
        assert not lines[at + 1 + len(urls):][:1] or not lines[at + 1 + len(urls)].startswith("    ")


def test_one_is_followed_across_runs(tmp_path, nginx):
    me, text = os.getpid(), Text(tmp_path)
    with contextlib.closing(connect(nginx, "clear")) as client, contextlib.closing(connect(nginx, "clear")) as other:
        with Hark(tmp_path, "-p", me, view=["conns"]) as first:
            pass
        (one,) = [o for o in first.objects if o.get("network.local.port") == port_of(client)]
        id_of = one["hark.connection"]
        with Hark(tmp_path, "-x", id_of) as watch, \
                Hark(tmp_path, "-x", id_of, "-o", f"text:{text.path}", view=["conns"]):
            for path in ("/one", "/small.txt"):
                ask(other, "/empty")
                ask(client, path)
            # Before it closes: whoever follows one connection sees its exchanges at once.
            wait_until(lambda: len(text.lines(word="/small.txt")) == 1, "the exchange")
            watch.wait_for(2)
    assert [o["url.path"] for o in watch.objects] == ["/one", "/small.txt"]
    assert {o["hark.connection"] for o in watch.objects} == {id_of}
    assert len({number(line) for line in text.lines(word="#")}) == 1
    assert not text.lines(word="/empty")


@pytest.mark.parametrize("view", ["watch", "conns"])
def test_one_that_never_comes_is_said(tmp_path, view):
    done = subprocess.run([HARK, view, "-x", "4503599627370495", "-d", "0.1", "-o", f"text:{tmp_path}/out"],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "connection 4503599627370495 was not seen" in done.stderr


@pytest.mark.parametrize("capture", CAPTURES)
def test_replay_tells_the_same(tmp_path, nginx, capture):
    text, again = Text(tmp_path), tmp_path / "again.txt"
    with contextlib.closing(connect(nginx, "clear")) as client:
        with Hark(tmp_path, "-p", os.getpid(), "--capture", capture, "-w", tmp_path / "rec",
                  "-o", f"text:{text.path}", view=["conns"]):
            text.wait_for(1, "exists", f":{port_of(client)} ")
            ask(client, "/one")
            client.close()
            text.wait_for(1, "close", program(os.getpid()))
    run(HARK, "replay", tmp_path / "rec", "conns", "-v", "-o", f"text:{again}")
    assert again.read_text() == text.path.read_text()


@pytest.mark.parametrize("capture", CAPTURES)
def test_shared_by_two_processes(tmp_path, nginx, capture):
    """One connection, one line; it is there as long as somebody holds it."""
    text = Text(tmp_path)
    with contextlib.closing(connect(nginx, "unix")) as client:
        sharer = subprocess.Popen(["sleep", "60"], pass_fds=[client.sock.fileno()])
        try:
            with Hark(tmp_path, "-p", f"{os.getpid()},{sharer.pid}", "--capture", capture,
                      "-o", f"text:{text.path}", view=["conns"]) as conns:
                before = text.wait_for(1, "exists", " unix ")
                sharer.kill()
                sharer.wait()
                ask(client, "/one")
            assert len(before) == len(text.lines("exists", " unix "))
            used = [o for o in conns.objects if o["hark.exchanges"]]
            assert [(o["process.pid"], o["hark.connection.number"] in map(number, before), o.get("hark.closed_by"))
                    for o in used] == [(os.getpid(), True, None)]
        finally:
            sharer.kill()
            sharer.wait()


NODE = """
const https = require("https");
const agent = new https.Agent({keepAlive: process.argv[2] === "keep", rejectUnauthorized: false});
const get = () => new Promise((done, failed) => https.get(
    {host: "127.0.0.1", port: +process.argv[1], path: "/small.txt", agent},
    answer => { answer.resume(); answer.on("end", done); }).on("error", failed));
(async () => { for (let i = 0; i < 8; i++) await get(); })();
"""


@pytest.mark.parametrize("kept", [False, True], ids=["closed", "kept"])
@pytest.mark.parametrize("view", ["conns", "stat", "watch"])
def test_a_new_connection_a_call_is_said(nginx, view, kept):
    """Why is a Node client slow: at the end one line says that each call makes a TLS connection of its own."""
    words = {"watch": ["--summary"]}.get(view, [view])
    done = run(HARK, *words, "-q", f"port:{nginx.tls}", "--", "node", "-e", NODE, nginx.tls, "keep" if kept else "close")
    said = re.findall(r"^node\[\d+\] to (\S+): a new TLS connection a call, 8 for 8 exchanges, connect [0-9.]+ ms",
                      done.err.decode() + done.text, re.M)
    assert said == ([] if kept else [f"127.0.0.1:{nginx.tls}"]), done.text + done.err.decode()
