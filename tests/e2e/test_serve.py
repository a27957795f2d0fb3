# SPDX-License-Identifier: Apache-2.0
"""hark serve and those who ask: Prometheus and its tools, its client library's parser, slow and hostile readers.

tests/replay/test_serving.py has what a recording can show: paths, rules, pages, errors.
"""
import contextlib
import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse

import pytest

from harness import HARK, PEERS, Program, free_port, is_sanitized, run, wait_until

TOKEN = "e2e-token-0123456789"
EXCHANGES_KEPT = 10000


class Serve:
    """A hark that serves, as a context; ask() asks it."""

    def __init__(self, folder, *words, port=None, tls=None):
        self.port, self.tls, self.command = port or free_port(), tls, [HARK]
        self.folder, self.words, self.fields = folder, [*words, "--listen", f"127.0.0.1:{self.port}"], {}
        if tls:
            token = folder / "token"
            token.write_text(TOKEN + "\n")
            token.chmod(0o600)
            self.words += ["--tls-cert", tls / "cert.pem", "--tls-key", tls / "key.pem", "--token-file", token]
            self.fields = {"Authorization": f"Bearer {TOKEN}"}

    def __enter__(self):
        ring = "512M" if is_sanitized() else "64M"
        self.process = subprocess.Popen([*self.command, "serve", "--no-config", "--ring", ring, *map(str, self.words)],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said = ""
        for line in self.process.stderr:
            self.said += line
            if line.startswith("hark: ready"):
                return self
        raise AssertionError(self.said)

    def __exit__(self, kind, error, trace):
        self.process.send_signal(signal.SIGINT)
        self.said += self.process.communicate(timeout=30)[1]
        assert kind or self.process.returncode == 0, self.said

    def connect(self):
        if not self.tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        context = ssl.create_default_context(cafile=self.tls / "cert.pem")
        context.check_hostname = False
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)

    def ask(self, path, **fields):
        """Status and body."""
        connection = self.connect()
        connection.request("GET", path, headers={**self.fields, **fields})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def metric(self, name, *labels):
        """The sum of the series that have all of these labels."""
        lines = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", self.ask("/metrics")[1], re.M)
        return sum(float(value) for found, value in lines if all(label in found for label in labels))


def curl(*words, status=0):
    return run("curl", "-sS", "-k", "-o", "/dev/null", *words, status=status)


@pytest.fixture(params=["clear", "tls and a token"])
def way(request, certificates):
    return certificates if request.param != "clear" else None


def prometheus_config(folder, serve):
    more = ""
    if serve.tls:
        more = (f"    scheme: https\n    tls_config: {{ca_file: {serve.tls / 'cert.pem'}, insecure_skip_verify: true}}\n"
                f"    authorization: {{credentials_file: {folder / 'token'}}}\n")
    path = folder / "prometheus.yml"
    path.write_text("global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: hark\n"
                    f"    static_configs: [{{targets: ['127.0.0.1:{serve.port}']}}]\n{more}")
    run("promtool", "check", "config", path)
    return path


@contextlib.contextmanager
def prometheus(folder, serve, features="exemplar-storage"):
    """query(PROMQL) of one that scrapes: the values found."""
    port = free_port()
    program = Program(["prometheus", f"--config.file={prometheus_config(folder, serve)}", f"--storage.tsdb.path={folder / 'tsdb'}",
                       f"--web.listen-address=127.0.0.1:{port}", f"--enable-feature={features}"], folder, ports=(port,))

    def query(promql, path="query"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", f"/api/v1/{path}?" + urllib.parse.urlencode({"query": promql, "start": "0", "end": "9e9"}
                                                                               if path != "query" else {"query": promql}))
        answer = json.loads(connection.getresponse().read())
        assert answer["status"] == "success", answer
        if path != "query":
            return answer["data"]
        return [float(one["value"][1]) for one in answer["data"]["result"]]

    try:
        yield query
    finally:
        program.stop()


