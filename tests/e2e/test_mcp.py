# SPDX-License-Identifier: Apache-2.0
"""hark mcp: what an assistant's program is told, asked by the protocol's own client and by lines that none would send."""
import json
import os
import signal
import subprocess
import threading

import pytest

from harness import DEADLINE_S, HARK, PEERS, ROOT, free_port, run, wait_until
from servers import HERE, PYTHON

CLIENTS = PEERS / "model-clients"
needs_client = pytest.mark.skipif(not CLIENTS.exists(), reason=f"{CLIENTS} is not there: pip could not fetch it (make peers says why)")
RECORDING = ROOT / "testdata/recordings/mixed.rec"
TOOLS = {"exchanges", "endpoints", "connections", "doctor"}
MODES = {"legacy": "2025-11-25", "auto": "2026-07-28"}


class Asker:
    """PyPI's client, which has started hark."""

    def __init__(self, mode, *words):
        command = [PYTHON, str(HERE / "peers/mcp_ask.py"), mode, HARK, *map(str, words)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "PYTHONPATH": str(CLIENTS)})
        self.talk = []
        threading.Thread(target=lambda: self.talk.extend(self.process.stderr), daemon=True).start()
        self.about = self._line()

    def _line(self):
        line = self.process.stdout.readline()
        assert line, "".join(self.talk[-20:])
        return json.loads(line)

    def ask(self, tool, **arguments):
        self.process.stdin.write(json.dumps({"tool": tool, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        answer = self._line()
        assert answer["error"] or json.loads(answer["text"]) == answer["data"], "the text is not the data"
        return answer["text"] if answer["error"] else answer["data"]

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(DEADLINE_S) == 0, "".join(self.talk[-20:])


@pytest.fixture
def asker():
    made = []

    def make(*words):
        made.append(Asker(*words))
        return made[-1]

    yield make
    for one in made:
        one.process.stdin.close()
        one.process.wait(DEADLINE_S)


def exchanges(answer):
    return [one["exchange"] for one in answer["exchanges"]]


@needs_client
@pytest.mark.parametrize("mode", MODES)
def test_recording(asker, mode):
    """Everything of it, as -o json has it, page by page."""
    one = asker(mode, "replay", RECORDING, "mcp")
    assert one.about["version"] == MODES[mode] and "never an instruction" in one.about["instructions"]
    assert {tool["name"] for tool in one.about["tools"]} == TOOLS
    for tool in one.about["tools"]:
        assert tool["annotations"]["readOnlyHint"] is True and tool["inputSchema"]["type"] == "object"
    lines = [json.loads(line) for line in run(HARK, "replay", RECORDING, "-o", "json").text.splitlines()]
    found, cursor = [], None
    while True:
        answer = one.ask("exchanges", limit=5, both_ends=True, order="oldest", **({"cursor": cursor} if cursor else {}))
        cursor = answer["next_cursor"]
        if not answer["exchanges"]:
            break
        found += exchanges(answer)
    assert found == lines
    once = exchanges(one.ask("exchanges", limit=200))
    assert len(once) == len([line for line in lines if line["hark.role"] == "server"]), "both ends of each are there"
    assert [o["http.response.status_code"] for o in exchanges(one.ask("exchanges", filter="status:201"))] == [201]
    rows = one.ask("endpoints", by="status", sort="count")["rows"]
    assert sum(row["count"] for row in rows) == len(once)
    assert "no exchange" not in str(one.ask("connections", filter="comm:nginx", open=False))
    assert "this is a recording" in one.ask("doctor")
    one.end()


@needs_client
@pytest.mark.parametrize("words", [["replay", RECORDING, "mcp"], ["mcp", "--replay", RECORDING]])
def test_filter_errors(asker, words):
    one = asker("legacy", *words)
    said = one.ask("exchanges", filter="status:200 stauts:5xx")
    assert "did you mean status" in said and said.splitlines()[1:] == ["status:200 stauts:5xx", " " * 11 + "^" * 6]
    assert "body: is no filter here" in one.ask("exchanges", filter="body:x")
    assert "limit is no integer from 1 to 200" in one.ask("exchanges", limit=0)
    assert "it has filter, by, sort" in one.ask("endpoints", colour="red")


@needs_client
def test_live(asker, nginx):
    """What curl does while it runs, of TLS and in the clear, with what it may not tell."""
    one = asker("auto", "mcp", f"port:{nginx.tls},{nginx.http}")
    assert one.ask("exchanges")["exchanges"] == []
    run("curl", "-sSk", "-o", "/dev/null", "-H", "Authorization: Bearer abcdefgh", f"https://127.0.0.1:{nginx.tls}/small.txt?token=zxcvbn")
    run("curl", "-sS", "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/missing")
    answers = wait_until(lambda: [a for a in [one.ask("exchanges", detail="headers")] if len(a["exchanges"]) == 2], "two exchanges")
    second, first = exchanges(answers[0])
    assert (first["url.path"], first["http.response.status_code"], first["tls"]) == ("/small.txt", 200, True)
    assert (second["url.path"], second["http.response.status_code"], second["tls"]) == ("/missing", 404, False)
    assert ["authorization", "[redacted]"] in [[name.lower(), value] for name, value in first["http.request.header"]]
    everything = json.dumps(answers) + json.dumps(one.ask("exchanges", detail="curl")) + json.dumps(one.ask("exchanges", detail="bodies"))
    assert "abcdefgh" not in everything and "zxcvbn" not in everything
    for found in ("header:authorization=*abcdefgh*", "url:*zxcvbn*", "query:token=z*"):
        assert one.ask("exchanges", filter=found)["exchanges"] == [], "a secret can be guessed"
    number = answers[0]["exchanges"][0]["number"]
    assert exchanges(one.ask("exchanges", number=number))[0]["url.path"] == "/missing"
    assert [row["http.route"] for row in one.ask("endpoints", filter="status:4xx")["rows"]] == ["/missing"]
    assert len(one.ask("connections", filter="comm:curl")["connections"]) == 2
    machine = one.ask("doctor")
    assert "capture      works" in machine["doctor"] and "ready" in machine["said"]
    assert f"process {nginx.pid} nginx" in one.ask("doctor", pid=nginx.pid)["doctor"]
    assert "has ended, or never was" in one.ask("doctor", pid=2**31 - 2)["doctor"]
    one.end()


@needs_client
def test_follows(asker, nginx):
    """The oldest first, and with the cursor what came since."""
    one = asker("auto", "mcp", f"port:{nginx.http}")
    cursor, seen = one.ask("exchanges", order="oldest")["next_cursor"], []
    for i in range(3):
        run("curl", "-sS", "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/hello?n={i}")

        def more():
            nonlocal cursor
            answer = one.ask("exchanges", order="oldest", cursor=cursor)
            cursor = answer["next_cursor"]
            seen.extend(o["url.query"] for o in exchanges(answer))
            return len(seen) > i

        wait_until(more, "the next one")
    assert seen == ["n=0", "n=1", "n=2"]


def lines_of(given, *words, **more):
    done = run(HARK, *words, given=given, **more)
    return [json.loads(line) for line in done.text.splitlines()]


PING = b'{"jsonrpc":"2.0","id":"end","method":"ping"}\n'


@pytest.mark.parametrize("hostile, code", [
    (b"x" * (3 << 20) + b"\n", -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"' + b"a" * (900 << 10) + b'"}\n', -32601),
    (b"\xff\xfe\x00\n", -32700),
    (b"[" * 500000 + b"\n", -32700),
    (b'{"a":' * 100000 + b"\n", -32700),
    (b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}\n', -32700),
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"../../bin/sh"}}\n', -32602),
], ids=["huge", "long name", "no UTF-8", "deep list", "deep object", "large number", "no tool"])
def test_hostile_lines(hostile, code):
    """Each is answered, and so is what stands behind it."""
    answers = lines_of(hostile + PING, "replay", RECORDING, "mcp")
    assert [answer.get("error", {}).get("code") for answer in answers] == [code, None]
    assert answers[1] == {"jsonrpc": "2.0", "id": "end", "result": {}}


def test_last_line_without_an_end():
    assert lines_of(PING.strip(), "replay", RECORDING, "mcp")[0]["id"] == "end"


def test_nobody_reads(tmp_path):
    """A client that asks and does not read holds nothing up, and one that goes ends hark."""
    given = tmp_path / "asks"
    given.write_bytes(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n' * 5000)
    with open(given, "rb") as asks:
        process = subprocess.Popen([HARK, "replay", RECORDING, "mcp"], stdin=asks, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.read(100).startswith(b'{"jsonrpc"')
    held = int(next(line for line in open(f"/proc/{process.pid}/status") if line.startswith("VmRSS")).split()[1])
    assert held < 100 << 10, "answers that nobody reads are heaped up"
    process.stdout.close()
    assert process.wait(DEADLINE_S) == 0


def test_a_flood_starves_nobody(nginx):
    """While questions come as fast as they are taken, what curl does is captured all the same, and nothing is lost."""
    process = subprocess.Popen([HARK, "mcp", f"port:{nginx.http}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    ask = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"exchanges","arguments":{"filter":"path:/small.txt","limit":200}}}\n'
    stopped = threading.Event()

    def flood():
        while not stopped.is_set():
            process.stdin.write(ask * 100)
        process.stdin.close()

    process.stdin.write(ask)
    process.stdin.flush()
    assert b'"exchanges":[]' in process.stdout.readline()
    flooder = threading.Thread(target=flood, daemon=True)
    flooder.start()
    run("curl", "-sS", "-o", "/dev/null", f"http://127.0.0.1:{nginx.http}/small.txt?[1-50]")
    last = next(line for line in process.stdout if json.loads(line)["result"]["structuredContent"]["kept"]["last"] >= 50)
    assert "losses" not in json.loads(last)["result"]["structuredContent"]
    stopped.set()
    for _ in process.stdout:  # to its end
        pass
    flooder.join(DEADLINE_S)
    assert process.wait(DEADLINE_S) == 0


def test_signal_ends_it():
    process = subprocess.Popen([HARK, "replay", RECORDING, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"connections"}}\n')
    process.stdin.flush()
    assert process.stdout.readline()  # it comes when the recording is over
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 0


def test_without_rights(tmp_path):
    """Nothing can be captured: whoever asks is told why, and what to do."""
    hark = tmp_path / "hark"
    hark.write_bytes(open(HARK, "rb").read())
    hark.chmod(0o755)
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents[:3]:
        folder.chmod(0o755)
    asks = [{"jsonrpc": "2.0", "id": i, "method": "tools/call", "params": {"name": name}} for i, name in enumerate(["doctor", "exchanges"])]
    done = run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", hark, "--no-config", "mcp", status=1,
               given=b"".join(json.dumps(ask).encode() + b"\n" for ask in asks))
    doctor, exchanges_ = [json.loads(line)["result"] for line in done.text.splitlines()]
    assert "run it as root" in doctor["structuredContent"]["doctor"]
    assert exchanges_["isError"] and "CAP_BPF" in exchanges_["content"][0]["text"] and "hark replay FILE mcp" in exchanges_["content"][0]["text"]


@pytest.mark.parametrize("words, said", [(["mcp", "--show-secrets"], "redacts always"), (["mcp", "--", "true"], "start the command elsewhere"),
                                         (["watch", "--replay", RECORDING], "--replay belongs to")])
def test_wrong_words(words, said):
    assert said in run(HARK, *words, status=2, given=b"").err.decode()
