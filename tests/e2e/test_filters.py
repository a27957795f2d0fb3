# SPDX-License-Identifier: Apache-2.0
"""The same filters in every view: live, where the kernel decides a part of them, and on a recording."""
import json
import os
import signal
import re
import socket
import subprocess

import pytest

from harness import HARK, ROOT, Hark, free_port, run, uses_sessions, wait_until
from servers import PYTHON

CURL = ("curl", "-sS", "-k", "-o", "/dev/null")
RECORDING = ROOT / "testdata/recordings/mixed.rec"


def ask(nginx):
    """The requests that the live tests make, by port: clear HTTP/1, clear HTTP/2, TLS."""
    clear, h2c, tls = (f"{scheme}://127.0.0.1:{port}" for scheme, port in
                       (("http", nginx.http), ("http", nginx.h2c), ("https", nginx.tls)))
    run(*CURL, f"{clear}/one", f"{clear}/large.bin", f"{clear}/missing", f"{clear}/broken", f"{clear}/none", "-H", "X-Team: red,blue")
    run(*CURL, "--http2-prior-knowledge", "-X", "DELETE", f"{h2c}/small.txt?q=1")
    run(*CURL, f"{tls}/medium.bin", f"{tls}/moved")
    run(*CURL, "--http1.1", "-d", "x=1", f"{tls}/post")


ALL = ["GET /one", "GET /large.bin", "GET /missing", "GET /broken", "GET /none", "DELETE /small.txt", "GET /medium.bin",
       "GET /moved", "POST /post"]


def short(objects):
    return [f"{one['http.request.method']} {one['url.path']}" for one in objects]


CASES = {
    ("status:4xx",): ["GET /missing", "DELETE /small.txt"],
    ("body:x=1",): ["POST /post"],
    ("status:4xx,5xx", "!method:delete"): ["GET /missing", "GET /broken"],
    ("path:/o*,/*.bin",): ["GET /one", "GET /large.bin", "GET /medium.bin"],
    (r"path:~^/(one|none)$",): ["GET /one", "GET /none"],
    ("size:>50K",): ["GET /large.bin", "GET /medium.bin"],
    ("tls:yes",): ["GET /medium.bin", "GET /moved", "POST /post"],
    ("proto:2", "tls:no"): ["DELETE /small.txt"],
    ('header:x-team="red,blue"', "status:200"): ["GET /one", "GET /large.bin"],
    ("(status:301", "or", "method:POST)", "proto:2"): ["GET /moved"],
    ("!(status:2xx or status:4xx)",): ["GET /broken", "GET /moved"],
    ("latency:>30s",): [],
    ("host:127.0.0.*", "status:204"): ["GET /none"],
    ("!status:100-599",): [],
    ("user:0", "comm:nginx", "role:server", "container:none,*", "peer:127.0.0.0/8", "status:204"): ["GET /none"],
    ("user:nobody",): [],
}


@pytest.fixture(scope="module")
def recorded(nginx, tmp_path_factory):
    """One recording of all that the cases are about."""
    folder = tmp_path_factory.mktemp("filters")
    with Hark(folder, "-w", folder / "all.rec") as watch:
        ask(nginx)
        watch.wait_for(len(ALL), nginx.worker(), hark_role="server")
    assert short(watch.of(nginx.worker(), hark_role="server")) == ALL
    return folder / "all.rec"


@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_exchanges(recorded, nginx, words):
    out = run(HARK, "replay", recorded, "-o", "json", "-q", f"pid:{nginx.worker()}", "role:server", *words).text
    assert short(map(json.loads, out.splitlines())) == CASES[words]


@pytest.mark.parametrize("way", ["words", "one word", "options"])
def test_ports_and_processes_in_the_kernel(hark, nginx, capture, way):
    """Of what is not wanted nothing reaches user space, ciphertext or plain, but the sessions' bindings."""
    pid, port = nginx.worker(), nginx.tls
    words = {"words": [f"pid:{pid}", f"port:{port}"], "one word": [f"(pid:{pid} or pid:{nginx.pid}) port:{port},1"],
             "options": ["-p", pid, f"port:{port}"]}[way]
    with hark("--capture", capture, *words) as watch:
        ask(nginx)
        watch.wait_for(3)
    assert short(watch.objects) == ALL[-3:]
    assert {one["process.pid"] for one in watch.objects} == {pid}
    assert any(line == "hark: filter in the kernel: pid, port; in hark: nothing" for line in watch.talk), watch.talk
    assert watch.stats["bytes.moved"] < 200_000, "large.bin is not among them"
    watch.assert_nothing_lost()


