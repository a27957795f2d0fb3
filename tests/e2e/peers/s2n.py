# SPDX-License-Identifier: Apache-2.0
"""Asks by s2n's own functions on a socket of its own, in many ways: s2n.py PORT WAY..., each way a connection."""
import ctypes
import select
import socket
import sys

import _awscrt
import awscrt  # noqa: F401 - sets s2n up

lib = ctypes.CDLL(_awscrt.__file__)
pointer, size = ctypes.c_void_p, ctypes.c_ssize_t
for name in ("s2n_config_new", "s2n_connection_new"):
    getattr(lib, name).restype = pointer
for name in ("s2n_recv", "s2n_send", "s2n_sendv", "s2n_sendv_with_offset"):
    getattr(lib, name).restype = size
lib.s2n_strerror.restype = ctypes.c_char_p
blocked = ctypes.byref(ctypes.c_int())
CLIENT, SELF_SERVICE = 1, 1


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]


def vectors(*parts):
    return (Vector * len(parts))(*[Vector(part, len(part)) for part in parts]), size(len(parts))


def check(result):
    if result < 0:
        sys.exit(f"s2n says {result}")
    return result


TICKETS = []


@ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer, pointer)
def ticket_take(_connection, _context, ticket):
    count = ctypes.c_size_t()
    check(lib.s2n_session_ticket_get_data_len(pointer(ticket), ctypes.byref(count)))
    data = ctypes.create_string_buffer(count.value)
    check(lib.s2n_session_ticket_get_data(pointer(ticket), count, data))
    TICKETS.append(data.raw)
    return 0


config = pointer(lib.s2n_config_new())
check(lib.s2n_config_set_cipher_preferences(config, b"default_tls13"))
check(lib.s2n_config_disable_x509_verification(config))
check(lib.s2n_config_set_session_tickets_onoff(config, 1))
check(lib.s2n_config_set_session_ticket_cb(config, ticket_take, None))


class Session:
    """A connection object, used again after it was wiped."""

    def __init__(self):
        self.object = pointer(lib.s2n_connection_new(CLIENT))

    def begin(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        check(lib.s2n_connection_set_blinding(self.object, SELF_SERVICE))
        check(lib.s2n_connection_set_config(self.object, config))
        check(lib.s2n_connection_set_fd(self.object, self.socket.fileno()))

    def again(self, function, *arguments, writes=False):
        """Calls until it does not block."""
        while (result := function(self.object, *arguments, blocked)) < 0:
            select.select([] if writes else [self.socket], [self.socket] if writes else [], [], 20)
        return result

    def negotiate(self):
        self.again(lib.s2n_negotiate)

    def send(self, data):
        while data:
            data = data[self.again(lib.s2n_send, data, size(len(data)), writes=True):]

    def receive(self, ends):
        data, buffer = b"", ctypes.create_string_buffer(30000)
        while not ends(data):
            count = self.again(lib.s2n_recv, buffer, size(len(buffer)))
            if not count:
                break
            data += buffer.raw[:count]
        return data

    def end(self):
        self.socket.close()
        check(lib.s2n_connection_wipe(self.object))


def request(way, body=b""):
    return b"%s /%s HTTP/1.1\r\nHost: there\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
        b"POST" if body else b"GET", way.encode(), len(body), body)


def send_slowly(session, way):
    """More than the socket takes at once: it is sent in parts, and what is left is given again."""
    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    session.send(request(way, b"0123456789" * 30000))


def send_vectors(session, way):
    session.again(lib.s2n_sendv, *vectors(b"GET /", way.encode(), request(way).partition(way.encode())[2]), writes=True)


def send_offset(session, way):
    """A body behind bytes that stay."""
    head, _, body = request(way, b"behind").partition(b"\r\n\r\n")
    session.again(lib.s2n_sendv_with_offset, *vectors(head, b"\r\n\r\n"), size(0), writes=True)
    session.again(lib.s2n_sendv_with_offset, *vectors(b"stays", body), size(5), writes=True)


WAYS = {"slowly": send_slowly, "vectors": send_vectors, "offset": send_offset}


def talk(session, port, way):
    session.begin(port)
    session.negotiate()
    WAYS.get(way, lambda session, way: session.send(request(way)))(session, way)
    answer = session.receive(lambda data: False)
    print(way, answer[9:12].decode())
    session.end()


def talk_early(session, port):
    """A ticket, then early data, to the port that it is told; says what became of it."""
    def ask(path, early=False):
        data = b"GET %s HTTP/1.1\r\nHost: there\r\n\r\n" % path
        if not early:
            return session.send(data)
        sent = size()
        while True:
            result = lib.s2n_send_early_data(session.object, data, size(len(data)), ctypes.byref(sent), blocked)
            data = data[sent.value:]
            if result == 0 or not data:
                return None
            select.select([session.socket], [], [], 20)

    session.begin(port)
    session.negotiate()
    ask(b"/ticket")
    session.receive(lambda data: data.endswith(b"0\n"))
    session.end()
    print("ticket", flush=True)
    session.begin(int(sys.stdin.readline()))
    check(lib.s2n_connection_set_session(session.object, TICKETS[-1], ctypes.c_size_t(len(TICKETS[-1]))))
    ask(b"/early", early=True)
    session.negotiate()
    status = ctypes.c_int()
    check(lib.s2n_connection_get_early_data_status(session.object, ctypes.byref(status)))
    taken = status.value == 3  # S2N_EARLY_DATA_STATUS_END
    print("early data was", "accepted" if taken else "refused", flush=True)
    if taken:
        session.receive(lambda data: data.endswith(b"0\n"))
    ask(b"/real")
    session.receive(lambda data: data.endswith(b"1\n" if taken else b"0\n"))
    session.end()


def main(port, *ways):
    session = Session()
    for way in ways:
        if way == "early":
            talk_early(session, int(port))
        else:
            talk(session, int(port), way)
    check(lib.s2n_connection_free(session.object))


main(*sys.argv[1:])
