# SPDX-License-Identifier: Apache-2.0
"""A receiver of what hark sends by HTTP, which answers as the test says."""
import collections
import contextlib
import gzip
import http.server
import socket
import ssl
import threading

from harness import free_port

Request = collections.namedtuple("Request", "path headers body raw_bytes")
Answer = collections.namedtuple("Answer", "status headers body", defaults=((), b""))


class Receiver:
    """As a context: listens on .port. `answer` is called with each request and gives an Answer, or bytes that are written
    as they are, before the connection is closed."""

    def __init__(self, answer=lambda request: Answer(200), port=None, keeps=True, certificate=None):
        self.certificate = certificate  # and its key, in PEM; None: no TLS
        self.keeps = keeps  # else requests are answered, and forgotten as they came
        self.requests, self.answer, self.connections = [], answer, []
        self.port = port or free_port()

    @property
    def url(self):
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    def __enter__(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(raw) if receiver.keeps and self.headers["Content-Encoding"] == "gzip" else raw
                request = Request(self.path, self.headers, body, len(raw))
                if receiver.keeps:
                    receiver.requests.append(request)
                answer = receiver.answer(request)
                if isinstance(answer, bytes):
                    self.wfile.write(answer)
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                """Nothing: the test looks at requests."""

            def handle(self):
                receiver.connections.append(self.connection)
                try:
                    super().handle()
                except OSError:
                    """hark closed the connection."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        for connection in self.connections:  # of clients that keep theirs
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server.server_close()

    def rows(self, path="/"):
        """The bodies that came to this path, one behind the other."""
        return b"".join(request.body for request in self.requests if request.path.startswith(path))
