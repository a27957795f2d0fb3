# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 that repeats the request's path in a header, a client of it that never stops: echo_path.py http|https CERT KEY [BYTES].

BYTES: of each third body, more than a small ring holds.
"""
import http.client
import http.server
import ssl
import sys
import threading


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        number = int(self.path.rsplit("/", 1)[1])
        body = b"x" * (size if size and number % 3 == 0 else number % 700)
        self.wfile.write(b"HTTP/1.1 %d OK\r\nX-Path: %s\r\nContent-Length: %d\r\n\r\n%s"
                         % (200 + number % 4, self.path.encode(), len(body), body))

    def log_message(self, *words):
        pass


way, certificate, key = sys.argv[1:4]
size = int(sys.argv[4]) if len(sys.argv) > 4 else 0
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
if way == "https":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()


def ask():
    """Fifty requests a connection: some begin before hark looks, some after."""
    number = 0
    while True:
        if way == "https":
            client = http.client.HTTPSConnection("127.0.0.1", server.server_address[1],
                                                 context=ssl._create_unverified_context())
        else:
            client = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
        for _ in range(50):
            client.request("GET", f"/path/{number}")
            client.getresponse().read()
            number += 1
        client.close()


for _ in range(3):
    threading.Thread(target=ask, daemon=True).start()
print("going", flush=True)
threading.Event().wait()
