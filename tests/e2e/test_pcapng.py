# SPDX-License-Identifier: Apache-2.0
"""What tshark decodes of hark's packets is what JSON has of the same run."""
import collections
import ipaddress
import json
import re
import subprocess

import pytest

import servers
from harness import HARK, Live, run, wait_until
from test_http2 import IndexingClient
from test_tshark import frames_of, listed, target

CURL = ("curl", "-sS", "-k")


@pytest.fixture(scope="module")
def plain_nginx(scratch, certificates, site):
    """One whose bytes pass through its own buffers: what sendfile moves has no bytes for anybody."""
    folder = scratch / "nginx-pcapng"
    folder.mkdir()
    server = servers.Nginx(folder, certificates, site, sendfile="off")
    yield server
    server.stop()


def packets(path, *options, status=0):
    """Every packet with its protocols as tshark's JSON, decoded with no word about ports."""
    text = run("tshark", "-r", path, "-T", "json", "--no-duplicate-keys", *options, deadline_s=120, status=status).text
    return [packet["_source"]["layers"] for packet in json.loads(text)]


def layer(packet, name):
    return listed(packet[name])[0]


def place(packet):
    tcp = layer(packet, "tcp")
    return tcp["tcp.srcport"], tcp["tcp.dstport"]


def under(tree, key):
    """Every value of the key, however deep."""
    if isinstance(tree, list):
        for one in tree:
            yield from under(one, key)
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield from listed(value)
            yield from under(value, key)


def said_http1(path):
    """Of each client port in order: method target status, and the body's bytes."""
    asked, found = collections.defaultdict(list), []
    for packet in packets(path, "-Y", "http && tcp"):
        source, destination = place(packet)
        for http in listed(packet["http"]):
            for uri in under(http, "http.request.uri"):
                asked[source].append((next(under(http, "http.request.method")), uri))
            for code in under(http, "http.response.code"):
                body = "".join(under(http, "http.file_data"))
                found.append((destination, *asked[destination].pop(0), code, len(body)))
    return found


def said_http2(path):
    """Of each client port and stream: method path status, and the size of the answer's body."""
    found = {}
    for packet in packets(path, "-Y", "http2 && tcp"):
        source, destination = place(packet)
        for frame in frames_of(packet["http2"]):
            stream = int(frame.get("http2.streamid", "0"))
            for head in listed(frame.get("http2.header", [])):
                if head["http2.header.name"] in (":method", ":path"):
                    found.setdefault((source, stream), {})[head["http2.header.name"]] = head["http2.header.value"]
                if head["http2.header.name"] == ":status":
                    found.setdefault((destination, stream), {})[":status"] = head["http2.header.value"]
            if frame.get("http2.type") == "0" and (destination, stream) in found:
                one = found[destination, stream]
                one["size"] = one.get("size", 0) + int(frame["http2.length"])
    return found


def brief1(one):
    return (str(one["network.local.port"]), one["http.request.method"], target(one), str(one["http.response.status_code"]))


def brief2(found):
    return collections.Counter((port, stream, one.get(":method"), one.get(":path"), one.get(":status"))
                               for (port, stream), one in found.items())


def brief2_json(objects):
    return collections.Counter((str(one["network.local.port"]), one["hark.stream"], one["http.request.method"], target(one),
                                str(one["http.response.status_code"])) for one in objects)


def assert_sound(path):
    """No checksum is wrong, nothing came twice or out of its place."""
    text = run("tshark", "-r", path, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-Y",
               "tcp.checksum.status==0 || ip.checksum.status==0 || tcp.analysis.retransmission || tcp.analysis.out_of_order ||"
               " tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || _ws.malformed", deadline_s=120).text
    assert not text, text[:2000]


def test_http1_and_http2_as_json_has_them(hark, plain_nginx, tmp_path):
    """In the clear, under TLS, over IPv6; from its first byte."""
    path, nginx = tmp_path / "a.pcapng", plain_nginx
    with hark("-o", f"pcapng:{path}", f"port:{nginx.http} or port:{nginx.tls} or port:{nginx.h2c}") as watch:
        first = [run(*CURL, "--http1.1", "-o", "/dev/null", url) for url in (
            f"http://127.0.0.1:{nginx.http}/small.txt?n=[1-5]", f"https://127.0.0.1:{nginx.tls}/medium.bin?n=[1-3]",
            f"http://[::1]:{nginx.http}/none", f"https://[::1]:{nginx.tls}/broken")]
        second = [run("nghttp", "-n", *[f"http://127.0.0.1:{nginx.h2c}/small.txt?n={n}" for n in range(4)]),
                  run(*CURL, "--http2", "-o", "/dev/null", f"https://127.0.0.1:{nginx.tls}/medium.bin?n=[1-4]"),
                  run(*CURL, "--http2", "-d", "a=b", "-o", "/dev/null", f"https://[::1]:{nginx.tls}/post")]
        watch.wait_for(10 + 9, *first, *second)
        watch.wait_for(10 + 9, nginx)
    watch.assert_nothing_lost()
    assert_sound(path)
    found = said_http1(path)
    clients = watch.of(*first)
    assert len(clients) == 10
    assert collections.Counter(one[:4] for one in found) == collections.Counter(map(brief1, clients))
    assert {one["http.response.body.size"] for one in clients} >= {1000, 100000}
    assert brief2(said_http2(path)) == brief2_json(watch.of(*second))
    assert sorted(one["size"] for one in said_http2(path).values() if one.get(":path", "").startswith("/medium")) == [100000] * 4
    assert watch.stats["pcapng.other_ends"] >= 7  # each connection's server
    comments = run("tshark", "-r", path, "-T", "fields", "-e", "frame.comment").text
    assert re.search(r"^(curl|nginx)\[\d+\](, .*)?, TLS by openssl$", comments, re.M), comments[:1000]
    about = run("capinfos", path).text
    assert re.search(r"Capture application: +hark ", about) and "nanoseconds (9)" in about, about


