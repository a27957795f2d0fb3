# SPDX-License-Identifier: Apache-2.0
"""What bodies say: facts of exchanges, and messages as they pass, of real programs."""
import re

import pytest

from harness import HARK, Program, free_port, run
from servers import HERE, PYTHON

PEER = HERE / "peers/content_peer.py"


@pytest.fixture(scope="module", params=["clear", "tls"])
def peer(request, tmp_path_factory, certificates):
    port = free_port()
    files = [certificates / "cert.pem", certificates / "key.pem"] if request.param == "tls" else []
    server = Program([PYTHON, PEER, port, *files], tmp_path_factory.mktemp("content"), ports=(port,))
    server.port, server.scheme = port, "https" if files else "http"
    server.url = f"{server.scheme}://127.0.0.1:{port}"
    yield server
    server.stop()


def curl(url, *options):
    return run("curl", "-sSkN", "--compressed", *options, url)


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
def test_events(hark, peer, capture, coding):
    with hark("--capture", capture, f"port:{peer.port}") as watch:
        client = curl(f"{peer.url}/events?count=5&coding={coding}")
        watch.wait_for(12, client, peer)
    for who in (client, peer):
        *messages, exchange = [one for one in watch.of(who)]
        assert [(one["hark.message"], one["hark.message.from"], one["hark.message.number"], one["hark.message.type"],
                 one["hark.message.id"], one["hark.message.body"]) for one in messages] == [
            ("sse", "server", i + 1, "tick", str(i), f'{{"n": {i}, "password": "[redacted]"}}') for i in range(5)]
        assert all(one["url.path"] == "/events" and one["hark.message.size"] == len('{"n": 0, "password": "hunter2"}')
                   for one in messages)
        times = [one["time"] for one in messages]
        assert times == (sorted(times) if coding else sorted(set(times))), "each as it comes; a coding brings all at its end"
        assert exchange["hark.sse.events"] == 5 and exchange["hark.sse.last_id"] == "4"
        assert 0 < exchange["hark.sse.first_event_ms"] <= exchange["hark.duration_ms"]
        assert coding or 5 < exchange["hark.sse.rate"] <= 50
        assert not exchange.get("hark.flags")
    assert "hunter2" not in watch.output_path.read_text()


def test_events_for_people(peer):
    done = run(HARK, "-v", "-q", "--wide", f"port:{peer.port}", "--", "curl", "-sSkN", "-o", "/dev/null", f"{peer.url}/events")
    lines = (done.text + done.err.decode()).splitlines()
    events = [line for line in lines if re.search(r" sse +< tick #\d id \d 31 ", line)]
    assert len(events) == 3 and '{"n": 0, "password": "[redacted]"}' in events[0], lines
    assert "    = hark.sse.events: 3" in lines
    plain = run(HARK, "-q", "--wide", f"port:{peer.port}", "--", "curl", "-sSkN", "-o", "/dev/null", f"{peer.url}/events")
    assert len((plain.text + plain.err.decode()).splitlines()) == 1
