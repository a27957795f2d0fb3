# SPDX-License-Identifier: Apache-2.0
"""Recordings of many exchanges, made from docs/recording.md alone: the same bytes on every machine.

Each exchange is what wrk or h2load and nginx say to each other, with the event that each call would have made.
"""
import hpack
import struct

CONNECTIONS = 16
REQUEST_NS = 200_000
EVENTS_A_POLL = 64


class Recording:
    def __init__(self, path):
        self.out = open(path, "wb")
        self.out.write(struct.pack("=8sIHHIIq", b"hark\0rec", 0x01020304, 1, 32, 1, 0, 1767323045_000000000))
        self.time_ns, self.events, self.position = 1_000_000, 0, {}

    def event(self, kind, flags, rest=b""):
        head = struct.pack("=IHHQIIII16s", 48 + len(rest), kind, flags, self.time_ns, 100, 100, 1000, 0, b"server")
        self.out.write(head + rest + b"\0" * (-len(rest) % 8))

    def data(self, connection, direction, payload):
        """One call on connection's socket; direction 0: the process sent it."""
        at = self.position.get((connection, direction), 0)
        self.position[connection, direction] = at + len(payload)
        self.time_ns += REQUEST_NS // 4
        socket = struct.pack("=QQiHHHHB3s16s16s", connection + 1, 0, connection + 5, 2, 6, 80, 40000 + connection, 1,
                             b"", bytes([127, 0, 0, 1]), bytes([127, 0, 0, 1]))
        self.event(1, 2 | 32, socket + struct.pack("=QQQIIBBB5s", 0, at, at, len(payload), len(payload), direction, 0, 1,
                                                   b"") + payload)
        self.events += 1
        if self.events % EVENTS_A_POLL == 0:
            self.event(9, 0)

    def close(self):
        self.event(9, 0)
        self.out.close()


def write_http1(path, exchanges):
    recording = Recording(path)
    for i in range(exchanges):
        recording.data(i % CONNECTIONS, 1, b"GET /v1/products/%d?page=2 HTTP/1.1\r\nHost: shop.example\r\n"
                                           b"User-Agent: wrk/4.1.0\r\nAccept: */*\r\n\r\n" % (i % 100))
        recording.data(i % CONNECTIONS, 0, b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 28 Nov 2026 09:00:00 GMT\r\n"
                                           b"Content-Type: application/json\r\nContent-Length: 64\r\nConnection: keep-alive\r\n"
                                           b"\r\n" + b"x" * 64)
    recording.close()


def write_http1_new(path, exchanges):
    """No head comes again: paths, dates, tags and traces differ, and what a cache of heads would gain is left out."""
    recording = Recording(path)
    for i in range(exchanges):
        seed = (i + 1) * 0x9E3779B97F4A7C15 % 2**64
        recording.data(i % CONNECTIONS, 1, b"GET /v1/products/%d?page=%d HTTP/1.1\r\nHost: shop.example\r\n"
                                           b"User-Agent: wrk/4.1.0\r\nAccept: */*\r\n"
                                           b"traceparent: 00-%016x%016x-%016x-01\r\n\r\n"
                                           % (i, i % 7, seed, seed ^ 0x5555, seed ^ 0x3333))
        recording.data(i % CONNECTIONS, 0, b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 28 Nov 2026 09:%02d:%02d GMT\r\n"
                                           b"Content-Type: application/json\r\nContent-Length: 64\r\nConnection: keep-alive\r\n"
                                           b'ETag: "%016x"\r\n\r\n' % (i // 60 % 60, i % 60, seed) + b"x" * 64)
    recording.close()


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def write_http2(path, exchanges):
    recording = Recording(path)
    coders = [(hpack.Encoder(), hpack.Encoder()) for _ in range(CONNECTIONS)]
    for connection in range(CONNECTIONS):
        recording.data(connection, 1, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
        recording.data(connection, 0, frame(4, 0, 0, b"") + frame(4, 1, 0, b""))
        recording.data(connection, 1, frame(4, 1, 0, b""))
    for i in range(exchanges):
        connection, stream = i % CONNECTIONS, 1 + i // CONNECTIONS * 2
        client, server = coders[connection]
        recording.data(connection, 1, frame(1, 5, stream, client.encode([
            (":method", "GET"), (":scheme", "http"), (":authority", "shop.example"),
            (":path", f"/v1/products/{i % 100}?page=2"), ("user-agent", "h2load nghttp2/1.52.0"), ("accept", "*/*")])))
        recording.data(connection, 0, frame(1, 4, stream, server.encode([
            (":status", "200"), ("server", "nginx/1.22.1"), ("date", "Sat, 28 Nov 2026 09:00:00 GMT"),
            ("content-type", "application/json"), ("content-length", "64")])) + frame(0, 1, stream, b"x" * 64))
    recording.close()


WRITERS = {"http1": write_http1, "http1-new": write_http1_new, "http2": write_http2}
