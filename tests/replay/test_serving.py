# SPDX-License-Identifier: Apache-2.0
"""hark serve on a recording: paths and metrics are those of docs/interface.md, and who may ask."""
import contextlib
import http.client
import json
import os
import pathlib
import random
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
def serving(*words, form=("serve", "--replay", RECORDING)):
    """The port of a hark that serves a recording."""
    process = subprocess.Popen([HARK, *form, "--no-config", "--listen", "127.0.0.1:0", *words], stderr=subprocess.PIPE, text=True)
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


def test_both_forms_are_the_same(port):
    with serving(form=("replay", RECORDING, "serve")) as other:
        for path in "/api/exchanges?limit=1000&verbose=1", "/api/connections", "/healthz":
            assert ask(other, path)[2] == ask(port, path)[2]


def test_health(port):
    status, _, text = ask(port, "/healthz")
    assert status == 200 and json.loads(text)["status"] == "ok" and json.loads(text)["source"] == "recording"


def test_paths_are_those_of_the_page(port):
    source = (ROOT / "agent/sinks/serve/serve_paths.c").read_text()
    answered, files = (re.findall(rf'^\t{begin}"([^"]+)"', source, re.M) for begin in (r"\{ ", r"FILE_ROW\("))
    assert {*answered, "/"} == set(listed("Paths")) and "/" in files, "what stands beside the page is the page's own"
    for path in (*answered, *files):
        if path not in ("/events", "/api/exchange/"):
            assert ask(port, path)[0] == 200, path


