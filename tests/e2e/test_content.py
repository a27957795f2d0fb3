# SPDX-License-Identifier: Apache-2.0
"""What bodies say: facts of exchanges, and messages as they pass, of real programs."""
import base64
import re

import pytest

from harness import HARK, PEERS, Program, free_port, run
from servers import HERE, PYTHON

PEER = HERE / "peers/content_peer.py"


@pytest.fixture(scope="module", params=["clear", "tls"])
def peer(request, tmp_path_factory, certificates):
    port = free_port()
    files = [certificates / "cert.pem", certificates / "key.pem"] if request.param == "tls" else []
    server = Program([PYTHON, PEER, port, *files], tmp_path_factory.mktemp("content"), ports=(port,))
    server.port, server.scheme = port, "https" if files else "http"
    server.url = f"{server.scheme}://127.0.0.1:{port}"
    yield server
    server.stop()


def curl(url, *options):
    return run("curl", "-sSkN", "--compressed", *options, url)


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
def test_events(hark, peer, capture, coding):
    with hark("--capture", capture, f"port:{peer.port}") as watch:
        client = curl(f"{peer.url}/events?count=5&coding={coding}")
        watch.wait_for(12, client, peer)
    for who in (client, peer):
        *messages, exchange = [one for one in watch.of(who)]
        assert [(one["hark.message"], one["hark.message.from"], one["hark.message.number"], one["hark.message.type"],
                 one["hark.message.id"], one["hark.message.body"]) for one in messages] == [
            ("sse", "server", i + 1, "tick", str(i), f'{{"n": {i}, "password": "[redacted]"}}') for i in range(5)]
        assert all(one["url.path"] == "/events" and one["hark.message.size"] == len('{"n": 0, "password": "hunter2"}')
                   for one in messages)
        assert {one["hark.connection.number"] for one in messages} == {exchange["hark.connection.number"]}
        times = [one["time"] for one in messages]
        assert times == (sorted(times) if coding else sorted(set(times))), "each as it comes; a coding brings all at its end"
        assert exchange["hark.sse.events"] == 5 and exchange["hark.sse.last_id"] == "4"
        assert 0 < exchange["hark.sse.first_event_ms"] <= exchange["hark.duration_ms"]
        # Of the time from the first to the last, which is within the exchange.
        assert coding or exchange["hark.sse.rate"] * (exchange["hark.duration_ms"] - exchange["hark.sse.first_event_ms"]) >= 3999
        assert not exchange.get("hark.flags")
    assert "hunter2" not in watch.output_path.read_text()


def test_events_for_people(peer):
    done = run(HARK, "-v", "-q", "--wide", f"port:{peer.port}", "--", "curl", "-sSkN", "-o", "/dev/null", f"{peer.url}/events")
    lines = (done.text + done.err.decode()).splitlines()
    events = [line for line in lines if re.search(r" sse +< tick #\d id \d 31 ", line)]
    assert len(events) == 3 and '{"n": 0, "password": "[redacted]"}' in events[0], lines
    assert "    = hark.sse.events: 3" in lines
    plain = run(HARK, "-q", "--wide", f"port:{peer.port}", "--", "curl", "-sSkN", "-o", "/dev/null", f"{peer.url}/events")
    assert len((plain.text + plain.err.decode()).splitlines()) == 1


# --- WebSocket ------------------------------------------------------------------------------------

def messages_of(watch, who):
    return [one for one in watch.of(who) if "hark.message" in one]


def said(messages, sender):
    return [one.get("hark.message.body") for one in messages if one["hark.message.from"] == sender
            and one["hark.message.type"] in ("text", "binary")]