def test_ports_of_plaintext(hark, nginx, capture):
    """TLS plaintext has no port of its own: its session's socket counts; curl and nginx both are seen."""
    with hark("--capture", capture, f"port:{nginx.http}") as watch:
        ask(nginx)
        watch.wait_for(10)
    assert short(watch.of(nginx.worker())) == ALL[:5] == short(watch.of(hark_role="client"))
    assert watch.stats["bytes.moved"] < 6_500_000
    with hark("--capture", capture, f"port:{nginx.http}", view=("raw",)) as raw:
        ask(nginx)
        raw.wait_for(10)
    ours = [one for one in raw.objects if one.get("process.executable.name") in ("curl", "nginx")]
    assert {nginx.http} == {port for one in ours for port in (one.get("network.local.port"), one.get("network.peer.port"))
                            if port in (nginx.http, nginx.h2c, nginx.tls, None)}


def test_bodies_without_showing_them(hark, nginx, capture):
    """They are kept for the filter, where without it nobody would want them."""
    word = f"needle{nginx.tls}"
    with hark("--capture", capture, f"body:{word}") as watch:
        for url in (f"http://127.0.0.1:{nginx.http}/a", f"https://127.0.0.1:{nginx.tls}/b"):
            run(*CURL, "--http1.1", "-d", f"x={'.' * 3000}{word}", "-H", "Expect:", url)
            run(*CURL, "-d", "x=hay", url)
        watch.wait_for(2, hark_role="client")
    assert short(watch.of(hark_role="client")) == ["POST /a", "POST /b"]
    assert not any(key.endswith(".body") for one in watch.objects for key in one)


@pytest.mark.alone
def test_counters_of_a_port(hark, nginx, capture):
    """As if nothing else were there: the other ports' connections, ciphertext and peeks are in no counter. Of a session
    without a socket nobody knows the port."""
    with hark("--capture", capture, f"port:{nginx.http}") as watch:
        ask(nginx)
        watch.wait_for(10)
    counted = {name: value for name, value in watch.stats.items() if value}
    assert [counted[f"connections.{what}"] for what in ("opened", "closed")] == [2, 2], counted
    assert counted["exchanges.whole"] == 10 and counted["exchanges.joined"] == 5
    assert not {"bytes.ciphertext", "transfers.peeked", "connections.opaque"} & set(counted), counted
    with hark("--capture", capture, f"port:{free_port()}") as watch:
        ask(nginx)
    shown = ("bytes.", "connections.", "exchanges.", "transfers.", "limit.")
    assert not {name for name, value in watch.stats.items() if value and name.startswith(shown)}


def test_a_part_is_left_to_hark(hark, nginx):
    with hark(f"port:{nginx.http}", "status:5xx or path:/one") as watch:
        ask(nginx)
        watch.wait_for(4)
    assert short(watch.of(nginx.worker())) == ["GET /one", "GET /broken"]
    assert "hark: filter in the kernel: port; in hark: path, status" in watch.talk, watch.talk


@pytest.mark.parametrize("negated", ["!port:{0}", "port:{0} or status:301"])
def test_what_the_kernel_cannot_decide(hark, nginx, negated):
    with hark(negated.format(nginx.http), f"pid:{nginx.worker()}", "role:server") as watch:
        ask(nginx)
        watch.wait_for(4)
    assert short(watch.objects) == (ALL[5:] if negated[0] == "!" else ALL[:5] + ["GET /moved"])
    assert any(line.startswith("hark: filter in the kernel: pid; in hark: ") for line in watch.talk), watch.talk


def test_pids_of_a_filter_must_exist():
    done = run(HARK, "pid:2147483647", status=1)
    assert "2147483647" in done.err.decode()
    done = run(HARK, "!pid:2147483647", "-d", "0.2")
    assert "2147483647" not in done.err.decode()


def test_beside_a_command_a_filter_restricts_it(nginx):
    done = run(HARK, "-o", "json", "-q", "path:/one", "--", *CURL, f"http://127.0.0.1:{nginx.http}/one",
               f"http://127.0.0.1:{nginx.http}/none")
    assert short(map(json.loads, done.text.splitlines())) == ["GET /one"]


