# SPDX-License-Identifier: Apache-2.0
"""-vv: codings undone, text by its charset, JSON indented, binary as hex, secrets hidden, and what is left out."""
import base64
import re
import subprocess

import pytest

from harness import DEADLINE_S, HARK, header, run
from servers import PythonServer

CURL = ("curl", "-sS", "-k")
TEXT = "".join(f"line {i} caf\u00e9\n" for i in range(2000))
CODED = ["/gzip", "/deflate", "/raw-deflate", "/br", "/zstd", "/two"]


@pytest.fixture(scope="module")
def bodies(scratch):
    folder = scratch / "bodies"
    folder.mkdir()
    server = PythonServer(folder, "bodies")
    yield server
    server.stop()


def fetch(hark, bodies, *paths):
    with hark(verbose=2) as watch:
        client = run(*CURL, *[f"http://127.0.0.1:{bodies.port}{path}" for path in paths], *["-o", "/dev/null"] * len(paths))
        watch.wait_for(len(paths), client)
    return {one["url.path"]: one for one in watch.of(client)}


def text_of(bodies, *words, options=()):
    """The text that hark prints for curl alone."""
    done = subprocess.run([HARK, "-vv", "--color=never", *options, "--", *CURL, "-o", "/dev/null", *map(str, words)],
                          capture_output=True, text=True, timeout=DEADLINE_S, stdin=subprocess.DEVNULL,
                          env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}, check=True)
    return done.stderr


def body_lines(text, mark="<|"):
    return [line.removeprefix(f"    {mark} ") for line in text.splitlines() if line.startswith(f"    {mark}")]


def test_codings_in_json(hark, bodies):
    seen = fetch(hark, bodies, *CODED)
    for path in CODED:
        assert seen[path]["http.response.body"] == TEXT, path
        assert "http.response.body.truncated" not in seen[path]
        assert seen[path]["http.response.body.size"] == int(header(seen[path], "Content-Length")[0]) < len(TEXT.encode())


@pytest.mark.parametrize("path", CODED)
def test_codings_in_text(bodies, path):
    lines = body_lines(text_of(bodies, f"http://127.0.0.1:{bodies.port}{path}"))
    assert lines[:-1] == TEXT.encode()[:2048].decode(errors="ignore").splitlines()
    coding = "gzip, br" if path == "/two" else path.strip("/").removeprefix("raw-")
    assert re.fullmatch(rf"\[204[78] shown of 30\.1K; {coding}, [\d.]+K? on the wire\]", lines[-1]), lines[-1]


def test_body_max(bodies):
    url = f"http://127.0.0.1:{bodies.port}/gzip"
    assert len(body_lines(text_of(bodies, url, options=("--body-max", "20")))) == 3
    assert body_lines(text_of(bodies, url, options=("--body-max", "1M")))[:-1] == TEXT.splitlines()


def test_a_bomb_is_cut(hark, bodies):
    one = fetch(hark, bodies, "/bomb")["/bomb"]
    assert one["http.response.body"] == "a" * (1 << 20) and one["http.response.body.truncated"] is True
    last = body_lines(text_of(bodies, f"http://127.0.0.1:{bodies.port}/bomb"))[-1]
    assert re.fullmatch(r"\[2048 shown of at least 1\.0M; gzip, 28\.\dK on the wire; expands beyond 1 MiB, cut\]", last), last


def test_charsets(hark, bodies):
    seen = fetch(hark, bodies, "/latin1", "/utf16")
    assert [seen[path]["http.response.body"] for path in ("/latin1", "/utf16")] == ["caf\u00e9"] * 2
    assert body_lines(text_of(bodies, f"http://127.0.0.1:{bodies.port}/latin1")) == ["caf\u00e9"]


