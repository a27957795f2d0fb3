# SPDX-License-Identifier: Apache-2.0
"""Real gRPC: a call that failed is no green 200, in lines, numbers and filters."""
import json
import re

import pytest

from harness import HARK, Program, free_port, run
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
