# SPDX-License-Identifier: Apache-2.0
"""A Python server: serve.py http PORT SITE | https PORT CERT KEY SITE | own-ciphertext PORT CERT KEY | connect PORT |
sink PORT | bodies PORT."""
import asyncio
import functools
import gzip
import http.server
import itertools
import json
import os
import pathlib
import random
import select
import socket
import ssl
import sys
import time
import zlib


class Files(http.server.SimpleHTTPRequestHandler):
    """Files, and a few answers that a file server does not give."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.read_body()
        self.answer(201, b"got %d\n" % len(body))

    do_PUT = do_POST

    def read_body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self):
        if self.path == "/trailers":
            return self.answer_chunked()
        if self.path == "/until-close":
            return self.answer_until_close()
        return super().do_GET()

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Trailer", "X-Sum")
        self.end_headers()
        for piece in (b"one", b"twotwo", b"three" * 1000):
            self.wfile.write(b"%x;note=here\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\nX-Sum: 5009\r\n\r\n")

    def answer_until_close(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"z" * 5000)
        self.close_connection = True

    def log_message(self, *words):
        pass


def serve_files(port, site, certificate=None, key=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Files, directory=site))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=True)
    server.serve_forever()


class Sink(Files):
    """Takes any body of any method, and gives answers that take their time: /wait/slow/5 comes after 5 seconds,
    /wait/until/FIFO once somebody wrote to that, /wait/events/FIFO is a stream of 20 events a second until then,
    /wait/hints sends a 103 first."""

    def do_POST(self):
        self.read_body()
        self.answer(201, b"stored\n")

    do_PUT = do_DELETE = do_POST
    bodies = {}

    def answer_body(self, kind, coding, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if coding:
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path in self.bodies:
            return self.answer_body(*self.bodies[self.path])
        what, _, end = self.path.removeprefix("/wait/").partition("/")
        if what == "events":
            return self.answer_events(end)
        if what == "hints":
            self.send_response_only(103)
            self.send_header("Link", "</style.css>; rel=preload")
            self.end_headers()
        elif what == "until":
            pathlib.Path("/", end).read_bytes()
        elif what == "slow":
            time.sleep(float(end))
        return self.answer(200, b"at last\n")

    def answer_events(self, end):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("X-Accel-Buffering", "no")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with open(f"/{end}", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as gate:
            for number in itertools.count():
                event = b"data: event %4d\n\n" % number
                self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
                self.wfile.flush()
                if select.select([gate], [], [], 0.05)[0]:
                    break
        self.wfile.write(b"0\r\n\r\n")


def make_bodies():
    """Path: (type, coding, bytes)."""
    import brotli  # noqa: PLC0415
    import zstandard  # noqa: PLC0415
    text = "".join(f"line {i} caf\u00e9\n" for i in range(2000)).encode()
    document = json.dumps({"items": [{"id": i, "name": f"n{i}", "big": 12345678901234567890.5} for i in range(40)]}).encode()
    deflated = zlib.compressobj(wbits=-15)
    return {
        "/gzip": ("text/plain", "gzip", gzip.compress(text)),
        "/deflate": ("text/plain", "deflate", zlib.compress(text)),
        "/raw-deflate": ("text/plain", "deflate", deflated.compress(text) + deflated.flush()),
        "/br": ("text/plain", "br", brotli.compress(text)),
        "/zstd": ("text/plain", "zstd", zstandard.compress(text)),
        "/two": ("text/plain", "gzip, br", brotli.compress(gzip.compress(text))),
        "/bomb": ("text/plain", "gzip", gzip.compress(b"a" * 30_000_000)),
        "/latin1": ("text/plain; charset=iso-8859-1", None, "caf\u00e9".encode("latin1")),
        "/utf16": ("text/plain; charset=utf-16", None, "caf\u00e9".encode("utf-16")),
        "/json": ("application/json", None, b'{"a":[1,2.50,{}],"b":"x\\ty"}'),
        "/json-gzip": ("application/problem+json", "gzip", gzip.compress(document)),
        "/binary": ("application/octet-stream", None, bytes(range(256)) * 4),
        "/liar": ("text/plain", "gzip", b"this is no gzip"),
        "/unknown": ("text/plain", "exi", b"\x01\x02"),
        "/large": ("text/plain", None, b"0123456789abcde\n" * 20_000),
        "/large-gzip": ("text/plain", "gzip", gzip.compress(random.Random(1).randbytes(200_000).hex().encode())),
    }


def relay(one, other):
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (other if ready is one else one).sendall(data)


class Connect(http.server.BaseHTTPRequestHandler):
    """CONNECT host:port, then bytes both ways."""

    protocol_version = "HTTP/1.1"

    def do_CONNECT(self):
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as far:
            self.send_response(200, "Connection established")
            self.end_headers()
            relay(self.connection, far)
        self.close_connection = True

    def log_message(self, *words):
        pass


async def answer_each(reader, writer):
    """Requests without a body, each answered with a byte."""
    while await reader.readline():
        while (await reader.readline()).strip():
            pass
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        await writer.drain()
    writer.close()


async def serve_own_ciphertext(port, certificate, key):
    """asyncio gives OpenSSL memory, and moves what is in it from and to the socket by itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(answer_each, "127.0.0.1", port, ssl=context)
    await server.serve_forever()


def main():
    way, port, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    if way == "http":
        serve_files(port, words[0])
    elif way == "https":
        serve_files(port, words[2], words[0], words[1])
    elif way == "own-ciphertext":
        asyncio.run(serve_own_ciphertext(port, *words))
    elif way == "sink":
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Sink).serve_forever()
    elif way == "bodies":
        Sink.bodies = make_bodies()
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Sink).serve_forever()
    elif way == "connect":
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Connect).serve_forever()


main()
