# SPDX-License-Identifier: Apache-2.0
"""GnuTLS, Mbed TLS and wolfSSL: packaged clients and servers of each, and the odd ways into GnuTLS."""
import signal
import subprocess

import pytest

import servers
from harness import DEADLINE_S, GOES, HARK, LARGE_RING, PEERS, Hark, Program, assert_whole, brief, briefs, run, wait_until
from servers import PYTHON

CURL = ["curl", "-sk", "--max-time", "20"]
WGET = ["wget", "-q", "--no-check-certificate"]
REQUEST_BYTES = len("GET /flush HTTP/1.1\r\nHost: there\r\nConnection: close\r\n\r\n")
WAYS = ["plain", "cork", "flush", "file", "seq", "pair"]


def check(watch, who, library, wanted, port, version="1.1"):
    """These exchanges in this order, each with its peer, its library and no flag."""
    seen = watch.of(who)
    assert briefs(seen) == wanted
    for one in seen:
        assert (one["tls"], one["tls.library"], one["network.protocol.version"], one.get("hark.flags")) == \
            (True, library, version, None), one
        assert port in (one["network.peer.port"], one["network.local.port"]), one
    return seen


# --- clients -----------------------------------------------------------------------


def test_wget(hark, nginx, site, tmp_path, capture):
    """A connection kept alive, with bodies of many records."""
    names = ["one", "small.txt", "medium.bin", "large.bin"]
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{nginx.tls}", verbose=0) as watch:
        client = run(*WGET, "-P", tmp_path, *[f"https://127.0.0.1:{nginx.tls}/{name}" for name in names])
        posting = run(*WGET, "-O", "/dev/null", f"--post-file={site / 'large.bin'}", f"https://127.0.0.1:{nginx.tls}/post")
        watch.wait_for(4, client)
        watch.wait_for(1, posting)
        watch.wait_for(5, nginx)
    for name in names:
        assert (tmp_path / name).read_bytes() == (site / name).read_bytes()
    wanted = [f"GET /{name} 200 0 {(site / name).stat().st_size}" for name in names]
    seen = check(watch, client, "gnutls", wanted, nginx.tls)
    assert_whole(seen)
    assert len({one["hark.connection"] for one in seen}) == 1
    (posted,) = watch.of(posting)
    assert brief(posted).startswith("POST /post 201 3000000 ") and posted["tls.library"] == "gnutls"
    assert [brief(one) for one in watch.of(nginx) if one["tls"]] == [*wanted, brief(posted)]
    watch.assert_nothing_lost()
    watch.assert_all_read(client, posting)


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_git(hark, nginx, site, version):
    """By libcurl-gnutls, whose push and pull functions are its own."""
    refs = site / "repo/info"
    refs.mkdir(parents=True, exist_ok=True)
    (refs / "refs").write_text(f"{'0123456789' * 4}\trefs/heads/main\n")
    (site / "repo/HEAD").write_text("ref: refs/heads/main\n")
    with hark("--both-ends", f"port:{nginx.tls}") as watch:
        client = run("git", "-c", "http.sslVerify=false", "-c", f"http.version=HTTP/{version}", "ls-remote",
                     f"https://127.0.0.1:{nginx.tls}/repo", env={"GIT_CONFIG_NOSYSTEM": "1"})
        watch.wait_for(2, hark_role="client")
        watch.wait_for(2, nginx)
    assert client.text.splitlines()[-1].split() == ["0123456789" * 4, "refs/heads/main"]
    for role, library in (("client", "gnutls"), ("server", "openssl")):
        seen = watch.of(hark_role=role)
        assert [(brief(one), one["tls.library"], one["network.protocol.version"]) for one in seen] == \
            [("GET /repo/info/refs?service=git-upload-pack 200 0 57", library, version), ("GET /repo/HEAD 200 0 21", library, version)]


LIBGIT2 = r"""
import pygit2, sys
pygit2.settings.set_ssl_cert_locations(sys.argv[3], None)
try:
    pygit2.init_repository(sys.argv[2], bare=True).remotes.create("there", sys.argv[1]).ls_remotes()
except pygit2.GitError as error:
    print(error)
"""


