# SPDX-License-Identifier: Apache-2.0
"""A client reads an answer long after TCP ended its connection: after a reset that a write of its own told it, or after
both sides' shutdown.

    read_later.py reset|shutdown PORT          it reads when it is told so by a line
"""
import contextlib
import socket
import sys


def main():
    how, port = sys.argv[1], int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", port))
    client = socket.create_connection(("127.0.0.1", port))
    server, _ = listener.accept()
    client.sendall(b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n" + (b"x" if how == "reset" else b""))
    if how == "shutdown":
        client.shutdown(socket.SHUT_WR)
    server.recv(33)  # of the reset: one byte less than came
    server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlater")
    server.close()
    if how == "reset":
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            client.sendall(b"more")
    print("over", flush=True)
    sys.stdin.readline()
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while more := client.recv(20):
            data += more
    assert data.endswith(b"later"), data
    client.close()


main()
