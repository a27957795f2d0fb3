# SPDX-License-Identifier: Apache-2.0
"""A server that answers after the milliseconds in its path: delay.py PORT."""
import http.server
import sys
import time


class Delay(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        time.sleep(float(self.path.rsplit("/", 1)[1]) / 1000)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Delay).serve_forever()
