# SPDX-License-Identifier: Apache-2.0
"""HTTP or not: text that looks like it, joins in the middle of it, and answers to what is none."""
import os
import socket
import ssl

import pytest

from harness import LARGE_RING, Program, brief, briefs, free_port, run, wait_until

HEAD = "GET /fake{:05} HTTP/1.1\r\nHost: fake\r\nUser-Agent: text\r\n\r\n"
ANSWER = "HTTP/1.1 200 OK\r\nServer: fake\r\nContent-Length: 0\r\n\r\n"
GET = b"GET /true HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Pair:
    """Both ends of a connection of this process, which moves every byte itself."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname())
            self.server, _ = listener.accept()
        for end in (self.client, self.server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.client.close()
        self.server.close()

    def move(self, sender, data, piece=65536):
        receiver = self.server if sender is self.client else self.client
        for at in range(0, len(data), piece):
            part = data[at:at + piece]
            sender.sendall(part)
            left = len(part)
            while left:
                left -= len(receiver.recv(left))

    def ask(self, data, piece=65536):
        self.move(self.client, data, piece)

    def answer(self, data, piece=65536):
        self.move(self.server, data, piece)

    def exchange(self, number):
        self.ask(GET.replace(b"true", b"true%d" % number))
        self.answer(OK)


def unmarked(watch):
    """The exchanges of this process that are shown without a mark."""
    return [one for one in watch.of(os.getpid()) if "guess" not in one.get("hark.flags", [])]


def assert_true_only(watch, *numbers):
    """These exchanges are there, at both ends, whole; nothing else is without a mark."""
    seen = [one for one in unmarked(watch)]
    assert sorted(briefs(seen)) == sorted([f"GET /true{n} 200 0 2" for n in numbers] * 2)
    assert not [one["hark.flags"] for one in seen if one.get("hark.flags")]


LOG = "".join(f"16:00:{i % 60:02} request\n{HEAD.format(i)}" + f"16:00:{i % 60:02} answer\n{ANSWER}" for i in range(72)).encode()
FILE = "".join(HEAD.format(i) for i in range(5000)).encode()


@pytest.mark.parametrize("piece", [65536, 1000, len(HEAD.format(0))])
def test_a_shipped_log(hark, capture, piece):
    with Pair() as pair:
        pair.ask(b"the connection is older\n" + LOG[:500])
        with hark("--capture", capture) as watch:
            pair.ask(LOG[500:], piece)
        assert unmarked(watch) == []


@pytest.mark.parametrize("direction", ["upload", "download"])
@pytest.mark.parametrize("piece", [65536, 4096, len(HEAD.format(0))])
def test_a_file_of_heads(hark, capture, direction, piece):
    """Joined within the file; what follows on the connection is seen."""
    with Pair() as pair:
        move = pair.ask if direction == "upload" else pair.answer
        move(FILE[:4096])
        with hark("--capture", capture) as watch:
            move(FILE[4096:], piece)
            if direction == "upload":
                pair.answer(OK)
            numbers = iter(range(100000))

            def both_ends_see_it():
                pair.exchange(next(numbers))
                seen = [brief(one) for one in unmarked(watch) if not one.get("hark.flags")]
                return any(seen.count(one) == 2 for one in seen)

            wait_until(both_ends_see_it, "an exchange behind the file, at both ends")
        seen = [one for one in unmarked(watch) if not one.get("hark.flags")]
        assert all(brief(one) == f"GET {one['url.path']} 200 0 2" and one["url.path"].startswith("/true") for one in seen)
        assert not [one for one in unmarked(watch) if "fake" in one.get("url.path", "")]


@pytest.mark.parametrize("direction", ["upload", "download"])
def test_joined_in_a_long_body(hark, capture, direction):
    """More than is ever searched: the body's direction is muted, the next exchanges are seen all the same."""
    with Pair() as pair:
        move = pair.ask if direction == "upload" else pair.answer
        move(b"x" * 100000)
        with hark("--capture", capture, "--ring", LARGE_RING) as watch:
            move(b"y" * 8_000_000)
            if direction == "upload":
                pair.answer(OK)

            def next_is_seen():
                next_is_seen.number += 1
                pair.exchange(next_is_seen.number)
                return {f"/true{n}" for n in range(next_is_seen.number)} & {one.get("url.path") for one in unmarked(watch)}

            next_is_seen.number = 0
            wait_until(next_is_seen, "an exchange behind the body")
        assert not [one for one in unmarked(watch) if one.get("http.response.status_code") and one.get("hark.flags")
                    and one.get("url.path")]
        assert watch.stats["bytes.lost"] == 0


