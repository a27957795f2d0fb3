# SPDX-License-Identifier: Apache-2.0
"""Functions of a TLS library without symbols: by what the user says (--tls-library), and believed only for good reason."""
import os
import pathlib
import struct
import subprocess

import pytest

from harness import HARK, PEERS, Program, assert_whole, briefs, run, wait_until

STRIPPED, INSIDE = PEERS / "callbacks-stripped", PEERS / "callbacks-inside"
ROUNDS = 20


@pytest.fixture(scope="session")
def offsets():
    """Where functions stand in the file, which is the same with its symbols and without them."""
    image = INSIDE.read_bytes()
    start, size, count = *struct.unpack_from("<Q", image, 32), *struct.unpack_from("<HH", image, 54)
    headers = [struct.unpack_from("<IIQQQQ", image, start + i * size) for i in range(count)]
    lines = subprocess.run(["nm", INSIDE], check=True, capture_output=True, text=True).stdout.splitlines()
    found = {words[2]: int(words[0], 16) for words in map(str.split, lines) if len(words) == 3 and words[1] in "tT"}
    return {name: address - virtual + offset for name, address in found.items()
            for kind, _, offset, virtual, _, length in headers if kind == 1 and virtual <= address < virtual + length}


@pytest.fixture
def stripped(tmp_path):
    """A copy of this test's own: another test beside it says other things of it."""
    path = tmp_path / "stripped"
    path.write_bytes(STRIPPED.read_bytes())
    path.chmod(0o755)
    return path


def claim(path, offsets, **functions):
    """The option's words: FUNCTION=its symbol, or another's."""
    return ("--tls-library", f"{path}=openssl," + ",".join(f"{name}@{offsets[at]:#x}" for name, at in functions.items()))


def right(path, offsets, *names):
    return claim(path, offsets, **{name: name for name in ("SSL_read", "SSL_write", *names)})


def assert_all_seen(watch, client, nginx):
    """Each round was a connection of its own, and the object stood at the same address each time."""
    asked, served = watch.of(client), watch.of(nginx)
    assert briefs(asked) == briefs(served) == [f"GET /one?n={n} 200 0 1" for n in range(ROUNDS)]
    assert {one["tls.library"] for one in asked} == {"openssl"}
    assert [one["network.local.port"] for one in asked] == [one["network.peer.port"] for one in served]
    assert len({one["hark.connection"] for one in asked}) == ROUNDS
    assert_whole(asked)
    watch.assert_nothing_lost()


@pytest.mark.parametrize("names", [["SSL_free", "SSL_do_handshake"], ["SSL_free"], []], ids=lambda names: "-".join(names) or "two")
def test_a_stripped_program_is_read(hark, nginx, offsets, stripped, capture, names):
    with hark("--capture", capture, f"port:{nginx.tls}", *right(stripped, offsets, *names)) as watch:
        client = run(stripped, "again", nginx.tls, ROUNDS)
        watch.wait_for(ROUNDS, client)
        watch.wait_for(ROUNDS, nginx)
    assert client.text == "done\n"
    assert_all_seen(watch, client, nginx)


def test_without_the_option_it_is_opaque(hark, nginx, stripped):
    """What the tests above see comes from the option."""
    with hark(f"port:{nginx.tls}", view=("conns",)) as watch:
        client = run(stripped, "again", nginx.tls, 1)
        watch.wait_for(1, client)
    assert [(one["hark.exchanges"], one.get("tls.library")) for one in watch.of(client)] == [(0, None)]


def links_of(pid, path):
    """The links that hold its programs to this file."""
    folder, found = pathlib.Path(f"/proc/{pid}/fdinfo"), 0
    for name in os.listdir(folder):
        try:
            text = (folder / name).read_text()
        except OSError:
            continue
        found += "link_type" in text and f"path:\t{path}\n" in text
    return found


@pytest.mark.parametrize("wrong", [{"SSL_read": "BIO_read", "SSL_write": "BIO_write"},
                                   {"SSL_read": "BIO_read", "SSL_write": "BIO_write", "SSL_free": "BIO_free"},
                                   {"SSL_read": "CRYPTO_zalloc", "SSL_write": "EVP_EncryptUpdate"}],
                         ids=["ciphertext", "ciphertext-free", "others"])
def test_wrong_functions_show_nothing_and_are_let_go(hark, nginx, offsets, stripped, wrong):
    """Functions that are called all the time, and that move bytes, but none that anybody said."""
    fills = "EVP_EncryptUpdate" in wrong.values()  # its buffer, unless the same bytes stood there: sixteen calls or the first
    why, unproven = ("its TLS is not decoded", 1) if fills else ("moves no HTTP", 16)
    assert_let_go(hark, nginx, stripped, claim(stripped, offsets, **wrong), why, unproven)


@pytest.mark.parametrize("more", [["SSL_free"], ["SSL_free", "SSL_do_handshake"], []],
                         ids=lambda names: "-".join(names) or "two")
def test_exchanged_functions_show_nothing_and_are_let_go(hark, nginx, offsets, stripped, capture, more):
    """They move HTTP, each the other's: nothing else of a session without a socket says so."""
    words = claim(stripped, offsets, SSL_read="SSL_write", SSL_write="SSL_read", **{name: name for name in more})
    assert_let_go(hark, nginx, stripped, ("--capture", capture, *words), "fills a buffer that it should write from", 1)


def assert_let_go(hark, nginx, stripped, words, why, unproven):
    with hark(f"port:{nginx.tls}", *words) as watch:
        assert links_of(watch.pid, stripped)
        client = run(stripped, "again", nginx.tls, ROUNDS)
        wait_until(lambda: any(why in line for line in list(watch.talk)), "the line")
        wait_until(lambda: not links_of(watch.pid, stripped), "the probes' end")
        again = run(stripped, "again", nginx.tls, ROUNDS)
        watch.wait_for(2 * ROUNDS, nginx)
    assert client.text == again.text == "done\n"
    assert [one for one in watch.objects if one["process.pid"] in (client.pid, again.pid)] == []
    told = [line for line in watch.talk if why in line]
    assert len(told) == 1 and str(stripped) in told[0] and "OpenSSL, by --tls-library" in told[0]
    assert watch.stats["probes.refuted"] >= 1
    assert watch.stats["probes.unproven"] >= unproven
    # Those whose other end was still on trial waited for it, the later ones did not.
    assert sorted(briefs(watch.of(nginx))) == sorted(2 * [f"GET /one?n={n} 200 0 1" for n in range(ROUNDS)])
    assert_whole(watch.of(nginx))


def test_doctor_tells_of_it(nginx, offsets, stripped, tmp_path, certificates):
    said = run(HARK, "doctor", *right(stripped, offsets, "SSL_free")).text
    line = next(line for line in said.splitlines() if str(stripped) in line)
    assert "OpenSSL" in line and "(by --tls-library: until it moves HTTP, a guess)" in line


def test_what_cannot_be_is_refused(offsets, stripped):
    """Before anything runs, with the remedy."""
    at = offsets["SSL_read"]
    for words, wanted in ((f"SSL_read@{at + 8:#x}", f"no function begins there in {stripped}; the one before begins at {at:#x}"),
                          ("SSL_read@0x10", "no code stands at that offset"),
                          (f"SSL_read@{at}", "has no symbol SSL_write: say where it stands (SSL_write@OFFSET)")):
        refused = run(HARK, "--tls-library", f"{stripped}=openssl,{words}", status=2)
        assert wanted in refused.err.decode(), refused.err
