# SPDX-License-Identifier: Apache-2.0
"""--as curl: the command that hark writes, run by a shell, sends the same request again."""
import json
import socket
import subprocess
import threading

import pytest

from harness import DEADLINE_S, HARK, PEERS, free_port, run, wait_until

NAME = "odd.example"  # in no table of names: only --resolve makes it one
CURL = ("curl", "-sS", "-k", "-o", "/dev/null")
HOP = {"connection", "content-length", "proxy-connection"}


class Recorder:
    """Keeps each request as it came, whole, and answers it."""

    def __init__(self, listener):
        self.requests = []
        self.listener = listener
        listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                self._one(client)

    def _one(self, client):
        got = b""
        while not self._whole(got):
            more = client.recv(65536)
            if not more:
                return
            got += more
        self.requests.append(got)
        client.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    @staticmethod
    def _whole(got):
        head, end, body = got.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
        if b"transfer-encoding" in fields:
            return body.endswith(b"0\r\n\r\n")
        return end and len(body) >= int(fields.get(b"content-length", 0))


@pytest.fixture
def recorder():
    port = free_port()
    listener = socket.create_server(("127.0.0.1", port))
    one = Recorder(listener)
    one.port = port
    yield one
    listener.close()


def parts(request):
    """Start line, fields that are not of one hop, sorted, and the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    return first, sorted(field for field in fields if field.split(b":")[0].lower().decode("latin-1") not in HOP), body


def commands(path):
    return [line for line in path.read_text().splitlines() if not line.startswith("# ")]


def shell(command):
    """Run as a person would who pastes it; the certificate is the tests' own."""
    subprocess.run(["sh", "-n", "-c", command], check=True, timeout=DEADLINE_S)
    subprocess.run(["sh", "-c", f'curl() {{ command curl -sS -k -o /dev/null "$@"; }}; {command}'], check=True,
                   timeout=DEADLINE_S, stdin=subprocess.DEVNULL)


REQUESTS = [
    ["http://{host}:{port}/plain?q=%20&r=[1-3]{{x}}", "--globoff"],
    ["http://{host}:{port}/form", "-d", "a=1&b=it's $(id) \"x\""],
    ["http://{host}:{port}/json", "-H", "Content-Type: application/json", "--data-raw", '@{"a": "caf\u00e9 \\n"}'],
    ["http://{host}:{port}/put", "-X", "PUT", "-H", "Transfer-Encoding: chunked", "-d", "0123456789"],
    ["http://{host}:{port}/none", "-H", "User-Agent:", "-H", "Accept:", "-X", "DELETE"],
    ["http://{host}:{port}/empty", "-X", "POST", "-d", "", "-H", "Content-Type:", "-H", "X-None;"],
    ["http://{host}:{port}/head", "--head", "--http1.0"],
    ["http://{host}:{port}/a/../b/./c", "--path-as-is"],
    ["http://{host}:{port}/", "--request-target", "*", "-X", "OPTIONS"],
    ["http://{host}:{port}/", "--request-target", "/odd?#f\\"],
    ["http://{host}:{port}/coded", "--compressed", "-H", "X-Bytes: \u00ff'\\;%d"],
    ["http://{host}:{port}/secret?token=t0k3n", "-u", "user:s3cret", "-b", "session=c00k1e"],
]


def test_the_same_request_comes_again(hark, recorder, tmp_path):
    out = tmp_path / "commands"
    binary = tmp_path / "binary"
    binary.write_bytes(bytes(range(256)) + b"'%\n")
    asked = [[word.format(host=NAME, port=recorder.port) if "{host}" in word else word for word in words] for words in REQUESTS]
    asked.append([f"http://{NAME}:{recorder.port}/binary", "--data-binary", f"@{binary}", "-H", "Content-Type: x/y"])
    with hark("-o", f"curl:{out}", "--show-secrets", f"port:{recorder.port}", "role:client") as watch:
        for words in asked:
            run(*CURL, "--resolve", f"{NAME}:{recorder.port}:127.0.0.1", *words)
        watch.wait_for(len(asked))
    originals = list(recorder.requests)
    lines = commands(out)
    assert len(lines) == len(originals) == len(asked)
    for line, original in zip(lines, originals):
        shell(line)
        assert parts(recorder.requests[-1]) == parts(original), line
    assert len(recorder.requests) == 2 * len(originals)
    watch.assert_nothing_lost()