def test_a_real_join_is_seen_at_once(hark, capture):
    """An idle connection, an answer under way, a body under way: the first exchange that begins is there at once.

    It is marked until the client was seen to wait five times: it may have asked for more before hark came.
    """
    with Pair() as idle, Pair() as answered, Pair() as uploading:
        for pair in (idle, answered, uploading):
            pair.exchange(0)
        answered.ask(GET)
        answered.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789")
        uploading.ask(b"POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n0123456789")
        with hark("--capture", capture) as watch:
            answered.answer(b"0123456789")
            uploading.ask(b"0123456789")
            uploading.answer(OK)
            for number, pair in enumerate((idle, answered, uploading)):
                pair.exchange(number)
            for number in range(3, 10):
                idle.exchange(number)
            watch.wait_for(2, os.getpid(), url_path="/true9")
        seen = [one for one in watch.of(os.getpid()) if one.get("url.path", "").startswith("/true")]
        assert sorted(briefs(seen)) == sorted([f"GET /true{n} 200 0 2" for n in range(10)] * 2)
        marked = {one["url.path"] for one in seen if one.get("hark.flags")}
        assert marked == {f"/true{n}" for n in (0, 1, 2, 3, 4, 5, 6)}
        assert all(set(one.get("hark.flags", [])) in (set(), {"guess", "late-joined"}) for one in seen), seen


def test_a_client_that_ends_its_direction(hark, capture):
    """`nc -N`: the end of the requests comes before the answer."""
    with Pair() as pair:
        pair.exchange(0)
        with hark("--capture", capture) as watch:
            pair.ask(GET)
            pair.client.shutdown(socket.SHUT_WR)
            assert pair.server.recv(1) == b""
            pair.answer(OK)
            watch.wait_for(2, os.getpid(), url_path="/true")
        assert briefs(watch.of(os.getpid())) == ["GET /true 200 0 2"] * 2
        assert all(set(one["hark.flags"]) == {"guess", "late-joined"} for one in watch.of(os.getpid()))


def test_memcached(hark, capture, tmp_path):
    """Values are heads; the client is there before hark."""
    port = free_port()
    memcached = Program(["memcached", "-u", "root", "-l", "127.0.0.1", "-p", port, "-U", "0"], tmp_path, ports=(port,))
    try:
        with socket.create_connection(("127.0.0.1", port)) as client:
            value = (HEAD.format(1) + ANSWER).encode()
            store = b"set a 0 0 %d\r\n%s\r\n" % (len(value), value)
            client.sendall(store)
            assert client.recv(100) == b"STORED\r\n"
            with hark("--capture", capture) as watch:
                for _ in range(20):
                    client.sendall(store[:14])
                    client.sendall(store[14:])
                    assert client.recv(100) == b"STORED\r\n"
                    client.sendall(b"get a\r\n")
                    read = b""
                    while not read.endswith(b"END\r\n"):
                        read += client.recv(65536)
                    assert value in read
            assert [one for one in watch.of(os.getpid(), memcached) if "guess" not in one.get("hark.flags", [])] == []
    finally:
        memcached.stop()


