# SPDX-License-Identifier: Apache-2.0
"""chain.py PORT HOW [NEXT...]: a server that asks each NEXT port, one after the other, before it answers.

HOW it hands the trace on: w3c (a span of its own), b3 (the same, which names the one it is in), same (as it came),
none (not at all).
"""
import http.client
import http.server
import secrets
import sys
import time

PORT, HOW, NEXT = int(sys.argv[1]), sys.argv[2], [int(port) for port in sys.argv[3:]]


def handed_on(fields):
    span = secrets.token_hex(8)
    if HOW == "same":
        return {name: fields[name] for name in ("traceparent", "b3", "x-request-id") if name in fields}
    if HOW == "w3c" and "traceparent" in fields:
        version, trace, _, flags = fields["traceparent"].split("-")
        return {"traceparent": f"{version}-{trace}-{span}-{flags}"}
    if HOW == "b3" and ("b3" in fields or "x-b3-traceid" in fields):
        trace, parent = fields["b3"].split("-")[:2] if "b3" in fields else (fields["x-b3-traceid"], fields["x-b3-spanid"])
        return {"X-B3-TraceId": trace, "X-B3-SpanId": span, "X-B3-ParentSpanId": parent}
    return {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        for port in NEXT:
            call = http.client.HTTPConnection("127.0.0.1", port)
            call.request("GET", f"/from/{PORT}?token=secret", headers=handed_on(self.headers))
            call.getresponse().read()
            call.close()
        time.sleep(0.002)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