def test_prometheus_scrapes_it(tmp_path, nginx, way):
    """The number of requests that curl made, from both ends; who collects is not counted."""
    with Serve(tmp_path, f"port:{nginx.http}", tls=way) as serve, prometheus(tmp_path, serve) as query:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        curl("-H", f"traceparent: 00-{trace}-00f067aa0ba902b7-01", f"http://127.0.0.1:{nginx.http}/small.txt?n=[1-23]")
        curl(f"http://127.0.0.1:{nginx.http}/no/such")
        for side, label in ("server", "http_route"), ("client", "url_template"):
            counts = f'sum(http_{side}_request_duration_seconds_count{{http_request_method="GET",http_response_status_code="%s"}})'
            wait_until(lambda counts=counts: query(counts % 200) == [23], f"23 requests in Prometheus ({side})")
            wait_until(lambda counts=counts: query(counts % 404) == [1], f"and one more ({side})")
            assert query(f'count(http_{side}_request_duration_seconds_count{{{label}=""}})') == []
        assert query("up") == [1]
        assert query('hark_build_info{version!=""}') == [1] and query("hark_losses_total") == [0]
        assert query('histogram_quantile(0.99, sum by (le) (http_server_request_duration_seconds_bucket))')[0] < 10
        exemplars = query("http_server_request_duration_seconds_bucket", "query_exemplars")
        assert {one["labels"]["trace_id"] for series in exemplars for one in series["exemplars"]} == {trace}


def test_native_histograms(tmp_path, nginx):
    """Of a Prometheus that asks for them: the same count, and quantiles out of buckets 9 % wide."""
    with Serve(tmp_path, f"port:{nginx.http}") as serve, \
            prometheus(tmp_path, serve, "native-histograms,exemplar-storage") as query:
        curl("-H", 'Host: a"b\\c', f"http://127.0.0.1:{nginx.http}/small.txt?n=[1-17]")
        curl(f"http://127.0.0.1:{nginx.http}/wait/slow/0.3")
        count = 'sum(histogram_count(http_%s_request_duration_seconds))'
        for side in "server", "client":
            wait_until(lambda side=side: query(count % side) == [18], f"18 requests ({side})")
        assert query('count(http_client_request_duration_seconds{server_address=`a"b\\\\c`})') == [1]
        slowest = query("histogram_quantile(1, sum(http_server_request_duration_seconds))")[0]
        took = json.loads(serve.ask("/api/exchanges?filter=path:/wait*%20role:server")[1])["exchanges"][0]["exchange"]
        assert took["hark.duration_ms"] / 1000 <= slowest <= took["hark.duration_ms"] / 1000 * 1.1
        total = query("histogram_sum(sum(http_server_request_duration_seconds))")[0]
        assert total == pytest.approx(serve.metric("http_server_request_duration_seconds_sum"))
        assert query("hark_losses_total") == [0] and query("hark_build_info") == [1]


def test_who_collects_is_not_counted(tmp_path, nginx):
    """hark's own end is not observed, and the other end is left out."""
    port = free_port()
    with Serve(tmp_path, f"port:{nginx.http},{port}", port=port) as serve:
        for _ in range(5):
            serve.ask("/metrics")
        curl(f"http://127.0.0.1:{nginx.http}/small.txt")
        wait_until(lambda: serve.metric("http_client_request_duration_seconds_count") == 1, "curl's request")
        assert serve.metric("http_server_request_duration_seconds_count") == 1
        exchanges = json.loads(serve.ask("/api/exchanges")[1])["exchanges"]
        assert [one["exchange"]["url.path"] for one in exchanges] == ["/small.txt"] * 2
        conns = json.loads(serve.ask("/api/connections")[1])["connections"]
        assert {one["connection"].get("server.port") for one in conns} <= {nginx.http}


def test_a_filter_finds_no_secret(tmp_path, nginx):
    """Who may ask is not told what is redacted, by asking whether it is this or that."""
    with Serve(tmp_path, f"port:{nginx.http}", "-vv") as serve:
        curl("-H", "Authorization: Bearer s3cret-word", "-H", "X-Plain: plain-word", f"http://127.0.0.1:{nginx.http}/small.txt")
        for field, word, count in (("x-plain", "plain-word", 2), ("authorization", "s3cret-word", 0)):
            filter_ = urllib.parse.quote(f'header:{field}=*{word}*')
            wait_until(lambda: json.loads(serve.ask("/api/exchanges")[1])["last"] == 2, "both ends")
            assert len(json.loads(serve.ask(f"/api/exchanges?filter={filter_}")[1])["exchanges"]) == count
        assert "s3cret" not in serve.ask("/api/exchanges?verbose=2")[1] + serve.ask("/api/exchange/1")[1]


def test_promtool_finds_nothing(tmp_path, nginx):
    with Serve(tmp_path, f"port:{nginx.http}") as serve:
        curl(f"http://127.0.0.1:{nginx.http}/small.txt?n=[1-3]")
        wait_until(lambda: serve.metric("http_server_request_duration_seconds_count") == 3, "curl's requests")
        done = subprocess.run(["promtool", "check", "metrics"], input=serve.ask("/metrics")[1], capture_output=True, text=True,
                              timeout=30, check=False)
        assert done.returncode == 0 and not done.stdout + done.stderr


