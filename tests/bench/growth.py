# SPDX-License-Identifier: Apache-2.0
"""Inputs that somebody may send to make hark slow, each in a size that can be doubled.

An input is a function that writes so much of it to a recording, the words for hark, and a first size.
"""
import struct

from recording import (EXEC, EXIT, PREFACE, RECEIVED, SENT, Recording, Socket, bomb, frame, hpack_literal)

GET = b"GET /a/%d HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SMALL_HEAD = b"\x82\x84\x86"
INPUTS = {}


def grows(size, *words):
    def row(write):
        INPUTS[write.__name__] = (write, size, words)
        return write
    return row


def both_ends(number=0):
    return Socket(number), Socket(number, server=False)


def opened(recording, *sockets):
    for socket in sockets:
        recording.open(socket, socket.local_port == 80)
    return sockets


@grows(500)
def pipelined_requests(recording, n):
    """All requests, then all answers; both ends are seen, so that they are joined."""
    server, client = opened(recording, *both_ends())
    requests, answers = b"".join(GET % 1 for i in range(n)), OK * n
    for socket, direction, payload in ((client, SENT, requests), (server, RECEIVED, requests), (server, SENT, answers),
                                       (client, RECEIVED, answers)):
        recording.data(socket, direction, payload)
        recording.poll()


@grows(600)
def pipelined_unanswered(recording, n):
    server, = opened(recording, Socket(0))
    for i in range(n):
        recording.data(server, RECEIVED, GET % i)
        if i % 50 == 0:
            recording.poll(step_ns=10 ** 8)


@grows(2000)
def answers_before_requests(recording, n):
    """64 KiB of them wait."""
    server, = opened(recording, Socket(0))
    for i in range(n):
        recording.data(server, SENT, OK)
    for i in range(n):
        recording.data(server, RECEIVED, GET % i)
    recording.poll(3)


@grows(400)
def one_end_has_other_requests(recording, n):
    """Nothing that waits for its other end ever meets it."""
    server, client = opened(recording, *both_ends())
    for i in range(n):
        recording.data(server, RECEIVED, GET % i)
        recording.data(server, SENT, OK)
        recording.data(client, SENT, GET % (n + i))
        recording.data(client, RECEIVED, OK)


@grows(400)
def joined_late_and_alike(recording, n):
    """Only times may tell which end is which."""
    server, client = both_ends()
    for i in range(n):
        for socket in (server, client):
            recording.data(socket, RECEIVED if socket is server else SENT, GET % 1)
            recording.data(socket, SENT if socket is server else RECEIVED, OK)
            recording.now_ns += 10 ** 4


@grows(4000)
def records_in_reverse(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, b"G")
    stream = b"ET / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % n + b"x" * n
    for i in reversed(range(len(stream))):
        recording.at(server, RECEIVED, 1 + i, stream[i:i + 1])


@grows(4000)
def every_other_record(recording, n):
    """The even ones, then the odd ones."""
    server, = opened(recording, Socket(0))
    stream = b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % n + b"x" * n
    for first in (0, 1):
        for i in range(first, len(stream), 2):
            recording.at(server, RECEIVED, i, stream[i:i + 1])


@grows(2000)
def tiny_records(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
                   b"1\r\nx\r\n" * n + b"0\r\n\r\n", call_bytes=1)


@grows(10000, "-vv")
def tiny_chunks(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
                   b"1\r\nx\r\n" * n + b"0\r\n\r\n")


