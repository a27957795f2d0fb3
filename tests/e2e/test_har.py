# SPDX-License-Identifier: Apache-2.0
"""-o har: what hark saw as an HTTP archive, that other programs read, and that is whole though hark is killed."""
import base64
import json
import re
import signal
import stat
import subprocess

import pytest

from harness import DEADLINE_S, HARK, PEERS, Live, run, wait_until
from servers import PythonServer

CURL = ("curl", "-sS", "-k", "-o", "/dev/null")
VALIDATE = """
const validator = require(process.argv[1] + "/har-validator/lib/promise.js");
const har = JSON.parse(require("fs").readFileSync(process.argv[2]));
validator.har(har).catch(error => { console.error(JSON.stringify(error.errors, null, 1)); process.exit(1); });
"""


@pytest.fixture(scope="module")
def bodies(scratch):
    folder = scratch / "har-bodies"
    folder.mkdir()
    server = PythonServer(folder, "bodies")
    yield server
    server.stop()


def entries(path):
    return json.loads(path.read_text())["log"]["entries"]


def fields(entry, side, name):
    return [field["value"] for field in entry[side]["headers"] if field["name"].lower() == name]


def one_of_each(nginx, bodies):
    """Requests of many kinds, with secrets in them."""
    return [
        [f"http://127.0.0.1:{nginx.http}/index.html?token=t0k3n&x=a%20b", "-u", "user:s3cret", "-b", "session=c00k1e"],
        [f"http://127.0.0.1:{nginx.http}/post", "-d", "a=1&password=hunter2"],
        [f"http://127.0.0.1:{nginx.http}/moved"],
        [f"http://127.0.0.1:{nginx.http}/", "--head"],
        [f"https://127.0.0.1:{nginx.tls}/small.txt", "--http1.1"],
        [f"https://127.0.0.1:{nginx.tls}/medium.bin", "--http2"],
        [f"http://127.0.0.1:{nginx.h2c}/none", "--http2-prior-knowledge"],
        [f"http://127.0.0.1:{bodies.port}/gzip"],
        [f"http://127.0.0.1:{bodies.port}/binary"],
        [f"http://127.0.0.1:{bodies.port}/large"],
        [f"http://127.0.0.1:{bodies.port}/liar"],
    ]


@pytest.fixture
def archive(hark, nginx, bodies, tmp_path):
    path = tmp_path / "out.har"
    asked = one_of_each(nginx, bodies)
    ports = ",".join(str(port) for port in (nginx.http, nginx.tls, nginx.h2c, bodies.port))
    with hark("-o", f"har:{path}", f"port:{ports}", "comm:curl") as watch:
        for words in asked:
            run(*CURL, *words)
        watch.wait_for(len(asked))
    watch.assert_nothing_lost()
    assert len(entries(path)) == len(asked)
    return path


def test_what_was_seen(archive):
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    seen = entries(archive)
    text = archive.read_text()
    assert not [secret for secret in ("t0k3n", "s3cret", "c00k1e", "hunter2", "dXNlcjpzM2NyZXQ") if secret in text]
    first, post, moved, head, tls, h2, none, gzip, binary, large, liar = seen
    assert first["request"]["queryString"] == [{"name": "token", "value": "[redacted]"}, {"name": "x", "value": "a b"}]
    assert first["request"]["cookies"] == [{"name": "session", "value": "[redacted]"}]
    assert first["response"]["content"] == {"size": 15, "mimeType": "text/html", "text": "<h1>hello</h1>\n"}
    assert post["request"]["postData"]["text"] == "a=1&password=[redacted]" and post["request"]["bodySize"] == 20
    assert moved["response"]["redirectURL"] == fields(moved, "response", "location")[0]
    assert head["request"]["method"] == "HEAD" and head["response"]["bodySize"] == 0
    assert [one["request"]["httpVersion"] for one in (tls, h2, none)] == ["HTTP/1.1", "HTTP/2", "HTTP/2"]
    assert [one["request"]["url"].split(":")[0] for one in (tls, h2, none)] == ["https", "https", "http"]
    content = gzip["response"]["content"]
    assert content["size"] == len(content["text"].encode()) and content["size"] - content["compression"] == gzip["response"]["bodySize"]
    assert base64.b64decode(binary["response"]["content"]["text"]) == bytes(range(256)) * 4
    assert large["response"]["content"]["comment"].startswith("truncated: the first 65536 of 320000 bytes")
    assert liar["response"]["content"]["comment"]


