# SPDX-License-Identifier: Apache-2.0
"""TLS libraries, old and strange users of them, and that the observed never suffers."""
import os
import pathlib
import shutil
import subprocess

import pytest

from harness import (DEADLINE_S, HARK, JAVA, LARGE_RING, PEERS, ROOT, Program, assert_whole, briefs, free_port, header, run,
                     uses_sessions, wait_until)
from servers import PYTHON, Nginx

SHORT_LIVES = int(os.environ.get("SHORT_LIVES", "12"))
LIBSSL = next(pathlib.Path("/usr/lib").glob("*-linux-gnu/libssl.so.3"))

CURL = ("curl", "-sS", "-k")


@pytest.mark.alone
@pytest.mark.parametrize("stacks", [[], [64], [48, "thread"]])
def test_stack_switching_program_survives(hark, nginx, capture, stacks):
    """Two coroutines, each in SSL_read with a BIO that yields: unprotected return probes kill it."""
    alone = run(PEERS / "coroutine", nginx.tls, 40, *stacks)
    with hark("--capture", capture) as watch:
        watched = [run(PEERS / "coroutine", nginx.tls, 40, *stacks) for _ in range(3)]
        watch.wait_for(240, nginx)
    for one in watched:
        assert one.out == alone.out and one.err == alone.err
    assert len(watch.of(nginx)) == 240, "the server's side is whole"
    for one in watch.of(*watched):
        assert one.get("http.response.status_code", 200) == 200
        assert one.get("url.path") in (None, "/one", "/small.txt")
    seen = sum(len(watch.of(one)) for one in watched)
    assert watch.stats["returns.refused"] or watch.stats["probes.detached"] or seen == 240
    assert watch.stats["returns.refused"] == 0 or any("gap" in one.get("hark.flags", [])
                                                      for one in watch.of(*watched)) or seen < 240