@grows(2000)
def unknown_bytes(recording, n):
    """Joined late, no sign of any protocol, a byte a call."""
    server = Socket(0)
    server.moved = [1000, 1000]
    recording.data(server, RECEIVED, b"GET x" * (n // 5), call_bytes=1)


@grows(20000)
def frames_are_looked_for(recording, n):
    """HTTP/2 joined late: what may be the begin of a frame, again and again."""
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, PREFACE + frame(4, 0, 0))
    server.moved[RECEIVED] += 50000
    recording.poll(3)
    recording.data(server, RECEIVED, frame(0, 0, 1)[:8] * (n // 8), call_bytes=10)


@grows(300)
def connections(recording, n):
    for i in range(n):
        server, client = opened(recording, *both_ends(i))
        recording.data(client, SENT, GET % i)
        recording.data(server, RECEIVED, GET % i)
        recording.data(server, SENT, OK)
        recording.data(client, RECEIVED, OK)
        recording.poll(step_ns=10 ** 7)


@grows(400)
def connections_that_wait(recording, n):
    for i in range(n):
        server, = opened(recording, Socket(i))
        recording.data(server, RECEIVED, GET % i)
        recording.poll(step_ns=10 ** 6)


@grows(3000, "-vv")
def fields(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, b"GET / HTTP/1.1\r\nHost: x\r\n" +
                   b"".join(b"x-field-%d: %d\r\n" % (i, i) for i in range(n)) + b"\r\n")
    recording.data(server, SENT, OK)


@grows(600)
def streams(recording, n):
    """Requests that are never answered, on one connection."""
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, PREFACE + frame(4, 0, 0))
    for i in range(n):
        recording.data(server, RECEIVED, frame(1, 4, 1 + 2 * i, SMALL_HEAD))
        recording.poll(step_ns=10 ** 6)


@grows(1000)
def streams_reset(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, PREFACE + frame(4, 0, 0) + b"".join(
        frame(1, 4, 1 + 2 * i, SMALL_HEAD) + frame(3, 0, 1 + 2 * i, bytes(4)) for i in range(n)))


@grows(1000)
def streams_told_to_go(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, PREFACE + frame(4, 0, 0) + b"".join(
        frame(1, 4, 1 + 2 * i, SMALL_HEAD) for i in range(n)))
    recording.data(server, SENT, frame(4, 0, 0) + frame(7, 0, 0, (2 ** 31 - 1).to_bytes(4, "big") + bytes(4)) * n)


@grows(150)
def heads_from_a_table(recording, n):
    """Large heads of one byte a field, that never end."""
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, bomb(n))


@grows(4000)
def continuations(recording, n):
    server, = opened(recording, Socket(0))
    block = SMALL_HEAD + hpack_literal(b"a", b"b", indexed=False) * n
    recording.data(server, RECEIVED, PREFACE + frame(4, 0, 0) + frame(1, 0, 1, block[:1]) + b"".join(
        frame(9, 0, 1, block[i:i + 1]) for i in range(1, len(block) - 1)) + frame(9, 4, 1, block[-1:]))


@grows(2000, "-v")
def interim_responses(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, GET % 1)
    recording.data(server, SENT, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * n + OK)


@grows(1000, "conns")
def descriptors(recording, n):
    """One socket under many numbers."""
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % n)
    for i in range(n):
        server.fd = 10 + i
        recording.data(server, RECEIVED, b"x")


@grows(400, "conns")
def sessions(recording, n):
    """Many TLS objects, one after the other on one socket; none is freed."""
    server, = opened(recording, Socket(0))
    for i in range(n):
        server.ssl, server.moved = 0x10000 + 64 * i, [0, 0]
        recording.data(server, RECEIVED, GET % i)
        recording.data(server, SENT, OK)
        recording.poll()


def exchanges(recording, requests, head=b"", body=b""):
    server, = opened(recording, Socket(0))
    for request in requests:
        recording.data(server, RECEIVED, request)
        recording.data(server, SENT, OK)
    recording.poll()


@grows(800, "stat")
def paths(recording, n):
    exchanges(recording, (b"GET /%x/%x/x%d HTTP/1.1\r\nHost: x\r\n\r\n" % (i * 7919 % 9973, i % 13, i) for i in range(n)))


@grows(450, "stat", "--by", "path")
def rows(recording, n):
    exchanges(recording, (GET % i for i in range(n)))


@grows(450, "stat", "--by", "host")
def hosts(recording, n):
    exchanges(recording, (b"GET / HTTP/1.1\r\nHost: h%d.example\r\n\r\n" % i for i in range(n)))


@grows(50000, "path:*a*a*a*b")
def a_pattern_on_a_long_path(recording, n):
    exchanges(recording, [b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * n)] * 3)


@grows(2000, "-v")
def parameters(recording, n):
    """Each of them may be a secret."""
    exchanges(recording, [b"GET /?%s HTTP/1.1\r\nHost: x\r\n\r\n" % b"&".join(b"p%d=1" % i for i in range(n))])


