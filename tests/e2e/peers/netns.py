# SPDX-License-Identifier: Apache-2.0
"""One end of a connection, or both, with fixed ports, a word a line on stdin: what netns.py does, it says.

listen; accept; connect ADDRESS; ask (a request goes out); answer (it is read and answered); end (until the
answer is read; all is closed)."""
import socket
import sys

PORT, CLIENT_PORT = 8080, 40000
BODY = b"x" * 700
ends = {}


def listen():
    ends["listener"] = socket.socket()
    ends["listener"].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    ends["listener"].bind(("0.0.0.0", PORT))
    ends["listener"].listen()


def accept():
    ends["server"] = ends["listener"].accept()[0]


def connect(address):
    ends["client"] = socket.create_connection((address, PORT), source_address=("0.0.0.0", CLIENT_PORT))


def ask():
    ends["client"].sendall(b"GET /asked HTTP/1.1\r\nHost: peer\r\n\r\n")


def answer():
    assert b"\r\n\r\n" in ends["server"].recv(1000)
    ends["server"].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)


def end():
    if "client" in ends:
        got = b""
        while not got.endswith(BODY):
            got += ends["client"].recv(1000)
    for one in ends.values():
        one.close()
    sys.exit(0)


print("ready", flush=True)
for line in sys.stdin:
    word, *rest = line.split()
    print(word, flush=True)
    {"listen": listen, "accept": accept, "connect": connect, "ask": ask, "answer": answer, "end": end}[word](*rest)
    print("done", flush=True)