class Packets:
    """tshark behind a pipe from hark, live: its lines so far."""

    def __init__(self, folder, *words, fields):
        self.log = folder / "tshark.out"
        columns = [word for field in fields for word in ("-e", field)]
        with open(self.log, "wb") as out:
            self.hark = subprocess.Popen([HARK, *map(str, words), "-o", "pcapng:-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                         stdin=subprocess.DEVNULL)
            self.tshark = subprocess.Popen(["tshark", "-l", "-r", "-", "-T", "fields", "-E", "separator=;", *columns],
                                           stdin=self.hark.stdout, stdout=out, stderr=subprocess.DEVNULL)
        self.hark.stdout.close()
        for line in self.hark.stderr:
            if line.startswith(b"hark: ready"):
                break

    def lines(self):
        return self.log.read_text().splitlines()

    def end(self):
        self.hark.terminate()
        said = self.hark.stderr.read()
        assert self.hark.wait(30) == 0, said
        assert self.tshark.wait(30) == 0


def test_live_through_a_pipe(plain_nginx, tmp_path):
    """Each exchange is there before the run is over."""
    nginx = plain_nginx
    live = Packets(tmp_path, f"port:{nginx.tls}", fields=("http.request.full_uri", "http.response.code", "http2.headers.path"))
    for way, wanted in (("--http1.1", f"http://127.0.0.1:{nginx.tls}/one;;"), ("--http2", ";;/one")):
        run(*CURL, way, "-o", "/dev/null", f"https://127.0.0.1:{nginx.tls}/one")
        wait_until(lambda wanted=wanted: wanted in live.lines(), (wanted, live.lines()))
    live.end()


@pytest.mark.parametrize("way", ["tls", "clear"])
def test_http2_joined_late(hark, nginx, way, tmp_path):
    """A path that the encoder had sent before is not known to tshark either; the statuses and new paths are."""
    path, port = tmp_path / "late.pcapng", nginx.tls if way == "tls" else nginx.h2c
    client = IndexingClient(port, way)
    client.ask(0, 20)
    with hark("-o", f"pcapng:{path}", f"port:{port}") as watch:
        truth = client.ask(0, 34) | client.ask(5, 34)
        client.close()
        watch.wait_for(2 * len(truth), client, nginx)
    found = {stream: one for (_, stream), one in said_http2(path).items() if stream in truth}
    assert set(found) == set(truth)
    right = [stream for stream, one in found.items() if one.get(":status") == str(truth[stream][1])]
    assert len(right) == len(truth), (len(right), len(truth))
    assert all(one.get(":path") in (None, truth[stream][0]) for stream, one in found.items())


def test_holes_stay_holes(plain_nginx, tmp_path):
    """What --snaplen left out has its numbers, and what comes behind it its own."""
    path, recording, nginx = tmp_path / "holes.pcapng", tmp_path / "a.rec", plain_nginx
    run(HARK, "record", "-w", recording, "--snaplen", "4K", "--", *CURL, "-o", "/dev/null",
        f"http://127.0.0.1:{nginx.http}/medium.bin", f"http://127.0.0.1:{nginx.http}/one")
    for view in ((), ("raw",)):
        run(HARK, "replay", recording, *view, "-o", f"pcapng:{path}", "--comm", "curl")
        rows = [line.split() for line in run("tshark", "-r", path, "-Y", f"tcp.srcport=={nginx.http} && tcp.len>0", "-T", "fields",
                                             "-e", "tcp.seq", "-e", "tcp.len").text.splitlines()]
        rows = [(int(seq), int(size)) for seq, size in rows]
        assert any(seq + size < after for (seq, size), (after, _) in zip(rows, rows[1:])), rows
        moved = [json.loads(line)["hark.bytes.moved"] for line in run(HARK, "replay", recording, "raw", "-o", "json", "--comm",
                                                                      "curl").text.splitlines() if '"received"' in line]
        assert rows[-1][0] + rows[-1][1] - 1 == sum(moved) > 100_000
        assert run("tshark", "-r", path, "-Y", "tcp.analysis.lost_segment").text


def test_replay_equals_live(hark, plain_nginx, tmp_path):
    live, again, recording, nginx = tmp_path / "live.pcapng", tmp_path / "again.pcapng", tmp_path / "a.rec", plain_nginx
    with hark("-o", f"pcapng:{live}", "-w", recording, f"port:{nginx.tls}") as watch:
        client = run(*CURL, "--http2", "-o", "/dev/null", f"https://127.0.0.1:{nginx.tls}/medium.bin")
        watch.wait_for(2, client, nginx)
    run(HARK, "replay", recording, "-o", f"pcapng:{again}")
    words = ("-T", "fields", *(word for field in ("frame.time_epoch", "ip.src", "tcp.srcport", "tcp.seq_raw", "tcp.ack_raw", "tcp.payload",
                                                  "frame.comment") for word in ("-e", field)))
    assert run("tshark", "-r", live, *words).text == run("tshark", "-r", again, *words).text != ""


def test_secrets_are_overwritten(plain_nginx, tmp_path):
    nginx, recording, path = plain_nginx, tmp_path / "a.rec", tmp_path / "a.pcapng"
    for scheme, port, more in (("http", nginx.http, ()), ("https", nginx.tls, ("--http1.1",)), ("https", nginx.tls, ("--http2",))):
        run(HARK, "record", "-w", recording, "--", *CURL, *more, "-o", "/dev/null", "-H", "Authorization: Bearer c2VjcmV0",
            "-H", "X-Harmless: seen", f"{scheme}://127.0.0.1:{port}/one?x=1&token=SECRETTOKEN")
        shown = {}
        for options in ((), ("--show-secrets",)):
            run(HARK, "replay", recording, "-o", f"pcapng:{path}", *options)
            shown[options] = run("tshark", "-r", path, "-V").text
            assert path.stat().st_mode & 0o777 == 0o600
        for secret in ("c2VjcmV0", "SECRETTOKEN"):
            assert secret not in shown[()] and secret in shown["--show-secrets",], (scheme, more, secret)
        assert "seen" in shown[()]


def test_unix_sockets_have_addresses_of_no_network(plain_nginx, tmp_path):
    nginx, recording, path = plain_nginx, tmp_path / "a.rec", tmp_path / "a.pcapng"
    run(HARK, "record", "-w", recording, "--", *CURL, "-o", "/dev/null", "--unix-socket", nginx.socket, "http://x/one")
    run(HARK, "replay", recording, "--comm", "curl", "-o", f"pcapng:{path}")
    one = json.loads(run(HARK, "replay", recording, "--comm", "curl", "-o", "json").text)
    number = f"{one['hark.connection']:016x}"
    rows = [line.split(";") for line in run("tshark", "-r", path, "-Y", "http", "-T", "fields", "-E", "separator=;", "-e", "ipv6.src",
                                            "-e", "ipv6.dst", "-e", "http.request.full_uri", "-e", "http.response.code").text.splitlines()]
    assert [row[3] for row in rows] == ["", "200"] and rows[0][2] == "http://x/one"
    exploded = [ipaddress.IPv6Address(address).exploded.replace(":", "") for address in rows[0][:2]]
    assert exploded == ["0100000000000001" + number, "0100000000000002" + number]


def test_a_killed_hark_leaves_whole_blocks(plain_nginx, tmp_path):
    nginx, path = plain_nginx, tmp_path / "a.pcapng"
    watch = Live("-o", f"pcapng:{path}", f"port:{nginx.http}")
    run(*CURL, "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/one")
    wait_until(lambda: b"HTTP/1.1 200" in path.read_bytes(), "the answer in the file")
    watch.process.kill()
    watch.process.communicate()
    assert "GET /one" in run("tshark", "-r", path).text


def test_never_to_a_terminal(tmp_path):
    recording = tmp_path / "a.rec"
    run(HARK, "record", "-w", recording, "--", "true")
    done = run("script", "-qec", f"{HARK} replay {recording} -o pcapng", "/dev/null", status=None)
    assert done.status == 1 and b"wireshark -k -i -" in done.out


def test_raw_has_one_kind_of_link(plain_nginx, tmp_path):
    """So that what is built on libpcap reads it."""
    nginx, recording, path = plain_nginx, tmp_path / "a.rec", tmp_path / "a.pcapng"
    run(HARK, "record", "-w", recording, "--", *CURL, "--http2", "-o", "/dev/null", f"https://127.0.0.1:{nginx.tls}/one")
    run(HARK, "replay", recording, "raw", "-o", f"pcapng:{path}")
    shown = run("tcpdump", "-n", "-vv", "-r", path).text
    assert f"127.0.0.1.{nginx.tls}" in shown and "incorrect" not in shown and "PRI * HTTP/2.0" in run("tcpdump", "-A", "-n", "-r", path).text