@pytest.mark.parametrize("deflate", [[], ["deflate"]], ids=["plain", "deflate"])
def test_websocket(hark, peer, capture, deflate):
    with hark("--capture", capture, f"port:{peer.port}") as watch:
        client = run(PYTHON, HERE / "peers/ws_client.py", f"{peer.url.replace('http', 'ws')}/ws", *deflate)
        assert client.text.splitlines()[-1] == "4001"
        watch.wait_for(2 * 18, client, peer)
    words = ["hello", '{"password": "[redacted]"}', {"base64": "AAEC"}, "x" * 1024, "hello", "in three frames"]
    for who in (client, peer):
        handshake, = [one for one in watch.of(who) if "hark.message" not in one]
        assert handshake["http.response.status_code"] == 101 and handshake["hark.flags"] == ["upgraded"]
        messages = messages_of(watch, who)
        assert said(messages, "server") == words and said(messages, "client") == [*words, "close"]
        assert all(one["hark.message"] == "websocket" and one["url.path"] == "/ws" and one["server.address"] == "127.0.0.1"
                   for one in messages)
        numbers = [one["hark.message.number"] for one in messages if one["hark.message.from"] == "client"
                   and one["hark.message.type"] in ("text", "binary")]
        assert numbers == [1, 2, 3, 4, 5, 6, 7]
        large, = [one for one in messages if one["hark.message.from"] == "client" and one["hark.message.size"] == 3000]
        assert large["hark.flags"] == ["truncated"] and ("hark.message.compressed_size" in large) == bool(deflate)
        assert {one["hark.message.type"]: one["hark.message.body"] for one in messages if one["hark.message.type"] in ("ping", "pong")} == {
            "ping": "are you there", "pong": "are you there"}
        close, *_ = [one for one in messages if one["hark.message.type"] == "close"]
        assert close["hark.message.close_code"] == 4001 and close["hark.message.body"] == "as asked"
        assert not any("gap" in one.get("hark.flags", ()) for one in messages)


def test_websocket_of_node_by_way_of_nginx(hark, peer, tmp_path):
    """npm's ws compresses; nginx passes what it does not read on: four ends of two connections say the same."""
    ws = PEERS / "ws-8.18.0"
    if not ws.exists():
        pytest.skip("npm's ws is not there (make peers)")
    port = free_port()
    folder = tmp_path / "proxy"
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(f"""daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
uwsgi_temp_path {folder}; scgi_temp_path {folder}; server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {peer.url};
proxy_ssl_verify off; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; }} }} }}
""")
    proxy = Program(["nginx", "-c", config, "-p", folder], folder, ports=(port,))
    with hark(f"port:{port},{peer.port}") as watch:
        client = run("node", HERE / "peers/ws_peer.js", ws, f"ws://127.0.0.1:{port}/ws")
        assert client.text.splitlines() == ["hello", "hello again, hello again, hello again", "4001"]
        watch.wait_for(4 * 8, client, peer, proxy)
    proxy.stop()
    for who, times in ((client, 1), (peer, 1), (proxy, 2)):
        messages = messages_of(watch, who)
        assert sorted(said(messages, "server")) == sorted(["hello", "hello again, hello again, hello again"] * times)
        assert len(said(messages, "client")) == 3 * times


def test_websocket_over_http2(hark, tmp_path, capture):
    port = free_port()
    server = Program([PYTHON, HERE / "peers/ws_h2.py", "serve", port], tmp_path, ports=(port,))
    with hark("--capture", capture, f"port:{port}") as watch:
        client = run(PYTHON, HERE / "peers/ws_h2.py", "call", port, "one", "two")
        assert client.text.split() == ["one", "two", "closed"]
        watch.wait_for(7, client)
        watch.wait_for(6, server)
    server.stop()
    for who in (client, server):
        messages = messages_of(watch, who)
        assert said(messages, "server") == said(messages, "client") == ["one", "two"]
        assert all(one["hark.stream"] == 1 and one["url.path"] == "/chat" for one in messages)
        assert [one["hark.message.close_code"] for one in messages if one["hark.message.type"] == "close"][0] == 1000


# --- gRPC -----------------------------------------------------------------------------------------

SHOP = HERE / "peers/shop.py"


@pytest.fixture(scope="module", params=["clear", "tls"])
def shop(request, tmp_path_factory, certificates):
    port = free_port()
    files = [certificates / "cert.pem", certificates / "key.pem"] if request.param == "tls" else []
    server = Program([PYTHON, SHOP, "serve", port, *files], tmp_path_factory.mktemp("shop"), ports=(port,))
    server.call = [PYTHON, SHOP, "call", port, *files[:1]]
    server.port = port
    yield server
    server.stop()


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "shop.pb"
    run(PYTHON, SHOP, "schema", path)
    return path


def buy_all(shop):
    client = run(*shop.call)
    assert client.text.split() == ["2", "3", "5", "2", "NOT_FOUND"]
    return client


def grpc_facts(one):
    return {key: one.get(key) for key in ("rpc.service", "rpc.grpc.status_code", "hark.grpc.request.messages",
                                          "hark.grpc.response.messages")}