def test_times_add_up(archive):
    for one in entries(archive):
        times = one["timings"]
        tls = one["request"]["url"].startswith("https")
        assert times["dns"] == -1 and (times["ssl"] > 0) == tls, one
        assert times["connect"] > 0 and times["connect"] >= times["ssl"], one
        assert min(times[part] for part in ("blocked", "send", "wait", "receive")) >= 0, one
        assert abs(sum(value for part, value in times.items() if part != "ssl" and value > 0) - one["time"]) < 0.001, one
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", one["startedDateTime"])


def test_a_slow_answer_waits(hark, nginx, tmp_path):
    """The parts are those of the exchange: what the server took is wait, and no other part."""
    path = tmp_path / "out.har"
    with hark("-o", f"har:{path}", f"port:{nginx.sink.port}", "comm:curl") as watch:
        run(*CURL, f"http://127.0.0.1:{nginx.sink.port}/wait/hints")
        watch.wait_for(1)
    one, line = entries(path)[0], watch.objects[0]
    for part, key in (("connect", "hark.connect_ms"), ("blocked", "hark.idle_ms"), ("send", "hark.send_ms"),
                      ("wait", "hark.wait_ms"), ("receive", "hark.receive_ms")):
        assert one["timings"][part] == pytest.approx(line[key], abs=1e-6), part
    assert line["hark.send_ms"] + line["hark.wait_ms"] == pytest.approx(line["hark.ttfb_ms"], abs=1e-5)
    assert line["hark.ttfb_ms"] + line["hark.receive_ms"] == pytest.approx(line["hark.duration_ms"], abs=1e-5)


def test_har_validator_takes_it(archive):
    modules = PEERS / "npm-tools/node_modules"
    if not modules.exists():
        pytest.skip(f"{modules} is not there: npm could not fetch it (make peers says why)")
    run("node", "-e", VALIDATE, modules, archive)


def test_mitmproxy_reads_it_back(archive):
    """Another reader's view: method, URL, status, body of each flow."""
    tool = PEERS / "mitmproxy/bin/mitmdump"
    if not tool.exists():
        pytest.skip(f"{tool} is not there: pip could not fetch it (make peers says why)")
    lines = run(tool, "-n", "-r", archive, "--set", "flow_detail=1", env={"LC_ALL": "C.UTF-8"}).text.splitlines()
    asked = [re.sub(r" HTTP/\S+$", "", line.split(": ", 1)[1]) for line in lines if ": " in line and not line.startswith(" ")]
    answered = [int(re.search(r"<< (?:HTTP/\S+ )?(\d{3})", line)[1]) for line in lines if "<<" in line]
    seen = entries(archive)
    assert [one.split(" ")[0] for one in asked] == [one["request"]["method"] for one in seen]
    assert answered == [one["response"]["status"] for one in seen]
    for told, one in zip(asked, seen):
        url = one["request"]["url"]
        assert told.split(" ")[1].rstrip("…")[:40] == url[:40]


def test_it_is_whole_though_hark_is_killed(nginx, tmp_path):
    path = tmp_path / "out.har"
    live = Live("-o", f"har:{path}", f"port:{nginx.http}", "comm:curl")
    try:
        assert entries(path) == []
        for n in range(1, 6):
            run(*CURL, f"http://127.0.0.1:{nginx.http}/index.html?n={n}")
            wait_until(lambda n=n: len(entries(path)) == n, "an entry")
    finally:
        live.process.send_signal(signal.SIGKILL)
        live.process.communicate(timeout=DEADLINE_S)
    assert entries(path)[-1]["request"]["url"].endswith("n=5")


def test_a_recording_to_a_pipe(nginx, tmp_path):
    record = tmp_path / "one.rec"
    subprocess.run([HARK, "record", "-q", "-w", record, "--", *CURL, f"http://127.0.0.1:{nginx.http}/index.html"],
                   check=True, timeout=DEADLINE_S, stdin=subprocess.DEVNULL)
    told = json.loads(run(HARK, "replay", record, "-q", "-o", "har").text)
    assert [one["request"]["url"] for one in told["log"]["entries"]] == [f"http://127.0.0.1:{nginx.http}/index.html"]
    appended = tmp_path / "appended"
    with open(appended, "a", encoding="utf-8") as out:
        subprocess.run([HARK, "replay", record, "-q", "-o", "har"], check=True, timeout=DEADLINE_S, stdout=out)
    assert json.loads(appended.read_text()) == told
