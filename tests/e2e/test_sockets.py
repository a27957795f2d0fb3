# SPDX-License-Identifier: Apache-2.0
"""Every call that moves bytes on a stream socket, both ways into the kernel (peers/sockets.c)."""
import platform

import pytest

from harness import PEERS, assert_whole, briefs, header, run

SIZES = "3000 5000"
COPIED = ["write", "sendto", "writev", "pwritev2", "sendmsg", "many", "sendmmsg", "partial", "peek", "failed", "dup"]
HOLES = ["sendfile", "splice", "io_uring"]


class Pair:
    """The peer's two ends, by the pids that it printed."""

    def __init__(self, done):
        lines = [line.split() for line in done.text.splitlines()]
        self.client = {int(pid) for role, pid in lines if role == "client"}
        self.server = {int(pid) for role, pid in lines if role == "server"}


def talk(way, family, count=1):
    return Pair(run(PEERS / "sockets", way, family, count))


def assert_seen(watch, pair, way, family, count, ends=("client", "server")):
    for end in ends:
        seen = watch.of(*getattr(pair, end), hark_role=end)
        assert briefs(seen) == [f"POST /{way}?by={family} 200 {SIZES}"] * count, end
        assert len({one["hark.connection"] for one in seen}) == count
        assert all(header(one, "x-mark", "request") == ["3000 bytes"] for one in seen)
        assert all(header(one, "x-mark") == ["5000 bytes"] for one in seen)
    assert len(watch.of(*pair.client, *pair.server)) == 2 * count, "each exchange once a side"


@pytest.mark.parametrize("family", ["4", "6", "unix"])
@pytest.mark.parametrize("way", COPIED)
def test_copied(hark, capture, way, family):
    """Three connections one after the other: the same fd each time, never the same connection."""
    if family == "unix":
        return unix_case(hark, capture, way)
    with hark("--capture", capture, verbose=2) as watch:
        pair = talk(way, family, 3)
        watch.wait_for(6, *pair.client, *pair.server)
    assert_seen(watch, pair, way, family, 3)
    body = "".join(chr(ord("a") + i % 26) for i in range(5000))
    for one in watch.of(*pair.client, *pair.server):
        assert one["http.response.body"] == body and one["http.request.body"] == body[:3000]
    assert_whole(watch.of(*pair.client, *pair.server))
    if way == "peek":
        assert watch.stats["transfers.peeked"] > 100
    watch.assert_nothing_lost()


def unix_case(hark, capture, way):
    """Unix sockets have no state changes: the role comes from who asks."""
    with hark("--capture", capture) as watch:
        pair = talk(way, "unix", 3)
        watch.wait_for(6, *pair.client, *pair.server)
    assert_seen(watch, pair, way, "unix", 3)
    assert {one["network.transport"] for one in watch.of(*pair.client)} == {"unix"}
    assert_whole(watch.of(*pair.client, *pair.server))


@pytest.mark.parametrize("family", ["4", "unix"])
@pytest.mark.parametrize("way", HOLES)
def test_bodies_without_a_user_buffer(hark, capture, way, family):
    """The sender's body is a hole of known size; the exchange has it all the same."""
    with hark("--capture", capture) as watch:
        pair = talk(way, family, 2)
        watch.wait_for(4, *pair.client, *pair.server)
    assert_seen(watch, pair, way, family, 2, ends=("client",))
    server = watch.of(*pair.server)
    if way == "io_uring" and capture == "syscall":  # no syscall moves them: nobody can know how many
        assert briefs(server) == [f"POST /{way}?by={family} 200 3000 -"] * 2
        assert all(one["hark.flags"] for one in server)
    else:
        assert briefs(server) == [f"POST /{way}?by={family} 200 {SIZES}"] * 2
    assert watch.stats["bytes.lost"] == 0
    if way == "io_uring" and family == "4" and capture == "socket":
        assert watch.stats["transfers.io_uring"] >= 2


@pytest.mark.skipif(platform.machine() != "x86_64", reason="int 0x80 is x86's")
def test_32_bit_callers(hark, capture):
    """The whole send side is a 32-bit caller's: sizes are known, contents are not, nothing is invented."""
    with hark("--capture", capture) as watch:
        pair = talk("compat", "4", 2)
    assert watch.stats["transfers.compat"] >= 4
    for one in watch.of(*pair.client, *pair.server):
        assert one.get("url.path", "/compat") == "/compat"
        assert one.get("http.response.status_code", 200) == 200


@pytest.mark.parametrize("way", ["fork", "passed"])
@pytest.mark.parametrize("family", ["4", "unix"])
def test_shared_sockets_stay_one_connection(hark, capture, way, family):
    """One process takes the request, another answers: by fork, or with an fd that came by SCM_RIGHTS."""
    with hark("--capture", capture) as watch:
        pair = talk(way, family, 2)
        watch.wait_for(4, *pair.client, *pair.server)
    seen = watch.of(*pair.server)
    assert briefs(seen) == [f"POST /{way}?by={family} 200 {SIZES}"] * 2
    assert len({one["hark.connection"] for one in seen}) == 2
    assert_whole(seen)


def test_many_connections_on_one_fd(hark, capture):
    with hark("--capture", capture) as watch:
        pair = talk("write", "4", 500)
        watch.wait_for(1000, *pair.client, *pair.server)
    assert_seen(watch, pair, "write", "4", 500)
    watch.assert_nothing_lost()