def test_grpc_calls(hark, shop, capture):
    with hark("--capture", capture, f"port:{shop.port}", verbose=0) as watch:
        client = buy_all(shop)
        watch.wait_for(10, client, shop)
    for who in (client, shop):
        calls = {one["rpc.method"]: one for one in watch.of(who)}
        counts = {"Buy": (1, 1, 0), "List": (1, 3, 0), "Fill": (2, 1, 0), "Talk": (2, 2, 0), "Fail": (1, 0, 5)}
        assert {name: grpc_facts(one) for name, one in calls.items()} == {
            name: {"rpc.service": "shop.Shop", "rpc.grpc.status_code": status, "hark.grpc.request.messages": sent,
                   "hark.grpc.response.messages": got} for name, (sent, got, status) in counts.items()}
        assert 0 < calls["Buy"]["hark.grpc.timeout_ms"] <= 20000 and "hark.grpc.timeout_ms" not in calls["List"]
        assert calls["Talk"]["hark.grpc.request.encoding"] == "gzip"
        assert calls["Fail"]["hark.grpc.status_message"] == "no such thing: 100% gone"
        assert calls["Buy"]["hark.grpc.request.size"] == len("..tea" ".." "..hunter2")


def test_grpc_messages(hark, shop, schema, capture):
    """Each as it passes, with names where a schema has them; what is compressed is decoded too."""
    with hark("--capture", capture, "--proto", schema, f"port:{shop.port}", verbose=2) as watch:
        client = buy_all(shop)
        watch.wait_for(2 * (5 + 14), client, shop)
    for who in (client, shop):
        messages = messages_of(watch, who)
        bodies = [(one["url.path"].rsplit("/", 1)[1], one["hark.message.from"], one["hark.message.number"], one["hark.message.body"])
                  for one in messages]
        assert bodies[:2] == [("Buy", "client", 1, 'sku: "tea"\ncount: 1\npassword: [redacted]\n'),
                              ("Buy", "server", 1, 'sku: "tea"\ncount: 2\n')]
        assert [one for one in bodies if one[0] == "List" and one[1] == "server"] == [
            ("List", "server", i + 1, 'sku: "tea"\n' + (f"count: {i}\n" if i else "")) for i in range(3)]
        talk = [one for one in messages if one["url.path"].endswith("Talk") and one["hark.message.from"] == "client"]
        assert [one["hark.message.body"] for one in talk] == [f'sku: "{"x" * 200}"\n'] * 2
        assert all(one["hark.message.compressed_size"] < 60 < one["hark.message.size"] for one in talk)
    assert "hunter2" not in watch.output_path.read_text()


def test_grpc_without_a_schema(shop, tmp_path):
    lines = tmp_path / "lines"
    run(HARK, "-vv", "-q", "--wide", "-o", f"text:{lines}", f"port:{shop.port}", "--", *shop.call)
    text = lines.read_text()
    assert re.search(r" grpc +> message #1 +16 .*/shop\.Shop/Buy", text)
    assert '    >| 1: "tea"\n    >| 2: 1\n    >| 3: "hunter2"\n' in text and '    <| 2: 5\n' in text
    assert f'    >| 1: "{"x" * 200}"' in text
    wrong = run(HARK, "--proto", lines, "-d", "0.1", status=2)
    assert "is no FileDescriptorSet" in wrong.err.decode()


@pytest.mark.parametrize("kind", ["application/grpc-web+proto", "application/grpc-web-text"])
def test_grpc_web(hark, tmp_path, schema, kind):
    port = free_port()
    server = Program([PYTHON, SHOP, "web", port], tmp_path, ports=(port,))
    sent = b"\0\0\0\0\x05\n\x03tea"
    sent = base64.b64encode(sent) if kind.endswith("text") else sent
    text = tmp_path / "lines"
    with hark(f"port:{port}", "--proto", schema, verbose=2) as watch, hark(f"port:{port}", "-o", f"text:{text}", verbose=0) as plain:
        client = run("curl", "-sS", "-o", "/dev/null", "-H", f"Content-Type: {kind}", "--data-binary", "@-",
                     f"http://127.0.0.1:{port}/shop.Shop/Buy", given=sent)
        watch.wait_for(6, client, server)
        plain.wait_for(2, client, server)
    server.stop()
    for who in (client, server):
        *messages, call = watch.of(who)
        assert [(one["hark.message"], one["hark.message.from"], one["hark.message.body"]) for one in messages] == [
            ("grpc-web", "client", 'sku: "tea"\n'), ("grpc-web", "server", 'sku: "tea"\ncount: 7\n')]
        assert call["rpc.grpc.status_code"] == 5 and call["hark.grpc.status_message"] == "none left"
        assert call["rpc.method"] == "Buy" and call["hark.grpc.response.messages"] == 1
    assert " 200 grpc:5 " in text.read_text()
