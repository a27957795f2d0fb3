# SPDX-License-Identifier: Apache-2.0
"""NSS: a packaged server and client of it, and the odd ways into NSPR, of which only TLS is anybody's plaintext."""
import ctypes.util
import subprocess

import pytest

import servers
from harness import DEADLINE_S, HARK, LARGE_RING, PEERS, Hark, Program, assert_whole, brief, briefs, run, wait_until
from servers import PYTHON
from test_tls_sessions import ANSWER, start_s_server

CURL = ["curl", "-sk", "--max-time", "20"]
TLS_WAYS = ["read", "recv", "writev", "busy", "layer"]
CLEAR_WAYS = ["clear", "off"]


def facts(one):
    return one["tls"], one.get("tls.library"), one.get("hark.flags")


# --- a server ----------------------------------------------------------------------


@pytest.fixture
def lighttpd(tmp_path, certificates, site):
    server = servers.Lighttpd(tmp_path, certificates, site, "nss")
    yield server
    server.stop()


def test_lighttpd(hark, lighttpd, site, capture):
    """Its module is loaded while it starts; curl is the other side."""
    url = f"https://127.0.0.1:{lighttpd.tls}"
    names = ["one", "small.txt", "medium.bin", "large.bin"]
    wanted = [f"GET /{name} 200 0 {(site / name).stat().st_size}" for name in names]
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{lighttpd.tls}", verbose=0) as watch:
        for version in ("1.1", "2"):
            client = run(*CURL, f"--http{version}", *[f"{url}/{name}" for name in names])
            watch.wait_for(4, client)
            assert client.out == b"".join((site / name).read_bytes() for name in names)
            seen = watch.of(client)
            assert briefs(seen) == wanted and {facts(one) for one in seen} == {(True, "openssl", None)}
        watch.wait_for(8, lighttpd)
    seen = watch.of(lighttpd)
    assert briefs(seen) == 2 * wanted
    assert [(*facts(one), one["network.protocol.version"], one["network.local.port"]) for one in seen] == \
        [(True, "nss", None, version, lighttpd.tls) for version in ["1.1"] * 4 + ["2"] * 4]
    assert_whole(seen)
    watch.assert_nothing_lost()


def test_doctor(lighttpd):
    """The functions have no symbols, and are found all the same."""
    detail = run(HARK, "doctor", lighttpd.pid).text
    assert "covered       " in detail and "not covered" not in detail and "  NSS, " in detail
    sites = {words[0]: words[1] for words in map(str.split, detail.splitlines()) if words and "_" in words[0]}
    assert {name: sites[name] for name in ("ssl_SecureRecv", "ssl_SecureSend", "ssl_SecureClose", "SSL_ForceHandshake")} == \
        {"ssl_SecureRecv": "read", "ssl_SecureSend": "write", "ssl_SecureClose": "free", "SSL_ForceHandshake": "handshake"}


def test_an_unknown_form(hark, tmp_path):
    """A library without the table is not probed anywhere, and hark says so."""
    source, library = tmp_path / "other.c", tmp_path / "libssl3.so"
    source.write_text("int SSL_ImportFD(void) { return 0; }\nint SSL_ForceHandshake(void) { return 0; }\n")
    run("cc", "-shared", "-o", library, source)
    with hark(verbose=0) as watch:
        words = [PYTHON, "-c", f"import ctypes; ctypes.CDLL('{library}'); input()"]
        with subprocess.Popen(words, stdin=subprocess.PIPE) as program:
            wait_until(lambda: any(str(library) in line for line in watch.talk), "a warning")
            told = run(HARK, "doctor", program.pid).text
            program.communicate(b"\n")
    assert f"{library} has NSS in a form that hark does not know; its encrypted traffic is not decoded" in "\n".join(watch.talk)
    assert "  not covered   NSS: " in told


# --- clients -----------------------------------------------------------------------

# libcurl's own calls: no program of Debian's comes with this form of it.
LIBCURL = r"""
import ctypes, sys
curl = ctypes.CDLL("libcurl-nss.so.4")
curl.curl_easy_init.restype = ctypes.c_void_p
easy = ctypes.c_void_p(curl.curl_easy_init())
URL, VERIFY_PEER, VERIFY_HOST, POSTFIELDS, POSTFIELDSIZE = 10002, 64, 81, 10015, 60
for option in (VERIFY_PEER, VERIFY_HOST):
    curl.curl_easy_setopt(easy, option, ctypes.c_long(0))
base, *names = sys.argv[1:]
for name in names:
    if name == "post":
        curl.curl_easy_setopt(easy, POSTFIELDSIZE, ctypes.c_long(100000))
        curl.curl_easy_setopt(easy, POSTFIELDS, ctypes.c_char_p(b"0123456789" * 10000))
    curl.curl_easy_setopt(easy, URL, ctypes.c_char_p(f"{base}/{name}".encode()))
    code = curl.curl_easy_perform(easy)
    if code:
        sys.exit(f"libcurl says {code}")
curl.curl_easy_cleanup(easy)
"""


