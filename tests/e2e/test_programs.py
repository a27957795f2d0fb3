# SPDX-License-Identifier: Apache-2.0
"""Real clients against real servers: what was seen equals what was done, on both sides."""
import pytest

from harness import LARGE_RING, assert_times, assert_whole, briefs, header, run
from servers import PYTHON, SIZES, Nghttpd

CURL = ("curl", "-sS", "-k", "--no-progress-meter")


def fetch_all(port, scheme, *options):
    """Every file in one connection; with prior knowledge, which curl 7.88 forgets when it reuses one, in five."""
    urls = [f"{scheme}://127.0.0.1:{port}/{name}" for name in SIZES]
    if "--http2-prior-knowledge" not in options:
        return run(*CURL, *options, "-H", "X-Ask: files", *urls)
    clients = [run(*CURL, *options, "-H", "X-Ask: files", url) for url in urls]
    clients[0].pids = {client.pid for client in clients}
    clients[0].out = b"".join(client.out for client in clients)
    return clients[0]


def own(*ports):
    """The counters are those of these ports, whatever else the machine talks meanwhile; the ring takes a busy one's delay."""
    return "--ring", LARGE_RING, "port:" + ",".join(map(str, ports))


def expect_all():
    return [f"GET /{name} 200 0 {size}" for name, size in SIZES.items()]


def assert_sides(hark, client, server, expected, version, tls, same_order=True):
    """Both sides saw exactly these exchanges, whole, in order."""
    for who, role in ((client, "client"), (server, "server")):
        seen = hark.of(who, hark_role=role)
        order = (lambda words: words) if same_order else sorted
        assert order(briefs(seen)) == order(expected), role
        assert_whole(seen)
        assert_times(seen)
        assert {one["network.protocol.version"] for one in seen} == {version}
        assert {one["tls"] for one in seen} == {tls}
        if tls:
            assert {one["tls.library"] for one in seen} == {"openssl"}
        assert len({one["hark.connection"] for one in seen}) == len(client.pids)
    assert hark.of(client) == hark.of(client, hark_role="client")
    hark.assert_nothing_lost()


@pytest.mark.parametrize("port, scheme, options, version", [
    ("http", "http", ["--http1.1"], "1.1"),
    ("h2c", "http", ["--http2-prior-knowledge"], "2"),
    ("tls", "https", ["--http1.1"], "1.1"),
    ("tls", "https", ["--http2"], "2"),
])
def test_curl_and_nginx(hark, nginx, site, capture, port, scheme, options, version):
    with hark("--capture", capture, *own(getattr(nginx, port))) as watch:
        client = fetch_all(getattr(nginx, port), scheme, *options)
        watch.wait_for(len(SIZES), nginx)
    assert client.out == b"".join((site / name).read_bytes() for name in SIZES)
    assert_sides(watch, client, nginx, expect_all(), version, scheme == "https")
    for one in watch.of(client):
        assert header(one, "x-ask", "request") == ["files"]
        assert header(one, "x-reply") == ["to GET of <files>"]
        assert header(one, "content-length") == [str(one["http.response.body.size"])]
        assert one["server.port"] == getattr(nginx, port) == one["network.peer.port"]
        assert one["network.peer.address"] == "127.0.0.1" and one["network.transport"] == "tcp"
        assert one["process.executable.name"] == "curl" and one["process.user.id"] == 0
        assert one["url.scheme"] == scheme


@pytest.mark.parametrize("scheme, options, version", [
    ("http", ["--http1.1"], "1.1"),
    ("http", ["--http2-prior-knowledge"], "2"),
    ("https", ["--http1.1"], "1.1"),
    ("https", ["--http2"], "2"),
])
def test_curl_and_apache(hark, apache, site, scheme, options, version):
    with hark(*own(apache.tls, apache.http)) as watch:
        client = fetch_all(apache.tls if scheme == "https" else apache.http, scheme, *options)
        watch.wait_for(len(SIZES), apache)
    assert client.out == b"".join((site / name).read_bytes() for name in SIZES)
    assert_sides(watch, client, apache, expect_all(), version, scheme == "https")
    assert {value for one in watch.of(apache) for value in header(one, "x-reply")} == {"of apache"}


def test_curl_and_python_over_tls(hark, python_https, capture, site):
    """SSL_read_ex and SSL_write_ex only, and a thread a connection."""
    with hark("--capture", capture, *own(python_https.port)) as watch:
        client = fetch_all(python_https.port, "https")
        watch.wait_for(len(SIZES), python_https)
    assert client.out == b"".join((site / name).read_bytes() for name in SIZES)
    assert_sides(watch, client, python_https, expect_all(), "1.1", True)