def test_libgit2(hark, nginx, site, certificates, localhost, tmp_path, capture):
    """A client of Mbed TLS: it asks, and does not like what a server of files answers."""
    folder = site / "bare/info"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "refs").write_text("no protocol\n")
    wanted = ["GET /bare/info/refs?service=git-upload-pack 200 0 12"]
    with hark("--capture", capture) as watch:
        client = run(PYTHON, "-c", LIBGIT2, f"https://{localhost}:{nginx.tls}/bare", tmp_path / "bare",
                     certificates / "cert.pem")
        watch.wait_for(1, client)
        watch.wait_for(1, nginx)
    assert "content-type" in client.text
    check(watch, client, "mbedtls", wanted, nginx.tls)
    check(watch, nginx, "openssl", wanted, nginx.tls)


def test_apt_and_lynx(hark, nginx, certificates, localhost, tmp_path):
    """apt's method for https moves the bytes by functions of its own; lynx by the descriptor."""
    url = f"https://{localhost}:{nginx.tls}/small.txt"
    with hark("--both-ends", f"port:{nginx.tls}") as watch:
        run("/usr/lib/apt/apt-helper", "-o", "Acquire::https::Verify-Peer=false", "-o", "Acquire::https::Verify-Host=false",
            "-o", "APT::Sandbox::User=root", "download-file", url, tmp_path / "got")
        watch.wait_for(1, hark_role="client")
        shown = run("lynx", "-source", url, env={"HOME": str(tmp_path), "SSL_CERT_FILE": str(certificates / "cert.pem")})
        watch.wait_for(2, hark_role="client")
        watch.wait_for(2, nginx)
    assert (tmp_path / "got").stat().st_size == 1000 and shown.out
    # apt's is OpenSSL from Debian 13 on.
    of_apt = "gnutls" if "libgnutls" in run("ldd", "/usr/lib/apt/methods/https").text else "openssl"
    for role, libraries in (("client", [of_apt, "gnutls"]), ("server", ["openssl"] * 2)):
        assert [(brief(one), one["tls.library"]) for one in watch.of(hark_role=role)] == \
            [("GET /small.txt 200 0 1000", library) for library in libraries]


