# SPDX-License-Identifier: Apache-2.0
"""Recordings made by hand (docs/recording.md), for conversations that nobody holds in earnest."""
import struct

SENT, RECEIVED = 0, 1
SOCKET_DATA, TLS_DATA, SOCKET_STATE, EXEC, EXIT, POLL = 1, 2, 6, 7, 8, 9
SEQ32, OFFSET_KNOWN, EOF, FROM_START, PID_VALID, CALL_TIME = 1, 2, 4, 16, 32, 512
STREAM_DATA, NGHTTP3 = 20, 16
CALL_BYTES = 16384
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Socket:
    """One end of a connection over loopback; peer: the other end, when it is seen too."""

    def __init__(self, number, pid=100, port=80, server=True, fd=None):
        self.id, self.pid, self.fd = 2 * number + server + 1, pid + (not server), fd or number % 60000 + 3
        # A port of its own for each: addresses differ by network when ports are used up.
        ports = (port, 1024 + number % 60000)
        address = bytes((127, 0, number // 60000, 1))
        self.local_port, self.peer_port = ports if server else ports[::-1]
        self.address = address
        self.moved = [0, 0]
        self.ssl = 0

    def bytes(self, state=1):
        return struct.pack("=QQiHHHHB3x16s16s", self.id, 0xffff0000 + self.id, self.fd, 2, 6, self.local_port,
                           self.peer_port, state, self.address, self.address)


class Recording:
    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(b"hark\0rec" + struct.pack("=IHHIIq", 0x01020304, 1, 32, 1, 0, 0))
        self.now_ns = 10 ** 9

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def event(self, kind, flags, pid, rest):
        self.now_ns += 1000
        size = 48 + len(rest)
        self.file.write(struct.pack("=IHHQIIII16s", size, kind, flags, self.now_ns, pid, pid, 0, 0, b"peer"))
        self.file.write(rest + bytes(-size % 8))

    def poll(self, count=1, step_ns=0):
        for _ in range(count):
            self.now_ns += step_ns
            self.event(POLL, 0, 0, b"")

    def state(self, socket, old, new):
        self.event(SOCKET_STATE, PID_VALID, socket.pid, socket.bytes(new) + struct.pack("=BB6x", old, new))

    def open(self, socket, server=True):
        self.state(socket, 3 if server else 2, 1)

    def close(self, socket):
        self.state(socket, 1, 4)
        self.state(socket, 4, 7)

    def at(self, socket, direction, offset, payload):
        """A record at a place of its own in the stream."""
        tls = socket.ssl != 0
        self.event(TLS_DATA if tls else SOCKET_DATA,
                   PID_VALID | (FROM_START if tls else SEQ32 | OFFSET_KNOWN), socket.pid,
                   socket.bytes() + struct.pack("=QQQIIBBB5x", socket.ssl, offset if tls else (1000 + offset) % 2 ** 32,
                                                offset, len(payload), len(payload), direction, 0,
                                                3 if tls else 1) + payload)

    def piece(self, connection, direction, stream, pos, payload, ends=False):
        """Bytes of a stream of HTTP/3 as nghttp3 has them, on a connection object, seen from its beginning."""
        nowhere = struct.pack("=QQi44x", 0, 0, -1)
        self.event(STREAM_DATA, PID_VALID | CALL_TIME | FROM_START | (EOF if ends else 0), 100,
                   nowhere + struct.pack("=QQQIIBBB5x", connection, pos, stream, len(payload), len(payload), direction, 0,
                                         NGHTTP3) + payload)

    def data(self, socket, direction, payload, call_bytes=CALL_BYTES):
        for at in range(0, len(payload), call_bytes):
            chunk = payload[at:at + call_bytes]
            self.at(socket, direction, socket.moved[direction], chunk)
            socket.moved[direction] += len(chunk)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def hpack_integer(value, bits, first):
    limit = (1 << bits) - 1
    if value < limit:
        return bytes((first | value,))
    out, value = bytes((first | limit,)), value - limit
    while value >= 128:
        out, value = out + bytes((value & 127 | 128,)), value >> 7
    return out + bytes((value,))


def hpack_literal(name, value, indexed=True):
    return (b"\x40" if indexed else b"\x00") + hpack_integer(len(name), 7, 0) + name + \
        hpack_integer(len(value), 7, 0) + value


def bomb(streams, fields=200, value_bytes=4000, table=None, first=1):
    """One large field in the table, then many streams of which each names it many times and never ends."""
    out = PREFACE + frame(4, 0, 0)
    head = b"\x82\x84\x86"
    block = head + (hpack_integer(table, 5, 0x20) if table else b"") + hpack_literal(b"x", b"v" * value_bytes)
    if table:
        block = hpack_integer(table, 5, 0x20) + head + hpack_literal(b"x", b"v" * value_bytes)
    out += frame(1, 4, first, block)
    for i in range(1, streams):
        out += frame(1, 4, first + 2 * i, head + b"\xbe" * fields)
    return out
