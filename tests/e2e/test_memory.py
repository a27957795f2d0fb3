# SPDX-License-Identifier: Apache-2.0
"""hark stays within --memory whatever its peers send, and goes on seeing the others."""
import os
import pathlib
import socket
import sys

import pytest

from harness import LARGE_RING, ROOT, is_sanitized, wait_until

sys.path.insert(0, str(ROOT / "tests/bench"))

from recording import PREFACE, bomb, frame, hpack_integer  # noqa: E402

MIB = 1 << 20
CONNECTIONS = 100
STEP_BYTES = 16384
# Memory besides what hark holds: its code and libraries, maps, lines to be written, and what the allocator keeps
# between blocks.
MARGIN_BYTES = 64 * MIB


def streams_that_never_end():
    """A byte a field, 4,000 bytes each when it is read."""
    return bomb(500, fields=120)


def tables_of_the_largest_size():
    """Entries of three bytes, of which a table of 1 MiB has 32,768."""
    block = b"\x82\x84\x86" + b"\x40\0\0" * 5000
    return PREFACE + frame(4, 0, 0) + frame(1, 5, 1, hpack_integer(MIB, 5, 0x20) + b"\x82\x84\x86") + b"".join(
        frame(1, 5, 3 + 2 * i, block) for i in range(7))


def blocks_that_never_end():
    part = b"\0\1a\x7f\x80\x1f" + b"v" * 4095
    return PREFACE + frame(4, 0, 0) + frame(1, 0, 1, b"\x82\x84\x86") + b"".join(
        frame(9, 0, 1, part * 3) for _ in range(40))


def requests_without_an_answer():
    return b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\nx: %s\r\n\r\n" % (i, b"v" * 12000) for i in range(60))


KINDS = (streams_that_never_end, streams_that_never_end, tables_of_the_largest_size, blocks_that_never_end,
         requests_without_an_answer)


class Pair:
    """Both ends of a connection of our own."""

    def __init__(self, listener):
        self.client = socket.create_connection(listener.getsockname())
        self.server = listener.accept()[0]

    def move(self, sender, receiver, payload):
        sender.sendall(payload)
        left = len(payload)
        while left:
            left -= len(receiver.recv(left))

    def request(self, payload):
        self.move(self.client, self.server, payload)

    def answer(self, payload):
        self.move(self.server, self.client, payload)

    def close(self):
        self.client.close()
        self.server.close()


def own_bytes(pid):
    """Without the ring, which is memory of the kernel's that both share."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


def attack(pairs, watched):
    """Everybody sends a piece in turn; the most that hark had after a round."""
    most = 0
    payloads = [KINDS[i % len(KINDS)]() for i in range(len(pairs))]
    for at in range(0, max(map(len, payloads)), STEP_BYTES):
        for pair, payload in zip(pairs, payloads):
            if payload[at:at + STEP_BYTES]:
                pair.request(payload[at:at + STEP_BYTES])
        most = max(most, own_bytes(watched))
    return most


@pytest.mark.alone
@pytest.mark.parametrize("memory", [96, 48])
def test_hostile_peers_stay_within_the_budget(hark, capture, memory):
    words = ("--capture", capture, "--memory", f"{memory}M", "--ring", LARGE_RING, "-p", os.getpid())
    with socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS) as listener, hark(*words, verbose=0) as watch:
        pairs = [Pair(listener) for _ in range(CONNECTIONS)]
        quiet = Pair(listener)
        quiet.request(b"GET /before HTTP/1.1\r\nHost: x\r\n\r\n")
        most = attack(pairs, watch.pid)
        # Sent long ago, and nothing of it was forgotten: it takes little.
        quiet.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        seen = wait_until(lambda: [one for one in watch.objects if one.get("url.path") == "/before"] * 1,
                          "the exchange of a quiet connection")
        most = max(most, own_bytes(watch.pid))
        for pair in [*pairs, quiet]:
            pair.close()
    assert all(one["http.response.status_code"] == 200 and "hark.flags" not in one for one in seen)
    assert watch.stats["events.lost"] == 0
    assert watch.stats["limit.memory"] > 0 and watch.stats["connections.evicted"] > 0
    # A record may bring a sixteenth more, which goes at its end.
    assert memory * MIB * 0.9 < watch.stats["memory.held_peak"] < memory * MIB * 17 / 16 + MIB
    print(f"{most / MIB:.0f} MiB with --memory {memory}M")
    assert is_sanitized() or most < memory * MIB + MARGIN_BYTES
    truncated = [one for one in watch.objects if "truncated" in one.get("hark.flags", ())]
    assert truncated