PYTHON_CLIENT = """
import http.client, ssl, sys
context = ssl._create_unverified_context()
c = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=context)
for path in sys.argv[2:]:
    c.request("GET", path)
    print(path, len(c.getresponse().read()))
"""


def test_python_client_and_server(hark, python_https):
    with hark(*own(python_https.port)) as watch:
        client = run(PYTHON, "-c", PYTHON_CLIENT, python_https.port, "/one", "/trailers", "/small.txt", "/nothing")
        watch.wait_for(4, python_https)
    expected = ["GET /one 200 0 1", "GET /trailers 200 0 5009", "GET /small.txt 200 0 1000", None]
    seen = briefs(watch.of(client))
    assert seen[3].startswith("GET /nothing 404 0 ")
    expected[3] = seen[3]
    assert_sides(watch, client, python_https, expected, "1.1", True)
    assert watch.of(client)[1]["http.response.trailer"] == [["X-Sum", "5009"]]


@pytest.mark.parametrize("tls", [True, False])
def test_nghttp_and_nghttpd(hark, nghttpd, nghttpd_clear, tls):
    server = nghttpd if tls else nghttpd_clear
    scheme = "https" if tls else "http"
    with hark(*own(server.port)) as watch:
        client = run("nghttp", "-n", *[f"{scheme}://127.0.0.1:{server.port}/{name}" for name in SIZES])
        watch.wait_for(len(SIZES), server)
    assert_sides(watch, client, server, expect_all(), "2", tls, same_order=False)


@pytest.mark.parametrize("options", [["--trailer=x-end: here"], ["--no-dep", "-p32"]])
def test_nghttp_sends_trailers_and_padding(hark, nghttpd, options, tmp_path):
    (tmp_path / "body").write_bytes(b"q" * 70000)
    with hark() as watch:
        client = run("nghttp", "-n", "-b", "200", *options, "-d", tmp_path / "body", "-H:method: POST",
                     f"https://127.0.0.1:{nghttpd.port}/small.txt")
        watch.wait_for(1, nghttpd)
    seen = watch.of(client)
    assert briefs(seen) == briefs(watch.of(nghttpd)) == ["POST /small.txt 200 70000 1000"]
    if "--trailer=x-end: here" in options:
        assert seen[0]["http.request.trailer"] == [["x-end", "here"]]


def test_an_upgrade_to_h2c_is_one_exchange(hark, apache, capture):
    """The request of HTTP/1.1 is answered on stream 1 of HTTP/2, on the same connection; 101 is on the way to it."""
    with hark("--capture", capture, *own(apache.http)) as watch:
        clients = [run("nghttp", "-n", "-u", f"http://127.0.0.1:{apache.http}/small.txt") for _ in range(5)]
        clients += [run(*CURL, "--http2", f"http://127.0.0.1:{apache.http}/one") for _ in range(5)]
        watch.wait_for(10, apache)
        watch.wait_for(10, *clients)
    for who in (clients, [apache]):
        seen = watch.of(*who)
        assert sorted(briefs(seen)) == 5 * ["GET /one 200 0 1"] + 5 * ["GET /small.txt 200 0 1000"]
        for one in seen:
            assert one["hark.flags"] == ["upgraded"] and one["hark.stream"] == 1
            assert one["network.protocol.version"] == "2"
            assert [interim["status"] for interim in one["http.response.interim"]] == [101]
    watch.assert_nothing_lost()


def test_a_server_that_wants_no_more_is_no_error(hark, nginx):
    """nginx answers 405 before the body is there and says RST_STREAM(NO_ERROR) (RFC 9113, 8.1)."""
    with hark() as watch:
        client = run("nghttp", "-n", "-d", "/bin/bash", f"https://127.0.0.1:{nginx.tls}/small.txt")
        watch.wait_for(1, nginx)
        watch.wait_for(1, client)
    for who in (client, nginx):
        [one] = watch.of(who)
        assert one["http.response.status_code"] == 405
        assert "reset" not in one.get("hark.flags", []) and "hark.h2.error_code" not in one


def test_wget_in_the_clear(hark, nginx, tmp_path):
    with hark(*own(nginx.http)) as watch:
        client = run("wget", "-q", "-P", tmp_path, *[f"http://127.0.0.1:{nginx.http}/{name}" for name in SIZES])
        watch.wait_for(len(SIZES), nginx)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name in SIZES) == sorted(SIZES)
    assert_sides(watch, client, nginx, expect_all(), "1.1", False)