def test_libcurl(hark, nginx, site, capture):
    """A connection kept alive, whose life libcurl asks about by a peek before each request."""
    if not ctypes.util.find_library("curl-nss"):
        pytest.skip("no libcurl-nss here: Debian 12 is the last to have it")
    names = ["one", "small.txt", "large.bin"]
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{nginx.tls}", verbose=0) as watch:
        client = run(PYTHON, "-c", LIBCURL, f"https://127.0.0.1:{nginx.tls}", *names, "post")
        watch.wait_for(4, client)
        watch.wait_for(4, nginx)
    assert client.out == b"".join((site / name).read_bytes() for name in names) + b"stored\n"
    seen = watch.of(client)
    assert briefs(seen)[:3] == [f"GET /{name} 200 0 {(site / name).stat().st_size}" for name in names]
    assert brief(seen[3]).startswith("POST /post 201 100000 ")
    assert briefs(seen) == briefs([one for one in watch.of(nginx) if one["tls"]])
    assert {(*facts(one), one["network.peer.port"]) for one in seen} == {(True, "nss", None, nginx.tls)}
    assert len({one["hark.connection"] for one in seen}) == 1
    assert_whole(seen)
    watch.assert_nothing_lost()
    watch.assert_all_read(client)


def test_odd_ways(hark, nginx, tmp_path, capture):
    """A peek counts no bytes, files never show, and what goes through NSPR without TLS shows once, as clear."""
    conversation = tmp_path / "conversation"
    conversation.write_text("GET /file HTTP/1.1\r\nHost: there\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    ways = [*TLS_WAYS, "file", *CLEAR_WAYS]
    with hark("--capture", capture, f"port:{nginx.tls},{nginx.http}") as watch:
        client = run(PEERS / "nss", nginx.tls, nginx.http, conversation, *ways)
        watch.wait_for(len(ways) - 1, client)
        watch.wait_for(len(ways) - 1, nginx)
    came = dict(line.split() for line in client.text.splitlines())
    assert list(came) == ways and int(came["file"]) == conversation.stat().st_size
    assert len({came[way] for way in TLS_WAYS + CLEAR_WAYS}) == 1
    seen = watch.of(client)
    assert briefs(seen) == [f"GET /{way} 404 0 153" for way in TLS_WAYS + CLEAR_WAYS]
    assert [(*facts(one), one["network.peer.port"]) for one in seen] == \
        [(True, "nss", None, nginx.tls)] * len(TLS_WAYS) + [(False, None, None, nginx.http)] * len(CLEAR_WAYS)
    assert sorted(briefs(watch.of(nginx))) == sorted(briefs(seen))
    watch.assert_nothing_lost()


def test_a_session_joined_late(hark, nginx):
    """hark comes between two requests of one connection."""
    words = [str(word) for word in (PEERS / "nss", nginx.tls, nginx.http, "-", "late")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        def ask(number):
            client.stdin.write("\n")
            client.stdin.flush()
            assert client.stdout.readline() == f"asked {number}\n"

        ask(0)
        with hark("--both-ends", f"port:{nginx.tls}") as watch:
            ask(1)
            ask(2)
            watch.wait_for(2, client.pid)
        client.stdin.close()
    seen = watch.of(client.pid)
    assert briefs(seen)[-1] == "GET /one 200 0 1"
    assert [one["tls.library"] for one in seen] == ["nss"] * 2
    assert seen[-1]["network.peer.port"] == nginx.tls


@pytest.mark.parametrize("fate", ["accepted", "refused"])
def test_early_data(hark, certificates, tmp_path, capture, fate):
    """NSS has no call of its own for early data; what the server refused it never read: no request."""
    server = start_s_server(tmp_path, certificates)
    words = [str(word) for word in (PEERS / "nss", server.port, 1, "-", "early")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        try:
            server.wait_said(b"GET /ticket")
            server.tell(ANSWER % 0)
            assert client.stdout.readline() == "ticket\n"
            if fate == "refused":
                server.end()
                server = start_s_server(tmp_path, certificates, port=server.port)
            with hark("--capture", capture, f"port:{server.port}") as watch:
                client.stdin.write("\n")
                client.stdin.flush()
                assert client.stdout.readline() == f"early data was {fate}\n"
                paths = ["/early", "/real"] if fate == "accepted" else ["/real"]
                for number, path in enumerate(paths):
                    server.wait_said(f"GET {path}".encode())
                    server.tell(ANSWER % number)
                watch.wait_for(len(paths), client.pid)
                watch.wait_for(len(paths), server)
        finally:
            server.end()
    seen = watch.of(client.pid)
    assert [(one["url.path"], one.get("http.response.status_code"), one["tls.library"]) for one in seen] == \
        [(path, 200, "nss") for path in paths]
    assert_whole(seen)
    assert [one["url.path"] for one in watch.of(server)] == paths


@pytest.mark.alone
def test_come_and_go(tmp_path, nginx):
    """hark comes and is killed again and again while a client makes connections: no byte changes."""
    count, under_load = 150, 0
    for _ in range(3):
        watch = Hark(tmp_path, "--ring", LARGE_RING, f"port:{nginx.tls}", verbose=0)
        watch.__enter__()
        client = Program([PEERS / "nss", nginx.tls, nginx.http, "-", *["read"] * count], tmp_path)
        wait_until(lambda watch=watch, client=client: len(watch.of(client)) > 20 or client.process.poll() is not None, "exchanges")
        under_load += client.process.poll() is None
        watch.process.kill()
        watch.process.wait()
        assert client.process.wait(DEADLINE_S) == 0
        lines = client.log().splitlines()
        assert len(lines) == count and len(set(lines)) == 1
        assert {(brief(one), one["tls.library"]) for one in watch.of(client)} == {("GET /read 404 0 153", "nss")}
    assert under_load
