# SPDX-License-Identifier: Apache-2.0
"""The same traffic as tcpdump sees it and tshark decodes it, in the clear: the same list."""
import collections
import json

from harness import Program, run, wait_until

FIELDS = ["tcp.stream", "tcp.srcport", "tcp.dstport", "http.request.method", "http.request.uri",
          "http.response.code", "http2.streamid", "http2.headers.method", "http2.headers.path",
          "http2.headers.status", "http2.type"]


def capture_traffic(tmp_path, nginx, traffic):
    """Runs traffic() under tcpdump; the capture and what traffic returned. A last answer marks the file's end."""
    path = tmp_path / "lo.pcap"
    dump = Program(["tcpdump", "-i", "lo", "-U", "-s0", "-B", "65536", "-w", path,
                    f"port {nginx.http} or port {nginx.h2c}"], tmp_path)
    try:
        wait_until(lambda: "listening on lo" in dump.log(), "tcpdump")
        done = traffic()
        done.append(run("curl", "-s", "-H", "X-Ask: end", f"http://127.0.0.1:{nginx.http}/none"))
        wait_until(lambda: b"of <end>" in path.read_bytes(), "the last answer in tcpdump's file")
    finally:
        dump.stop()
    assert "0 packets dropped by kernel" in dump.log(), dump.log()
    return path, done


def decode(path, nginx):
    words = ["tshark", "-r", path, "-d", f"tcp.port=={nginx.http},http", "-d", f"tcp.port=={nginx.h2c},http2",
             "-T", "fields", "-E", "separator=;", "-E", "occurrence=a", "-E", "aggregator=,"]
    for field in FIELDS:
        words += ["-e", field]
    return [line.split(";") for line in run(*words, deadline_s=60).text.splitlines()]


def exchanges_http1(rows, port):
    """Per client port in order: method target status."""
    requests, found = collections.defaultdict(list), collections.Counter()
    for row in rows:
        if row[3] and row[2] == str(port):
            requests[row[1]] += list(zip(row[3].split(","), row[4].split(",")))
        if row[5] and row[1] == str(port):
            for status in row[5].split(","):
                method, uri = requests[row[2]].pop(0)
                found[f"{row[2]} {method} {uri} {status}"] += 1
    return found


def exchanges_http2(path, port):
    """Per client port and stream: method path status. The fields' text form does not tell frames apart."""
    found = {}
    rows = run("tshark", "-r", path, "-d", f"tcp.port=={port},http2", "-Y", "http2.type==1", "-T", "json",
               "--no-duplicate-keys", "-J", "http2 tcp", deadline_s=120).text
    for packet in json.loads(rows):
        layers = packet["_source"]["layers"]
        tcp = layers["tcp"] if isinstance(layers["tcp"], dict) else layers["tcp"][0]
        client = tcp["tcp.srcport"] if tcp["tcp.dstport"] == str(port) else tcp["tcp.dstport"]
        for frame in frames_of(layers["http2"]):
            if frame.get("http2.type") != "1":
                continue
            one = found.setdefault((client, int(frame["http2.streamid"])), {})
            for head in listed(frame.get("http2.header", [])):
                if head["http2.header.name"] in (":method", ":path", ":status"):
                    one[head["http2.header.name"]] = head["http2.header.value"]
    return collections.Counter(f"{client} {stream} {one[':method']} {one[':path']} {one[':status']}"
                               for (client, stream), one in found.items())


def listed(value):
    return value if isinstance(value, list) else [value]


def frames_of(http2):
    for layer in listed(http2):
        yield from listed(layer.get("http2.stream", []))


def target(one):
    return one["url.path"] + ("?" + one["url.query"] if "url.query" in one else "")


def test_same_list_as_tshark(hark, nginx, tmp_path):
    def traffic():
        return [
            run("h2load", "-n300", "-c5", "-m10", *[f"http://127.0.0.1:{nginx.h2c}/{name}"
                                                   for name in ("one", "small.txt", "nothing?x=1")]),
            run("curl", "-s", "--http2-prior-knowledge", "-d", "a=b", f"http://127.0.0.1:{nginx.h2c}/post"),
            run("curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/small.txt?n=[1-30]"),
            run("curl", "-s", "-I", f"http://127.0.0.1:{nginx.http}/one", f"http://127.0.0.1:{nginx.http}/nothing"),
        ]

    with hark() as watch:
        path, clients = capture_traffic(tmp_path, nginx, traffic)
        watch.wait_for(334, nginx)
    seen = watch.of(*clients)
    first = collections.Counter(
        f"{one['network.local.port']} {one['http.request.method']} {target(one)} {one['http.response.status_code']}"
        for one in seen if one["network.peer.port"] == nginx.http)
    assert first == exchanges_http1(decode(path, nginx), nginx.http)
    assert sum(first.values()) == 33
    second = collections.Counter(
        f"{one['network.local.port']} {one['hark.stream']} {one['http.request.method']} {target(one)} "
        f"{one['http.response.status_code']}" for one in seen if one["network.peer.port"] == nginx.h2c)
    assert second == exchanges_http2(path, nginx.h2c)
    assert sum(second.values()) == 301
