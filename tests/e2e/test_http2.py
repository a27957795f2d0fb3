# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 under load, with an indexing encoder, and joined late: right or absent, never wrong."""
import collections
import json
import subprocess

import pytest

from harness import DEADLINE_S, LARGE_RING, Program, assert_whole, brief, briefs, run, wait_until
from servers import HERE, PYTHON


def h2load(url, requests, *options):
    done = run("h2load", "-n", requests, *options, url, deadline_s=120)
    assert f"{requests} succeeded, 0 failed, 0 errored" in done.text, done.text
    return done


def assert_load(watch, client, server, path, size, requests, connections, streams=True):
    for who, role in ((client, "client"), (server, "server")):
        seen = watch.of(who, hark_role=role)
        assert collections.Counter(briefs(seen)) == {f"GET {path} 200 0 {size}": requests}, role
        assert len({one["hark.connection"] for one in seen}) == connections
        if streams:
            keys = {(one["hark.connection"], one["hark.stream"]) for one in seen}
            assert len(keys) == requests, "a stream twice"
        assert_whole(seen)
    watch.assert_nothing_lost()


@pytest.mark.parametrize("port", ["tls", "h2c"])
def test_h2load_1000(hark, nginx, capture, port):
    scheme = "https" if port == "tls" else "http"
    with hark("--capture", capture, f"port:{getattr(nginx, port)}") as watch:
        client = h2load(f"{scheme}://127.0.0.1:{getattr(nginx, port)}/small.txt", 1000, "-c10", "-m10")
        watch.wait_for(2000, client, nginx)
    assert_load(watch, client, nginx, "/small.txt", 1000, 1000, 10)


@pytest.mark.alone
@pytest.mark.parametrize("server", ["nginx", "nghttpd"])
def test_h2load_20000(hark, request, server):
    target = request.getfixturevalue(server)
    port = target.tls if server == "nginx" else target.port
    with hark(verbose=0) as watch:
        client = h2load(f"https://127.0.0.1:{port}/one", 20000, "-c10", "-m10")
        watch.wait_for(40000, client, target, deadline_s=60)
    assert_load(watch, client, target, "/one", 1, 20000, 10)


@pytest.mark.alone
def test_h2load_beside_fifty_connections(hark, nginx, nghttpd, tmp_path):
    beside = Program(["h2load", "-c50", "-m1", "-D", "600", "--rps", "20",
                      f"https://127.0.0.1:{nginx.tls}/small.txt"], tmp_path)
    try:
        with hark(verbose=0) as watch:
            wait_until(lambda: watch.of(beside), "the other connections' exchanges")
            client = h2load(f"https://127.0.0.1:{nghttpd.port}/small.txt", 1000, "-c10", "-m10")
            watch.wait_for(2000, client, nghttpd)
    finally:
        beside.stop()
    assert_load(watch, client, nghttpd, "/small.txt", 1000, 1000, 10)


@pytest.mark.alone
def test_a_hundred_streams_of_large_bodies(hark, nginx):
    with hark("--ring", LARGE_RING, f"port:{nginx.tls}", verbose=0) as watch:
        client = h2load(f"https://127.0.0.1:{nginx.tls}/medium.bin", 200, "-c2", "-m100")
        watch.wait_for(400, client, nginx)
    assert_load(watch, client, nginx, "/medium.bin", 100_000, 200, 2)