def secrets(n):
    body = b'{"a": {' * (n // 20) + b",".join(b'"token%d": "x"' % i for i in range(n)) + b"}}" * (n // 20)
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@grows(1000, "-vv", "--body-max", "1M")
def secrets_in_a_body(recording, n):
    exchanges(recording, [secrets(n)])


@grows(2000, "raw")
def raw_in_reverse(recording, n):
    records_in_reverse(recording, n)


@grows(2000, "raw")
def raw_tiny_records(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, b"x" * n, call_bytes=1)


@grows(1500, "raw")
def raw_unknown_bytes(recording, n):
    server = Socket(0)
    server.moved = [1000, 1000]
    recording.data(server, RECEIVED, b"x" * n, call_bytes=1)


@grows(500, "raw")
def raw_connections(recording, n):
    """Of each a little waits."""
    for i in range(n):
        recording.data(Socket(i), RECEIVED, b"G")
        recording.poll(step_ns=10 ** 5)


@grows(3000, "-vv", "--body-max", "1M")
def tiny_data_frames(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, PREFACE + frame(4, 0, 0) + frame(1, 4, 1, SMALL_HEAD) +
                   frame(0, 0, 1, b"x") * n + frame(0, 1, 1, b"x"))
    recording.data(server, SENT, frame(4, 0, 0) + frame(1, 5, 1, b"\x88"))


@grows(1000, "frames")
def settings(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, PREFACE + frame(4, 0, 0) * n)


@grows(500)
def promises(recording, n):
    server, client = opened(recording, *both_ends())
    recording.data(client, SENT, PREFACE + frame(4, 0, 0) + frame(1, 5, 1, SMALL_HEAD))
    recording.data(client, RECEIVED, frame(4, 0, 0) + b"".join(
        frame(5, 4, 1, (2 + 2 * i).to_bytes(4, "big") + SMALL_HEAD) for i in range(n)))


@grows(500)
def processes(recording, n):
    """Each of them lives shortly and has a connection."""
    for i in range(n):
        server, = opened(recording, Socket(i, pid=1000 + i))
        recording.event(EXEC, 0, server.pid, struct.pack("=II64s", 1, 0, b"program"))
        recording.data(server, RECEIVED, GET % i)
        recording.data(server, SENT, OK)
        recording.event(EXIT, 0, server.pid, struct.pack("=II64s", 1, 0, b"program"))
        recording.poll()


@grows(500)
def tls_without_a_library(recording, n):
    hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
    for i in range(n):
        server, = opened(recording, Socket(i))
        recording.data(server, RECEIVED, hello)
        recording.data(server, SENT, hello)
        recording.data(server, RECEIVED, b"\x17\x03\x03\x00\x05abcde" * 3)
        recording.poll(step_ns=10 ** 5)


@grows(150, "conns", "-v")
def connections_shown(recording, n):
    connections(recording, n)


@grows(150, "stat", "--by", "connection")
def connections_counted(recording, n):
    connections(recording, n)


@grows(500, "header:x-field=1", "path:/a/*,/b/*,/c/*", "!status:5xx")
def filtered(recording, n):
    exchanges(recording, (b"GET /a/%d HTTP/1.1\r\nHost: x\r\nX-Field: %d\r\n\r\n" % (i, i % 2) for i in range(n)))


@grows(1000, "-v", "-o", "json")
def fields_of_http2(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, PREFACE + frame(4, 0, 0) + frame(
        1, 5, 1, SMALL_HEAD + b"".join(hpack_literal(b"x-%d" % i, b"1", indexed=False) for i in range(n))))
    recording.data(server, SENT, frame(4, 0, 0) + frame(1, 5, 1, b"\x88"))


@grows(1000, "-vv", "--body-max", "1M")
def a_body_of_deep_json(recording, n):
    body = b"[" * n + b"]" * n
    exchanges(recording, [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                          % (len(body), body)])


@grows(500, "--errors")
def connections_reset(recording, n):
    for i in range(n):
        server, = opened(recording, Socket(i))
        recording.data(server, RECEIVED, GET % i)
        recording.state(server, 1, 7)
        recording.poll()


@grows(10000, "-vv", "--body-max", "1M")
def body_bytes(recording, n):
    server, = opened(recording, Socket(0))
    recording.data(server, RECEIVED, GET % 1)
    recording.data(server, SENT, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % n +
                   b"hark " * (n // 5))


HTTP3_HEAD = bytes.fromhex("01080000d1d7c1500178")  # GET / of the host x


@grows(2000)
def http3_losses_over_open_streams(recording, n):
    """Each loss puts all streams in doubt."""
    pos = 0
    for i in range(1000):
        recording.piece(1, RECEIVED, 4 * i, pos, HTTP3_HEAD)
        pos += len(HTTP3_HEAD)
    for i in range(n):
        recording.piece(1, RECEIVED, 4 * (i % 1000), pos + 1, b"\0\1a")
        pos += 4


@grows(900)
def http3_sections_that_wait(recording, n):
    """For insertions that come one by one: a table of 4,096 bytes, entries of 34."""
    recording.piece(1, SENT, 3, 0, bytes.fromhex("0004030150") + b"\0")
    recording.piece(1, RECEIVED, 6, 0, bytes.fromhex("023fe11f"))
    pos = 4
    for i in range(n):
        # It needs the hundredth insertion from now on (RFC 9204, 4.5.1), and refers to that.
        section = bytes((1, 3, (i // 2 + 100) % 256, 0x80, 0x10)) if (i // 2 + 100) % 256 else b""
        recording.piece(1, RECEIVED, 4 * i, pos, section)
        pos += len(section)
        insertion = b"\x41a\1b" if i % 2 else b""
        recording.piece(1, RECEIVED, 6, pos, insertion)
        pos += len(insertion)


@grows(0)
def nothing(recording, n):
    pass


def write(name, path, n):
    with Recording(path) as recording:
        INPUTS[name][0](recording, n)
        recording.poll(4, step_ns=10 ** 9)
