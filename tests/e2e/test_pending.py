# SPDX-License-Identifier: Apache-2.0
"""Exchanges that are under way: requests that wait, answers that go on, interim responses, pushes."""
import re
import subprocess
import time

import pytest

from harness import DEADLINE_S, Gate, Live, brief, header, run, wait_until

CURL = ("curl", "-sS", "-k", "-N")
WAYS = {"http/1.1": ("http", "--http1.1"), "h2c": ("h2c", "--http2-prior-knowledge"), "h2+tls": ("tls", "--http2")}


def ask(nginx, way, path):
    port, option = WAYS[way]
    scheme = "https" if port == "tls" else "http"
    return subprocess.Popen([*CURL, option, f"{scheme}://127.0.0.1:{getattr(nginx, port)}{path}"],
                            stdout=subprocess.PIPE)


def only(nginx, way="http/1.1"):
    """The filter for what ask() moves: others may move more than the ring takes."""
    return f"port:{getattr(nginx, WAYS[way][0])}"


def pending(watch, path):
    """The objects of exchanges that are not over, by program."""
    return {one["process.executable.name"]: one for one in watch.objects
            if one.get("url.path") == path and "hark.pending_ms" in one}


def ended(watch, path):
    return {one["process.executable.name"]: one for one in watch.objects
            if one.get("url.path") == path and "hark.pending_ms" not in one}


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_answers_late(hark, nginx, way, tmp_path):
    gate = Gate(tmp_path)
    path = f"/wait/until{gate.path}"
    with hark("--pending", "0.5", only(nginx, way)) as watch:
        begin = time.monotonic()
        client = ask(nginx, way, path)
        wait_until(lambda: {"curl", "nginx"} <= set(pending(watch, path)), "lines about what waits")
        assert time.monotonic() - begin >= 0.5 and client.poll() is None
        for one in pending(watch, path).values():
            assert 500 <= one["hark.pending_ms"] <= (time.monotonic() - begin) * 1000 and brief(one).split()[2] == "-"
            assert "hark.duration_ms" not in one and "hark.flags" not in one
        gate.open()
        assert client.communicate(timeout=DEADLINE_S)[0] == b"at last\n"
        wait_until(lambda: {"curl", "nginx"} <= set(ended(watch, path)), "the exchanges")
    for one in ended(watch, path).values():
        assert brief(one) == f"GET {path} 200 0 8" and 500 <= one["hark.duration_ms"] <= (time.monotonic() - begin) * 1000
        assert not one.get("hark.flags"), one["hark.flags"]
    assert watch.stats["exchanges.pending"] >= 2


@pytest.mark.parametrize("way", WAYS)
def test_an_event_stream_is_not_silence(hark, nginx, way, tmp_path):
    gate = Gate(tmp_path)
    path = f"/wait/events{gate.path}"
    with hark("--pending", "0.5", only(nginx, way)) as watch:
        client = ask(nginx, way, path)
        wait_until(lambda: {"curl", "nginx"} <= set(pending(watch, path)), "lines about what goes on")
        assert client.poll() is None
        for one in pending(watch, path).values():
            assert one["http.response.status_code"] == 200 and "http.response.body.size" not in one
        gate.open()
        body = client.communicate(timeout=DEADLINE_S)[0]
        wait_until(lambda: {"curl", "nginx"} <= set(ended(watch, path)), "the exchanges")
    count = body.count(b"data: event")
    assert count >= 2 and body == b"".join(b"data: event %4d\n\n" % number for number in range(count))
    for one in ended(watch, path).values():
        assert one["http.response.body.size"] == len(body)
    assert not any(one.get("hark.flags") for one in watch.of(*[nginx]) if one.get("url.path") == path)


def text_of(tmp_path, *options, action):
    """The lines of hark, which action(shown) can read in the meantime."""
    path = tmp_path / "lines.txt"
    watch = Live("-o", f"text:{path}", "--comm", "curl", *options)
    try:
        action(path.read_text)
    finally:
        watch.end()
    return path.read_text()