def lines_of(*words):
    done = subprocess.run([HARK, "replay", RECORDING, *words, "--no-config", "-q", "-o", "json"], capture_output=True, text=True,
                          timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def asked(port, path):
    status, fields, body = ask(port, path)
    assert status == 200 and fields["Content-Type"] == "application/json", body
    return json.loads(body)


def test_exchanges_are_those_of_json(port):
    listed_ = asked(port, "/api/exchanges?limit=1000")["exchanges"]
    assert [item["exchange"] for item in reversed(listed_)] == lines_of("watch", "--all")
    assert [item["number"] for item in reversed(listed_)] == list(range(1, len(listed_) + 1))
    verbose = asked(port, "/api/exchanges?limit=1000&verbose=1")["exchanges"]
    assert [item["exchange"] for item in reversed(verbose)] == lines_of("watch", "--all", "-v")
    failed = asked(port, "/api/exchanges?filter=status:404")["exchanges"]
    assert len(failed) == 4 and all(item["failed"] for item in failed)


def test_pages_of_exchanges(port):
    all_ = [item["number"] for item in asked(port, "/api/exchanges?limit=1000")["exchanges"]]
    page, found = asked(port, "/api/exchanges?limit=5"), []
    while True:
        found += [item["number"] for item in page["exchanges"]]
        if "before" not in page:
            break
        page = asked(port, f"/api/exchanges?limit=5&before={page['before']}")
    assert found == all_
    assert [item["number"] for item in asked(port, f"/api/exchanges?after={all_[2]}")["exchanges"]] == all_[:2]
    one = asked(port, "/api/exchange/5")
    of_connection = asked(port, f"/api/exchanges?connection={one['exchange']['hark.connection']}")["exchanges"]
    assert {item["exchange"]["hark.connection"] for item in of_connection} == {one["exchange"]["hark.connection"]}


def test_one_exchange(port):
    one = asked(port, "/api/exchange/5")
    assert one["number"] == 5 and one["exchange"]["http.response.status_code"] == 404 and one["curl"].startswith("curl ")
    assert "http.request.header" in one["exchange"] and "hark.wait_ms" in one["exchange"]
    for path in ("0", "99999", "x", "", "5x", "-1", "99999999999999999999999999"):
        assert ask(port, f"/api/exchange/{path}")[0] == 404, path


def test_bodies_are_there_with_vv():
    with serving("-vv") as port:
        bodies = [item["exchange"] for item in asked(port, "/api/exchanges?verbose=2")["exchanges"]]
        assert any("http.response.body" in one for one in bodies)


def test_endpoints_and_connections(port):
    endpoints = asked(port, "/api/endpoints?limit=1000")["endpoints"]
    stat = lines_of("stat")
    for row in stat:
        row.pop("duration_share", None)
    assert endpoints == stat
    conns = asked(port, "/api/connections?limit=1000")["connections"]
    lines = {conn["hark.connection"]: conn for conn in lines_of("conns", "--all")}
    assert {item["connection"]["hark.connection"]: item["connection"] for item in conns} == lines
    assert asked(port, "/api/counters")["exchanges.joined"] == 11


@pytest.mark.parametrize("path, said", [
    ("/api/exchanges?filter=status:2zz", "\nstatus:2zz\n       ^^^\n"),
    ("/api/exchanges?filter=body:x", "body: is no filter here"),
    ("/api/exchanges?filter=" + "(" * 100, "more than 16 parentheses"),
    ("/api/exchanges?limit=0", "limit is no number from 1 to 1000"),
    ("/api/exchanges?limit=99999999999999999999", "limit is no number"),
    ("/api/exchanges?verbose=3", "verbose is no number from 0 to 2"),
    ("/api/exchanges?before=x", "before is no number"),
    ("/api/connections?filter=%1b", "is no filter: one is key:value"),
    ("/api/endpoints?window=1y", "window is none of"),
    ("/api/endpoints?sort=x", "sort is no column"),
    ("/events?filter=x:y", "^"),
    ("/events?from=99999", "from is no number"),
], ids=range(12))
def test_what_is_wrong_is_told(port, path, said):
    status, fields, body = ask(port, path)
    assert status == 400 and said in body and fields["Content-Type"].startswith("text/plain"), body
    assert "\x1b" not in body


def events_of(port, query, wanted, **fields):
    """So many events of a stream, as (event, id, data)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/events" + query, headers={name.replace("_", "-"): value for name, value in fields.items()})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/event-stream"
    found, event = [], {}
    while len(found) < wanted:
        name, _, value = answer.readline().decode().rstrip("\n").partition(": ")
        if name:
            event[name] = value
        elif "data" in event:
            found.append((event["event"], event.get("id"), json.loads(event["data"])))
            event = {}
    connection.close()
    return found


def test_events(port):
    begin, *rest = events_of(port, "?from=1&filter=status:404", 5)
    assert begin[0] == "begin" and begin[2]["next"] == 1
    assert [data for _, _, data in rest] == list(reversed(asked(port, "/api/exchanges?filter=status:404")["exchanges"]))
    assert [int(number) for _, number, _ in rest] == [data["number"] for _, _, data in rest]
    last = asked(port, "/api/exchanges")["last"]
    assert events_of(port, "", 1)[0][2]["next"] == last + 1
    assert events_of(port, "", 2, Last_Event_ID=str(last - 1))[1][1] == str(last)
    assert events_of(port, "", 1, Last_Event_ID="99999")[0][2]["next"] == last + 1
    assert ask(port, "/events", Origin="http://evil.example")[0] == 403


def test_streams_and_connections_are_bounded():
    with serving() as port:
        streams = []
        for _ in range(64):
            peer = socket.create_connection(("127.0.0.1", port), timeout=30)
            peer.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert peer.recv(4096).startswith(b"HTTP/1.1 200")
            streams.append(peer)
        assert ask(port, "/events")[0] == 503
        idle = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(192)]
        with pytest.raises((ConnectionError, http.client.HTTPException)):  # one more than there may be
            ask(port, "/healthz")
        for peer in streams + idle:
            peer.close()

        def answers():
            with contextlib.suppress(ConnectionError, http.client.HTTPException):
                return ask(port, "/metrics")[2]
            return None

        while not (text := answers()):
            pass
        assert int(re.search(r"^hark_limit_serve_total (\d+)$", text, re.M)[1]) >= 2


def test_every_answer_is_guarded(port):
    for path in ("/", "/metrics", "/healthz", "/api/exchanges", "/none"):
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


def test_hostile_requests(port):
    """Requests with bytes changed, taken out and put in, the same ones each time."""
    chance = random.Random(1)
    whole = (b"GET /api/exchanges?filter=status:404%20or%20(host:a)&limit=3&verbose=2&before=9 HTTP/1.1\r\nHost: localhost\r\n"
             b"Accept: application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1\r\nOrigin: null\r\nLast-Event-ID: 3\r\n\r\n")
    for _ in range(400):
        bytes_ = bytearray(whole.replace(b"/api/exchanges", chance.choice([b"/events", b"/metrics", b"/api/exchanges", b"/api/exchange/3"])))
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(bytes_))
            bytes_[at:at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        with socket.create_connection(("127.0.0.1", port), timeout=30) as peer, contextlib.suppress(ConnectionError):
            peer.sendall(bytes_)
    assert ask(port, "/metrics")[0] == 200


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