def test_the_client_library_parses_it(tmp_path, nginx):
    """prometheus-client's OpenMetrics parser, which is strict, and its parser of the other text."""
    library = PEERS / "prometheus-client-0.21.1"
    if not library.exists():
        pytest.skip(f"{library} is not there (make peers says why)")
    sys.path.insert(0, str(library))
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
    from prometheus_client.parser import text_string_to_metric_families as prometheus_text

    with Serve(tmp_path, f"port:{nginx.http}") as serve:
        curl("-H", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
             f"http://127.0.0.1:{nginx.http}/small.txt?n=[1-3]")
        curl("-H", 'Host: a"b\\c\xff', f"http://127.0.0.1:{nginx.http}/small.txt")
        wait_until(lambda: serve.metric("http_client_request_duration_seconds_count") == 4, "curl's requests")
        families = {family.name: family for family in open_metrics(serve.ask("/metrics", Accept="application/openmetrics-text")[1])}
        other = {family.name: family for family in prometheus_text(serve.ask("/metrics")[1])}
    duration = families["http_server_request_duration_seconds"]
    assert duration.type == "histogram" and duration.unit == "seconds"
    assert {one.exemplar.labels["trace_id"] for one in duration.samples if one.exemplar} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    counts = [one for family in (duration, other[duration.name]) for one in family.samples if one.name.endswith("_count")]
    assert sum(one.value for one in counts) == 8
    assert families["hark_events_lost"].type == "counter" and families["hark_build"].type == "info"


def test_health(tmp_path, nginx):
    with Serve(tmp_path, f"port:{nginx.http}") as serve:
        status, text = serve.ask("/healthz")
        assert status == 200 and json.loads(text)["source"] == "live"
        assert "serving http://127.0.0.1:" in serve.said


