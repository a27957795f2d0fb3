# SPDX-License-Identifier: Apache-2.0
"""-o otlp: what a receiver reads of it is what was done.

Two receivers: one that decodes by the classes that OpenTelemetry makes of its .proto files, and, where `make receivers`
built it, the OpenTelemetry Collector, whose file exporter's output is read.
"""
import base64
import collections
import json
import os
import signal
import sys

import pytest

from harness import HARK, PEERS, ROOT, Hark, Program, free_port, run, wait_until
from receiver import Answer, Receiver
from servers import HERE, PYTHON

RECORDING = ROOT / "testdata/recordings/mixed.rec"
DECODER, COLLECTOR, JAEGER = (PEERS / name for name in ("otlp-proto", "receivers/collector", "receivers/jaeger"))
RECEIVERS = ["decoder"] + (["collector"] if COLLECTOR.exists() else [])
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def classes():
    """ExportTraceServiceRequest, ExportTraceServiceResponse and ExportMetricsServiceRequest."""
    if not DECODER.exists():
        pytest.skip(f"{DECODER} is not there: pip could not fetch it (make peers says why)")
    sys.path.insert(0, str(DECODER))
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace
    return trace.ExportTraceServiceRequest, trace.ExportTraceServiceResponse, metrics.ExportMetricsServiceRequest


def plain(value):
    """An AnyValue in OTLP's JSON as Python has it."""
    (kind, inner), = value.items()
    if kind == "arrayValue":
        return [plain(one) for one in inner.get("values", [])]
    return int(inner) if kind == "intValue" else inner


def attributes(of):
    names = [pair["key"] for pair in of.get("attributes", [])]
    assert len(names) == len(set(names)), "an attribute comes twice"
    return {pair["key"]: plain(pair["value"]) for pair in of.get("attributes", [])}


Span = collections.namedtuple("Span", "resource scope name kind trace id parent links start end error flags attributes")
KINDS = {1: "internal", 2: "server", 3: "client"}


def spans_of(requests):
    """Of requests in OTLP's JSON; ids in hex."""
    return [Span(attributes(group["resource"]), scope["scope"], span["name"], KINDS[span["kind"]], span["traceId"], span["spanId"],
                 span.get("parentSpanId", ""), [(link["traceId"], link["spanId"]) for link in span.get("links", [])],
                 int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]), span.get("status", {}).get("code") == 2,
                 span.get("flags"), attributes(span))
            for request in requests for group in request.get("resourceSpans", []) for scope in group["scopeSpans"]
            for span in scope["spans"]]


def points_of(requests):
    """(metric, resource, attributes, point) of histograms."""
    return [(metric["name"], attributes(group["resource"]), attributes(point), point)
            for request in requests for group in request.get("resourceMetrics", []) for scope in group["scopeMetrics"]
            for metric in scope["metrics"] if (metric["unit"], metric["histogram"]["aggregationTemporality"]) == ("s", 2)
            for point in metric["histogram"]["dataPoints"]]


class Decoder(Receiver):
    """Reads by OpenTelemetry's own classes."""

    def __init__(self, classes, *words):
        super().__init__(*words)
        self.traces, _, self.metrics = classes

    def read(self):
        from google.protobuf import json_format

        def as_json(request):
            kind = self.traces if request.path.endswith("/v1/traces") else self.metrics
            text = json_format.MessageToJson(kind.FromString(request.body), use_integers_for_enums=True)

            def ids(found):
                return {key: base64.b64decode(value).hex() if key.endswith("Id") else value for key, value in found.items()}
            return json.loads(text, object_hook=ids)
        return [as_json(request) for request in self.requests]