def test_text_says_what_it_waits_for(nginx, tmp_path):
    gates = {}
    for what in ("until", "events"):
        (tmp_path / what).mkdir()
        gates[what] = Gate(tmp_path / what)
    slow, events = (f"/wait/{what}{gate.path}" for what, gate in gates.items())

    def action(shown):
        clients = [ask(nginx, "http/1.1", path) for path in (slow, events)]
        wait_until(lambda: shown().count("[pending: ") == len(clients), "the lines about what goes on")
        for gate in gates.values():
            gate.open()
        for client in clients:
            client.communicate(timeout=DEADLINE_S)

    out = text_of(tmp_path, "--pending", "500ms", only(nginx), action=action)
    lines = [re.sub(r"^\S+ |\d+\.\d s$", "", line) for line in out.splitlines()]
    assert sum(f"{slow} " in line for line in lines) == 2 and sum(f"{events} " in line for line in lines) == 2
    assert any(re.search(rf"{slow} +\.\.\. 0/\? +\[pending: waiting for \d+ ms\]$", line) for line in lines), out
    assert any(re.search(rf"{events} +200 0/\d+\+ +\[pending: receiving for \d+ ms\]$", line) for line in lines), out


def test_json_has_one_object_an_exchange_unless_asked(hark, nginx, tmp_path):
    gate = Gate(tmp_path)
    path = f"/wait/until{gate.path}"
    with hark(only(nginx)) as watch:
        client = ask(nginx, "http/1.1", path)
        wait_until(lambda: watch.counted("exchanges.pending") == [2], "two exchanges that wait")
        gate.open()
        client.communicate(timeout=DEADLINE_S)
        wait_until(lambda: {"curl", "nginx"} <= set(ended(watch, path)), "the exchanges")
    assert not pending(watch, path)
    assert watch.stats["exchanges.pending"] == 2


def test_zero_is_never(hark, nginx, tmp_path):
    """Another hark tells when one that is asked would have told."""
    gate = Gate(tmp_path)
    path = f"/wait/until{gate.path}"
    with hark("--pending", "0", only(nginx)) as watch, hark("--pending", "0.5", only(nginx)) as witness:
        client = ask(nginx, "http/1.1", path)
        wait_until(lambda: {"curl", "nginx"} <= set(pending(witness, path)), "lines about what waits")
        gate.open()
        client.communicate(timeout=DEADLINE_S)
        wait_until(lambda: {"curl", "nginx"} <= set(ended(watch, path)), "the exchanges")
    assert watch.stats["exchanges.pending"] == 0 and not pending(watch, path)


def test_interim_responses(hark, nginx, capture):
    sink = nginx.sink
    with hark("--capture", capture) as watch:
        early = run(*CURL, f"http://127.0.0.1:{sink.port}/wait/hints")
        expect = run(*CURL, "-H", "Expect: 100-continue", "-d", "a=b", f"http://127.0.0.1:{sink.port}/x")
        watch.wait_for(2, early, expect)
        watch.wait_for(2, sink)
    for who in (early, sink):
        one = watch.of(who, url_path="/wait/hints")[0]
        assert one["http.response.interim"] == [{"status": 103, "header": [["Link", "</style.css>; rel=preload"]]}]
        assert one["http.response.status_code"] == 200 and header(one, "Content-Length") == ["8"]
    for who in (expect, sink):
        one = watch.of(who, url_path="/x")[0]
        assert [interim["status"] for interim in one["http.response.interim"]] == [100]
        assert brief(one) == "POST /x 201 3 7"


def test_interim_in_text(nginx, tmp_path):
    out = text_of(tmp_path, "-v", action=lambda _: run(*CURL, f"http://127.0.0.1:{nginx.sink.port}/wait/hints"))
    assert re.search(r"^    <1 103\n    <1 Link: </style.css>; rel=preload\n    < HTTP/1.1 200\n    < Server: ", out, re.M), out


def test_pushes(hark, scratch, certificates, site, tmp_path):
    from servers import Nghttpd  # noqa: PLC0415

    class Pushing(Nghttpd):
        def __init__(self, folder):
            from harness import Program, free_port  # noqa: PLC0415
            self.port = free_port()
            Program.__init__(self, ["nghttpd", "-n1", "-a", "127.0.0.1", "-d", site, "-p/index.html=/small.txt",
                                    self.port, certificates / "key.pem", certificates / "cert.pem"], folder, ports=(self.port,))

    server = Pushing(tmp_path)
    try:
        with hark() as watch:
            client = run("nghttp", "-nv", f"https://127.0.0.1:{server.port}/index.html")
            watch.wait_for(2, client)
            watch.wait_for(2, server)
    finally:
        server.stop()
    for who in (client, server):
        by_path = {one["url.path"]: one for one in watch.of(who)}
        assert by_path["/index.html"].get("hark.flags") is None
        assert by_path["/small.txt"]["hark.flags"] == ["pushed"] and by_path["/small.txt"]["hark.stream"] % 2 == 0
        assert by_path["/small.txt"]["http.response.body.size"] == 1000
