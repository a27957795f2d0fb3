# SPDX-License-Identifier: Apache-2.0
"""An HTTP/2 client whose encoder indexes :path and that puts several HEADERS frames into one write.

h2client.py PORT tls|clear: each line on stdin, "FIRST COUNT", asks for COUNT streams at once, with the paths
/path/N for N from FIRST on (modulo 7, so that later batches refer to entries of the dynamic table). When all
are answered, a line of JSON on stdout: [[stream, path, status], …].
"""
import json
import socket
import ssl
import sys

import h2.config
import h2.connection
import h2.events


def connect(port, way):
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if way == "clear":
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(plain)


def ask(connection, wire, way, first, count):
    """count streams, all their HEADERS in one write; their answers in the order of the streams."""
    asked = {}
    for number in range(first, first + count):
        stream = connection.get_next_available_stream_id()
        asked[stream] = [stream, f"/path/{number % 7}", None]
        connection.send_headers(stream, [
            (":method", "GET"), (":path", asked[stream][1]), (":authority", "localhost"),
            (":scheme", "https" if way == "tls" else "http"), ("x-number", str(number % 7))], end_stream=True)
    wire.sendall(connection.data_to_send())
    open_streams = set(asked)
    while open_streams:
        data = wire.recv(65536)
        if not data:
            sys.exit("the server closed")
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                asked[event.stream_id][2] = int(dict(event.headers)[":status"])
            elif isinstance(event, h2.events.DataReceived):
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                open_streams.discard(event.stream_id)
        if pending := connection.data_to_send():
            wire.sendall(pending)
    return list(asked.values())


def main():
    port, way = int(sys.argv[1]), sys.argv[2]
    wire = connect(port, way)
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    wire.sendall(connection.data_to_send())
    for line in sys.stdin:
        first, count = map(int, line.split())
        print(json.dumps(ask(connection, wire, way, first, count)), flush=True)
    wire.close()


main()
