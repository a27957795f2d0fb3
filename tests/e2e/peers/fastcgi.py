# SPDX-License-Identifier: Apache-2.0
"""fastcgi.py serve ADDRESS | ask ADDRESS REQUESTS WHEN: both ends of FastCGI with what servers seldom do.

ADDRESS is a port, or the path of a Unix socket. serve answers a request by its path: /overloaded is not taken, /errors has
an error stream and a status, /wait is answered when it is aborted, others get "ID PATH" (/big 100,000 bytes of it). ask
makes REQUESTS requests on one connection, two at a time, with ids of their own; then one that is aborted, one that is
refused, and one with an error. It begins when a line comes; WHEN early: on a connection that had a request before.
"""
import os
import socket
import struct
import sys

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, GET_VALUES, VALUES = 1, 2, 3, 4, 5, 6, 7, 9, 10


def record(kind, number, content=b""):
    padding = -len(content) % 8
    return struct.pack("!BBHHBB", 1, kind, number, len(content), padding, 0) + content + bytes(padding)


def pair(name, value):
    return bytes([len(name), len(value)]) + name.encode() + value.encode()


def pairs(content):
    found = {}
    while content:
        end = 2 + content[0] + content[1]
        found[content[2:2 + content[0]].decode()] = content[2 + content[0]:end].decode()
        content = content[end:]
    return found


def records(connection):
    """Each record: kind, id, content."""
    held = b""
    while True:
        while len(held) < 8 or len(held) < 8 + int.from_bytes(held[4:6], "big") + held[6]:
            more = connection.recv(65536)
            if not more:
                return
            held += more
        size, padding = int.from_bytes(held[4:6], "big"), held[6]
        yield held[1], int.from_bytes(held[2:4], "big"), held[8:8 + size]
        held = held[8 + size + padding:]


def end(number, app_status=0, status=0):
    return record(END, number, struct.pack("!IB3x", app_status, status))


def answer(number, path):
    if path == "/overloaded":
        return end(number, status=2)
    if path == "/errors":
        return record(STDERR, number, b"went wrong") + record(STDOUT, number, b"Status: 500\r\n\r\n") + end(number, 3)
    body = f"{number} {path}".encode() if path != "/big" else b"x" * 100_000
    out = b"Status: 200\r\nContent-Type: text/plain\r\n\r\n" + body
    return b"".join(record(STDOUT, number, out[i:i + 65000]) for i in range(0, len(out), 65000)) + record(STDOUT, number) + end(number)


def serve_one(connection):
    params, waiting = {}, set()
    for kind, number, content in records(connection):
        if kind == GET_VALUES:
            connection.sendall(record(VALUES, 0, pair("FCGI_MPXS_CONNS", "1")))
        elif kind == PARAMS:
            params[number] = params.get(number, b"") + content
        elif kind == ABORT:
            waiting.discard(number)
            connection.sendall(end(number))
        elif kind == STDIN and not content:
            path = pairs(params.pop(number)).get("REQUEST_URI", "").partition("?")[0]
            if path == "/wait":
                waiting.add(number)
                connection.sendall(record(STDOUT, number, b"Status: 200\r\n\r\nbegun"))
            else:
                connection.sendall(answer(number, path))
    connection.close()


def listen(address):
    if address.isdigit():
        return socket.create_server(("127.0.0.1", int(address)))
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen(8)
    return server


def connect(address):
    if address.isdigit():
        return socket.create_connection(("127.0.0.1", int(address)))
    client = socket.socket(socket.AF_UNIX)
    client.connect(address)
    return client


def request(number, method, uri, body=b""):
    params = pair("REQUEST_METHOD", method) + pair("REQUEST_URI", uri) + pair("HTTP_HOST", "fast.example") + pair("HTTP_COOKIE", "a=hush")
    if body:
        params += pair("CONTENT_LENGTH", str(len(body)))
    return (record(BEGIN, number, struct.pack("!HB5x", 1, 1)) + record(PARAMS, number, params) + record(PARAMS, number)
            + (record(STDIN, number, body) if body else b"") + record(STDIN, number))


def wait(answers, *numbers):
    waited = set(numbers)
    for kind, number, _ in answers:
        if kind == END:
            waited.discard(number)
            if not waited:
                return


def ask(connection, count):
    answers = records(connection)
    connection.sendall(record(GET_VALUES, 0, pair("FCGI_MPXS_CONNS", "")))
    for i in range(0, count, 2):
        connection.sendall(request(1, "GET", f"/one/{i}?token=hush") + request(2, "POST", f"/two/{i}", b"body"))
        wait(answers, 1, 2)
    connection.sendall(request(3, "GET", "/wait"))
    next(answers)
    connection.sendall(record(ABORT, 3))
    wait(answers, 3)
    for path in ("/overloaded", "/errors", "/big"):
        connection.sendall(request(4, "GET", path))
        wait(answers, 4)
    connection.close()


if sys.argv[1] == "serve":
    server = listen(sys.argv[2])
    while True:
        serve_one(server.accept()[0])
elif sys.argv[1] == "ask":
    if sys.argv[4] == "early":  # one request before hark comes
        client = connect(sys.argv[2])
        client.sendall(request(1, "GET", "/before"))
        wait(records(client), 1)
    print("ready", flush=True)
    sys.stdin.readline()
    ask(client if sys.argv[4] == "early" else connect(sys.argv[2]), int(sys.argv[3]))
