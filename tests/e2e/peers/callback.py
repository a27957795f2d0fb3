# SPDX-License-Identifier: Apache-2.0
"""An HTTPS server that asks two other servers from inside its handshake: callback.py PORT CERT KEY CLEAR TLS [thread].

Its sni_callback sends GET /one to port CLEAR and, by another TLS session, to port TLS. Answers each request with the
statuses that it got. With `thread` connections are served by a thread other than the main one.
"""
import http.client
import socket
import ssl
import sys
import threading

PORT, CERT, KEY, CLEAR, TLS = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
ASKS = ssl._create_unverified_context()
answers = []


def ask(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def on_name(_tls, name, _context):
    answers.append(ask(http.client.HTTPConnection("127.0.0.1", CLEAR), "/one?clear"))
    answers.append(ask(http.client.HTTPSConnection("127.0.0.1", TLS, context=ASKS), "/one?tls"))


def serve(listener, context):
    while True:
        plain, _ = listener.accept()
        with context.wrap_socket(plain, server_side=True) as tls:
            lines = tls.makefile("rb")
            while line := lines.readline():
                while lines.readline() not in (b"\r\n", b""):
                    pass
                body = b"%s %s\n" % (line.split()[1], str(answers).encode())
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERT, KEY)
    context.sni_callback = on_name
    listener = socket.create_server(("127.0.0.1", PORT))
    if "thread" in sys.argv[6:]:
        thread = threading.Thread(target=serve, args=(listener, context))
        thread.start()
        thread.join()
    else:
        serve(listener, context)


main()