def test_a_session_joined_late(hark, nginx):
    """gnutls-cli asks what it is told to; hark comes between two requests of one connection."""
    words = ["gnutls-cli", "--insecure", "--logfile=/dev/null", "-p", str(nginx.tls), "127.0.0.1"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        def ask(path):
            client.stdin.write(f"GET {path} HTTP/1.1\r\nHost: late\r\n\r\n".encode())
            client.stdin.flush()
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += client.stdout.read(1)
            head = answer.decode().lower()
            return client.stdout.read(int(head.split("content-length: ")[1].split("\r\n")[0]))

        assert len(ask("/small.txt")) == 1000
        with hark("--both-ends", f"port:{nginx.tls}") as watch:
            for path in ("/one", "/small.txt"):
                ask(path)
            watch.wait_for(2, client.pid)
        client.stdin.close()
    seen = watch.of(client.pid)
    assert briefs(seen)[-1] == "GET /small.txt 200 0 1000"
    assert [one["tls.library"] for one in seen] == ["gnutls"] * 2
    assert seen[-1]["network.peer.port"] == nginx.tls


def test_odd_ways(hark, nginx, capture):
    """What is corked counts once; what NULL goes on with has its size and no bytes, as what comes in packets has."""
    with hark("--capture", capture, f"port:{nginx.tls}") as watch:
        client = run(PEERS / "gnutls", nginx.tls, *WAYS, "packet")
        watch.wait_for(len(WAYS), client)
        watch.wait_for(len(WAYS) + 1, nginx)
    came = dict(line.split() for line in client.text.splitlines())
    assert list(came) == [*WAYS, "packet"] and len(set(came.values())) == 1
    assert watch.stats["bytes.skipped"] == int(came["packet"]) + REQUEST_BYTES
    seen = {one["url.path"][1:]: one for one in watch.of(client) if "url.path" in one}
    assert list(seen) == [way for way in [*WAYS, "packet"] if way != "flush"]
    assert {one["tls.library"] for one in watch.of(client)} == {"gnutls"}
    for way in WAYS:
        if way != "flush":
            assert (brief(seen[way]), seen[way].get("hark.flags")) == (f"GET /{way} 404 0 153", None)
            assert seen[way]["network.peer.port"] == nginx.tls
    assert seen["packet"]["hark.flags"] == ["gap", "unanswered"]
    assert [one["hark.flags"] for one in watch.of(client) if "url.path" not in one] == [["gap", "no-request"]]
    assert sorted(briefs(watch.of(nginx))) == sorted(f"GET /{way} 404 0 153" for way in [*WAYS, "packet"])


# --- servers -----------------------------------------------------------------------


@pytest.fixture(params=["gnutls", "mbedtls", "wolfssl"])
def lighttpd(request, tmp_path, certificates, site):
    try:
        server = servers.Lighttpd(tmp_path, certificates, site, request.param)
    except AssertionError as error:
        if "ended with -11" not in str(error):
            raise
        pytest.skip(f"lighttpd with {request.param} crashes here before anything is asked of it")
    server.library = request.param
    yield server
    server.stop()


def test_lighttpd(hark, lighttpd, site, capture):
    """Its modules are loaded while it starts; curl is the other side."""
    url = f"https://127.0.0.1:{lighttpd.tls}"
    names = ["one", "small.txt", "medium.bin", "large.bin"]
    wanted = [f"GET /{name} 200 0 {(site / name).stat().st_size}" for name in names]
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{lighttpd.tls}", verbose=0) as watch:
        for version in ("--http1.1", "--http2"):
            client = run(*CURL, version, *[f"{url}/{name}" for name in names])
            watch.wait_for(4, client)
            assert client.out == b"".join((site / name).read_bytes() for name in names)
            check(watch, client, "openssl", wanted, lighttpd.tls, version[len("--http"):])
        watch.wait_for(8, lighttpd)
    seen = watch.of(lighttpd)
    assert briefs(seen) == 2 * wanted
    assert [(one["tls.library"], one["network.protocol.version"]) for one in seen] == \
        [(lighttpd.library, "1.1")] * 4 + [(lighttpd.library, "2")] * 4
    assert all(one["network.local.port"] == lighttpd.tls and "hark.flags" not in one for one in seen)
    watch.assert_nothing_lost()


def test_doctor(lighttpd):
    """A library that came by dlopen is covered like any other."""
    detail = run(HARK, "doctor", lighttpd.pid).text
    assert "covered       " in detail and "not covered" not in detail
    sites = {words[0]: words[1] for words in map(str.split, detail.splitlines()) if words and "_" in words[0]}
    reads = {"gnutls": "gnutls_record_recv", "mbedtls": "mbedtls_ssl_read", "wolfssl": "wolfSSL_read"}
    assert sites[reads[lighttpd.library]] == "read"


@pytest.mark.alone
def test_come_and_go(tmp_path, nginx, site):
    """hark comes and goes, or is killed, again and again while wget is at work: no byte changes."""
    count, urls, got, under_load = 1500, tmp_path / "urls", tmp_path / "got", 0
    urls.write_text(f"https://127.0.0.1:{nginx.tls}/small.txt\n" * count)
    for how in GOES:
        watch = Hark(tmp_path, "--ring", LARGE_RING, f"port:{nginx.tls}", verbose=0)
        watch.__enter__()
        client = Program([*WGET, "-O", got, "-i", urls], tmp_path)
        wait_until(lambda watch=watch, client=client: len(watch.of(client)) >= 50 or client.process.poll() is not None, "exchanges")
        under_load += client.process.poll() is None
        watch.leave(how)
        assert client.process.wait(DEADLINE_S) == 0
        assert got.read_bytes() == (site / "small.txt").read_bytes() * count
        seen = watch.of(client)
        if how == signal.SIGINT and "in-flight" in seen[-1].get("hark.flags", []):
            seen.pop()  # the one that was under way when hark ended
        assert {(brief(one), one["tls.library"]) for one in seen} == {("GET /small.txt 200 0 1000", "gnutls")}
    assert under_load
