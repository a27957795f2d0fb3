# SPDX-License-Identifier: Apache-2.0
"""A Python server: serve.py http PORT SITE | https PORT CERT KEY SITE | connect PORT | sink PORT."""
import functools
import http.server
import select
import socket
import ssl
import sys
import time


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
    /wait/events/3 is a stream of 20 events a second for 3, /wait/hints sends a 103 first."""

    def do_POST(self):
        self.read_body()
        self.answer(201, b"stored\n")

    do_PUT = do_DELETE = do_POST

    def do_GET(self):
        what, _, seconds = self.path.removeprefix("/wait/").partition("/")
        if what == "events":
            return self.answer_events(float(seconds))
        if what == "hints":
            self.send_response_only(103)
            self.send_header("Link", "</style.css>; rel=preload")
            self.end_headers()
        else:
            time.sleep(float(seconds))
        return self.answer(200, b"at last\n")

    def answer_events(self, seconds):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("X-Accel-Buffering", "no")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(int(20 * seconds)):
            event = b"data: event %4d\n\n" % number
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
            time.sleep(0.05)
        self.wfile.write(b"0\r\n\r\n")


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


def main():
    way, port, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    if way == "http":
        serve_files(port, words[0])
    elif way == "https":
        serve_files(port, words[2], words[0], words[1])
    elif way == "sink":
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Sink).serve_forever()
    elif way == "connect":
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Connect).serve_forever()


main()
