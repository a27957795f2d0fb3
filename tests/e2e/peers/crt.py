# SPDX-License-Identifier: Apache-2.0
"""Asks by the AWS common runtime, whose TLS is s2n: crt.py PORT VERSION NAME..., one after another on a connection."""
import io as memory
import sys

from awscrt import http, io


def ask(connection, name):
    status, bodies = [], []
    body = b"0123456789" * 10000 if name == "post" else b""
    headers = http.HttpHeaders([("host", "there"), ("content-length", str(len(body)))])
    request = http.HttpRequest("POST" if body else "GET", f"/{name}", headers, io.InputStream(memory.BytesIO(body)))
    stream = connection.request(request, lambda status_code, **_: status.append(status_code),
                                lambda chunk, **_: bodies.append(len(chunk)))
    stream.activate()
    stream.completion_future.result(20)
    print(name, status[0], sum(bodies))


def main(port, version, *names):
    group = io.EventLoopGroup(1)
    options = io.TlsContextOptions()
    options.verify_peer = False
    options.alpn_list = ["h2" if version == "2" else "http/1.1"]
    connection = http.HttpClientConnection.new(
        host_name="127.0.0.1", port=int(port), bootstrap=io.ClientBootstrap(group, io.DefaultHostResolver(group)),
        tls_connection_options=io.ClientTlsContext(options).new_connection_options()).result(20)
    for name in names:
        ask(connection, name)
    connection.close().result(20)


main(*sys.argv[1:])
