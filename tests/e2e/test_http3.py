# SPDX-License-Identifier: Apache-2.0
"""HTTP/3 by nghttp3: Debian's client and server of ngtcp2, and both ends in one program for what those do not do."""
import json
import shutil
import subprocess

import pytest

from harness import HARK, PEERS, Program, assert_times, assert_whole, briefs, free_port, header, run, wait_until

CLIENT = ["gtlsclient", "-q", "--exit-on-all-streams-close"]
needs_ngtcp2 = pytest.mark.skipif(not shutil.which("gtlsclient") or not shutil.which("gtlsserver"),
                                  reason="no ngtcp2-client and ngtcp2-server here")


@pytest.fixture(scope="module")
def server(scratch, certificates, site):
    folder = scratch / "ngtcp2"
    folder.mkdir()
    port = free_port()
    program = Program(["gtlsserver", "-q", "-d", site, "127.0.0.1", port, certificates / "key.pem", certificates / "cert.pem"],
                      folder)
    program.port = port
    wait_until(lambda: is_bound(port), "gtlsserver")
    yield program
    program.stop()


def is_bound(port):
    with open("/proc/net/udp", encoding="ascii") as table:
        return any(line.split()[1].endswith(f":{port:04X}") for line in list(table)[1:])


def ask(server, *names, options=()):
    return run(*CLIENT, *options, "127.0.0.1", server.port, *[f"https://localhost:{server.port}/{name}" for name in names],
               deadline_s=30)


def check(watch, who, role, wanted):
    seen = watch.of(who)
    assert sorted(briefs(seen)) == sorted(wanted)
    for one in seen:
        assert (one["network.protocol.version"], one["url.scheme"], one["tls"], one["tls.library"], one["hark.role"]) == \
            ("3", "https", True, "nghttp3", role), one
        assert one["hark.stream"] % 4 == 0 and one["server.address"] == "localhost", one
    assert_times(seen)
    return seen


@needs_ngtcp2
def test_client_and_server(hark, server, site, capture, tmp_path):
    """Every exchange of a connection, on either side, each once; QUIC loses packets on its way."""
    names = ["one", "small.txt", "medium.bin", "large.bin", "none"]
    recording = tmp_path / "http3.rec"
    with hark("--capture", capture, "-w", recording, verbose=1) as watch:
        first = ask(server, *names)
        lossy = ask(server, "medium.bin", options=("-t", "0.05", "-r", "0.05"))
        posting = ask(server, "one", options=("-m", "POST", "-d", site / "medium.bin"))
        for client, count in (first, 5), (lossy, 1), (posting, 1):
            watch.wait_for(count, client)
        watch.wait_for(7, server)
    sizes = [f"GET /{name} 200 0 {(site / name).stat().st_size}" for name in names[:4]]
    missing = [one for one in watch.of(first) if one["url.path"] == "/none"]
    assert [one["http.response.status_code"] for one in missing] == [404]
    wanted = [*sizes, briefs(missing)[0]]
    assert_whole(check(watch, first, "client", wanted))
    assert [one["hark.stream"] for one in sorted(watch.of(first), key=lambda one: one["time"])] == [0, 4, 8, 12, 16]
    assert_whole(check(watch, lossy, "client", sizes[2:3]))
    assert_whole(check(watch, posting, "client", ["POST /one 200 100000 1"]))
    seen = check(watch, server, "server", [*wanted, sizes[2], "POST /one 200 100000 1"])
    assert_whole(seen)
    assert {header(one, "user-agent", "request")[0] for one in seen} == {"nghttp3/ngtcp2 client"}
    assert len({one["hark.connection"] for one in seen}) == 3
    replayed = [json.loads(line) for line in run(HARK, "replay", recording, "-v", "-o", "json").text.splitlines()]
    assert [one for one in replayed if one.get("process.pid") in server.pids] == watch.of(server)


@pytest.mark.parametrize("take", [700, -1])
def test_taken_in_parts(hark, take):
    """What is offered again is not counted again, and a stream that ends by an error says so."""
    script = "GET /a\nPOST /b 30000\nGET /c early\nGET /d trailers\nGET /e cut\n"
    with hark() as watch:
        pair = run(PEERS / "http3", take, script)
        watch.wait_for(10, pair)
    for role in ("client", "server"):
        seen = watch.of(pair, hark_role=role)
        assert sorted(briefs(seen)) == ["GET /a 200 0 2", "GET /c 200 0 2", "GET /d 200 0 2", "GET /e - 0 -",
                                        "POST /b 200 30000 30000"]
        (cut,) = [one for one in seen if one["url.path"] == "/e"]
        assert (cut["hark.flags"], cut["hark.h3.error_code"]) == (["reset", "unanswered"], "H3_INTERNAL_ERROR")
        assert_whole([one for one in seen if one is not cut])
        (trailing,) = [one for one in seen if one["url.path"] == "/d"]
        assert trailing["http.response.trailer"] == [["checksum", "abc"]]


def test_joined_late(hark):
    """What a table held before hark came is not known, and not guessed."""
    pair = subprocess.Popen([PEERS / "http3", "0", "GET /one\n", "GET /one\nGET /two\n"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    assert pair.stdout.readline() == "ready\n"
    with hark() as watch:
        said, _ = pair.communicate("go\n", timeout=30)
        watch.wait_for(4, pair.pid)
    assert said.split()[1].isdigit() and pair.returncode == 0
    for role in ("client", "server"):
        seen = watch.of(pair.pid, hark_role=role)
        assert [one["http.response.status_code"] for one in seen] == [200, 200]
        assert [one["http.request.method"] for one in seen] == ["GET", "GET"]
        for one in seen:
            assert one["url.path"] in ("/one", "/two") if "url.path" in one else "partial-headers" in one["hark.flags"]
            assert "late-joined" in one["hark.flags"] or "partial-headers" in one["hark.flags"], one
            known = [field for field in one["http.request.header"] if field[0]]
            assert known in ([], [["user-agent", "pair/1"]]), one


def test_redacted_recording_holds_none_of_it(hark, tmp_path):
    recording = tmp_path / "redacted.rec"
    with hark("-w", recording, "--redacted") as watch:
        pair = run(PEERS / "http3", 0, "GET /secret-path\n")
        watch.wait_for(2, pair)
    assert b"secret-path" not in recording.read_bytes()
    assert watch.stats["record.dropped"] > 0