def test_pending(hark, nginx):
    """A request that waits is matched by what is known of it."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server, hark("--pending", "0.3", f"port:{port}", "role:client",
                                                                 "latency:>100ms status:none") as watch:
        client = subprocess.Popen([*CURL, f"http://127.0.0.1:{port}/slow"])
        near, _ = server.accept()
        with near:
            watch.wait_for(1)
            assert "hark.pending_ms" in watch.objects[0]
            near.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            assert client.wait(10) == 0
    assert len(watch.objects) == 1, "with a status it is no longer wanted"


# --- views, on the recording that the golden files are of -----------------------------------------


def replay(*words):
    done = run(HARK, "replay", RECORDING, *words)
    return done.text, done.err.decode()


def lines(*words):
    return [json.loads(line) for line in replay(*words, "-o", "json")[0].splitlines()]


def test_conns_with_a_matching_exchange():
    wanted = {one["hark.connection"] for one in lines("status:404")}
    conns = lines("conns", "status:404")
    assert wanted and {one["hark.connection"] for one in conns} == wanted
    whole = {one["hark.connection"]: one for one in lines("conns")}
    assert all(whole[one["hark.connection"]] == one for one in conns), "the counts stay the connection's own"
    assert len(whole) > len(conns)
    text = replay("conns", "status:404")[0]
    assert not re.search(r"^\S+ (open|exists) ", text, re.M) and len(re.findall(r"^\S+ (?:close|stays) ", text, re.M)) == len(conns)
    shown = replay("conns", "-v", "status:404")[0]
    assert len(re.findall(r" 404 ", shown)) == len(lines("status:404")) and not re.search(r" 200 +\d", shown)


def test_conns_whose_facts_suffice():
    pid = lines()[0]["process.pid"]
    alone = {one["hark.connection"] for one in lines("conns", f"pid:{pid}")}
    both = {one["hark.connection"] for one in lines("conns", f"pid:{pid} or status:404")}
    assert both == alone | {one["hark.connection"] for one in lines("status:404")}
    assert " open " in replay("conns", f"pid:{pid} or status:404")[0]


@pytest.mark.parametrize("view", ["raw", "frames"])
def test_calls_and_frames(view):
    everything = lines(view)
    port = next(one["network.peer.port"] for one in everything if one.get("network.peer.port", 0) > 18000)
    some = lines(view, f"port:{port}")
    assert some == [one for one in everything if port in (one.get("network.local.port"), one.get("network.peer.port"))]
    assert 0 < len(some) < len(everything)
    text, said = replay(view, "status:404", "path:/x")
    assert text == replay(view)[0]
    assert f"hark: path: status: hides no single {'calls' if view == 'raw' else 'frames'}: it asks about whole exchanges" in said
    assert replay(view, "status:404", "pid:1")[0] == ""


def test_a_recording_is_not_restricted(tmp_path):
    done = run(HARK, "record", "-w", tmp_path / "a.rec", "-d", "0.1", "status:404", "port:80")
    assert "hark: status: does not restrict a recording; pid:, port: and container: do" in done.err.decode()
    done = run(HARK, "-w", "/dev/null", "-d", "0.1", "status:500")
    assert "hark: status: does not restrict a recording; pid:, port: and container: do" in done.err.decode()


def test_wrong_filters_point_at_the_word():
    done = run(HARK, "conns", "host:a", "(path:/x", "staus:200)", status=2)
    assert done.text == "" and done.err.decode() == (
        "hark: there is no filter 'staus:'; did you mean status:? See hark --help\n"
        "hark:   host:a (path:/x staus:200)\n"
        "hark:                   ^^^^^\n")
    assert "neither a view nor a filter (key:value); a command to trace stands behind --, as in: hark -- whatever;" in \
        run(HARK, "whatever", status=2).err.decode()


@pytest.mark.parametrize("words", [("status:4xx or path:/hello",), ("role:server", "!status:200"), ("latency:>10s",)], ids=" ".join)
def test_numbers_are_of_what_matched(words):
    """One row an endpoint here; an exchange that was seen from both ends counts once."""
    counts = {}
    for one in lines(*words):
        if one["hark.role"] == "server" or "hark.peer_connection" not in one:
            name = one["http.request.method"], one["url.path"]
            counts[name] = counts.get(name, 0) + 1
    assert counts == {(row["http.request.method"], row["http.route"]): row["count"] for row in lines("stat", *words)}


@pytest.mark.alone
def test_containers_are_decided_in_the_kernel(hark, nginx, cgroup, capture):
    """Of processes elsewhere only the first moments are told; a container that comes later is seen from its first byte."""
    number = f"{os.getpid():08x}" * 8
    place = cgroup(f"docker-{number}.scope")

    def fetch(inside, *paths):
        enter = f"echo $$ > {place}/cgroup.procs; " if inside else ""
        urls = " ".join(f"-o /dev/null http://127.0.0.1:{nginx.http}{path}" for path in paths)
        return run("sh", "-c", f"{enter}exec curl -sS {urls}")

    with hark("--capture", capture, f"container:{number[:12]}", verbose=1) as watch:
        clients = []
        for i in range(5):
            clients.append(fetch(True, f"/in/{i}", f"/in/{i}/again"))
            fetch(False, "/large.bin", "/medium.bin", "/large.bin")
        fetch(False, *["/small.txt"] * 200)
        for client in clients:
            watch.wait_for(2, client)
    assert [one["url.path"] for one in watch.objects] == [path for i in range(5) for path in (f"/in/{i}", f"/in/{i}/again")]
    assert {one["container.id"] for one in watch.objects} == {number}
    assert any("in the kernel: container" in line for line in watch.talk), watch.talk
    # Outside, 31 MB were sent and received; nginx, which was there before, is ignored as well.
    assert watch.stats["bytes.moved"] < 25_000_000, watch.stats["bytes.moved"]
    assert watch.stats["events.lost"] == 0


@pytest.mark.skipif(not any(" cgroup2 " in line for line in open("/proc/self/mounts", encoding="utf-8")),
                    reason="no unified hierarchy is mounted: the kernel tells of no other")
def test_a_container_that_is_gone_before_hark_looks(hark, nginx, cgroup, capture):
    """A process that moved into its container, executed and ended while hark did not run: the kernel told where it was."""
    number = f"{os.getpid() + 1:08x}" * 8
    place = cgroup(f"docker-{number}.scope")
    with hark("--capture", capture, f"container:{number[:12]}") as watch:
        os.kill(watch.pid, signal.SIGSTOP)
        try:
            client = run("sh", "-c", f"echo $$ > {place}/cgroup.procs; exec curl -sS -o /dev/null http://127.0.0.1:{nginx.http}/gone")
        finally:
            os.kill(watch.pid, signal.SIGCONT)
        watch.wait_for(1, client)
    assert [(one["url.path"], one["container.id"]) for one in watch.objects] == [("/gone", number)]


SOCKET_PAIRS = """
import resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
for i in range(9000):
    one, other = socket.socketpair()
    one.send(b"x")
    other.send(b"y")
    one.close()
    other.close()