def test_secrets_are_placeholders(hark, recorder, tmp_path):
    out = tmp_path / "commands"
    with hark("-o", f"curl:{out}", f"port:{recorder.port}", "role:client") as watch:
        run(*CURL, f"http://127.0.0.1:{recorder.port}/?token=t0k3n", "-u", "user:s3cret", "-b", "session=c00k1e",
            "-d", "a=1&password=hunter2")
        watch.wait_for(1)
    text = out.read_text()
    assert not [secret for secret in ("t0k3n", "s3cret", "c00k1e", "hunter2", "dXNlcjpzM2NyZXQ") if secret in text]
    shell(commands(out)[0])
    assert recorder.requests[-1].count(b"[redacted]") == 4 and b"a=1&password=[redacted]" in recorder.requests[-1]
    assert text.startswith("# [redacted] stands for secrets")


@pytest.mark.parametrize("way", ["http", "tls --http1.1", "tls --http2", "h2c --http2-prior-knowledge"])
def test_each_version(hark, nginx, capture, tmp_path, way):
    """What the server reads is the same, both times."""
    port, *option = way.split()
    port = getattr(nginx, port)
    base = f"{'https' if way.startswith('tls') else 'http'}://127.0.0.1:{port}"
    out = tmp_path / "commands"
    with hark("--capture", capture, "-o", f"curl:{out}", f"port:{port}", "role:server", verbose=2) as watch:
        run(*CURL, *option, f"{base}/post?a=1", "-d", "x=1", "-H", "X-Ask: 'q'")
        run(*CURL, *option, f"{base}/index.html", "--compressed")
        watch.wait_for(2)
        wait_until(lambda: len(commands(out)) == 2, "two commands")
        for line in commands(out):
            shell(line)
        watch.wait_for(4)
    for one in watch.objects:
        one["http.request.header"].sort()  # curl has an order of its own for those that it makes
    shown = [{key: one.get(key) for key in ("http.request.method", "url.scheme", "url.path", "url.query", "http.request.header",
                                            "http.request.body", "network.protocol.version", "server.address", "server.port",
                                            "http.response.status_code")} for one in watch.objects]
    assert shown[:2] == shown[2:]
    assert len(shown) == 4
    watch.assert_nothing_lost()


def test_on_a_recording(nginx, tmp_path):
    record = tmp_path / "one.rec"
    subprocess.run([HARK, "record", "-q", "-w", record, "--", *CURL, f"http://127.0.0.1:{nginx.http}/post", "-d", "x=1"],
                   check=True, timeout=DEADLINE_S, stdin=subprocess.DEVNULL)
    text = run(HARK, "replay", record, "-q", "--as", "curl").text
    assert text == f"curl http://127.0.0.1:{nginx.http}/post -H 'User-Agent: {agent()}' -H 'Accept: */*' " \
        "-H 'Content-Type: application/x-www-form-urlencoded' --data-raw 'x=1'\n"


def agent():
    return "curl/" + run("curl", "--version").text.split()[1]


def test_curlconverter_reads_it(hark, recorder, tmp_path):
    """As many tools do that take what browsers copy."""
    tool = PEERS / "npm-tools/node_modules/.bin/curlconverter"
    if not tool.exists():
        pytest.skip(f"{tool} is not there: npm could not fetch it (make peers says why)")
    out = tmp_path / "commands"
    with hark("-o", f"curl:{out}", f"port:{recorder.port}", "role:client") as watch:
        run(*CURL, f"http://127.0.0.1:{recorder.port}/a?b=[1]", "--globoff", "-X", "PUT", "-d", "it's {\"a\": 1}",
            "-H", "X-Quoted: 'a' $b")
        watch.wait_for(1)
    read = json.loads(run("node", tool, "--language", "json", "-", given=commands(out)[0].encode()).text)
    assert read["raw_url"] == f"http://127.0.0.1:{recorder.port}/a?b=[1]" and read["method"] == "put"
    assert read["headers"]["X-Quoted"] == "'a' $b" and read["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert "it's {\"a\": 1}" in json.dumps(read["data"]).replace('\\"', '"')
