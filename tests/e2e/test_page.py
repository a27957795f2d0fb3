# SPDX-License-Identifier: Apache-2.0
"""The page of hark serve in a real browser: what curl did shows in each view, and nothing of it acts there."""
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import DEADLINE_S, HARK, PEERS, ROOT, Program, free_port, is_listening, run, wait_until
from servers import HERE, PYTHON

TOOLS = PEERS / "page-tools"
CHROMIUM = shutil.which("chromium")
CLIENTS = PEERS / "model-clients"
RECORDING = ROOT / "testdata/recordings/mixed.rec"
VIEWS = ("endpoints", "exchanges", "connections", "map", "models")
CURL = ("curl", "-sSk", "-o", "/dev/null")
pytestmark = [
    pytest.mark.skipif(not TOOLS.exists(), reason=f"{TOOLS} is not there: npm could not fetch it (make peers says why)"),
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed (scripts/deps check)"),
]


class Browser:
    def __init__(self):
        self.process = subprocess.Popen(["node", str(HERE / "peers/page_drive.mjs"), str(TOOLS), CHROMIUM], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __call__(self, **asked):
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, f"{asked}: {answer['error']}\n{self.text()}" if "until" in asked else (asked, answer)
        return answer["value"]

    def text(self):
        return self(eval="document.body.innerText")[:3000]

    def until(self, expression):
        self(until=expression)

    def shows(self, text, where="#main"):
        """Waits until the text stands there."""
        self.until(f"document.querySelector({json.dumps(where)}).innerText.includes({json.dumps(text)})")

    def end(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE_S)


class Serve:
    """hark serve, with these words behind it, and where it is."""

    def __init__(self, *words, port=None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process = subprocess.Popen([HARK, "serve", "--listen", f"127.0.0.1:{self.port}", *map(str, words)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if "--replay" in words:
            wait_until(lambda: is_listening(self.port), "hark serve")
        else:
            assert any(line.startswith("hark: ready") for line in self.process.stderr)
        threading.Thread(target=lambda: self.process.stderr.read(), daemon=True).start()

    def end(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(DEADLINE_S) == 0


@pytest.fixture(scope="module")
def browser():
    one = Browser()
    yield one
    one.end()


@pytest.fixture
def serve():
    made = []

    def make(*words, **more):
        made.append(Serve(*words, **more))
        return made[-1]

    yield make
    for one in made:
        one.end()


def own(browser, serve):
    """Nothing failed in the page, and nothing was asked for elsewhere."""
    said = browser(said=True)
    assert not said["errors"], said["errors"]
    elsewhere = [url for url in said["requests"] if not url.startswith(serve.url)]
    assert not elsewhere, elsewhere
    assert not [message for message in said["messages"] if "Content Security Policy" in message], said["messages"]


def test_each_view_shows_it(browser, serve, nginx):
    one = serve(f"port:{nginx.http},{nginx.tls}", "-vv")
    browser(open=f"{one.url}#exchanges")
    browser.shows("No exchange yet")
    run(*CURL, f"https://127.0.0.1:{nginx.tls}/small.txt?token=zxcvbn")
    run(*CURL, "-H", "X-Mine: seen", "--data", "name=value", f"http://127.0.0.1:{nginx.http}/missing")
    browser.shows("/missing")
    rows = browser(eval="[...document.querySelectorAll('.grid .body .row:not([hidden])')].map((row) => row.innerText)")
    assert len(rows) == 2, "both ends of an exchange are one line"
    assert "/small.txt" in rows[0] and "200" in rows[0] and "[redacted]" in rows[0] and "zxcvbn" not in "".join(rows)
    assert "404" in rows[1] and "POST" in rows[1] and "curl[" in rows[1] and "→ nginx[" in rows[1]
    # One of them, by the keyboard alone.
    browser(eval="document.querySelector('.grid').focus()")
    browser(key="End")
    browser(key="Enter")
    browser.shows("X-Mine", "#detail")
    detail = browser(eval="document.querySelector('#detail').innerText")
    assert "seen" in detail and "name=value" in detail and "curl " in detail and "Wait" in detail
    assert "tls\nfalse" in detail.replace("\t", "\n"), "what is false is said"
    # Its connection's waterfall, and back.
    browser(eval="document.querySelector('#detail button.whole').click()")
    browser.shows("WATERFALL OF 1 EXCHANGE\n", "#detail")
    browser(key="Escape")
    browser.until("document.querySelector('#detail').hidden")
    for view, text in (("endpoints", "/missing"), ("connections", "nginx["), ("map", "curl"), ("models", "No call of a language model")):
        browser(eval=f"location.hash = '{view}'")
        browser.shows(text)
    browser(eval="location.hash = 'map'")
    browser.until("document.querySelectorAll('.map .edge').length === 1")
    own(browser, one)


def test_filter(browser, serve, nginx):
    """It is the server's: what does not pass goes, what comes is judged too, and what is wrong is told where."""
    one = serve(f"port:{nginx.http}")
    browser(open=f"{one.url}#exchanges")
    for path in ("small.txt", "missing"):
        run(*CURL, f"http://127.0.0.1:{nginx.http}/{path}")
    browser.shows("/missing")
    browser(into="#words", type="stauts:404")
    browser(key="Enter")
    browser.shows("did you mean status", "#wrong")
    assert "^^^^^^" in browser(eval="document.querySelector('#wrong').innerText")
    browser.shows("/small.txt")
    browser(into="#words", type="status:404")
    browser(key="Enter")
    browser.until("document.querySelector('#wrong').hidden && !document.querySelector('#main').innerText.includes('small.txt')")
    run(*CURL, f"http://127.0.0.1:{nginx.http}/small.txt?second")
    run(*CURL, f"http://127.0.0.1:{nginx.http}/missing?second")
    browser.shows("/missing?second")
    assert "small.txt" not in browser.text()
    browser(eval="location.hash = 'endpoints'")
    browser.shows("of 2 exchanges that pass the filter")
    own(browser, one)


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202egpj.exe\u0007'\"&amp;"


def test_hostile_names_stay_text(browser, serve, tmp_path):
    """Of a path, a field, a body and a model's name: no element, no message, no character that reorders what stands beside it."""
    port = free_port()
    body = json.dumps({"model": HOSTILE, "messages": [{"role": "user", "content": HOSTILE}]}).encode()
    listener = socket.create_server(("127.0.0.1", port))

    def answer():
        for _ in range(2):
            client, _ = listener.accept()
            with client:
                got = b""
                while body not in got:
                    got += client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Odd: " + HOSTILE.encode().replace(b"\x07", b"") +
                               b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    threading.Thread(target=answer, daemon=True).start()
    one = serve(f"port:{port}", "-vv")
    browser(open=f"{one.url}#exchanges")
    for path in ("/<img/src=x/onerror=alert(3)>\u202e", "/v1/chat/completions"):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST " + path.encode() + b" HTTP/1.1\r\nHost: <svg/onload=alert(4)>.example\r\nContent-Type: application/json\r\n" +
                           b"Content-Length: %d\r\n\r\n" % len(body) + body)
            while client.recv(65536):
                pass
    browser.shows("/v1/chat/completions")
    for view in VIEWS:
        browser(eval=f"location.hash = '{view}'")
        browser.until(f"document.querySelector('nav a[aria-current]').innerText.toLowerCase() === '{view}'")
        browser.shows("<svg" if view not in ("connections", "map", "models") else "python3" if view != "models" else "<img src=x")
        assert browser(eval="document.querySelectorAll('#main img, #main script, #main svg[onload], #main iframe').length") == 0, view
        assert browser(eval="/[\\u202a-\\u202e\\u0007]/.test(document.body.innerText)") is False, view
    number = browser(eval="fetch('/api/exchanges?limit=1').then((a) => a.json()).then((a) => a.exchanges[0].number)")
    browser(eval=f"location.hash = 'exchange/{number}'")
    browser.shows("X-Odd", "#detail")
    detail = browser(eval="document.querySelector('#detail').innerText")
    assert "<img src=x onerror=alert(1)><script>" in detail and "\\u{202e}" in detail
    assert browser(eval="document.querySelectorAll('#detail img, #detail script, #detail svg').length") == 0
    own(browser, one)


def test_long_names_are_cut(browser, serve, nginx):
    """Of a list; the details have all of it."""
    one = serve(f"port:{nginx.http}")
    browser(open=f"{one.url}#exchanges")
    run(*CURL, f"http://127.0.0.1:{nginx.http}/{'long' * 1500}?last")
    browser.shows("longlong")
    assert len(browser(eval="document.querySelector('.grid .body .path').textContent")) < 1000
    browser(eval="document.querySelector('.grid').focus()")
    browser(key="End")
    browser(key="Enter")
    browser.shows("long" * 1500, "#detail")
    own(browser, one)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 420])
def test_axe_finds_nothing(browser, serve, scheme, width):
    """Of a recording, in each view and beside the details, on a screen and on a phone's."""
    one = serve("--replay", RECORDING)
    browser(open=f"{one.url}#endpoints", scheme=scheme, width=width)
    for view in VIEWS:
        browser(eval=f"location.hash = '{view}'")
        browser.shows("No call of a language model" if view == "models" else "nginx" if view in ("map", "connections") else "127.0.0.1")
        assert browser(axe=True) == [], view
        assert browser(eval="document.documentElement.scrollWidth <= innerWidth"), f"{view} is wider than the window"
    for where in ("exchange/3", "connection"):
        if where == "connection":
            browser(eval="document.querySelector('#detail button.whole').click()")
        else:
            browser(eval=f"location.hash = '{where}'")
        browser.shows("WATERFALL" if where == "connection" else "WHAT IT IS", "#detail")
        assert browser(axe=True) == [], where
    browser(eval="location.hash = 'exchanges'")
    browser(into="#words", type="nonsense")
    browser(key="Enter")
    browser.shows("nonsense", "#wrong")
    assert browser(axe=True) == [], "with an error"
    own(browser, one)


def test_a_recording(browser, serve):
    one = serve("--replay", RECORDING)
    browser(open=f"{one.url}#exchanges")
    browser.shows("11 exchanges")
    browser.shows("recording", "#status")
    browser(eval="location.hash = 'endpoints'")
    browser.shows("/hello")
    own(browser, one)


def test_token(browser, serve, tmp_path):
    """Who has none is asked, in the page, and asked again when it is wrong."""
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text("correct-horse-battery\n")
    one = serve("--replay", RECORDING, "--token-file", token)
    browser(open=f"{one.url}#exchanges")
    for word in ("wrong-horse-battery", "correct-horse-battery"):
        browser.until("document.querySelector('#login').open")
        browser(into="#token", type=word)
        browser(key="Enter")
        browser.until("!document.querySelector('#login').open || document.querySelector('#token').value === ''")
    browser.shows("11 exchanges")
    assert "correct-horse" not in browser(eval="location.href + document.cookie")


@pytest.mark.alone
def test_a_thousand_a_second(browser, serve, tmp_path):
    """While they come: few rows are in the page, the last one is shown, and a key is answered."""
    port = free_port()
    listener = socket.create_server(("127.0.0.1", port))

    def answer(client):
        with client:
            for line in client.makefile("rb"):
                if line.startswith(b"GET"):
                    client.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def accept():
        while True:
            try:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    one = serve(f"port:{port}")
    browser(open=f"{one.url}#exchanges")
    browser.shows("No exchange yet")
    browser(eval="window.frames_ = []; let before = performance.now(); const tick = (now) => { frames_.push(now - before); before = now; "
                 "requestAnimationFrame(tick); }; requestAnimationFrame(tick); 0")
    sent, begin = 0, time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as client:
        replies = client.makefile("rb")
        while time.monotonic() < begin + 4:
            due = int((time.monotonic() - begin) * 1000)
            while sent < due:
                client.sendall(b"GET /%d HTTP/1.1\r\nHost: many.example\r\n\r\n" % sent)
                replies.readline(), replies.readline()
                sent += 1
            time.sleep(0.002)
        assert sent > 3000
    browser.shows(f"/{sent - 1}")
    assert browser(eval="document.querySelectorAll('.grid .row').length") < 80
    assert browser(eval="document.querySelector('.grid').getAttribute('aria-rowcount')") == str(sent + 1)
    frames = sorted(browser(eval="frames_"))
    assert len(frames) > 20 and frames[len(frames) // 2] < 200, f"{len(frames)} pictures, the middle one after {frames[len(frames) // 2]} ms"
    browser(eval="document.querySelector('.grid').focus()")
    browser(key="Home")
    browser.shows("/0")
    assert browser(eval="document.querySelector('.grid [aria-selected=true]').innerText.includes('/0')")
    listener.close()
    own(browser, one)


@pytest.mark.skipif(not CLIENTS.exists(), reason=f"{CLIENTS} is not there: pip could not fetch it (make peers says why)")
def test_model_calls(browser, serve, tmp_path):
    port = free_port()
    program = Program([PYTHON, HERE / "peers/model_serve.py", port], tmp_path, ports=(port,))
    one = serve(f"port:{port}", "-vv")
    browser(open=f"{one.url}#models")
    run(PYTHON, HERE / "peers/model_client.py", "openai", f"http://127.0.0.1:{port}", "stream", "small", env={"PYTHONPATH": str(CLIENTS), **os.environ})
    browser.until("document.querySelectorAll('.card').length > 0")
    assert browser(eval="document.querySelectorAll('#main tbody tr').length") > 0
    program.stop()
    own(browser, one)
