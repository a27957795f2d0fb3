# SPDX-License-Identifier: Apache-2.0
"""Real gRPC: a call that failed is no green 200, in lines, numbers and filters."""
import json
import re

import pytest

from harness import HARK, PEERS, Program, free_port, run
from servers import HERE, PYTHON

PEER = HERE / "peers/grpc_peer.py"
CALLS = ("Get", "Missing", "Get", "Broken", "Slow")


@pytest.fixture(scope="module")
def grpc(tmp_path_factory):
    port = free_port()
    server = Program([PYTHON, PEER, "serve", port], tmp_path_factory.mktemp("grpc"), ports=(port,))
    server.port = port
    yield server
    server.stop()


def call(grpc, *methods):
    done = run(PYTHON, PEER, "call", grpc.port, *methods)
    assert done.text.split() == [word for name in methods for word in
                                 (name, {"Missing": "NOT_FOUND", "Broken": "INTERNAL"}.get(name, "x!"))]
    return done


def test_status_of_each_call(hark, grpc, capture, tmp_path):
    text = tmp_path / "watch.txt"
    with hark("--capture", capture, "--pending", "0", "-o", f"text:{text}", verbose=0) as watch:
        client = call(grpc, *CALLS)
        watch.wait_for(2 * len(CALLS), client, grpc)
    for who in (client, grpc):
        seen = watch.of(who)
        assert [(one["url.path"], one["http.route"], one["rpc.system"], one["rpc.grpc.status_code"], one["http.response.status_code"])
                for one in seen] == [(f"/shop.Cart/{name}", f"/shop.Cart/{name}", "grpc", {"Missing": 5, "Broken": 13}.get(name, 0), 200)
                                     for name in CALLS]
        assert seen[-1]["hark.duration_ms"] >= 300 and not any(one.get("hark.flags") for one in seen)
    lines = [line for line in text.read_text().splitlines() if f"[{client.pid}]" in line]
    assert [re.search(r"/shop\.Cart/(\w+) +(200(?: grpc:\d+)?) ", line).groups() for line in lines] == [
        (name, {"Missing": "200 grpc:5", "Broken": "200 grpc:13"}.get(name, "200")) for name in CALLS]


def test_numbers_and_filters(grpc, tmp_path):
    rows = tmp_path / "rows.json"
    run(HARK, "stat", "-o", f"json:{rows}", "--", PYTHON, PEER, "call", grpc.port, *CALLS)
    errors = {row["http.route"]: (row["count"], row["errors.grpc"], row["errors.4xx"] + row["errors.5xx"])
              for row in map(json.loads, rows.read_text().splitlines())}
    assert errors == {"/shop.Cart/Get": (2, 0, 0), "/shop.Cart/Missing": (1, 1, 0), "/shop.Cart/Broken": (1, 1, 0),
                      "/shop.Cart/Slow": (1, 0, 0)}
    for words, expected in ((("grpc:NOT_FOUND",), ["Missing"]), (("grpc:error",), ["Missing", "Broken"]), (("grpc:0",), ["Get", "Get", "Slow"]),
                            (("--errors",), ["Missing", "Broken"]), (("--slow", "250ms"), ["Slow"])):
        lines = tmp_path / "lines.json"
        run(HARK, "-o", f"json:{lines}", *words, "--", PYTHON, PEER, "call", grpc.port, *CALLS)
        assert [json.loads(line)["url.path"].rsplit("/", 1)[1] for line in lines.read_text().splitlines()] == expected, words


GO = PEERS / "grpc-go"


@pytest.mark.skipif(not GO.exists(), reason=f"{GO} is not there: Go could not build it ({GO}.why says why)")
@pytest.mark.parametrize("how", ["clear", "tls"])
def test_go_at_both_ends(hark, certificates, tmp_path, capture, how):
    """grpc-go, whose TLS is Go's: method, status and messages of each call, over TLS too."""
    port = free_port()
    files = [certificates / "cert.pem", certificates / "key.pem"] if how == "tls" else []
    server = Program([GO, "serve", port, *files], tmp_path, ports=(port,))
    try:
        with hark("--capture", capture, f"port:{port}", verbose=1) as watch:
            client = run(GO, "call", port, how, *CALLS, "Stream")
            assert client.text.split()[-2:] == ["Stream", "x!x!x!"] and "Missing NOT_FOUND" in client.text
            watch.wait_for(len(CALLS) + 1, server)
            watch.wait_for(len(CALLS) + 1, client)
    finally:
        server.stop()
    for who in (client, server):
        seen = [one for one in watch.of(who) if "hark.message" not in one]
        assert [(one["rpc.service"], one["rpc.method"], one["rpc.grpc.status_code"], one["tls"]) for one in seen] == [
            ("shop.Cart", name, {"Missing": 5, "Broken": 13}.get(name, 0), how == "tls") for name in (*CALLS, "Stream")]
        assert seen[-1]["hark.grpc.request.messages"] == seen[-1]["hark.grpc.response.messages"] == 3
        assert seen[1]["hark.grpc.status_message"] == "as asked"
        assert not any(one.get("hark.flags") for one in seen)