class Collector:
    """The OpenTelemetry Collector."""

    def __init__(self, folder):
        self.folder, self.port, self.out = folder, free_port(), folder / "out.json"
        self.config = folder / "collector.yaml"
        self.config.write_text(f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{self.port}"}}}}}}}}
exporters: {{file: {{path: "{self.out}", append: true, flush_interval: 10ms}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
    metrics: {{receivers: [otlp], exporters: [file]}}
""")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.program = Program([COLLECTOR, "--config", f"file:{self.config}"], self.folder, [self.port])
        return self

    def __exit__(self, *_):
        self.program.stop()

    def read(self):
        self.program.stop()  # then it has written all
        return self.written()

    def written(self):
        """So far; its last line may not be whole."""
        *lines, _ = self.out.read_text().split("\n")
        return [json.loads(line) for line in lines]


@pytest.fixture(params=RECEIVERS)
def receiver(request, classes, tmp_path):
    with (Decoder(classes) if request.param == "decoder" else Collector(tmp_path)) as made:
        yield made


def replay(url, *options, recording=RECORDING, status=0, env=None):
    done = run(HARK, "replay", recording, "-o", f"otlp:{url}", "--stats-json", "/dev/stdout", *options, status=status, env=env)
    return {name.removeprefix("export."): value for name, value in json.loads(done.text).items() if name.startswith("export.")}, \
        done.err.decode()


def objects(recording=RECORDING):
    return [json.loads(line) for line in run(HARK, "replay", recording, "-o", "json").text.splitlines()]


# Of JSON what a span has under another name, or elsewhere.
ELSEWHERE = {"time", "hark.role", "hark.duration_ms", "process.pid", "process.executable.name", "container.id", "trace_id",
             "span_id", "http.route", "error.type"}
NOT_THERE = {"hark.connection.number", "hark.fd", "hark.peer_connection", "hark.server_ms", "hark.network_ms", "process.user.id",
             "network.local.address", "network.local.port", "hark.connect_ms", "hark.tls_handshake_ms", "hark.idle_ms",
             "client.address", "client.port"}  # of clients


def test_spans_are_the_objects_of_json(receiver):
    """Every key of JSON is there with its value, and nothing else that JSON knows otherwise."""
    told = objects()
    counts, said = replay(receiver.url)
    assert counts == {"delivered": len(told), "rejected": 0, "lost": 0}, said
    spans = {(span.start, span.kind, span.attributes.get("hark.stream")): span for span in spans_of(receiver.read())}
    assert len(spans) == len(told) and len({span.id for span in spans.values()}) == len(told)
    for one in told:
        whole, nanoseconds = one["time"].rstrip("Z").split(".")
        seconds = int(run("date", "-u", "-d", whole + "Z", "+%s").text)
        span = spans[seconds * 10**9 + int(nanoseconds), one["hark.role"], one.get("hark.stream")]
        assert span.scope["name"] == "hark" and span.resource["host.name"] == os.uname().nodename
        assert (span.resource["process.pid"], span.resource["process.executable.name"]) == (
            one["process.pid"], one["process.executable.name"])
        if "hark.duration_ms" in one:
            assert span.end - span.start == round(one["hark.duration_ms"] * 1e6)
        for key, value in one.items():
            if key in ELSEWHERE | NOT_THERE:
                continue
            assert span.attributes[key] == value, key
        route = span.attributes.get("url.template" if span.kind == "client" else "http.route")
        assert route == one.get("http.route") and span.name == f"{one['http.request.method']} {route}"


def test_metrics_count_the_exchanges(receiver):
    told = [one for one in objects() if "hark.duration_ms" in one]
    replay(receiver.url)
    points = points_of(receiver.read())
    for role in ("server", "client"):
        mine = [point for name, _, _, point in points if name == f"http.{role}.request.duration"]
        durations = [one["hark.duration_ms"] / 1e3 for one in told if one["hark.role"] == role]
        assert sum(int(point["count"]) for point in mine) == len(durations)
        assert sum(point["sum"] for point in mine) == pytest.approx(sum(durations))
        for at, bound in enumerate(mine[0]["explicitBounds"]):
            assert sum(int(point["bucketCounts"][at]) for point in mine) == len(
                [one for one in durations if (mine[0]["explicitBounds"][at - 1] if at else -1) < one <= bound])
    labels = {frozenset(labels) for name, _, labels, _ in points if "server" in name}
    assert all({"http.request.method", "http.response.status_code"} <= one for one in labels)
    assert not [resource for _, resource, *_ in points if "process.pid" in resource], "a series a process"


def live(tmp_path, receiver, server, *words, count=2, ports=None):
    """The spans that the exchanges of a curl and its server gave, by kind, and the JSON beside."""
    with Hark(tmp_path, "-o", f"otlp:{receiver.url}", f"port:{ports or server.http}", verbose=0) as hark:
        client = run("curl", "-s", "-o", tmp_path / "body", *words, status=None)
        hark.wait_for(count)
    assert hark.stats["export.lost"] == hark.stats["export.rejected"] == 0
    mine = [span for span in spans_of(receiver.read()) if span.resource["process.pid"] == client.pid
            or span.resource["process.executable.name"] == "nginx"]
    return {span.kind: span for span in mine}


def test_a_trace_goes_on(tmp_path, receiver, nginx):
    """Both ends have the parent that traceparent names, and link to each other."""
    spans = live(tmp_path, receiver, nginx, "-H", f"traceparent: 00-{TRACE}-{SPAN}-01", f"http://127.0.0.1:{nginx.http}/one?a=1")
    client, server = spans["client"], spans["server"]
    assert (client.trace, client.parent, server.trace, server.parent) == (TRACE, SPAN, TRACE, SPAN)
    assert client.links == [(TRACE, server.id)] and server.links == [(TRACE, client.id)]
    assert client.id != server.id and SPAN not in (client.id, server.id)
    assert client.flags & 0xff == server.flags & 0xff == 1
    assert client.attributes["url.full"] == f"http://127.0.0.1:{nginx.http}/one?a=1"
    assert client.resource["service.name"] == "curl"


def test_without_a_trace_the_client_is_the_parent(tmp_path, receiver, nginx):
    spans = live(tmp_path, receiver, nginx, f"http://127.0.0.1:{nginx.http}/one")
    client, server = spans["client"], spans["server"]
    assert client.parent == "" and (server.trace, server.parent) == (client.trace, client.id)
    assert int(client.trace, 16) and int(client.id, 16) and not client.links and not server.links


def test_errors(tmp_path, receiver, nginx):
    """404 is the client's error, not the server's."""
    spans = live(tmp_path, receiver, nginx, f"http://127.0.0.1:{nginx.http}/no/such")
    client, server = spans["client"], spans["server"]
    assert (client.error, client.attributes["error.type"]) == (True, "404")
    assert not server.error and "error.type" not in server.attributes


def test_secrets_and_bytes_of_any_kind(tmp_path, receiver, nginx):
    """Secrets are redacted as in JSON; what is no UTF-8 does not break the request that it is in."""
    url = f"http://127.0.0.1:{nginx.http}/one?access_token=topsecret&b=%FF"
    spans = live(tmp_path, receiver, nginx, "--path-as-is", "-X", "ODD", url, "-H", "Host: \xff\xfe", count=2)
    client = spans["client"]
    assert "topsecret" not in json.dumps(receiver.read()) and "[redacted]" in client.attributes["url.query"]
    assert (client.attributes["http.request.method"], client.attributes["http.request.method_original"]) == ("_OTHER", "ODD")
    assert client.name.startswith("_OTHER")


def test_model_calls(tmp_path, receiver):
    """By the names of OpenTelemetry's conventions for GenAI."""
    port = free_port()
    server = Program([PYTHON, HERE / "peers/model_serve.py", port], tmp_path, [port])
    asked = json.dumps({"model": "gpt-5", "messages": [{"role": "user", "content": "Say hello."}]})
    spans = live(tmp_path, receiver, None, "-H", "Content-Type: application/json", "-d", asked,
                 f"http://127.0.0.1:{port}/v1/chat/completions", ports=port)
    server.stop()
    client = spans["client"]
    assert client.name == "chat gpt-5"
    for name, value in {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5", "gen_ai.response.model": "gpt-5-2026",
                        "gen_ai.response.id": "chat-1", "gen_ai.response.finish_reasons": ["tool_calls"],
                        "gen_ai.usage.input_tokens": 11, "gen_ai.usage.output_tokens": 4,
                        "gen_ai.tool.name": ["get_weather"]}.items():
        assert client.attributes[name] == value, name


def test_metrics_are_cumulative(tmp_path, classes, nginx, monkeypatch):
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "200")

    def counts(receiver):
        points = [point for _, resource, _, point in points_of(receiver.read()) if resource["service.name"] == "nginx"]
        return [int(point["count"]) for point in points], {point["startTimeUnixNano"] for point in points}

    with Decoder(classes) as receiver:
        with Hark(tmp_path, "-o", f"otlp:{receiver.url}", f"port:{nginx.http}", verbose=0):
            for number in (1, 2, 3):
                run("curl", "-s", "-o", tmp_path / "body", f"http://127.0.0.1:{nginx.http}/one")
                wait_until(lambda number=number: number in counts(receiver)[0], f"{number} in a point")
    told, starts = counts(receiver)
    assert told == sorted(told) and told[-1] == 3 and len(starts) == 1


def test_a_part_is_rejected(classes):
    _, response, _ = classes
    answer = response()
    answer.partial_success.rejected_spans = 5
    answer.partial_success.error_message = "too old"
    with Decoder(classes, lambda request: Answer(200, body=answer.SerializeToString())) as receiver:
        counts, said = replay(receiver.url)
    assert counts == {"delivered": len(objects()) - 5, "rejected": 5, "lost": 0} and "took a part only: too old" in said


PLACES = {"": ("/v1/traces", "/v1/metrics"), "/": ("/v1/traces", "/v1/metrics"), "/otlp": ("/otlp/v1/traces", "/otlp/v1/metrics"),
          "/otlp/?a=b": ("/otlp/v1/traces?a=b", "/otlp/v1/metrics?a=b"), "/x/v1/traces": ("/x/v1/traces", "/x/v1/metrics")}


@pytest.mark.parametrize("place", PLACES)
def test_places(place):
    with Receiver() as receiver:
        replay(receiver.url + place)
    assert [request.path for request in receiver.requests] == list(PLACES[place])
    assert {request.headers["Content-Type"] for request in receiver.requests} == {"application/x-protobuf"}


def test_headers_of_the_environment():
    env = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b%2Cc, x-two = 2,"}
    with Receiver() as receiver:
        replay(receiver.url, "--export-header", "X-One: 1", env=env)
    headers = receiver.requests[0].headers
    assert (headers["api-key"], headers["x-two"], headers["X-One"]) == ("a b,c", "2", "1")
    done = run(HARK, "replay", RECORDING, "-o", "otlp:http://127.0.0.1:1", status=1, env={"OTEL_EXPORTER_OTLP_HEADERS": "nothing"})
    assert "OTEL_EXPORTER_OTLP_HEADERS: a pair is name=value" in done.err.decode()


def jaeger_shows_both_ends_as_one_trace(tmp_path):
    """Asked in the way in which its own page asks."""
    intake, question, remote = (free_port() for _ in range(3))
    config = tmp_path / "jaeger.yaml"
    config.write_text(f"""
extensions:
  jaeger_storage: {{backends: {{mem: {{memory: {{max_traces: 1000}}}}}}}}
  jaeger_query: {{storage: {{traces: mem}}, http: {{endpoint: "127.0.0.1:{question}"}}, grpc: {{endpoint: "127.0.0.1:{remote}"}}}}
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{intake}"}}}}}}}}
exporters: {{jaeger_storage_exporter: {{trace_storage: mem}}}}
service:
  extensions: [jaeger_storage, jaeger_query]
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}}}
""")
    server = Program([JAEGER, "--config", f"file:{config}"], tmp_path, [intake, question])
    counts, _ = replay(f"http://127.0.0.1:{intake}")
    assert counts["lost"] == 0 and counts["rejected"] <= 2  # it takes no metrics

    def traces():
        day = 86400 * 10**6
        span = min(int(run("date", "-d", one["time"], "+%s").text) for one in objects()) * 10**6
        words = f"service=curl&limit=100&start={span - day}&end={span + day}"
        return json.loads(run("curl", "-s", f"http://127.0.0.1:{question}/api/traces?{words}").text)["data"]

    pairs = [trace["spans"] for trace in wait_until(traces, "traces") if len(trace["spans"]) == 2]
    server.stop()
    assert pairs
    for pair in pairs:
        kinds = {next(tag["value"] for tag in span["tags"] if tag["key"] == "span.kind"): span for span in pair}
        parent, = kinds["server"]["references"]
        assert (parent["refType"], parent["spanID"]) == ("CHILD_OF", kinds["client"]["spanID"])
        assert not any(span["warnings"] for span in pair)


if JAEGER.exists():  # where `make receivers` built it
    test_jaeger_shows_both_ends_as_one_trace = jaeger_shows_both_ends_as_one_trace


@pytest.mark.parametrize("made", RECEIVERS)
def test_killed_and_restarted_in_the_middle(tmp_path, classes, nginx, made):
    """What was delivered, and what is counted as lost, is all; what the receiver has is at least what was delivered."""
    first = Decoder(classes) if made == "decoder" else Collector(tmp_path)
    port, asked = first.port, 0

    def ask(count):
        run("curl", "-s", "-o", tmp_path / "body", f"http://127.0.0.1:{nginx.http}/one?[1-{count}]")
        return count

    with Hark(tmp_path, "-o", f"otlp:{first.url}", f"port:{nginx.http}", verbose=0) as hark:
        first.__enter__()
        asked += ask(100)
        wait_until(lambda: len(spans_of(first.read() if made == "decoder" else first.written())) == 2 * asked, "the first spans")
        if made == "decoder":
            first.__exit__()
        else:
            first.program.stop(signal.SIGKILL)
        asked += ask(100)
        wait_until(lambda: any("cannot be reached" in line for line in hark.talk), "hark's line")
        second = first if made == "collector" else Decoder(classes, lambda request: Answer(200), port)
        with second:
            asked += ask(100)
            wait_until(lambda: any("answers again" in line for line in hark.talk), "hark's line")
            hark.wait_for(2 * asked)
            hark.__exit__(None, None, None)
            requests = first.read() + (second.read() if made == "decoder" else [])
    counts = [hark.stats[f"export.{name}"] for name in ("delivered", "rejected", "lost")]
    assert sum(counts) == 2 * asked and counts[1] == 0
    received = {span.id for span in spans_of(requests)}
    assert counts[0] <= len(received) <= 2 * asked
