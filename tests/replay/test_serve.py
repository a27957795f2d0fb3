# SPDX-License-Identifier: Apache-2.0
"""hark serve on a recording: paths and metrics are those of docs/interface.md, and who may ask."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
PAGE = (ROOT / "docs/interface.md").read_text()
RECORDING = ROOT / "testdata/recordings/mixed.rec"


def listed(heading):
    """The names in backticks in the first column of a section of docs/interface.md."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)[1]
    return [name for line in section.splitlines() if line.startswith("| `") for name in [re.match(r"\| `([^`]+)`", line)[1]]]


@contextlib.contextmanager
def serving(*words, listen="127.0.0.1:0"):
    """The port of a hark that serves a recording."""
    process = subprocess.Popen([HARK, "serve", "--no-config", "--listen", listen, "--replay", RECORDING, *words],
                               stderr=subprocess.PIPE, text=True)
    try:
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("hark: ready"):
                break
        assert "serving http" in said, said
        yield int(re.search(r"serving https?://\S+:(\d+)/", said)[1])
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, said + process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture(scope="module")
def port():
    with serving() as number:
        yield number


def ask(port, path, method="GET", **fields):
    """Status, fields and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in fields)
    for name, value in fields.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body.decode()


def test_metrics_are_those_of_the_page(port):
    """Each family by its name; every counter that is no metric of another name."""
    text = ask(port, "/metrics")[2]
    found = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    counters = {"hark_" + name.replace(".", "_") + "_total" for name in listed("Counters")}
    others = {"hark_memory_held_peak_total", "hark_ready_us_total", "hark_ready_load_us_total"}
    assert others < counters
    assert found == set(listed("Metrics")) | (counters - others)


def test_forms(port):
    status, fields, text = ask(port, "/metrics")
    assert status == 200 and fields["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert re.search(r'^http_client_request_duration_seconds_count\{.*http_response_status_code="404".*\} 1$', text, re.M)
    status, fields, text = ask(port, "/metrics", Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert status == 200 and fields["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("\n# EOF\n")


def test_health(port):
    status, _, text = ask(port, "/healthz")
    assert status == 200 and json.loads(text)["status"] == "ok" and json.loads(text)["source"] == "recording"


def test_every_answer_is_guarded(port):
    for path in ("/metrics", "/healthz", "/none"):
        fields = ask(port, path)[1]
        assert "default-src 'none'" in fields["Content-Security-Policy"] and "unsafe" not in fields["Content-Security-Policy"]
        assert fields["X-Content-Type-Options"] == "nosniff" and fields["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method, path, fields, status", [
    ("GET", "/none", {}, 404),
    ("GET", "/metrics/", {}, 404),
    ("GET", "/metrics%2f", {}, 404),
    ("GET", "/../metrics", {}, 404),
    ("HEAD", "/metrics", {}, 200),
    ("POST", "/metrics", {"Content-Length": "0"}, 405),
    ("DELETE", "/metrics", {}, 405),
    ("GET", "/metrics", {"Host": "localhost"}, 200),
    ("GET", "/metrics", {"Host": "evil.example"}, 421),
    ("GET", "/metrics", {"Host": "10.0.0.1:80"}, 421),
    ("GET", "/metrics", {"Origin": "http://evil.example"}, 403),
    ("GET", "/metrics", {"Origin": "null"}, 403),
    ("GET", "/metrics?" + "a" * 100000, {}, 414),
    ("GET", "/metrics?%ff=%00&&&=%", {}, 200),
], ids=lambda value: str(value)[:24])
def test_who_may_ask_for_what(port, method, path, fields, status):
    got, _, body = ask(port, path, method, **fields)
    assert got == status and (method != "HEAD" or not body)


def test_a_page_of_its_own_may_ask(port):
    assert ask(port, "/metrics", Origin=f"http://127.0.0.1:{port}")[0] == 200


HEAD = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize("bytes_, is_whole", [
    (b"\0" * 100, False),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", False),
    (HEAD, False),
    (b"GET\r\n\r\n", True),
    (b"GET / HTTP/9.9\r\n\r\n", True),
    (b"GET /metrics HTTP/1.1\r\n\r\n", True),
    (HEAD + b"Content-Length: 10\r\n\r\n0123456789", True),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", True),
    (b"A" * 200000, True),
], ids=range(9))
def test_what_is_no_request(port, bytes_, is_whole):
    """It gets no metrics: an error or nothing, where something is due; the others are answered as before."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        answer = b""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            peer.sendall(bytes_)
            while is_whole and (piece := peer.recv(65536)):
                answer += piece
        assert b"hark_" not in answer
    assert ask(port, "/healthz")[0] == 200


def test_a_token(tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    token.chmod(0o600)
    with serving("--token-file", token) as port:
        assert ask(port, "/metrics")[0] == 401
        assert ask(port, "/none")[0] == 401
        assert ask(port, "/metrics", Authorization="Bearer 0123456789abcdeF")[0] == 401
        status, _, text = ask(port, "/metrics", Authorization="Bearer 0123456789abcdef", Host="node.example")
        assert status == 200 and "\nhark_serve_refused_total 3\n" in text
        assert ask(port, "/healthz")[0] == 200


def refused(*words):
    done = subprocess.run([HARK, "serve", "--no-config", "--replay", RECORDING, *map(str, words)], capture_output=True,
                          text=True, timeout=30, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "10.0.0.1:9464"])
def test_beyond_loopback_needs_tls_and_a_token(listen, tmp_path):
    (tmp_path / "x").write_text("x")
    for words in ([], ["--token-file", tmp_path / "x"], ["--tls-cert", tmp_path / "x", "--tls-key", tmp_path / "x"]):
        status, said = refused("--listen", listen, *words)
        assert status == 2 and "that needs TLS and a token" in said


def test_what_cannot_be_served(tmp_path):
    (tmp_path / "token").write_text("0123456789abcdef")
    (tmp_path / "token").chmod(0o644)
    (tmp_path / "pem").write_text("no certificate\n")
    assert refused("--token-file", tmp_path / "token")[0] == 1
    assert "chmod 600" in refused("--token-file", tmp_path / "token")[1]
    assert refused("--tls-cert", tmp_path / "pem")[0] == 2
    assert refused("--tls-cert", tmp_path / "pem", "--tls-key", tmp_path / "pem")[0] == 1
    assert refused("--listen", "example.com:80")[0] == 2
    with socket.create_server(("127.0.0.1", 0)) as other:
        status, said = refused("--listen", f"127.0.0.1:{other.getsockname()[1]}")
        assert status == 1 and "Address already in use" in said
