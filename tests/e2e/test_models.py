# SPDX-License-Identifier: Apache-2.0
"""What JSON says that is posted: calls of models by their makers' own clients, MCP by its own, GraphQL and JSON-RPC."""
import json

import pytest

from harness import DEADLINE_S, HARK, PEERS, Program, free_port, run, wait_until
from servers import HERE, PYTHON
from terminal import ENTER, Terminal

CLIENTS = PEERS / "model-clients"
WITH_CLIENTS = {"PYTHONPATH": str(CLIENTS)}
NPM_CLIENTS = PEERS / "npm-model-clients"
WITH_NPM_CLIENTS = {"NODE_PATH": str(NPM_CLIENTS / "node_modules"), "NODE_TLS_REJECT_UNAUTHORIZED": "0"}
needs_clients = pytest.mark.skipif(not CLIENTS.exists(), reason=f"{CLIENTS} is not there: pip could not fetch it (make peers says why)")


@pytest.fixture(scope="module", params=["clear", "tls"])
def server(request, tmp_path_factory, certificates):
    port = free_port()
    files = [certificates / "cert.pem", certificates / "key.pem"] if request.param == "tls" else []
    program = Program([PYTHON, HERE / "peers/model_serve.py", port, *files], tmp_path_factory.mktemp("models"), ports=(port,))
    program.port, program.url = port, f"{'https' if files else 'http'}://127.0.0.1:{port}"
    yield program
    program.stop()


def ask(server, *words):
    return run(PYTHON, HERE / "peers/model_client.py", words[0], server.url, *words[1:], env=WITH_CLIENTS)


def post(server, path, body):
    return run("curl", "-sSkN", "-H", "Content-Type: application/json", "--data-binary", json.dumps(body), f"{server.url}{path}")


def facts(one):
    return {key: value for key, value in one.items()
            if key.startswith(("gen_ai.", "hark.gen_ai.", "graphql.", "hark.graphql.", "rpc.", "mcp.", "hark.operation", "error."))
            and not key.endswith("_ms")}


OPENAI = {"gen_ai.operation.name": "chat", "hark.gen_ai.api": "openai.chat_completions", "gen_ai.request.model": "small",
          "gen_ai.response.model": "small-2026", "gen_ai.response.id": "chat-1", "gen_ai.usage.input_tokens": 11,
          "gen_ai.usage.output_tokens": 4, "gen_ai.usage.cache_read.input_tokens": 8, "gen_ai.usage.reasoning.output_tokens": 2}
ANTHROPIC = {"gen_ai.operation.name": "chat", "hark.gen_ai.api": "anthropic.messages", "gen_ai.request.model": "small",
             "gen_ai.response.model": "small-2026", "gen_ai.response.id": "msg-1", "gen_ai.usage.input_tokens": 105,
             "gen_ai.usage.output_tokens": 9, "gen_ai.usage.cache_read.input_tokens": 100,
             "gen_ai.usage.cache_creation.input_tokens": 0}
TOOL = {"gen_ai.tool.name": ["get_weather"]}


needs_npm_clients = pytest.mark.skipif(not NPM_CLIENTS.exists(),
                                       reason=f"{NPM_CLIENTS} is not there: npm could not fetch it (make peers says why)")
BY_MAKERS = pytest.mark.parametrize("which,how,expected", [
    ("openai", "whole", OPENAI | TOOL | {"gen_ai.response.finish_reasons": ["tool_calls"]}),
    ("openai", "stream", OPENAI | {"gen_ai.response.finish_reasons": ["stop"], "hark.gen_ai.chunks": 2}),
    ("anthropic", "whole", ANTHROPIC | TOOL | {"gen_ai.response.finish_reasons": ["tool_use"]}),
    ("anthropic", "stream", ANTHROPIC | {"gen_ai.response.finish_reasons": ["end_turn"], "hark.gen_ai.chunks": 2})],
    ids=["openai", "openai-stream", "anthropic", "anthropic-stream"])


