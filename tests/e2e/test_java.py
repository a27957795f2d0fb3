# SPDX-License-Identifier: Apache-2.0
"""Java with BoringSSL: Conscrypt (without symbols, known by its first bytes) and Netty's netty-tcnative.

Both come in a jar: Java takes the library out of it, maps it and removes the file, each time anew.
"""
import os
import pathlib
import subprocess

import pytest

from harness import HARK, JAVA, PEERS, Gate, Program, assert_whole, briefs, free_port, run, wait_until

CONSCRYPT, NETTY = PEERS / "conscrypt-2.5.2", PEERS / "netty-4.1.118.Final"
COUNT = 5
PROVIDERS = ["org.conscrypt.OpenSSLProvider", "SUN", "SunRsaSign", "SunEC", "SunJSSE", "SunJCE"]


def java(jars, *words, options=()):
    if not jars.exists():
        pytest.skip(f"{jars} is not there: Maven could not fetch it (make peers says why)")
    return [*JAVA[:3], *options, "-cp", f"{jars}/*:{jars}:{PEERS}", *map(str, words)]


@pytest.fixture
def conscrypt(tmp_path):
    """conscrypt(WORDS...): a command line of Java whose first provider is Conscrypt."""
    properties = tmp_path / "security"
    properties.write_text("".join(f"security.provider.{i}={name}\n" for i, name in enumerate(PROVIDERS, 1)))
    return lambda *words: java(CONSCRYPT, *words, options=[f"-Djava.security.properties={properties}"])


@pytest.fixture
def serves(conscrypt, certificates, tmp_path):
    """The JDK's server, with Conscrypt."""
    keys, port = tmp_path / "keys.p12", free_port()
    run("openssl", "pkcs12", "-export", "-inkey", certificates / "key.pem", "-in", certificates / "cert.pem", "-out", keys,
        "-passout", "pass:hark")
    server = Program(conscrypt("Serve", port, keys), tmp_path, ports=[port])
    server.role, server.port = "server", port
    yield server
    server.stop()


@pytest.fixture
def netty(certificates, tmp_path):
    port = free_port()
    server = Program(java(NETTY, "NettyServe", port, certificates / "cert.pem", certificates / "key.pem"), tmp_path, ports=[port])
    server.role, server.port = "server", port
    yield server
    server.stop()


def is_probed(watch, name):
    """Does a link hold hark's programs to a file of this name, which is removed?"""
    folder = pathlib.Path(f"/proc/{watch.pid}/fdinfo")
    for link in os.listdir(folder):
        try:
            lines = (folder / link).read_text().splitlines()
        except OSError:
            continue
        if any(line.startswith("path:") and name in line for line in lines):
            return True
    return False


def assert_served(watch, server, client, paths):
    """Each exchange at both ends, with the other's port."""
    served = watch.of(server)
    assert briefs(served) == [f"GET {path} 200 0 {len(path)}" for path in paths]
    assert {(one["tls.library"], one["hark.role"], one["network.local.port"]) for one in served} == \
        {("boringssl", "server", server.port)}
    assert [one["network.peer.port"] for one in served] == [one["network.local.port"] for one in watch.of(client)]
    assert_whole(served)
    watch.assert_nothing_lost()


@pytest.mark.parametrize("which", ["serves", "netty"])
def test_a_server_of_java(hark, request, capture, which):
    server = request.getfixturevalue(which)
    paths = [f"/n/{number}" for number in range(COUNT)]
    with hark("--capture", capture, f"port:{server.port}") as watch:
        client = run("curl", "-sSk", *[f"https://127.0.0.1:{server.port}{path}" for path in paths])
        watch.wait_for(COUNT, server)
        watch.wait_for(COUNT, client)
    assert client.text == "".join(paths)
    assert_served(watch, server, client, paths)


def test_a_client_of_java(hark, nginx, conscrypt, capture, tmp_path):
    """Its first request is answered when its library, which nobody used before, is probed."""
    gate, url = Gate(tmp_path), f"https://127.0.0.1:{nginx.tls}"
    words = conscrypt("Fetch", f"{url}/wait/until{gate.path}", *[f"{url}/one?n={number}" for number in range(COUNT)])
    with hark("--capture", capture, f"port:{nginx.tls}") as watch:
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as client:
            wait_until(lambda: is_probed(watch, "libconscrypt") or client.poll() is not None, "the probes")
            gate.open()
            watch.wait_for(COUNT, client.pid, url_path="/one")
            watch.wait_for(COUNT, nginx, url_path="/one")
        assert client.returncode == 0
    asked, served = (watch.of(who, url_path="/one") for who in (client.pid, nginx))
    assert briefs(asked) == briefs(served)
    assert {(one["tls.library"], one["hark.role"], one["http.response.status_code"]) for one in asked} == {("boringssl", "client", 200)}
    assert [one["network.local.port"] for one in asked] == [one["network.peer.port"] for one in served]
    assert_whole(asked)


def test_doctor_knows_it_by_its_first_bytes(serves):
    said = run(HARK, "doctor", serves.pid).text
    assert "BoringSSL (by signature conscrypt-2.5: until it moves HTTP, a guess)" in said
    assert "Conscrypt's BoringSSL" not in said, "its file's name says less"