"""


def test_sockets_that_a_port_leaves_out_take_no_room(hark, capture):
    """Nobody is told when they are gone, so nothing may be kept of them: the kernel side has room for 16,384 counts."""
    with hark("--capture", capture, "port:1") as watch:
        run(PYTHON, "-c", SOCKET_PAIRS)
    assert watch.stats["limit.maps"] == 0


def test_children_that_a_pid_leaves_out_are_said(nginx, hark):
    """nginx's first process answers nothing itself: who names it alone is told at the start, of each child once."""
    with hark("-p", nginx.pid) as watch:
        run(*CURL, f"http://127.0.0.1:{nginx.http}/one")
    said = [line for line in watch.talk if "-p leaves out:" in line]
    assert len(said) == 1 and f"(process {nginx.pid}) has" in said[0] and str(nginx.worker()) in said[0].split(":")[-1].split(), watch.talk
    assert watch.objects == []
    with hark("-p", ",".join(map(str, {nginx.pid, nginx.worker(), *nginx.pids}))) as watch:
        run(*CURL, f"http://127.0.0.1:{nginx.http}/one")
        watch.wait_for(1, nginx.worker())
    assert not [line for line in watch.talk if "-p leaves out:" in line], watch.talk


LATE_TLS = "import sys; sys.stdin.readline(); import ssl; print('loaded', flush=True); sys.stdin.readline()"


def changed_bytes(pid):
    """Of libssl's code in the memory of a process, against its file."""
    count = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            addresses, access, offset, _, _, *path = line.split()
            if "x" not in access or "libssl" not in "".join(path):
                continue
            begin, end = (int(number, 16) for number in addresses.split("-"))
            memory.seek(begin)
            with open(path[0], "rb") as file:
                file.seek(int(offset, 16))
                count += sum(one != other for one, other in zip(memory.read(end - begin), file.read(end - begin)))
    return count


@pytest.mark.alone
@pytest.mark.skipif(not uses_sessions(), reason="before Linux 6.13 a probe is in each process that maps the file")
def test_a_process_that_is_left_out_has_no_probes(hark):
    """-p names one process: nobody else meets a breakpoint, whoever maps the library first."""
    wanted, other = (subprocess.Popen([PYTHON, "-c", LATE_TLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2))
    try:
        with hark("-p", wanted.pid):
            for process in (other, wanted):
                process.stdin.write(b"\n")
                process.stdin.flush()
                assert process.stdout.readline() == b"loaded\n"
            wait_until(lambda: changed_bytes(wanted.pid), "the process that is named is probed")
            assert changed_bytes(other.pid) == 0
    finally:
        for process in (wanted, other):
            process.kill()
            process.communicate()