@needs_npm_clients
@BY_MAKERS
def test_model_from_node(hark, server, which, how, expected):
    """The same calls by the packages of npm: Node's own HTTP client and TLS."""
    with hark(f"port:{server.port}", verbose=0) as watch:
        client = run("node", HERE / "peers/model_client.js", which, server.url, how, "small", env=WITH_NPM_CLIENTS)
        assert client.text == "Hello there.\n"
        watch.wait_for(2, client, server)
    for who in (client, server):
        one, = watch.of(who)
        assert facts(one) == expected
        assert one["tls"] == server.url.startswith("https")
    assert "ello" not in watch.output_path.read_text() and "secret-key" not in watch.output_path.read_text()


@needs_clients
@BY_MAKERS
def test_model(hark, server, which, how, expected, capture):
    with hark("--capture", capture, f"port:{server.port}", verbose=0) as watch:
        client = ask(server, which, how, "small")
        assert client.text == "Hello there.\n"
        watch.wait_for(2, client, server)
    for who in (client, server):
        one, = watch.of(who)
        assert facts(one) == expected
        if how == "stream":
            assert 10 <= one["hark.gen_ai.time_to_first_chunk_ms"] < one["hark.duration_ms"]
            if who is server:  # a client may read two at once
                assert 15 < one["hark.gen_ai.time_per_output_chunk_ms"] < one["hark.duration_ms"]
        # At [DONE] OpenAI's closes, mostly before HTTP's own end.
        assert not one.get("hark.flags") or (which, how) == ("openai", "stream") and set(one["hark.flags"]) <= {"closed", "reset"}
    assert "ello" not in watch.output_path.read_text() and "secret-key" not in watch.output_path.read_text()


