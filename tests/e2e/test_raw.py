# SPDX-License-Identifier: Apache-2.0
"""The plain bytes of each call, HTTP or not."""
import base64
import json
import os
import re
import socket
import ssl
import threading

import pytest

from harness import HARK, JAVA, Live, free_port, run, wait_until

CURL = ("curl", "-sS", "-k")
TALK = [b"*1\r\n$4\r\nPING\r\n", b"HELO \x00\x01\xff\xfe binary\n", b"z" * 70000]


class Echo:
    """A server that answers each message with it, in a process of its own; not HTTP."""

    def __init__(self, certificates=None):
        self.port = free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.context = None
        if certificates:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        sock, _ = self.listener.accept()
        with sock if not self.context else self.context.wrap_socket(sock, server_side=True) as far:
            while data := far.recv(1 << 20):
                far.sendall(data)

    def talk(self):
        sock = socket.create_connection(("127.0.0.1", self.port))
        if self.context:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            sock = context.wrap_socket(sock)
        with sock:
            for message in TALK:
                sock.sendall(message)
                got = 0
                while got < len(message):
                    got += len(sock.recv(1 << 20))
        self.listener.close()


def data_of(one):
    data = one.get("hark.data", "")
    return base64.b64decode(data["base64"]) if isinstance(data, dict) else data.encode()


def stream(objects, direction, port_key, port):
    return b"".join(data_of(one) for one in objects if one["hark.direction"] == direction and one.get(port_key) == port)


def of_port(objects, port):
    return [one for one in objects if port in (one.get("network.peer.port"), one.get("network.local.port"))]


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_bytes_are_those_that_were_said(hark, certificates, tls, capture, tmp_path):
    recording = tmp_path / "raw.rec"
    echo = Echo(certificates if tls else None)
    with hark("--capture", capture, "-w", recording, view=("raw",)) as watch:
        echo.talk()
        whole = sum(map(len, TALK))

        def done():
            return len(stream(watch.objects, "received", "network.peer.port", echo.port)) >= whole \
                and len(stream(watch.objects, "received", "network.local.port", echo.port)) >= whole

        wait_until(done, "the bytes")
    for key in ("network.peer.port", "network.local.port"):
        for direction in ("sent", "received"):
            assert stream(watch.objects, direction, key, echo.port) == b"".join(TALK), (key, direction)
    mine = [one for one in watch.objects if one.get("network.peer.port") == echo.port and "hark.event" not in one]
    assert all(one["tls"] == tls and one["hark.bytes.moved"] == one["hark.bytes.copied"] for one in mine)
    assert [one["hark.bytes.moved"] for one in mine if one["hark.direction"] == "sent"] == [len(message) for message in TALK]
    assert mine[0]["process.pid"] == os.getpid() and mine[0]["hark.fd"] > 2
    again = [json.loads(line) for line in run(HARK, "replay", recording, "raw", "-o", "json", "-v").text.splitlines()]
    assert of_port(again, echo.port) == of_port(watch.objects, echo.port)


def test_ciphertext_is_never_shown(hark, nginx, certificates):
    """curl's (OpenSSL) and wget's (GnuTLS) is suppressed; Java's was never plain; Python's memory BIO neither."""
    with hark(view=("raw",)) as watch:
        run(*CURL, "-o", "/dev/null", f"https://127.0.0.1:{nginx.tls}/small.txt")
        run("wget", "-q", "--no-check-certificate", "-O", "/dev/null", f"https://127.0.0.1:{nginx.tls}/medium.bin")
        run(*JAVA, f"https://127.0.0.1:{nginx.tls}/medium.bin")
        run("/usr/bin/python3", "-c", f"""
import asyncio, ssl
async def main():
    context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", {nginx.tls}, ssl=context)
    writer.write(b"GET /one HTTP/1.0\\r\\n\\r\\n"); await reader.read(); writer.close()
asyncio.run(main())""")
        watch.wait_for(8, nginx.worker(), tls=True)
    for one in watch.objects:
        data = data_of(one)
        if not one["tls"] and nginx.tls in (one.get("network.peer.port"), one.get("network.local.port")):
            assert not data, (one, data[:100])


def test_text_and_hex(nginx, tmp_path):
    recording = tmp_path / "raw.rec"
    run(HARK, "record", "-w", recording, "--", *CURL, "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/one")
    text = run(HARK, "replay", recording, "raw", "--comm", "curl").text
    assert re.search(r"^\S+ curl\[\d+\] +#\d+ +\S+ +127\.0\.0\.1:\d+ send +\d+ bytes\n    \| GET /one HTTP/1\.1\\r\\n\n    \| Host: ", text, re.M), text
    assert re.search(r" recv +end$", text, re.M) or "Connection: close" not in text
    dump = run(HARK, "replay", recording, "raw", "--hex", "--comm", "curl").text
    assert "    000000  47 45 54 20 2f 6f 6e 65  20 48 54 54 50 2f 31 2e  |GET /one HTTP/1.|\n" in dump