@pytest.mark.parametrize("port", ["http", "tls", "h2c"])
def test_methods_and_statuses(hark, nginx, port):
    """POST with a body, 201, 204, 301, 304, 404, 405, 503, HEAD: each with its sizes."""
    scheme = "https" if port == "tls" else "http"
    prior = ["--http2-prior-knowledge"] if port == "h2c" else []
    base = f"{scheme}://127.0.0.1:{getattr(nginx, port)}"
    calls = [
        (["-d", "name=value", f"{base}/post"], "POST /post 201 10 7"),
        (["-X", "PUT", "-d", "x" * 3000, f"{base}/post?a=1&b=%20"], "PUT /post?a=1&b=%20 201 3000 7"),
        ([f"{base}/none"], "GET /none 204 0 0"),
        (["-I", f"{base}/small.txt"], "HEAD /small.txt 200 0 0"),
        (["-z", "2099-01-01", f"{base}/small.txt"], None),
        ([f"{base}/broken"], "GET /broken 503 0 6"),
        (["-H", f"If-None-Match: *", f"{base}/one"], None),
        (["-X", "DELETE", f"{base}/post"], "DELETE /post 201 0 7"),
        (["-r", "10-19", f"{base}/medium.bin"], "GET /medium.bin 206 0 10"),
    ]
    clients = []
    with hark(*own(getattr(nginx, port), nginx.sink.port)) as watch:
        for options, _ in calls:
            clients.append(run(*CURL, *prior, "-w", "\n%{http_code} %{size_download}", *options))
        watch.wait_for(len(calls), nginx)
    for client, (_, expected) in zip(clients, calls):
        seen = watch.of(client)
        status, size = client.text.splitlines()[-1].split()
        if expected is None:
            expected = " ".join(briefs(seen)[0].split()[:2] + [status, "0", size])
        assert briefs(seen) == [expected]
        assert status == expected.split()[2]
        assert_whole(seen)
    assert briefs(watch.of(nginx)) == briefs(one for client in clients for one in watch.of(client))
    watch.assert_nothing_lost()


def test_a_proxy_is_client_and_server(hark, nginx):
    with hark() as watch:
        client = run(*CURL, f"http://127.0.0.1:{nginx.http}/proxy/small.txt")
        watch.wait_for(2, nginx, hark_role="server")
        watch.wait_for(1, nginx, hark_role="client")
    assert briefs(watch.of(client)) == ["GET /proxy/small.txt 200 0 1000"]
    assert sorted(briefs(watch.of(nginx, hark_role="server"))) == \
        ["GET /proxy/small.txt 200 0 1000", "GET /small.txt 200 0 1000"]
    assert briefs(watch.of(nginx, hark_role="client")) == ["GET /small.txt 200 0 1000"]


def test_ipv6_and_unix_sockets(hark, nginx, capture):
    with hark("--capture", capture, "--ring", LARGE_RING) as watch:
        six = run(*CURL, f"https://[::1]:{nginx.tls}/small.txt")
        local = run(*CURL, "--unix-socket", nginx.socket, "http://here/small.txt")
        watch.wait_for(2, nginx)
    assert briefs(watch.of(six)) == briefs(watch.of(local)) == ["GET /small.txt 200 0 1000"]
    assert len(watch.of(nginx)) == 2
    assert watch.of(six)[0]["network.peer.address"] == "::1"
    assert watch.of(local)[0]["network.transport"] == "unix"
    assert watch.of(local)[0]["server.address"] == "here"
    assert_whole(watch.of(six) + watch.of(local) + watch.of(nginx))


@pytest.mark.parametrize("way", ["v1", "v2"])
def test_proxy_preface_is_stepped_over(hark, nginx, way):
    """curl sends v1; v2 is written by hand."""
    with hark() as watch:
        if way == "v1":
            client = run(*CURL, "--haproxy-protocol", f"http://127.0.0.1:{nginx.proxied}/small.txt")
        else:
            client = run(PYTHON, "-c", PREFACE_V2, nginx.proxied)
        watch.wait_for(1, nginx)
    for who in (client, nginx):
        assert briefs(watch.of(who)) == ["GET /small.txt 200 0 1000"]
        assert_whole(watch.of(who))


PREFACE_V2 = r"""
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1\x12\x34\0\x50"
          b"GET /small.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
while s.recv(65536): pass
"""


def test_short_lived_curl_is_seen_whole(hark, certificates, site, tmp_path):
    """Nobody has libssl mapped when hark starts; then one curl comes and goes."""
    with hark() as watch:
        server = Nghttpd(tmp_path, certificates, site)
        try:
            client = run(*CURL, "--tls-max", "1.2", f"https://127.0.0.1:{server.port}/one")
            watch.wait_for(1, client)
        finally:
            server.stop()
    assert briefs(watch.of(client)) == ["GET /one 200 0 1"]
    assert_whole(watch.of(client))
