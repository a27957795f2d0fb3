# SPDX-License-Identifier: Apache-2.0
"""Exchanges without end, each with a connection of its own, all of them answered: WAY (http, https, unix) CERT KEY SOCKET."""
import os
import socket
import ssl
import sys
import threading

WAY, CERT, KEY, PATH = sys.argv[1:]
BODY = b"x" * 60000


def listen():
    if WAY != "unix":
        return socket.create_server(("127.0.0.1", 0), backlog=64)
    server = socket.socket(socket.AF_UNIX)
    server.bind(PATH)
    server.listen(64)
    return server


def read_head(one):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = one.recv(65536)
        assert piece
        data += piece
    return data.split(b"\r\n\r\n", 1)


def serve(server):
    context = None
    if WAY == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERT, KEY)
    while True:
        one = server.accept()[0]
        if context:
            one = context.wrap_socket(one, server_side=True)
        read_head(one)
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(BODY))
        one.sendall(BODY)
        one.close()


def ask(address):
    context = ssl._create_unverified_context()
    number = 0
    while True:
        one = socket.socket(socket.AF_UNIX if WAY == "unix" else socket.AF_INET)
        one.connect(address)
        if WAY == "https":
            one = context.wrap_socket(one)
        one.sendall(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
        body = read_head(one)[1]
        while len(body) < len(BODY):
            piece = one.recv(65536)
            assert piece, "an answer was cut"
            body += piece
        one.close()
        number += 1
        if number == 10:
            print("going", flush=True)


SERVER = listen()
ALIVE, HELD = os.pipe()  # the server ends with its parent
if os.fork() == 0:
    os.close(HELD)
    threading.Thread(target=serve, args=(SERVER,), daemon=True).start()
    os.read(ALIVE, 1)
    os._exit(0)
for _ in range(3):
    threading.Thread(target=ask, args=(SERVER.getsockname(),), daemon=True).start()
threading.Event().wait()