def test_what_is_in_flight(tmp_path, nginx):
    with Serve(tmp_path, f"port:{nginx.http}") as serve, socket.create_connection(("127.0.0.1", nginx.http)) as peer:
        peer.sendall(b"POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
        wait_until(lambda: serve.metric("http_server_active_requests", 'http_request_method="POST"') == 1, "a request that waits")
        peer.sendall(b"67890")
        wait_until(lambda: serve.metric("http_server_active_requests") == 0, "its end")


# --- readers ------------------------------------------------------------------------------------------


class Events:
    """A reader of /events, which reads when it is told to."""

    def __init__(self, serve, query="", window=None):
        self.peer = socket.socket()
        if window:
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.peer.settimeout(30)
        self.peer.connect(("127.0.0.1", serve.port))
        self.peer.sendall(f"GET /events{query} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        self.file = self.peer.makefile("rb")
        assert b" 200 " in self.file.readline()
        while self.file.readline() != b"\r\n":
            pass
        assert self.next()[0] == "begin"

    def next(self):
        """One event: its name and data."""
        event = {}
        while True:
            name, _, value = self.file.readline().decode().rstrip("\n").partition(": ")
            if name:
                event[name] = value
            elif "data" in event:
                return event["event"], json.loads(event["data"])


def test_events_as_they_come(tmp_path, nginx):
    with Serve(tmp_path, f"port:{nginx.http}") as serve:
        all_, some = Events(serve), Events(serve, "?filter=status:404%20role:server&verbose=1")
        curl(f"http://127.0.0.1:{nginx.http}/small.txt?n=[1-5]")
        curl(f"http://127.0.0.1:{nginx.http}/no/such")
        found = [all_.next()[1] for _ in range(12)]
        assert [one["number"] for one in found] == list(range(1, 13))
        assert sorted(one["exchange"]["url.path"] for one in found) == sorted(["/small.txt"] * 10 + ["/no/such"] * 2)
        name, one = some.next()
        assert name == "exchange" and one["failed"] and one["exchange"]["http.request.header"]


@pytest.mark.slow
def test_a_slow_reader_is_told_what_it_missed(tmp_path, nginx):
    """Every exchange is told or counted as missed; hark loses nothing for it."""
    with Serve(tmp_path, f"port:{nginx.http}", "role:server") as serve:
        slow = Events(serve, window=4096)
        total = 3 * EXCHANGES_KEPT
        run("hey", "-n", total, "-c", "10", f"http://127.0.0.1:{nginx.http}/small.txt", deadline_s=120)
        wait_until(lambda: serve.metric("http_server_request_duration_seconds_count") == total, "all requests", 120)
        told = missed = last = 0
        while told + missed < total:
            name, data = slow.next()
            if name == "missed":
                missed += data["missed"]
            else:
                told += 1
                assert data["number"] > last
                last = data["number"]
        assert last == total and missed > 0 and told >= EXCHANGES_KEPT
        assert serve.metric("hark_serve_missed_total") == missed
        assert serve.metric("hark_losses_total") == 0


@pytest.mark.slow
def test_who_asks_for_much_holds_nothing_up(tmp_path, nginx):
    """Two hundred at once search all that is kept: who is not answered in this turn is told so, and nothing is lost."""
    with Serve(tmp_path, f"port:{nginx.http}") as serve:
        run("hey", "-n", EXCHANGES_KEPT // 2, "-c", "10", f"http://127.0.0.1:{nginx.http}/small.txt", deadline_s=120)
        wait_until(lambda: json.loads(serve.ask("/api/exchanges?limit=1")[1])["last"] == EXCHANGES_KEPT, "all of them")
        asked = urllib.parse.quote("url:~'(a|b)*c[x-z]{3}' or header:x-none=*z* or path:*none*")
        peers = [socket.create_connection(("127.0.0.1", serve.port), timeout=60) for _ in range(200)]
        for peer in peers:
            peer.sendall(f"GET /api/exchanges?filter={asked} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        curl(f"http://127.0.0.1:{nginx.http}/small.txt?n=[1-50]")
        answers = [peer.makefile("rb").readline().split()[1] for peer in peers]
        for peer in peers:
            peer.close()
        assert set(answers) == {b"200", b"503"}
        wait_until(lambda: json.loads(serve.ask("/api/exchanges?limit=1")[1])["last"] == EXCHANGES_KEPT + 100, "what came meanwhile")
        assert serve.metric("hark_losses_total") == 0


def test_hundreds_of_connections(tmp_path, nginx):
    """Half a request each: others are answered meanwhile, beyond the limit nobody is; all is well when they go."""
    with Serve(tmp_path, f"port:{nginx.http}") as serve:
        peers = []
        for _ in range(400):
            peer = socket.create_connection(("127.0.0.1", serve.port), timeout=30)
            peer.sendall(b"GET /metrics HTTP/1.1\r\nHost: local")
            peers.append(peer)
            if len(peers) == 200:
                assert serve.ask("/healthz")[0] == 200
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            serve.ask("/healthz")
        for peer in peers:
            peer.close()

        def answered():
            with contextlib.suppress(ConnectionError, http.client.HTTPException):
                return serve.ask("/healthz")[0] == 200
            return False

        wait_until(answered, "an answer again")
        assert serve.metric("hark_limit_serve_total") >= 145


@pytest.mark.slow
def test_a_request_takes_half_a_minute_at_most(tmp_path, nginx):
    """Byte by byte, too."""
    with Serve(tmp_path, f"port:{nginx.http}") as serve:
        peer = socket.create_connection(("127.0.0.1", serve.port), timeout=2)
        began = time.monotonic()
        peer.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < 60:
                peer.sendall(b"x")
                with contextlib.suppress(TimeoutError):
                    if not peer.recv(1):
                        raise ConnectionError("closed")
        assert 25 < time.monotonic() - began < 45
        assert serve.ask("/healthz")[0] == 200


def test_what_comes_to_tls_in_clear(tmp_path, nginx, certificates):
    with Serve(tmp_path, f"port:{nginx.http}", tls=certificates) as serve:
        for bytes_ in b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\0" * 1000:
            with socket.create_connection(("127.0.0.1", serve.port), timeout=30) as peer:
                with contextlib.suppress(OSError):  # it may be gone before its end is told
                    peer.sendall(bytes_)
                    peer.shutdown(socket.SHUT_WR)
                    while peer.recv(65536):
                        pass
        assert serve.ask("/metrics")[0] == 200
        serve.fields = {}
        assert serve.ask("/metrics")[0] == 401 and serve.ask("/healthz")[0] == 200


def test_any_name_will_do_for_who_knows_the_token(tmp_path, nginx, certificates):
    """A site that points its own name here has no token."""
    with Serve(tmp_path, f"port:{nginx.http}", tls=certificates) as serve:
        assert serve.ask("/metrics", Host="node17.example:9464")[0] == 200