def test_json_is_indented(bodies):
    assert body_lines(text_of(bodies, f"http://127.0.0.1:{bodies.port}/json")) == [
        "{", '  "a": [', "    1,", "    2.50,", "    {}", "  ],", '  "b": "x\\\\ty"', "}"]
    lines = body_lines(text_of(bodies, f"http://127.0.0.1:{bodies.port}/json-gzip"))
    assert lines[:4] == ["{", '  "items": [', "    {", '      "id": 0,'] and '      "big": 1.2345678901234567e+19' in lines
    assert lines[-1].startswith("[2048 shown of ")


def test_binary_is_a_short_dump(hark, bodies):
    lines = body_lines(text_of(bodies, f"http://127.0.0.1:{bodies.port}/binary"))
    assert lines[0] == "000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|" and len(lines) == 9
    assert lines[4].endswith("  |@ABCDEFGHIJKLMNO|") and lines[-1] == "[128 shown of 1024]"
    one = fetch(hark, bodies, "/binary")["/binary"]
    assert base64.b64decode(one["http.response.body"]["base64"]) == bytes(range(256)) * 4


def test_what_does_not_decode_is_said(hark, bodies):
    assert body_lines(text_of(bodies, f"http://127.0.0.1:{bodies.port}/liar")) == [
        "000000  74 68 69 73 20 69 73 20  6e 6f 20 67 7a 69 70     |this is no gzip|", "[15 shown of 15; does not decode, shown as sent]"]
    assert body_lines(text_of(bodies, f"http://127.0.0.1:{bodies.port}/unknown"))[-1] == \
        "[2 shown of 2; its coding is not known, shown as sent]"
    assert fetch(hark, bodies, "/liar")["/liar"]["http.response.body.truncated"] is True


def test_large_bodies_say_what_was_not_kept(hark, bodies):
    lines = body_lines(text_of(bodies, f"http://127.0.0.1:{bodies.port}/large"))
    assert lines[:-1] == ["0123456789abcde"] * 128
    assert lines[-1] == "[2048 shown of 312.5K; only the first 64.0K were kept]"
    seen = fetch(hark, bodies, "/large", "/large-gzip")
    assert seen["/large"]["http.response.body"] == ("0123456789abcde\n" * 4096) and seen["/large"]["http.response.body.truncated"]
    begin = seen["/large-gzip"]["http.response.body"]
    assert 64 * 1024 < len(begin) < 400_000 and seen["/large-gzip"]["http.response.body.truncated"]
    import random  # noqa: PLC0415
    assert random.Random(1).randbytes(200_000).hex().startswith(begin)


@pytest.mark.parametrize("way", ["http --http1.1", "h2c --http2-prior-knowledge", "tls --http2", "tls --http1.1"])
def test_nginx_gzip_and_forms(hark, nginx, way):
    port, option = way.split()
    base = f"{'https' if port == 'tls' else 'http'}://127.0.0.1:{getattr(nginx, port)}"
    with hark(verbose=2) as watch:
        got = run(*CURL, option, "-H", "Accept-Encoding: gzip", f"{base}/chunked?token=hidden", "-o", "/dev/null")
        post = run(*CURL, option, "-d", "user=me&password=S3CRET&x=1", f"{base}/post")
        watch.wait_for(2, got, post)
        watch.wait_for(2, nginx)
    one = watch.of(got)[0]
    assert header(one, "Content-Encoding") == ["gzip"] and "http.response.body" in one
    assert one["url.query"] == "token=[redacted]"
    assert all(one["http.request.body"] == "user=me&password=[redacted]&x=1" for one in watch.objects if one.get("url.path") == "/post")
    text = text_of(nginx, option, "-d", "user=me&password=S3CRET&x=1", f"{base}/post")
    assert body_lines(text, ">|") == ["user=me&password=[redacted]&x=1"] and "S3CRET" not in text
    assert "S3CRET" in text_of(nginx, option, "-d", "user=me&password=S3CRET&x=1", f"{base}/post", options=("--show-secrets",))