@pytest.mark.alone
def test_a_call_under_way_outlives_its_hark(hark, nginx, capture):
    """One hark armed the return of a call that waits, and ended; the next sees calls on another stack meanwhile."""
    with hark("--capture", capture):
        peer = subprocess.Popen([PEERS / "coroutine", str(nginx.tls), "40", "held"], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        assert peer.stdout.readline() == b"inside\n"
    with hark("--capture", capture) as watch:
        out = peer.communicate(b"\n", DEADLINE_S)[0]
        watch.wait_for(80, nginx)
    if uses_sessions():
        assert (peer.returncode, out.count(b" bytes\n")) == (0, 2)
        assert watch.stats["returns.refused"] > 0
    else:  # the kernel arms each return: hark sees that at the first call, and arms no more
        assert watch.stats["probes.detached"] == 1


def test_the_observed_output_is_unchanged(hark, nginx, site):
    command = ["curl", "-skv", "--no-progress-meter", "--http1.1", f"https://127.0.0.1:{nginx.tls}/medium.bin"]
    alone = run(*command)
    with hark():
        watched = run(*command)
    assert watched.out == alone.out == (site / "medium.bin").read_bytes()
    kept = [[line for line in one.err.decode().splitlines()
             if not any(word in line for word in ("Date:", "Connected", "expire", "start date", "127.0.0.1", "Trying",
                                             "bytes data]", "completely sent"))]  # when they come is a matter of time
            for one in (alone, watched)]
    assert kept[0] == kept[1]


def test_ciphertext_never_comes_out(hark, nginx, tmp_path):
    """Each exchange once, and no connection of the clear kind on the TLS port."""
    with hark() as watch:
        for _ in range(10):
            run(*CURL, f"https://127.0.0.1:{nginx.tls}/medium.bin", "-o", "/dev/null")
        watch.wait_for(10, nginx)
    seen = [one for one in watch.objects if nginx.tls in (one.get("network.local.port"), one.get("network.peer.port"))]
    assert len(seen) == 20 and all(one["tls"] for one in seen)
    assert watch.stats["bytes.ciphertext"] > 10 * 2 * 100_000


def test_a_large_download_is_whole(hark, nginx, capture):
    with hark("--capture", capture, "--ring", LARGE_RING, f"port:{nginx.tls}", verbose=0) as watch:
        client = run(*CURL, "-o", "/dev/null", f"https://127.0.0.1:{nginx.tls}/large.bin",
                     "-o", "/dev/null", f"https://127.0.0.1:{nginx.tls}/one")
        watch.wait_for(2, nginx)
    for who in (client, nginx):
        assert briefs(watch.of(who)) == ["GET /large.bin 200 0 3000000", "GET /one 200 0 1"]
    assert watch.stats["bytes.lost"] == 0


def test_tls_without_a_known_library_is_opaque(hark, nginx):
    """Java's side cannot be decoded, but nothing wrong is shown and the server's side is."""
    with hark(view=("conns",)) as watch:
        client = run(*JAVA, f"https://127.0.0.1:{nginx.tls}/one")
        watch.wait_for(1, client)
    conns = watch.of(client)
    assert len(conns) == 1 and conns[0]["tls"] is True and conns[0]["hark.exchanges"] == 0
    assert conns[0]["hark.opaque"] == "Java's own TLS, which hark does not follow"


BULLSEYE = ["openssl", "libssl1.1", "curl", "libcurl4", "libldap-2.4-2", "libgnutls30", "libnettle8", "libhogweed6",
            "librtmp1", "libssh2-1", "libnghttp2-14", "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3",
            "libkrb5support0", "libsasl2-2", "libidn2-0", "libpsl5", "libbrotli1", "libffi7", "libunistring2",
            "libgcrypt20", "libgpg-error0", "libgmp10", "libcom-err2", "libkeyutils1", "libp11-kit0", "libtasn1-6"]


@pytest.fixture(scope="module")
def bullseye():
    """Debian 11's openssl and curl, downloaded with their signatures checked, unpacked into build/peers."""
    folder = ROOT / "build/peers/bullseye"
    done = subprocess.run([str(ROOT / "scripts/unpack-debian"), "bullseye", str(folder), *BULLSEYE],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return folder


def with_libraries(folder):
    triplet = os.uname().machine + "-linux-gnu"
    return {"LD_LIBRARY_PATH": f"{folder}/usr/lib/{triplet}:{folder}/lib/{triplet}"}


@pytest.fixture
def old_server(bullseye, certificates, site, tmp_path):
    """s_server of 1.1.1, as a function that starts it; ended with the test."""
    started = []

    def start():
        port = free_port()
        started.append(Program([bullseye / "usr/bin/openssl", "s_server", "-quiet", "-accept", port, "-WWW", "-cert",
                                certificates / "cert.pem", "-key", certificates / "key.pem"], tmp_path, ports=(port,),
                               env=with_libraries(bullseye), cwd=site))
        started[-1].port = port
        return started[-1]

    yield start
    for server in started:
        server.stop()


def test_openssl_1_1_1_curl(hark, nginx, bullseye, old_server, capture):
    """Somebody has the library mapped, as on a machine of that age."""
    env = with_libraries(bullseye)
    old_server()
    assert "OpenSSL/1.1.1" in run(bullseye / "usr/bin/curl", "--version", env=env).text
    with hark("--capture", capture) as watch:
        client = run(bullseye / "usr/bin/curl", "-sSk", "-H", "X-Ask: old", f"https://127.0.0.1:{nginx.tls}/small.txt",
                     f"https://127.0.0.1:{nginx.tls}/one", env=env)
        watch.wait_for(2, client)
    for who in (client, nginx):
        assert briefs(watch.of(who)) == ["GET /small.txt 200 0 1000", "GET /one 200 0 1"]
        assert_whole(watch.of(who))
    assert header(watch.of(client)[0], "x-ask", "request") == ["old"]


@pytest.mark.parametrize("late", [False, True])
def test_openssl_1_1_1_server_and_client(hark, bullseye, old_server, late):
    """late: the library is in no loader's cache and mapped by nobody until hark runs."""
    env = with_libraries(bullseye)
    openssl = bullseye / "usr/bin/openssl"
    assert "OpenSSL 1.1.1" in run(openssl, "version", env=env).text
    server = None if late else old_server()
    with hark("--debug") as watch:
        if late:
            server = old_server()
            wait_until(lambda: any("probing" in line and "libssl.so.1.1" in line for line in list(watch.talk)),
                       "probes on the library that was mapped late")
        client = run(openssl, "s_client", "-quiet", "-ign_eof", "-connect", f"127.0.0.1:{server.port}", env=env,
                     given=b"GET /small.txt HTTP/1.0\r\nHost: x\r\n\r\n", status=None)
        watch.wait_for(1, server)
        watch.wait_for(1, client)
    for who in (client, server):
        seen = watch.of(who)
        assert [(one["http.request.method"], one["url.path"], one["http.response.status_code"]) for one in seen] == \
            [("GET", "/small.txt", 200)]
        assert [one["http.response.body.size"] for one in seen] == [1000]


def test_two_copies_of_the_library_count_once(hark, certificates, site, scratch, tmp_path):
    """A server that reaches libssl by a second path (a bind of the same inode) gives each exchange once."""
    folder = tmp_path / "lib"
    folder.mkdir()
    os.symlink(LIBSSL, folder / "libssl.so.3")
    home = scratch / "second-path"
    home.mkdir()
    os.environ["LD_LIBRARY_PATH"] = str(folder)
    try:
        server = Nginx(home, certificates, site)
    finally:
        del os.environ["LD_LIBRARY_PATH"]
    try:
        with hark() as watch:
            client = run(*CURL, f"https://127.0.0.1:{server.tls}/one")
            watch.wait_for(1, server)
    finally:
        server.stop()
    assert briefs(watch.of(server)) == briefs(watch.of(client)) == ["GET /one 200 0 1"]


MAPPER = r"""
import mmap, sys
maps = []
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        maps.append(mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC))
print("mapped", flush=True)
sys.stdin.read()
"""


def map_copies(folder, name, count):
    """A process that maps so many new copies of libssl, which are deleted as soon as they are mapped."""
    copies = [folder / f"{name}-{i}.so" for i in range(count)]
    for copy in copies:
        shutil.copy(LIBSSL, copy)
    process = subprocess.Popen([PYTHON, "-c", MAPPER, *copies], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "mapped\n"
    return process, copies


def test_libraries_are_forgotten_with_their_last_user(hark, nginx, tmp_path, capture):
    """Deleted copies (a program that unpacks itself) hold a file each as long as somebody maps them, no longer."""
    def told(watch, what, copies):
        """How many of these copies hark has told so of."""
        lines = [line for line in list(watch.talk) if what in line]
        return sum(any(str(copy) in line for line in lines) for copy in copies)

    def forgotten(watch, copies):
        """Or kept for a reason: very many mappings at once, and a process that even root may not look at."""
        return told(watch, "nobody uses", copies) == 20 or any("known by now are kept" in line for line in list(watch.talk))

    with hark("--capture", capture, "--debug", "--ring", LARGE_RING, f"port:{nginx.tls}") as watch:
        stays, its_copies = map_copies(tmp_path, "stays", 20)
        ends, more_copies = map_copies(tmp_path, "ends", 20)
        wait_until(lambda: told(watch, "probing", its_copies + more_copies) == 40, "probes on all copies")
        for copy in its_copies + more_copies:
            copy.unlink()
        ends.communicate("")
        wait_until(lambda: forgotten(watch, more_copies), "the second twenty forgotten")
        assert not told(watch, "nobody uses", its_copies), "somebody still maps these"
        stays.communicate("")
        wait_until(lambda: forgotten(watch, its_copies), "all forgotten")
        # A connection that comes after is found as ever, and the system's own library is probed as before.
        client = run("curl", "-sk", f"https://127.0.0.1:{nginx.tls}/one")
        watch.wait_for(1, client)
    assert briefs(watch.of(client)) == ["GET /one 200 0 1"]
    assert_whole(watch.of(client))


@pytest.mark.alone
def test_a_new_copy_in_a_short_life(hark, nginx, tmp_path, capture):
    """Each client brings a library that nobody has seen before, and lives some 30 ms: what it said is seen, or
    that it was not is. (SHORT_LIVES=50 and -s print the share: a grace period of the kernel's lies before
    each probe.)"""
    clients = []
    with hark("--capture", capture) as watch:
        for i in range(SHORT_LIVES):
            folder = tmp_path / f"{i}"
            folder.mkdir()
            shutil.copy(LIBSSL, folder)
            clients.append(run(*CURL, "--http1.1", f"https://127.0.0.1:{nginx.tls}/one",
                               env={"LD_LIBRARY_PATH": str(folder)}))
        watch.wait_for(len(clients), nginx)
    whole = 0
    for client in clients:
        seen = watch.of(client)
        whole += briefs(seen) == ["GET /one 200 0 1"] and not seen[0].get("hark.flags")
        said = [line for line in watch.talk if f"curl[{client.pid}]" in line]
        assert seen or said, "in silence"
        assert not seen or briefs(seen) == ["GET /one 200 0 1"] or seen[0]["hark.flags"]
    print(f"{whole} of {len(clients)} whole")


@pytest.fixture(scope="module")
def boringssl():
    """Debian's build of BoringSSL with its own client and server, unpacked into build/peers."""
    folder = ROOT / "build/peers/boringssl"
    done = subprocess.run([str(ROOT / "scripts/unpack-debian"), "bookworm", str(folder), "android-libboringssl",
                           "android-boringssl"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return folder / "usr/bin/bssl-tool", {"LD_LIBRARY_PATH": str(next(folder.rglob("libssl.so.0")).parent)}


def test_boringssl_is_named(hark, nginx, boringssl, certificates, tmp_path, capture):
    """It has OpenSSL's functions, and is not OpenSSL."""
    tool, env = boringssl
    port = free_port()
    server = Program([tool, "server", "-accept", port, "-loop", "-www", "-key", certificates / "key.pem", "-cert",
                      certificates / "cert.pem"], tmp_path, ports=(port,), env=env)
    try:
        with hark("--capture", capture) as watch:
            # It ends without close_notify, which curl of Debian 13 takes for an error.
            curl = run(*CURL, "-o", "/dev/null", f"https://127.0.0.1:{port}/served", status=None)
            client = run(tool, "client", "-connect", f"127.0.0.1:{nginx.tls}", env=env,
                         given=b"GET /small.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            watch.wait_for(1, client)
            watch.wait_for(1, server)
            watch.wait_for(1, curl)
        text = run(HARK, "doctor", server.pid).text
    finally:
        server.stop()
    assert briefs(watch.of(client)) == ["GET /small.txt 200 0 1000"]
    # This server reads four bytes of a request, never more.
    assert [one["http.response.status_code"] for one in watch.of(server)] == [200] and briefs(watch.of(curl))[0][:15] == "GET /served 200"
    assert [one["tls.library"] for who in (client, server, curl) for one in watch.of(who)] == ["boringssl"] * 2 + ["openssl"]
    assert "libssl.so.0  BoringSSL, 1 process" in text