class IndexingClient:
    """peers/h2client.py: an encoder that indexes :path, several HEADERS frames in one write."""

    def __init__(self, port, way):
        self.process = subprocess.Popen([PYTHON, str(HERE / "peers/h2client.py"), str(port), way],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pids = {self.process.pid}

    def ask(self, first, count):
        """{stream: (path, status)} as the client knows it."""
        self.process.stdin.write(f"{first} {count}\n")
        self.process.stdin.flush()
        return {stream: (path, status) for stream, path, status in json.loads(self.process.stdout.readline())}

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(DEADLINE_S) == 0
        self.process.stdout.close()


@pytest.fixture(params=["tls", "clear"])
def way(request):
    return request.param


def seen_streams(objects):
    return {one["hark.stream"]: (one.get("url.path"), one.get("http.response.status_code")) for one in objects}


def test_indexed_paths_and_several_headers_in_one_write(hark, nginx, way, capture):
    with hark("--capture", capture) as watch:
        client = IndexingClient(nginx.tls if way == "tls" else nginx.h2c, way)
        truth = client.ask(0, 34)
        truth |= client.ask(3, 50)
        client.close()
        watch.wait_for(2 * len(truth), client, nginx)
    for who in (client, nginx):
        assert seen_streams(watch.of(who)) == truth
        assert len(watch.of(who)) == len(truth)
        assert_whole(watch.of(who))


def test_joined_late_with_indexed_paths(hark, nginx, way, capture):
    """Everything after the attach is there with a right status; a path is right or absent."""
    client = IndexingClient(nginx.tls if way == "tls" else nginx.h2c, way)
    client.ask(0, 20)
    with hark("--capture", capture) as watch:
        truth = client.ask(0, 34) | client.ask(5, 34)
        client.close()
        watch.wait_for(2 * len(truth), client, nginx)
    assert_never_wrong(watch, client, truth)
    assert_never_wrong(watch, nginx, truth)


def assert_never_wrong(watch, who, truth):
    seen = seen_streams(watch.of(who))
    assert len(watch.of(who)) == len(seen), "an exchange twice"
    assert set(seen) == set(truth), "exchanges that began and ended in view"
    wrong = {stream: (value, truth[stream]) for stream, value in seen.items()
             if value[0] not in (None, truth[stream][0]) or value[1] not in (None, truth[stream][1])}
    assert not wrong, wrong
    known = [status for _, status in seen.values() if status is not None]
    assert len(known) == len(seen), f"{len(known)} statuses of {len(seen)}"
    for one in watch.of(who):
        for name, value in one.get("http.request.header", []):
            if name == "x-number" and value is not None and one.get("url.path"):
                assert one["url.path"] == f"/path/{value}"


@pytest.mark.alone
@pytest.mark.parametrize("port", ["tls", "h2c"])
def test_joined_in_a_running_h2load(hark, nginx, tmp_path, port):
    """h2load runs before hark and ends after it began: all from some stream on, with status 200 and this path."""
    scheme = "https" if port == "tls" else "http"
    log = nginx.folder / "access.log"
    before = log.stat().st_size
    client = Program(["h2load", "-c1", "-m10", "-n", "60000", f"{scheme}://127.0.0.1:{getattr(nginx, port)}/one"],
                     tmp_path)
    wait_until(lambda: log.stat().st_size > before + 2000, "h2load under way")
    with hark("--ring", LARGE_RING, verbose=0) as watch:
        client.process.wait(90)
        watch.wait_for(1, client)
    assert client.process.returncode == 0 and "60000 succeeded" in client.log()
    for who in (client, nginx):
        seen = watch.of(who)
        assert seen, "attached too late"
        assert {one.get("url.path", "/one") for one in seen} == {"/one"}
        complete = [one for one in seen if not {"late-joined", "no-request", "unanswered", "partial-headers"}
                    & set(one.get("hark.flags", []))]
        assert all(one["http.response.status_code"] == 200 for one in complete)
        streams = sorted(one["hark.stream"] for one in seen)
        assert len(streams) == len(set(streams)), "an exchange twice"
        assert streams[-1] == 2 * 60000 - 1, "the last one"
        # Ten are under way at the attach; from the first that began in view on, none is missing.
        begin = streams[0] + 40
        missing = sorted(set(range(begin, 120000, 2)) - set(streams))
        assert not missing, (len(missing), missing[:20], watch.stats["events.lost"], watch.stats["bytes.lost"])
        marked = [one for one in seen if one["hark.stream"] >= begin and {"late-joined", "gap"} & set(one.get("hark.flags", []))]
        assert not marked, (len(marked), begin, [(one["hark.stream"], one["hark.flags"]) for one in marked[:5]])
        unknown = [one for one in seen if one["hark.stream"] >= begin and one.get("http.response.status_code") != 200]
        assert not unknown, (len(unknown), begin, [(one["hark.stream"], brief(one), one.get("hark.flags")) for one in unknown[:5]], unknown[-1]["hark.stream"])


@pytest.mark.alone
def test_a_ring_that_is_too_small(hark, nginx, capture):
    """A loss marks what it touched: no exchange is twice, none that has no mark is wrong, later ones are whole."""
    def is_seen_whole():
        """The records that the load left in the ring are read: it takes what comes now."""
        one = h2load(f"http://127.0.0.1:{nginx.h2c}/one", 1, "-c1")
        watch.wait_for(1, one, deadline_s=2)
        return briefs(watch.of(one)) == ["GET /one 200 0 1"]

    with hark("--ring", "64K", "--capture", capture, f"port:{nginx.h2c}", verbose=0) as watch:
        client = h2load(f"http://127.0.0.1:{nginx.h2c}/small.txt", 20000, "-c10", "-m10")
        wait_until(is_seen_whole, "an exchange seen whole after the load")
        quiet = h2load(f"http://127.0.0.1:{nginx.h2c}/one", 20, "-c1", "-m1", "--rps", "50")
        watch.wait_for(20, quiet)
    assert watch.stats["events.lost"] > 0
    for who, role in ((client, "client"), (nginx, "server")):
        seen = watch.of(who, hark_role=role)
        keys = [(one["hark.connection"], one["hark.stream"]) for one in seen if "hark.stream" in one]
        assert len(keys) == len(set(keys)), "an exchange twice"
        for one in seen:
            assert one.get("url.path") in (None, "/small.txt", "/one")
            assert one.get("http.response.status_code") in (None, 200)
            if not one.get("hark.flags"):
                assert brief(one) in ("GET /small.txt 200 0 1000", "GET /one 200 0 1")
    assert briefs(watch.of(quiet)) == 20 * ["GET /one 200 0 1"]
    assert_whole(watch.of(quiet))