@needs_clients
def test_tokens_behind_a_long_answer(hark, server):
    """OpenAI's last event is larger than what is kept of one: it is read as it comes."""
    with hark(f"port:{server.port}", "role:client", verbose=0) as watch:
        client = ask(server, "responses", "stream", "small")
        assert client.text == "260000\n"
        watch.wait_for(1, client)
    one, = watch.of(client)
    assert facts(one) == {
        "gen_ai.operation.name": "chat", "hark.gen_ai.api": "openai.responses", "gen_ai.request.model": "small",
        "gen_ai.response.model": "small-2026", "gen_ai.response.id": "resp-1", "gen_ai.response.finish_reasons": ["completed"],
        "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 60000, "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.usage.reasoning.output_tokens": 0, "hark.gen_ai.chunks": 2}


@needs_clients
def test_model_content_and_error(hark, server):
    """What was asked and said is shown with -vv alone; an error has its type."""
    with hark(f"port:{server.port}", "fact:gen_ai.request.model", verbose=2) as watch:
        client = ask(server, "openai", "stream", "small")
        failed = ask(server, "openai", "whole", "none")
        assert failed.text == "error 404\n"
        wait_until(lambda: [one for who in (client, failed) for one in watch.of(who) if "hark.message" not in one][1:],
                   "both exchanges, behind the messages of the first")
    one, = [one for one in watch.of(client) if "hark.message" not in one]
    assert one["hark.gen_ai.input"] == "Say hello." and one["hark.gen_ai.output"] == "Hello there."
    one, = watch.of(failed)
    assert one["error.type"] == "invalid_request_error" and one["gen_ai.request.model"] == "none"


@needs_clients
def test_stat_by_model(server):
    """Calls and tokens by model; GraphQL's operations are endpoints of their own."""
    done = run(HARK, "stat", "-o", "json", "-q", "--by", "gen_ai.request.model", f"port:{server.port}", "--", "sh", "-c",
               f"for model in small small large; do {PYTHON} {HERE}/peers/model_client.py anthropic {server.url} stream $model >/dev/null; done",
               env=WITH_CLIENTS, deadline_s=4 * DEADLINE_S)
    rows = {one["gen_ai.request.model"]: one for one in map(json.loads, done.text.splitlines()) if "gen_ai.request.model" in one}
    assert {model: (one["count"], one["gen_ai.usage.input_tokens"], one["gen_ai.usage.output_tokens"]) for model, one in rows.items()} == {
        "small": (2, 210, 18), "large": (1, 105, 9)}


def test_operations_are_endpoints(server):
    asks = " ".join(f"""curl -sSkN -H 'Content-Type: application/json' -d '{{"query": "{query}"}}' {server.url}/graphql >/dev/null;"""
                    for query in ("query Me { me }", "query Me { me }", "mutation Save { me }"))
    done = run(HARK, "stat", "-o", "json", "-q", f"port:{server.port}", "--", "sh", "-c", asks)
    rows = [json.loads(line) for line in done.text.splitlines()]
    assert {(one.get("hark.operation"), one["count"]) for one in rows} == {("query Me", 2), ("mutation Save", 1)}
    assert {one["http.route"] for one in rows} == {"/graphql"}


def test_operations_are_endpoints_of_top(server):
    """Rows of their own, each with its own exchanges behind it."""
    with Terminal(HARK, "top", f"port:{server.port}", columns=120) as top:
        top.wait("Endpoints", "its screen")
        for query in ("query Me { me }", "query Me { me }", "mutation Save { me }"):
            post(server, "/graphql", {"query": query})
        top.wait("/graphql query Me", "the query")
        top.wait("/graphql mutation Save", "the mutation")
        top.press("/Save" + ENTER, "mutation Save")
        top.press(ENTER, "Slowest exchanges of POST")
        assert "mutation Save" in top.text and "query Me" not in top.text
        top.send("q")
        assert top.wait_end() == 0


def test_lines(hark, server):
    with hark(f"port:{server.port}", verbose=0) as watch:
        client = post(server, "/api/chat", {"model": "llama", "messages": [{"role": "user", "content": "Hi"}]})
        watch.wait_for(2, client, server)
    for one in watch.of(client, server):
        assert facts(one) == {"gen_ai.operation.name": "chat", "hark.gen_ai.api": "ollama.chat", "gen_ai.request.model": "llama",
                              "gen_ai.response.model": "llama", "gen_ai.usage.input_tokens": 26, "gen_ai.usage.output_tokens": 3,
                              "gen_ai.response.finish_reasons": ["stop"], "hark.gen_ai.chunks": 2}


def test_graphql_and_json_rpc(hark, server, capture):
    with hark("--capture", capture, f"port:{server.port}", verbose=0) as watch:
        for body in ({"query": "query Me { me }"}, {"query": "mutation Save { errors }", "variables": {}}):
            watch.wait_for(1, post(server, "/graphql", body))
        for method in ("eth_call", "fail"):
            watch.wait_for(1, post(server, "/rpc", {"jsonrpc": "2.0", "id": 7, "method": method}))
        watch.wait_for(4, server)
    me, save, call, fail = [facts(one) for one in watch.of(server)]
    assert me == {"hark.operation": "query Me", "graphql.operation.type": "query", "graphql.operation.name": "Me",
                  "hark.graphql.requests": 1, "hark.graphql.errors": 0}
    assert save["hark.operation"] == "mutation Save" and save["hark.graphql.errors"] == 2
    common = {"rpc.system": "jsonrpc", "rpc.jsonrpc.version": "2.0", "rpc.jsonrpc.request_id": "7"}
    assert call == common | {"rpc.method": "eth_call", "hark.operation": "eth_call"}
    assert fail == common | {"rpc.method": "fail", "hark.operation": "fail", "rpc.jsonrpc.error_code": -32601,
                             "rpc.jsonrpc.error_message": "Method not found"}


@needs_clients
@pytest.mark.parametrize("how", ["json", "sse"])
def test_mcp(hark, tmp_path, how):
    port = free_port()
    program = Program([PYTHON, HERE / "peers/mcp_serve.py", "serve", port, how], tmp_path, ports=(port,), env=WITH_CLIENTS)
    with hark(f"port:{port}", "method:POST", verbose=0) as watch:
        client = run(PYTHON, HERE / "peers/mcp_serve.py", "call", port, env=WITH_CLIENTS)
        assert client.text == "3\n"
        watch.wait_for(5, client)
        watch.wait_for(5, program)
    program.stop()
    for who in (client, program):
        seen = {one["hark.operation"]: facts(one) for one in watch.of(who) if "hark.operation" in one}
        assert {"tools/list", "tools/call add", "tools/call fail"} <= set(seen)
        add, fail = seen["tools/call add"], seen["tools/call fail"]
        assert add["gen_ai.tool.name"] == "add" and add["mcp.method.name"] == "tools/call" and "error.type" not in add
        assert add["gen_ai.operation.name"] == "execute_tool" and add["rpc.system"] == "jsonrpc"
        assert fail["gen_ai.tool.name"] == "fail" and fail["error.type"] == "tool_error"
