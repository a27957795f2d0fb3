# SPDX-License-Identifier: Apache-2.0
"""hark tree: who called whom, by what requests say of their trace, by process and time where they say nothing."""
import json
import re

import pytest

from harness import HARK, Program, free_port, run
from servers import HERE, PYTHON

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.fixture
def chain(tmp_path):
    """Three servers: the first asks the second and then the third, the second the third; by how it hands on."""
    servers = []

    def make(how):
        ports = [free_port() for _ in range(3)]
        for i, port in reversed(list(enumerate(ports))):
            folder = tmp_path / f"{how}{i}"
            folder.mkdir()
            server = Program([PYTHON, HERE / "peers/chain.py", port, how, *(ports[i + 1:] if i == 0 else ports[i + 1:i + 2])],
                             folder, ports=(port,))
            server.port = port
            servers.append(server)
        return servers[-1], servers[-2], servers[-3]

    yield make
    for server in servers:
        server.stop()


def recorded(hark, tmp_path, servers, count, *fields):
    """A recording of one request, and who made it."""
    recording = tmp_path / "tree.rec"
    with hark("-w", recording, *("-p", ",".join(str(server.pid) for server in servers)), verbose=0) as watch:
        client = run("curl", "-s", f"http://127.0.0.1:{servers[0].port}/start", *(word for field in fields for word in ("-H", field)))
        watch.wait_for(count)
    return recording, client


def tree(recording, *words):
    done = run(HARK, "replay", recording, "tree", "-q", "-o", "json", *words)
    return [json.loads(line) for line in done.text.splitlines()]


def shape(calls, *servers):
    """Of each call: who served it, the number of its caller, whether that is a guess."""
    numbers = {server.pid: i for i, server in enumerate(servers)}
    return [(numbers[call["hark.server.pid"]], call.get("hark.tree.parent"), call.get("hark.tree.guess", False)) for call in calls]


@pytest.mark.parametrize("how, field, guess", [
    ("w3c", f"traceparent: 00-{TRACE}-{SPAN}-01", True),
    ("b3", f"b3: {TRACE}-{SPAN}-1", False),
    ("same", f"traceparent: 00-{TRACE}-{SPAN}-01", False),
    ("none", f"traceparent: 00-{TRACE}-{SPAN}-01", True)])
def test_who_called_whom(hark, tmp_path, chain, how, field, guess):
    first, second, third = servers = chain(how)
    recording, _ = recorded(hark, tmp_path, servers, 7, field)
    calls = tree(recording, TRACE)
    # Second asked third within what it served to first; then first asked third.
    assert shape(calls, *servers) == [(0, None, False), (1, 1, guess), (2, 2, guess), (2, 1, guess)]
    assert [call["hark.tree.depth"] for call in calls] == [0, 1, 2, 1]
    assert {call["trace_id"] for call in calls} == {TRACE} and calls[0]["span_id"] == SPAN
    for call in calls[1:]:
        caller = calls[call["hark.tree.parent"] - 1]
        assert call["hark.client.pid"] == caller["hark.server.pid"]
        assert caller["hark.offset_ms"] <= call["hark.offset_ms"]
        assert call["hark.offset_ms"] + call["hark.duration_ms"] <= caller["hark.offset_ms"] + caller["hark.duration_ms"]
        assert call["hark.duration_ms"] == pytest.approx(call["hark.server_ms"] + call["hark.network_ms"], abs=1e-5)
    assert "secret" not in run(HARK, "replay", recording, "tree", TRACE).text


def test_request_ids_and_text(hark, tmp_path, chain):
    servers = chain("same")
    recording, _ = recorded(hark, tmp_path, servers, 7, "X-Request-ID: order-7")
    assert len(tree(recording, "order-7")) == len(tree(recording, "ORDER")) == 4
    assert tree(recording, "order-8") == []
    [trace] = tree(recording)
    assert (trace["hark.request_id"], trace["count"], trace["hark.tree.failed"]) == ("order-7", 4, 0)
    lines = run(HARK, "replay", recording, "tree", "-q", "order-7").text.splitlines()
    assert lines[0].startswith("Request order-7: 4 exchanges, ")
    calls = [re.search(r"\| ( *)(\? )?\S+ (?:->|→) python3\S*\[(\d+)\]  GET 127.0.0.1:(\d+)/(?:start|from/\d+\?token=\[redacted\])  200", line.replace("▏", "|"))
             for line in lines[2:6]]
    assert [(len(call[1]) // 2, int(call[3])) for call in calls] == [
        (0, servers[0].pid), (1, servers[1].pid), (2, servers[2].pid), (1, servers[2].pid)]
    listed = run(HARK, "replay", recording, "tree", "-q").text
    assert "order-7" in listed and "GET" in listed
    stat = json.loads(run(HARK, "replay", recording, "stat", "-q", "--by", "trace", "-o", "json").text.splitlines()[0])
    assert (stat["hark.request_id"], stat["count"]) == ("order-7", 4)


def test_live(hark, tmp_path, chain):
    """Until it is told to end, beside a filter."""
    servers = chain("w3c")
    with hark(TRACE, f"port:{servers[0].port},{servers[1].port},{servers[2].port}", view=("tree",), verbose=0) as watch:
        run("curl", "-s", "-H", f"traceparent: 00-{TRACE}-{SPAN}-01", f"http://127.0.0.1:{servers[0].port}/start")
        run("curl", "-s", "-H", f"traceparent: 00-{'1' * 32}-{SPAN}-01", f"http://127.0.0.1:{servers[2].port}/other")
    assert [call["trace_id"] for call in watch.objects] == [TRACE] * 4