SMTP = r"""
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    peer, _ = listener.accept()
    lines = peer.makefile("rwb", buffering=0)
    peer.sendall(b"220 ready\r\n")
    while line := lines.readline():
        if line.startswith(b"DATA"):
            peer.sendall(b"354 go on\r\n")
            while lines.readline() != b".\r\n":
                pass
        peer.sendall(b"250 fine\r\n")
"""


def test_smtp(hark, capture, tmp_path):
    """Each mail begins with a head, at the first byte of a call, and behind the server's word."""
    port = free_port()
    server = Program(["/usr/bin/python3", "-c", SMTP, port], tmp_path, ports=(port,))
    try:
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert client.recv(100) == b"220 ready\r\n"
            client.sendall(b"EHLO x\r\n")
            assert client.recv(100) == b"250 fine\r\n"
            with hark("--capture", capture) as watch:
                for number in range(20):
                    client.sendall(b"DATA\r\n")
                    assert client.recv(100) == b"354 go on\r\n"
                    client.sendall((HEAD.format(number) + ANSWER + ".\r\n").encode())
                    assert client.recv(100) == b"250 fine\r\n"
            assert [one for one in watch.of(os.getpid(), server) if "guess" not in one.get("hark.flags", [])] == []
    finally:
        server.stop()


def read_all(port, data):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(data)
        read = b""
        while piece := client.recv(65536):
            read += piece
    return read


def test_a_clear_answer_to_what_is_no_request(hark, nginx, capture):
    """A TLS hello and HTTP/0.9 to a port that speaks neither; a target with a blank."""
    hello = ssl.MemoryBIO()
    context = ssl._create_unverified_context()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), hello).do_handshake()
    with hark("--capture", capture) as watch:
        for data in (hello.read(), b"GET /a b HTTP/3.7\r\n\r\n"):
            assert b" 400 Bad Request" in read_all(nginx.http, data)
        watch.wait_for(2, nginx)
    for who in (nginx, os.getpid()):
        assert [one["http.response.status_code"] for one in watch.of(who)] == [400, 400]
        assert [one["hark.flags"] for one in watch.of(who)] == [["no-request"]] * 2
        assert {one["tls"] for one in watch.of(who)} == {False}


def test_other_protocols_in_tls_stay_silent(hark, certificates, tmp_path, capture):
    """SMTP inside TLS: nothing is shown, whoever joined when."""
    port = free_port()
    server = Program(["openssl", "s_server", "-quiet", "-accept", port, "-cert", certificates / "cert.pem", "-key",
                      certificates / "key.pem", "-rev"], tmp_path, ports=(port,))
    context = ssl._create_unverified_context()
    try:
        with socket.create_connection(("127.0.0.1", port)) as clear, context.wrap_socket(clear) as before:
            with hark("--capture", capture) as watch:
                with socket.create_connection(("127.0.0.1", port)) as raw:
                    raw.close()
                for _ in range(20):
                    before.sendall(b"EHLO x\r\n")
                    assert before.recv(100).strip() == b"x OLHE"
            assert watch.of(os.getpid(), server) == []
    finally:
        server.stop()


def test_a_child_that_never_executes_has_its_program(hark, capture, tmp_path):
    """mini_httpd forks for each connection; the child is gone before anybody could look at it."""
    port = free_port()
    (tmp_path / "www").mkdir()
    (tmp_path / "www/a.txt").write_text("hello\n")
    server = Program(["mini_httpd", "-D", "-p", port, "-h", "127.0.0.1", "-d", tmp_path / "www", "-u", "root", "-i",
                      tmp_path / "pid"], tmp_path, ports=(port,))
    try:
        with hark("--capture", capture) as watch:
            for number in range(20):
                run("curl", "-sS", f"http://127.0.0.1:{port}/a.txt?n={number}")
            watch.wait_for(20, url_path="/a.txt", hark_role="server", server_port=port)
        seen = watch.of(url_path="/a.txt", hark_role="server", server_port=port)
        assert len(seen) == 20
        assert {one.get("process.executable.name") for one in seen} == {"mini_httpd"}
    finally:
        server.stop()