def test_secrets_are_hidden(nginx, tmp_path):
    recording = tmp_path / "raw.rec"
    for scheme, port, more in (("http", nginx.http, ()), ("https", nginx.tls, ()), ("http", nginx.h2c, ("--http2-prior-knowledge",))):
        run(HARK, "record", "-w", recording, "--", *CURL, *more, "-o", "/dev/null", "-H", "Authorization: Bearer c2VjcmV0",
            "-H", "X-Harmless: seen", "-H", "Cookie: crumb=secretly", f"{scheme}://127.0.0.1:{port}/one?x=1&token=SECRETTOKEN")
        for options in ((), ("--hex",), ("-o", "json")):
            shown = run(HARK, "replay", recording, "raw", *options).text
            if options == ("-o", "json"):
                shown = repr([data_of(json.loads(line)) for line in shown.splitlines()])
            for secret in ("c2VjcmV0", "secretly", "SECRETTOKEN", "63 32 56 6a"):
                assert secret not in shown, (scheme, options, secret)
        open_text = repr(run(HARK, "replay", recording, "raw", "-o", "json", "--show-secrets").text)
        if "--http2-prior-knowledge" not in more and scheme == "http":
            assert "c2VjcmV0" in open_text and "SECRETTOKEN" in open_text
            assert "X-Harmless: seen" in run(HARK, "replay", recording, "raw").text


SEAMS = {
    "multipart": ("Content-Type: multipart/form-data; boundary=b", '--b\r\nContent-Disposition: form-data; name="password"\r\n',
                  "\r\nS3CR3T one\r\nS3CR3T two\r\n--b--\r\n"),
    "json": ("Content-Type: application/json", '{"a": "b", "token": [\n"x",\n', '"S3CR3T",\n"S3CR3T"\n]}'),
}


@pytest.mark.parametrize("kind", SEAMS)
def test_a_value_whose_name_came_before_hark_is_hidden(hark, capture, kind):
    """Bytes that nobody could judge are not shown; the next message of the connection is."""
    field, before, after = SEAMS[kind]
    head = f"POST /late HTTP/1.1\r\nHost: h\r\n{field}\r\nContent-Length: {len(before + after)}\r\n\r\n"
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as near:
        far, port = listener.accept()[0], listener.getsockname()[1]
        near.sendall((head + before).encode())
        got = b""
        while len(got) < len(head + before):
            got += far.recv(1 << 16)
        with far, hark("--capture", capture, view=("raw",)) as watch:
            for said in (after, "GET /next HTTP/1.1\r\nHost: h\r\nX-Plain: 1NN0C\r\n\r\n"):
                near.sendall(said.encode())
                got = b""
                while not got.endswith(said.encode()):
                    got += far.recv(1 << 16)
                far.sendall(answer)
                assert near.recv(1 << 16) == answer
            mine = lambda key, direction: stream(watch.objects, direction, key, port)
            wait_until(lambda: b"1NN0C" in mine("network.peer.port", "sent") and b"1NN0C" in mine("network.local.port", "received"),
                       "the next request at both ends")
    moved = [one["hark.bytes.moved"] for one in watch.objects if one.get("network.peer.port") == port and one["hark.direction"] == "sent"]
    assert moved[0] == len(after)
    assert not any(b"S3CR3T" in data_of(one) for one in watch.objects if port in (one.get("network.peer.port"), one.get("network.local.port")))


def test_what_was_not_copied_is_said(nginx, tmp_path):
    recording = tmp_path / "raw.rec"
    run(HARK, "record", "-w", recording, "--snaplen", "4K", "--", *CURL, "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/large.bin")
    text = run(HARK, "replay", recording, "raw", "--comm", "curl").text
    assert re.search(r"recv +\d+ bytes, 4096 of them copied \(the rest: beyond --snaplen\)", text), text[-3000:]


def test_sendfile_is_named(hark, nginx):
    with hark(f"port:{nginx.http}", view=("raw",)) as watch:
        run(*CURL, "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/large.bin")
        watch.wait_for(2, nginx.worker(), hark_direction="sent")
    sent = [one for one in watch.of(nginx.worker()) if one["hark.direction"] == "sent"]
    assert sum(one["hark.bytes.moved"] for one in sent) > 3_000_000 > sum(one["hark.bytes.copied"] for one in sent)


def test_unix_socket(hark, nginx):
    with hark(view=("raw",)) as watch:
        client = run(*CURL, "-o", "/dev/null", "--unix-socket", nginx.socket, "http://x/one")
        watch.wait_for(2, client)
    seen = watch.of(client)
    assert data_of(seen[0]).startswith(b"GET /one HTTP/1.1\r\n") and seen[0]["network.transport"] == "unix"


def test_count_counts_calls(nginx):
    watch = Live("raw", "-n", "3", "-o", "json")
    run(*CURL, "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/one", f"http://127.0.0.1:{nginx.http}/one")
    assert len(watch.wait_end().splitlines()) == 3
