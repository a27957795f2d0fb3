# SPDX-License-Identifier: Apache-2.0
"""s2n: the AWS common runtime, which holds it and reads its sockets itself, and s2n's own functions of two builds of that."""
import contextlib
import os
import signal
import subprocess

import pytest

from harness import HARK, LARGE_RING, PEERS, Program, assert_whole, brief, briefs, run, wait_until
from servers import HERE, PYTHON
from test_tls_sessions import ANSWER, start_s_server

WHEEL = PEERS / "awscrt-0.38.1"
CRT, S2N = HERE / "peers/crt.py", HERE / "peers/s2n.py"
WITH_WHEEL = {"PYTHONPATH": str(WHEEL)}
NAMES = ["one", "small.txt", "large.bin"]


def held(folder, env):
    """A program that has it mapped, so that its functions are found before hark is ready."""
    program = Program([PYTHON, "-c", "import awscrt, _awscrt, signal; print('there', flush=True); signal.pause()"], folder, env=env)
    wait_until(lambda: "there" in program.log() or program.process.poll() is not None, "awscrt")
    return program


@pytest.fixture
def wheel(tmp_path):
    if not WHEEL.exists():
        pytest.skip(f"{WHEEL} is not there: pip could not fetch it (make peers says why)")
    program = held(tmp_path, WITH_WHEEL)
    yield program
    program.stop(signal.SIGKILL)


@pytest.fixture
def packaged(tmp_path):
    """Debian's own build, without the symbols and the padded instructions of the wheel."""
    if subprocess.run([PYTHON, "-c", "import awscrt"], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("no awscrt of the distribution's")
    program = held(tmp_path, None)
    yield program
    program.stop(signal.SIGKILL)


def facts(one):
    return one["tls"], one["tls.library"], one["network.protocol.version"], one["network.peer.port"], one.get("hark.flags")


def test_crt_asks(hark, nginx, site, wheel, capture):
    """What is read comes to s2n by memory, what is written leaves it for the socket: each exchange once, with its peer."""
    with hark("--capture", capture, "--ring", LARGE_RING, "--both-ends", f"port:{nginx.tls}", verbose=0) as watch:
        clients = {version: run(PYTHON, CRT, nginx.tls, version, *NAMES, "post", env=WITH_WHEEL) for version in ("1.1", "2")}
        for client in clients.values():
            watch.wait_for(4, client)
        watch.wait_for(8, nginx)
    for version, client in clients.items():
        seen = watch.of(client)
        assert briefs(seen)[:3] == [f"GET /{name} 200 0 {(site / name).stat().st_size}" for name in NAMES]
        assert brief(seen[3]).startswith("POST /post 201 100000 ")
        assert client.text.split()[::3] == [*NAMES, "post"]
        assert {facts(one) for one in seen} == {(True, "s2n", version, nginx.tls, None)}
        assert len({one["hark.connection"] for one in seen}) == 1
        assert_whole(seen)
    assert briefs([one for one in watch.of(nginx) if one["tls"]]) == \
        [brief(one) for client in clients.values() for one in watch.of(client)]
    watch.assert_nothing_lost()


def test_ways(hark, nginx, wheel, packaged):
    """An object used again, writes in parts, vectors; and a function at which the kernel takes no probe in the wheel."""
    ways = ["plain", "again", "slowly", "vectors", "offset"]
    with hark("--ring", LARGE_RING, f"port:{nginx.tls}") as watch:
        padded, plain = (run(PYTHON, S2N, nginx.tls, *ways, env=env) for env in (WITH_WHEEL, None))
        for client in (padded, plain):
            watch.wait_for(len(ways), client)
        watch.wait_for(2 * len(ways), nginx)
    assert padded.text == plain.text == "".join(f"{way} 404\n" for way in ways)
    wanted = ["GET /plain 404 0 153", "GET /again 404 0 153", "POST /slowly 404 300000 153", "GET /vectors 404 0 153",
              "POST /offset 404 6 153"]
    assert briefs(watch.of(plain)) == wanted
    assert {facts(one) for one in watch.of(plain)} == {(True, "s2n", "1.1", nginx.tls, None)}
    *seen, unmeasured = watch.of(padded)
    assert briefs(seen) == wanted[:-1]
    assert {facts(one) for one in seen} == {(True, "s2n", "1.1", nginx.tls, None)}
    assert brief(unmeasured) == "- - 404 - 153" and unmeasured["hark.flags"] == ["gap", "no-request"]
    assert sorted(briefs([one for one in watch.of(nginx) if one["tls"]])) == sorted(2 * wanted)
    assert 0 < watch.stats.pop("stream.holes") <= 2  # each call with an offset
    watch.assert_nothing_lost()


def test_early_data(hark, certificates, tmp_path, wheel):
    """Nothing tells what a server took of it: a hole, never a request that was refused."""
    with contextlib.ExitStack() as stack:
        servers = {fate: start_s_server(tmp_path, certificates) for fate in ("accepted", "refused")}
        for server in servers.values():
            stack.callback(server.end)
        first = servers["accepted"]  # whose tickets the other does not know
        clients = {}
        for number, fate in enumerate(servers):
            clients[fate] = stack.enter_context(subprocess.Popen(
                [PYTHON, str(S2N), str(first.port), "early"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env={**os.environ, **WITH_WHEEL}))
            first.wait_said(b"GET /ticket", number + 1)
            first.tell(ANSWER % 0)
            assert clients[fate].stdout.readline() == "ticket\n"
        with hark(f"port:{first.port},{servers['refused'].port}") as watch:
            for (fate, client), server, paths in zip(clients.items(), servers.values(), (["/early", "/real"], ["/real"])):
                client.stdin.write(f"{server.port}\n")
                client.stdin.flush()
                assert client.stdout.readline() == f"early data was {fate}\n"
                for number, path in enumerate(paths):
                    server.wait_said(f"GET {path}".encode())
                    server.tell(ANSWER % number)
                watch.wait_for(len(paths), client.pid)
                watch.wait_for(len(paths), server)
                assert [one["url.path"] for one in watch.of(server)] == paths
                seen = watch.of(client.pid)
                assert [one["http.response.status_code"] for one in seen] == [200] * len(paths)
                assert {one["tls.library"] for one in seen} == {"s2n"}
                # Where s2n had read the refusal before, it sent none, and there is no hole.
                assert all("gap" in one.get("hark.flags", []) or (fate, one.get("url.path")) == ("refused", "/real") for one in seen)
                assert {one.get("url.path") for one in seen} <= {None, "/real"}


def test_doctor(wheel):
    """Where the kernel takes no probe, the function behind is named by its public name."""
    detail = run(HARK, "doctor", wheel.pid).text
    assert "covered       " in detail and "not covered" not in detail
    sites = {words[0]: line for line in detail.splitlines() for words in [line.split()] if words and words[0].startswith("s2n_")}
    assert "where the kernel takes no probe" in sites["s2n_recv"] and "emulated" in sites["s2n_negotiate"], detail
    assert "write_unmeasured" in sites["s2n_sendv_with_offset"] and " free " in sites["s2n_connection_free"], detail
