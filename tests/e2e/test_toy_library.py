# SPDX-License-Identifier: Apache-2.0
"""A TLS library that exists only here becomes known to hark by one row, tests/toys/toy_library.inc.

The hark of these tests (make toy) differs from the other in that row alone.
"""
import json
import re
import ssl

import pytest

from harness import HARK, ROOT, TOY_HARK, Program, assert_whole, briefs, free_port, run

TOY = ROOT / "build/toy"
PATHS = ["/0", "/100", "/100000"]
WANTED = ["GET /0 200 0 0", "GET /100 200 0 100", "GET /100000 200 0 100000"]


@pytest.fixture
def toy_server(tmp_path):
    port = free_port()
    server = Program([TOY / "toy_peer", "server", port], tmp_path, ports=(port,))
    server.port = port
    yield server
    server.stop()


def ask(server):
    client = run(TOY / "toy_peer", "client", server.port, *PATHS)
    assert [int(line) > 0 for line in client.text.split()] == [True] * len(PATHS)
    return client


def test_its_calls_are_probed_and_decoded(toy_hark, toy_server, capture):
    with toy_hark("--capture", capture, f"port:{toy_server.port}") as watch:
        client = ask(toy_server)
        watch.wait_for(3, client)
        watch.wait_for(3, toy_server)
    for who in (client, toy_server):
        seen = watch.of(who)
        assert briefs(seen) == WANTED
        assert {(one["tls"], one["tls.library"]) for one in seen} == {(True, "toytls")}
        assert {one["network.peer.port"] if who is client else one["network.local.port"] for one in seen} == {toy_server.port}
        assert_whole(seen)
    watch.assert_nothing_lost()
    assert watch.stats["bytes.ciphertext"] > 2 * 100_000


def test_without_the_row_it_is_opaque(hark, toy_server):
    """The other tests show what comes from the row."""
    with hark(view=("conns",)) as watch:
        client = ask(toy_server)
        watch.wait_for(1, client)
    assert [one.get("tls.library") for one in watch.of(client)] == [None]
    assert [one["hark.exchanges"] for one in watch.of(client)] == [0]


def test_the_filter_and_recordings_name_it(toy_hark, toy_server, tmp_path):
    """A recording holds the number of the row."""
    recording = tmp_path / "toy.rec"
    with toy_hark("-w", recording, "tls:toytls") as watch:
        client = ask(toy_server)
        watch.wait_for(3, client)
    assert briefs(watch.of(client)) == WANTED

    def replayed(program, *words):
        out = tmp_path / "out.json"
        run(program, "replay", recording, "-o", f"json:{out}", *words)
        return list(map(json.loads, out.read_text().splitlines()))

    assert [one["tls.library"] for one in replayed(TOY_HARK, "tls:toytls", f"pid:{client.pid}")] == ["toytls"] * 3
    # To a hark without the row the number says nothing; the exchanges are there all the same.
    strange = replayed(HARK, f"pid:{client.pid}")
    assert briefs(strange) == WANTED and {(one["tls"], one.get("tls.library")) for one in strange} == {(True, None)}
    assert "toytls" in run(TOY_HARK, "replay", recording, "tls:maybe", status=2).err.decode()
    assert "yes, no, or a library: " in run(HARK, "replay", recording, "tls:toytls", status=2).err.decode()


def test_doctor_knows_it(toy_server):
    text = run(TOY_HARK, "doctor", status=None).text
    library = next(line for line in text.splitlines() if line.startswith("  /") and "libtoytls.so" in line)
    assert re.search(r"Toy TLS, \d+ process(es)?  toy_receive", library) and "toy_send" in library
    detail = run(TOY_HARK, "doctor", toy_server.pid).text
    assert "covered       " in detail and "not covered" not in detail
    sites = {words[0]: words[1] for words in map(str.split, detail.splitlines()) if words and words[0].startswith("toy_")}
    assert sites == {"toy_send": "write", "toy_receive": "read", "toy_attach": "set_fd", "toy_free": "free"}


def test_opaque_lines_name_it(toy_hark, nginx, capture):
    """The program has the library, and sends a hello message of its own past it; it ends in the handshake."""
    hello, context = ssl.MemoryBIO(), ssl.create_default_context()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="toy.example").do_handshake()
    with toy_hark("--capture", capture, view=("conns",)) as watch:
        client = run(TOY / "toy_peer", "raw", nginx.tls, given=hello.read())
        watch.wait_for(1, client)
    assert [one["hark.opaque"] for one in watch.of(client)] == \
        ["its Toy TLS is followed, but no call of it was seen for this connection"]
