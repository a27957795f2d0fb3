#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ClickHouse's HTTP interface over its own engine in this process (chdb): clickhouse_serve.py PORT FOLDER

A statement in `query`, or in the body; other parameters are settings; an INSERT's rows are the body. The engine is PyPI's
chdb-core, by PYTHONPATH.
"""
import gzip
import http.server
import re
import sys
import urllib.parse

from chdb import session

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]
engine = session.Session(FOLDER)


class Interface(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        body = body.decode()
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        statement = asked.pop("query", "")
        settings = ", ".join(f"{name} = {value if value.isdigit() else repr(value)}" for name, value in asked.items())
        if statement.upper().startswith("INSERT") and settings:
            statement = re.sub(r"\bFORMAT\b", f"SETTINGS {settings} FORMAT", statement)
        try:
            answer, status = engine.query(f"{statement}\n{body}" if statement else body, "TabSeparated").bytes() or b"", 200
        except Exception as error:  # whatever the engine says
            answer, status = str(error).encode(), 404 if "UNKNOWN_TABLE" in str(error) else 400
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Nothing: the test asks for what came."""


# One statement at a time: the engine is one.
http.server.HTTPServer(("127.0.0.1", PORT), Interface).serve_forever()
