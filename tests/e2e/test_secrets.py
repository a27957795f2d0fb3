# SPDX-License-Identifier: Apache-2.0
"""Each secret through each channel, live; then each output of hark is searched for it, and for what must stay.

A server of our own reads requests and says what the channel wants, so that both ends are seen.
"""
import json
import re
import socket
import threading

import pytest

from harness import HARK, Live, run
from terminal import ENTER, Terminal

HEAD = "Host: h.example\r\nX-Plain: 1NN0C\r\n"
PART = ('--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n')


def body(kind, text):
    return f"Content-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n{text}"


def chunked(text, trailer="", size=3):
    chunks = "".join(f"{len(text[i:i + size]):x}\r\n{text[i:i + size]}\r\n" for i in range(0, len(text), size))
    return f"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n{trailer}\r\n"


# name: (request, response); {} is the secret.
CHANNELS = {
    "APIKEY": ("GET /k HTTP/1.1\r\nX-Api-Key: {}\r\n" + HEAD + "\r\n", None),
    "SPACED": ("GET /s HTTP/1.1\r\nAuthorization : Bearer {}\r\n" + HEAD + "\r\n", None),
    "COOKIE2": ("GET /c HTTP/1.1\r\nCookie2: {}\r\n" + HEAD + "\r\n", None),
    "AUTHX": ("GET /x HTTP/1.1\r\nX-My-Auth-Data: {}\r\n" + HEAD + "\r\n", None),
    "QUERY": ("GET /q?x=1NN0C&accessToken={}&y=1NN0C HTTP/1.1\r\n" + HEAD + "\r\n", None),
    "MATRIX": ("GET /m;jsessionid={} HTTP/1.1\r\n" + HEAD + "\r\n", None),
    "NESTED": ("GET /n?next=%2Fcb%3Fid_token%3D{}&x=1NN0C HTTP/1.1\r\n" + HEAD + "\r\n", None),
    "TARGET": ("GET http://me:{}@h.example/t HTTP/1.1\r\n" + HEAD + "\r\n", None),
    "REFERER": ("GET /r HTTP/1.1\r\nReferer: https://me:{}@h.example/1NN0C\r\n" + HEAD + "\r\n", None),
    "FRAGMENT": ("GET /f HTTP/1.1\r\nReferer: https://h.example/cb#access_token={}&x=1NN0C\r\n" + HEAD + "\r\n", None),
    "LOCATION": ("GET /l HTTP/1.1\r\n" + HEAD + "\r\n",
                 "HTTP/1.1 302 Found\r\nLocation: https://u:{}@h.example/1NN0C?sig={}\r\nContent-Length: 0\r\n\r\n"),
    "SETCOOKIE": ("GET /sc HTTP/1.1\r\n" + HEAD + "\r\n",
                  "HTTP/1.1 200 OK\r\nSet-Cookie: a={}\r\nSet-Cookie2: {}\r\nContent-Length: 0\r\n\r\n"),
    "TRAILER": ("POST /tr HTTP/1.1\r\n" + HEAD + chunked('{"x":"1NN0C"}', "X-Upload-Token: {}\r\n", 20), None),
    "FORM": ("POST /fo HTTP/1.1\r\n" + HEAD + "FORM:x=1NN0C&userPassword={}&y=1NN0C", None),
    "JSON": ("POST /j HTTP/1.1\r\n" + HEAD + 'JSON:{"a":"1NN0C","b":[{"acc\\u0065ssToken":"{}"}],"c":"1NN0C"}', None),
    "CHUNKED": ("POST /ch HTTP/1.1\r\n" + HEAD + 'CHUNKED:{"a":"1NN0C","client_secret":"{}"}', None),
    "JSONANSWER": ("GET /ja HTTP/1.1\r\n" + HEAD + "\r\n", 'JSON:{"refresh-token":"{}","token_type":"1NN0C"}'),
    "MULTIPART": ("POST /mu HTTP/1.1\r\n" + HEAD + "MULTIPART:" + PART.format("x", "1NN0C") + PART.format("apiKey", "{}") + "--b--\r\n",
                  None),
    "GRAPHQL": ("POST /gr HTTP/1.1\r\n" + HEAD + 'JSON:{"query":"mutation($p:String!){login(password:$p){1NN0C}}",'
                '"variables":{"password":"{}"}}', None),
    "GRAPHQLGET": ("GET /gg?query=1NN0C&variables=%7B%22password%22%3A%22{}%22%7D HTTP/1.1\r\n" + HEAD + "\r\n", None),
    "INLINE": ("POST /in HTTP/1.1\r\n" + HEAD + 'JSON:{"query":"{ login(password: \\"{}\\") { 1NN0C } }"}', None),
    "BODYURL": ("POST /bu HTTP/1.1\r\n" + HEAD + 'JSON:{"u":"https:\\/\\/me:{}@h.example\\/1NN0C"}', None),
    "WEBSOCKET": ("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: 1NN0C\r\n" + HEAD + "\r\n",
                  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x40{"token":"{}"}'),
}
H2 = {
    "H2FIELD": ("-H", "x-api-key: {}"),
    "H2QUERY": ("?x=1NN0C&apiKey={}",),
    "H2JSON": ("-H", "content-type: application/json", "-d", '{"a":"1NN0C","password":"{}"}'),
    "H2FORM": ("-d", "x=1NN0C&newPassword={}"),
    "H2REFERER": ("-e", "https://me:{}@h.example/1NN0C"),
}
NAMES = [*CHANNELS, *H2]


def secret(name):
    return f"{name[::-1].lower()}S3CR3T"


def spelled(text, name):
    if text is None:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    text = text.replace("{}", secret(name))
    head, sign, rest = text.partition("FORM:")
    if sign:
        return (head + body("application/x-www-form-urlencoded", rest)).encode()
    head, sign, rest = text.partition("MULTIPART:")
    if sign:
        return (head + body("multipart/form-data; boundary=b", rest)).encode()
    head, sign, rest = text.partition("CHUNKED:")
    if sign:
        return (head + chunked(rest)).encode()
    head, sign, rest = text.partition("JSON:")
    if sign:
        return ((head or "HTTP/1.1 200 OK\r\n") + body("application/json", rest)).encode()
    return text.encode("latin-1")


def converse(listener, name, byte_by_byte):
    """One connection; the client says the request, the server reads all of it and answers."""
    request, response = (spelled(text, name) for text in CHANNELS[name])

    def serve():
        with listener.accept()[0] as far:
            got = b""
            while len(got) < len(request):
                got += far.recv(65536)
            far.sendall(response)
            far.recv(1)

    server = threading.Thread(target=serve)
    server.start()
    with socket.create_connection(listener.getsockname()) as near:
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in ([request[i:i + 1] for i in range(len(request))] if byte_by_byte else [request]):
            near.sendall(part)
        got = b""
        while len(got) < len(response):
            got += near.recv(65536)
    server.join()


def traffic(nginx):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for name in CHANNELS:
            for byte_by_byte in (False, True):
                converse(listener, name, byte_by_byte)
    for name, words in H2.items():
        words = [word.replace("{}", secret(name)) for word in words]
        # A file refuses a body that it has not read, and curl may see that as an error.
        url = f"http://127.0.0.1:{nginx.h2c}/{'post' if '-d' in words else 'one'}"
        url += words.pop() if words[0].startswith("?") else ""
        run("curl", "-s", "-o", "/dev/null", "--http2-prior-knowledge", *words, url)


@pytest.fixture(scope="module", params=["socket", "syscall"])
def outputs(request, nginx, tmp_path_factory):
    """The bytes of each output, by its name."""
    folder = tmp_path_factory.mktemp("secrets")
    watch = Live("-vv", "--capture", request.param, "--debug", "-o", f"text:{folder / 'vv.txt'}", "-o", f"json:{folder / 'vv.json'}",
                 "-w", folder / "redacted.rec", "--redacted", "--stats-json", folder / "stats.json")
    plain = Live("record", "--capture", request.param, "-w", folder / "plain.rec")
    traffic(nginx)
    watch.end()
    plain.end()
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    found["stderr"] = watch.said.encode()
    views = {"v": ["-v"], "raw": ["raw"], "raw json": ["raw", "-o", "json"], "hex": ["raw", "--hex"], "frames": ["frames", "-v"],
             "frames json": ["frames", "-o", "json"], "conns": ["conns", "-v"], "conns json": ["conns", "-o", "json"],
             "stat": ["stat"], "by path": ["stat", "--by", "path"], "by path json": ["stat", "--by", "path", "-o", "json"]}
    for name, words in views.items():
        done = run(HARK, "replay", folder / "plain.rec", *words)
        found[name] = done.out + done.err
    # A dump has 16 bytes a line: put together they would show.
    lines = re.findall(rb"^ +[0-9a-f]{6}  ((?:[0-9a-f]{2} +)+)", found["hex"], re.M)
    found["hex bytes"] = b"".join(bytes.fromhex(line.decode()) for line in lines)
    for words in (["-vv", "--show-secrets"], ["raw"], ["-vv", "--show-secrets", "-o", "json"]):
        found[f"redacted {words}"] = run(HARK, "replay", folder / "redacted.rec", *words).out
    with Terminal(HARK, "replay", folder / "plain.rec", "top", "--speed", "max", columns=200, rows=60) as top:
        top.wait("END", "the end of the recording")
        top.press(ENTER, lambda text: text)
        found["top"] = top.raw
    found["everything"] = run(HARK, "replay", folder / "plain.rec", "-vv", "--show-secrets", "-o", "json").out
    return found


def test_all_of_it_was_said(outputs):
    """The recording that is not redacted has each secret twice or more, in whole or byte by byte."""
    said = outputs["everything"] + outputs["plain.rec"]
    assert not [name for name in NAMES if secret(name).encode() not in said]


@pytest.mark.parametrize("name", NAMES)
def test_no_output_has_it(outputs, name):
    having = [output for output, data in outputs.items() if secret(name).encode() in data and output not in ("everything", "plain.rec")]
    assert not having


def test_innocents_stay(outputs):
    """In the bodies and fields as shown, and in the redacted recording as replayed."""
    wanted = outputs["everything"].count(b"1NN0C")
    assert wanted > 2 * 2 * len(CHANNELS)
    assert outputs["vv.json"].count(b"1NN0C") >= wanted
    assert outputs["redacted ['-vv', '--show-secrets', '-o', 'json']"].count(b"1NN0C") >= wanted
    assert outputs["raw json"].count(b"1NN0C") > 2 * len(CHANNELS)


def test_the_redacted_recording_replays_in_the_same_way(outputs):
    """All exchanges, with their sizes; WebSocket frames are left out and counted."""
    def shapes(data):
        lines = [json.loads(line) for line in data.splitlines()]
        return sorted((one.get("http.request.method"), one.get("http.request.body.size"), one.get("http.response.status_code"),
                       one.get("http.response.body.size"), len(one.get("http.request.header", []))) for one in lines
                      if ["X-Plain", "1NN0C"] in one.get("http.request.header", []))
    assert shapes(outputs["redacted ['-vv', '--show-secrets', '-o', 'json']"]) == shapes(outputs["vv.json"])
    assert json.loads(outputs["stats.json"])["record.dropped"] > 0
