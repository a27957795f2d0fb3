# SPDX-License-Identifier: Apache-2.0
"""Programs of npm's that hold their TLS library without symbols: Bun (BoringSSL, known by its first bytes), Deno (rustls)."""
import re

import pytest

from harness import HARK, PEERS, Program, assert_whole, free_port, run, wait_until
from servers import HERE, PYTHON

COUNT = 20
MANY = HERE / "peers/many.js"
BUNS = ["1.4.5", "1.1.30"]  # functions by how often they run; as the sources have them
WAYS = [("1.4.5", "fetch"), ("1.4.5", "https"), ("1.4.5", "http2"), ("1.1.30", "fetch"), ("1.1.30", "https")]


def peer(name):
    path = PEERS / name
    if not path.exists():
        pytest.skip(f"{path} is not there: npm could not fetch it (make peers says why)")
    return path


@pytest.fixture
def bun(tmp_path):
    """bun(VERSION): the program, of which one runs already, so that its functions are found before hark is ready."""
    started = []

    def find(version):
        path = peer(f"bun-{version}")
        started.append(Program([path, "-e", "setInterval(() => {}, 1000)"], tmp_path))
        return path

    yield find
    for one in started:
        one.stop()


def number_of(one):
    return int(one["url.query"].removeprefix("n="))


@pytest.mark.parametrize("version,way", WAYS)
def test_bun_asks(hark, nginx, bun, capture, version, way):
    program = bun(version)
    with hark("--capture", capture, f"port:{nginx.tls}") as watch:
        first = run(program, MANY, way, nginx.tls, COUNT)  # of which most begin before the signature is proven
        watch.wait_for(COUNT, first)
        client = run(program, MANY, way, nginx.tls, COUNT)
        watch.wait_for(COUNT, client)
        watch.wait_for(2 * COUNT, nginx)
    ports = {one["network.local.port"] for one in watch.of(client)}
    asked, served = watch.of(client), [one for one in watch.of(nginx) if one["network.peer.port"] in ports]
    assert [one["tls.library"] for one in watch.of(first)] == COUNT * ["boringssl"]
    assert sorted(map(number_of, watch.of(first))) == list(range(COUNT))
    assert sorted(map(number_of, asked)) == sorted(map(number_of, served)) == list(range(COUNT))
    assert {(one["tls.library"], one["hark.role"], one["http.response.status_code"]) for one in asked} == {("boringssl", "client", 200)}
    assert {one["network.protocol.version"] for one in asked} == {"2" if way == "http2" else "1.1"}
    assert {number_of(one): one["network.local.port"] for one in asked} == \
        {number_of(one): one["network.peer.port"] for one in served}
    assert_whole(watch.of(first, client))
    watch.assert_nothing_lost()
    for words in client.text.splitlines() if way != "fetch" and version != "1.1.30" else []:  # which says 80
        n, port = map(int, words.split())
        assert [one["network.local.port"] for one in asked if number_of(one) == n] == [port]


@pytest.mark.parametrize("version", BUNS)
def test_bun_serves(hark, bun, certificates, tmp_path, capture, version):
    port = free_port()
    server = Program([bun(version), MANY, "serve", port, certificates / "cert.pem", certificates / "key.pem"], tmp_path,
                     ports=(port,))
    try:
        with hark("--capture", capture, f"port:{port}") as watch:
            client = run(PYTHON, HERE / "peers/many.py", "threads", port, COUNT)
            watch.wait_for(COUNT, client)
            watch.wait_for(COUNT, server)
    finally:
        server.stop()
    ports = {int(n): int(own) for n, own in map(str.split, client.text.splitlines())}
    served = watch.of(server)
    assert {number_of(one): one["network.peer.port"] for one in served} == ports
    assert len(served) == COUNT
    assert {(one["tls.library"], one["hark.role"], one["http.response.status_code"]) for one in served} == {("boringssl", "server", 200)}
    assert_whole(served)
    watch.assert_nothing_lost()


def test_a_bun_that_hark_starts(hark, nginx):
    """Its program is looked at before it begins, for it is over sooner than that takes."""
    program = peer("bun-1.4.5")
    with hark(f"port:{nginx.tls}", "--", program, MANY, "fetch", nginx.tls, 1) as watch:
        watch.process.wait(30)
    assert [one["tls.library"] for one in watch.objects if one["hark.role"] == "client"] == ["boringssl"]
    assert_whole(watch.objects)


def test_doctor_names_the_signature(bun):
    program = bun("1.4.5")
    lines = run(HARK, "doctor", "-v").text.splitlines()
    line = next(line for line in lines if str(program) in line)
    assert "BoringSSL inside" not in line
    assert "BoringSSL (by signature bun-1.4: until it moves HTTP, a guess)" in line
    rows = [line for line in lines if line.startswith("  bun-1.4.5 ")]
    assert rows and all(re.search(r" BoringSSL +inside \(signature bun-1\.4\) +covered \(a guess until it moves HTTP\)\Z", row)
                        for row in rows), rows


def test_doctor_names_deno(tmp_path):
    """rustls without symbols, by what is left of its sources' names; and why it is not read."""
    program = Program([peer("deno-2.9.6"), "eval", "console.log('runs'); setInterval(() => {}, 1000)"], tmp_path)
    try:
        wait_until(lambda: "runs" in program.log(), "the program")
        text = run(HARK, "doctor", program.pid).text
    finally:
        program.stop()
    assert re.search(r"^  not covered   rustls [^:]+: \w", text, re.M), text
    assert "  covered " not in text


def test_deno_is_named(hark, nginx):
    program = peer("deno-2.9.6")
    with hark(f"port:{nginx.tls}", view=("conns",)) as watch:
        client = run(program, "eval", "--unsafely-ignore-certificate-errors",
                     f"await (await fetch('https://127.0.0.1:{nginx.tls}/one')).text()")
        watch.wait_for(1, client)
    told = [one for one in watch.of(client) if one.get("network.peer.port") == nginx.tls]
    assert [one["hark.exchanges"] for one in told] == [0]
    assert "rustls" in told[0]["hark.opaque"], told
