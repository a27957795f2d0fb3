# SPDX-License-Identifier: Apache-2.0
"""A server refuses an upload and closes without reading it; the client reads the answer after the reset.

    reset_then_read.py PORT ROUNDS
"""
import contextlib
import socket
import sys


def main():
    port, rounds = map(int, sys.argv[1:])
    listener = socket.create_server(("127.0.0.1", port))
    for number in range(rounds):
        client = socket.create_connection(("127.0.0.1", port))
        server, _ = listener.accept()
        client.sendall(b"PUT /r%d HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" % number + b"x" * 50000)
        server.recv(100)
        server.sendall(b"HTTP/1.0 501 No\r\nContent-Length: 2\r\n\r\nno")
        server.shutdown(socket.SHUT_WR)
        server.close()
        with contextlib.suppress(ConnectionResetError):
            print(client.recv(1000))
        client.close()


main()
