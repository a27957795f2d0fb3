# SPDX-License-Identifier: Apache-2.0
"""hark top in a pseudo-terminal, read from its screen; on a recording where nothing needs to be live."""
import base64
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import termios
import threading

import pytest

from harness import HARK, ROOT, Live, free_port, is_listening, is_sanitized, run, wait_until
from terminal import BACKSPACE, CTRL_C, DOWN, END, ENTER, ESCAPE, HOME, PAGE_DOWN, UP, Terminal

MIXED = ROOT / "testdata/recordings/mixed.rec"
SIZES = [(80, 24), (200, 60)]
BY_SIZE = pytest.mark.parametrize("columns,rows", SIZES, ids=["80x24", "200x60"])


@contextlib.contextmanager
def replayed(*options, columns=80, rows=24, **more):
    """The recording at its end, on the screen."""
    with Terminal(HARK, "replay", MIXED, "top", "--speed", "max", *options, columns=columns, rows=rows, **more) as top:
        top.wait("END", "the end of the recording")
        yield top


def table(top):
    """The lines below the titles of the columns, to the first empty one."""
    start = next(y for y, line in enumerate(top.lines) if "▼" in line or "▲" in line) + 1
    rows = []
    for line in top.lines[start:-1]:
        if not line:
            break
        rows.append(line)
    return rows


def titles(top):
    return next(line for line in top.lines if "▼" in line or "▲" in line)


@BY_SIZE
def test_the_four_tables(columns, rows):
    with replayed(columns=columns, rows=rows) as top:
        assert top.lines[0].startswith("hark top 0:00:00  11."), top.lines[0]
        assert "errors 18.1%" in top.lines[0] and "p99 0.40 ms" in top.lines[0]
        assert top.lines[1].startswith("rate ") and "█ 5/s" in top.lines[1] and "p99 " in top.lines[1]
        most = [(line.split()[0], line.split()[1], line.split()[-2], line.split()[-1]) for line in table(top)[:2]]
        assert most == [("28.1", "1", "GET", "127.0.0.1/missing"), ("21.5", "3", "GET", "127.0.0.1/index.html")]
        assert "▼TIME%" in titles(top)
        assert len(table(top)) == 7
        assert ("P99.9" in titles(top)) == (columns == 200)
        assert all(len(line) <= columns for line in top.lines)

        top.press("2", "PEER")
        assert len(table(top)) == 16
        assert "→ 127.0.0.1:18443" in top.line("nghttp[10063]")
        top.press("3", "PROCESS")
        assert "nginx[3525]" in table(top)[1] and table(top)[1].split()[1] == "11"
        top.press("4", "URL")
        assert len(table(top)) == 11  # both ends of each are one line
        assert "GET 127.0.0.1:18080/index.html" in table(top)[0]
        top.press("\t", "ENDPOINT")
        top.send("q")
        assert top.wait_end() == 0


@BY_SIZE
def test_from_an_endpoint_to_headers_and_waterfall(columns, rows):
    with replayed(columns=columns, rows=rows) as top:
        top.press("\\path:/nope", lambda text: "nope" in text and "missing" not in text)
        top.press(ENTER, "Filter: path:/nope  counted since")
        top.press(ENTER, "Slowest exchanges of GET 127.0.0.1/nope")
        assert len(table(top)) == 1
        assert top.line("server nginx[3525]  1 exchanges  1 errors  0.21 ms each")
        assert top.line("client nghttp[10063]  1 exchanges  1 errors  0.36 ms each")
        assert top.line("from 127.0.0.1  1 exchanges") and top.line("to 127.0.0.1:18443  1 exchanges")
        top.press(ENTER, "> user-agent:")
        assert "404  took 0.21 ms" in top.text
        assert re.search(r"send [0-9.]+ ms, wait [0-9.]+ ms, receive [0-9.]+ ms", top.text), top.text
        assert "< content-type: text/html" in top.text
        top.press(PAGE_DOWN if rows == 24 else "", lambda text: "404 GET /nope" in text)
        waterfall = [line for line in top.lines if "GET /" in line and ("█" in line or "░" in line)]
        assert [line.split()[:2] for line in waterfall] == [["13", "200"], ["15", "200"], ["17", "404"]]
        chosen = top.screen.buffer[top.row("404 GET /nope")][0]
        assert chosen.reverse, "the one that was chosen is marked"
        assert not top.screen.buffer[top.row("200 GET /hello")][0].reverse
        top.press(ESCAPE, "Slowest exchanges of")
        top.press(BACKSPACE, "1 Endpoints")


def test_secrets_are_redacted_in_the_detail(tmp_path):
    seen = tmp_path / "secret.rec"
    server, port = serve_on_thread(lambda request: b"HTTP/1.1 200 OK\r\nSet-Cookie: id=geheim\r\nContent-Length: 0\r\n\r\n")
    with contextlib.closing(server):
        record_own(seen, lambda: talk(port, b"GET /s?token=geheim HTTP/1.1\r\nHost: h\r\nAuthorization: Basic geheim\r\n\r\n"))
    with Terminal(HARK, "replay", seen, "top", "--speed", "max") as top:
        top.wait("END", "the end")
        top.press("4", "GET h/s?token=[redacted]")
        top.press(ENTER, "> Authorization: [redacted]")
        top.wait("Set-Cookie: [redacted]", "the response")
        assert b"geheim" not in top.raw


TEXTS = {"ENDPOINT", "PROCESS", "PEER", "URL", "PROGRAM", "TIME", "CONN", "PROTO", "STATE", "LOCAL"}
NUMBER = re.compile(r"(^| )(-|\?|[0-9.]+( ms| s)?[KMG]?|\S*…)$")


def numbers_are_whole(shown, row):
    """Under each title of a number, whose end is the number's too, one stands that nothing was taken from."""
    for title in re.finditer(r"\S+", shown):
        if title.group().lstrip("▼▲") not in TEXTS:
            assert NUMBER.search(row[:title.end()]) and row[title.end()] == " ", (title.group(), row)


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200, 300])
def test_readable_at_any_width(columns):
    """Every number stands whole in its line, the columns that tell most are there, the way out is shown."""
    essential = {"1": {"TIME%", "COUNT", "P99", "ENDPOINT"}, "3": {"TIME%", "COUNT", "P99", "PROCESS"},
                 "2": {"PROGRAM", "COUNT", "PEER"}, "4": {"CODE", "TOOK", "URL"}}
    names = {"1": "ENDPOINT", "2": "PEER", "3": "PROCESS", "4": "URL"}
    with replayed(columns=columns, rows=30) as top:
        for key, columns_wanted in essential.items():
            top.press(key, names[key])
            assert re.fullmatch(r"hark top( \d:\d\d:\d\d)?  11\.\d/s(  open 0)?(  errors 18\.1%)?"
                                r"(  p50 0\.093 ms)?  p99 0\.40 ms", top.lines[0]), top.lines[0]
            assert top.lines[1].startswith("rate ") and top.lines[1].endswith(" 0.40 ms") and " 5/s " in top.lines[1]
            head = top.row(names[key])
            shown = top.lines[head]
            assert columns_wanted <= {title.lstrip("▼▲") for title in shown.split()}, shown
            rows = [line for line in top.lines[head + 1:-1] if line]
            assert len(rows) == {"1": 7, "2": 16, "3": 9, "4": 11}[key]
            for row in rows:
                numbers_are_whole(shown, row)
            assert top.lines[-1].startswith("F1Help") and top.lines[-1].endswith("F10Quit")
        top.press("1", "ENDPOINT")
        assert "GET 127.0.0.1/missing" in top.text or "GET /missing" in top.text
        top.press(ENTER, "Slowest exchanges of")
        top.press(ENTER, "User-Agent")
        for whole in (r"404  took 0\.40 ms", r"first byte after 0\.40 ms", r"server 0\.40 ms", r"network 0\.0\d+ ms"):
            assert re.search(whole, top.text), whole
        top.press("?", "endpoints, connections")
        assert not any(re.fullmatch(r"\S.*[a-z]", line) and len(line) > columns for line in top.lines)


def test_what_is_not_known_is_last_and_dim(tmp_path):
    """A response whose request came before hark: its row is below all others, whatever they are sorted by."""
    seen, hold = tmp_path / "late.rec", threading.Event()

    def answer(head):
        if b"/late" in head:
            hold.wait(30)
        return OK

    server, port = serve_on_thread(answer)
    with contextlib.closing(server), socket.create_connection(("127.0.0.1", port)) as late:
        late.sendall(get(b"/late"))
        recorder = Live("record", "-w", seen, "-p", os.getpid())
        talk(port, get(b"/known"))
        hold.set()
        assert late.recv(65536)
        late.close()
        recorder.end()
    for sort in ("name", "-name", "total", "count"):
        with Terminal(HARK, "replay", seen, "top", "--speed", "max", "--sort", sort) as top:
            top.wait("END", "the end")
            assert table(top)[0].endswith("GET h/known") and table(top)[1].endswith("? 127.0.0.1 ?"), sort
            assert re.search(rb"\x1b\[(\d+;)*2m[^\x1b]*\? 127", top.raw), "it is dim"


@BY_SIZE
def test_order_by_any_column(columns, rows):
    with replayed(columns=columns, rows=rows) as top:
        seen = {titles(top)}
        for _ in range(20):
            before = titles(top)
            top.send(">")
            top.read(0.1)
            seen.add(titles(top))
            if titles(top) == before:
                break
        assert len(seen) == (7 if columns == 80 else 17)  # each column that is shown, once
        assert "▲ENDPOINT" in titles(top)
        names = [line.split()[-1] for line in table(top)]
        methods = [line.split()[-2] for line in table(top)]
        assert list(zip(methods, names)) == sorted(zip(methods, names))
        top.press("I", "▼ENDPOINT")
        assert [line.split()[-1] for line in table(top)] == names[::-1]
        top.press("<", "▼P99" if columns == 80 else "▼OUT")


def test_options_choose_table_and_order():
    with replayed("--by", "process", "--sort", "-name") as top:
        assert "PROCESS" in titles(top) and "▼PROCESS" in titles(top)
    with replayed("--sort", "request_bytes", "status:200", "--comm", "nginx") as top:
        assert "▼IN" in titles(top), "the column that is asked for is there, also where it has little room"
        assert top.line("Filter: ") == 'Filter: comm:"nginx" status:200'
        top.press("\\path:/h*" + ENTER, lambda text: 'Filter: comm:"nginx" status:200  and path:/h*  counted since' in text)


def test_rows_of_any_key():
    """What stat groups by, top does too: a row opens like an endpoint's."""
    with replayed("--by", "status") as top:
        assert " 1 By status " in top.text and "STATUS" in titles(top)
        rows = {line.split()[-1]: line.split()[1] for line in table(top)}
        assert rows == {"200": "8", "201": "1", "404": "2"}, top.text
        top.press(ENTER, "Slowest exchanges of")
        assert top.line("new connections")
    with replayed("--by", "peer") as top:
        assert "PEER" in titles(top) and any(line.endswith("127.0.0.1:18080") for line in table(top)), top.text
    with replayed("--by", "gen_ai.request.model") as top:
        assert "GEN_AI.REQUEST.MODEL" in titles(top) and table(top)[0].endswith("none, or not known"), top.text


def test_filter_as_it_is_typed():
    with replayed() as top:
        top.press("\\status:4", "a status is")  # not whole yet: it says what it could be
        assert len(table(top)) == 7
        top.press("xx", lambda text: "a status is" not in text and "hello" not in text)
        assert {line.split()[-1] for line in table(top)} == {"127.0.0.1/missing", "127.0.0.1/nope"}
        assert "errors 100.0%" in top.lines[0]
        top.press(" !path:/n*", lambda text: "/nope" not in text)
        assert len(table(top)) == 1
        top.press("\x17", "/nope")  # a word less
        top.press(ENTER, "Filter: status:4xx  counted since")
        top.press("2", "PEER")
        assert {line.split()[1] for line in table(top)} == {"nghttp[10063]", "nginx[3525]", "curl[10059]"}
        top.press("4", "URL")
        assert len(table(top)) == 2
        top.press("\\" + ESCAPE, lambda text: "Filter" not in text.splitlines()[-2] and "/hello" in text)
        assert len(table(top)) == 11


def selected(top):
    """The row that is marked, as text."""
    marked = [y for y in range(top.screen.lines - 1)
              if all(top.screen.buffer[y][x].reverse for x in range(top.screen.columns - 1)) and top.lines[y] != titles(top)]
    assert len(marked) == 1, top.text
    return top.lines[marked[0]]


def test_search_goes_to_the_row():
    with replayed() as top:
        top.press("/", "Search:")
        top.send("HELLO")
        wait_until(lambda: top.read(0.05) and "127.0.0.1/hello" in selected(top), "the row with that text, whatever its case")
        top.press("xyz", "not on this page")
        top.press("\x7f\x7f\x7f" + ENTER, lambda text: "Search:" not in text)
        assert "127.0.0.1/hello" in selected(top) and len(table(top)) == 7, "nothing is filtered"
        top.press("4", "URL")
        top.send("/GET" + ENTER)
        wait_until(lambda: top.read(0.05) and "GET " in selected(top), "the first")
        before = selected(top)
        top.send("n")
        wait_until(lambda: top.read(0.05) and selected(top) != before and "GET " in selected(top), "the next")
        top.press("/" + ESCAPE, lambda text: "Search:" not in text)
        top.press(ENTER, "Exchange")
        top.press("/server:" + ENTER, "erver: nginx")


@pytest.mark.parametrize("columns,rows", [(40, 24), *SIZES])
def test_menus_choose_order_and_user(columns, rows):
    with replayed(columns=columns, rows=rows) as top:
        top.press("\x1b[17~", "SORT BY")  # F6
        assert "▼TIME%" in top.text and "F10Quit" in top.lines[-1]
        assert any(line.startswith("P99.9") for line in top.lines), "also those that have no room else"
        top.send(END + ENTER)
        name = "▲ENDPOINT"
        wait_until(lambda: top.read(0.05) and name in top.text, "by the last of the list")
        top.press("\x1b[17~", "SORT BY")
        top.press(ESCAPE, lambda text: "SORT BY" not in text and name in text)
        top.press("\x1b[17~" + HOME + DOWN * 10 + ENTER, "▼P99.9")
        top.press("u", "USER")
        assert any(line.startswith("all") for line in top.lines)
        top.press(DOWN + ENTER, lambda text: "Filter: user:0" in text and "USER" not in text)
        top.press("\\ path:/hello" + ENTER, "Filter: user:0 path:/hello")
        top.press("u" + ENTER, lambda text: "Filter: path:/hello" in text)


def clipboard(raw):
    """What OSC 52 gave the terminal, the last time."""
    return base64.b64decode(re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", raw)[-1]).decode()


@contextlib.contextmanager
def one_call(tmp_path, request, answer, *options, columns=80, rows=24, env=None):
    """A recording of one exchange, at its end."""
    seen = tmp_path / "one.rec"
    server, port = serve_on_thread(lambda head: answer)
    with contextlib.closing(server):
        record_own(seen, lambda: talk(port, request))
    with Terminal(HARK, "replay", seen, "top", "--speed", "max", *options, columns=columns, rows=rows, env=env) as top:
        top.wait("END", "the end")
        yield top


SECRETS = (b"GET /s?token=geheim&q='x%20%3b HTTP/1.1\r\nHost: h\r\nAuthorization: Basic geheim\r\nX-Odd: it's $(reboot) \x1b[2J\r\n\r\n",
           b"HTTP/1.1 200 OK\r\nSet-Cookie: id=geheim\r\nContent-Type: application/json\r\nContent-Length: 39\r\n\r\n"
           b'{"password":"geheim","name":"a\\u001b["}')


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_copied_as_a_command(tmp_path, columns):
    """c: into the clipboard in base64, on the page, and as one line when hark has ended; secrets stay where they are."""
    with one_call(tmp_path, *SECRETS, columns=columns) as top:
        top.press("c", "As a command")
        top.wait("clipboard", "where it is")
        command = clipboard(top.raw)
        assert command.startswith("curl ") and "\n" not in command and "geheim" not in command
        words = shlex.split(command)
        assert any("/s?token=" in word for word in words) and not any("reboot" in word and "$(" not in word for word in words)
        assert b"geheim" not in top.raw and b"\x1b[2J[" not in top.raw
        top.press(ESCAPE, "1 Endpoints")
        top.press("4" + ENTER, "Exchange")
        top.press("c", "As a command")
        assert clipboard(top.raw) == command
        top.send("q")
        assert top.wait_end() == 0
        last = top.raw[top.raw.rindex(b"\x1b[?1049l"):].decode()
        assert command in last.replace("\r\n", "\n").split("\n"), "one line of its own"


def test_copied_with_its_secrets(tmp_path):
    with one_call(tmp_path, *SECRETS, "--show-secrets") as top:
        top.press("c", "As a command")
        assert "geheim" in clipboard(top.raw)


@pytest.mark.parametrize("term", ["linux", "vt100"])
def test_no_clipboard_where_it_would_be_printed(tmp_path, term):
    with one_call(tmp_path, *SECRETS, env={"TERM": term}) as top:
        top.press("c", "As one line it comes when hark ends")
        assert b"]52;" not in top.raw and "clipboard" not in top.text


def test_a_command_that_is_too_long_is_not_given_to_the_terminal(tmp_path):
    request = b"GET /long HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"v" * 3900) for i in range(14)) + b"\r\n"
    with one_call(tmp_path, request, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as top:
        top.press("c", "As a command")
        found = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", top.raw)
        assert all(len(text) <= 65536 for text in found)


def test_bodies_are_shown_when_they_are_kept(tmp_path):
    with one_call(tmp_path, *SECRETS, "-vv") as top:
        top.press("b", "Body")
        top.wait("password", "the answer's body")
        assert b"geheim" not in top.raw and b"\x1b[\"" not in top.raw and "[redacted]" in top.text
        top.press(ESCAPE, "1 Endpoints")
    with one_call(tmp_path, *SECRETS) as top:
        top.press("b", "Bodies are not kept")
        top.wait("hark top -vv", "how they are")


def test_bodies_of_many_large_ones_do_not_stop_the_list(tmp_path):
    """More than is kept went by: the last ones are there with their bodies."""
    seen, body = tmp_path / "large.rec", b"y" * 30000
    server, port = serve_on_thread(lambda head: b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n" + body)
    with contextlib.closing(server):
        record_own(seen, lambda: talk(port, *[get(b"/n%d" % i) for i in range(40)], whole=30000))
    with Terminal(HARK, "replay", seen, "top", "--speed", "max", "-vv", columns=120, rows=60) as top:
        top.wait("END", "the end")
        top.press("4", "h/n39")
        top.press("b", "yyyy")
        assert "GET h/n39" in top.text


def test_export_as_har(tmp_path):
    """e: the chosen exchange, an endpoint's slowest, a connection's; the file is whole after each key."""
    har = tmp_path / "some.har"

    def entries():
        return json.loads(har.read_text())["log"]["entries"]

    with replayed("--export", har) as top:
        assert entries() == [], "whole from the start"
        top.press("e", "1 exchanges exported, 1 in the file")
        assert [entry["request"]["url"] for entry in entries()] == ["http://127.0.0.1:18080/missing"]
        top.press("4" + DOWN + "e", "1 exchanges exported, 2 in the file")
        assert entries()[1]["request"]["url"].endswith("/hello")
        top.press("2", "PEER")
        top.press("e", "in the file")
        assert len(entries()) > 2
        top.send("q")
        assert top.wait_end() == 0
    assert har.stat().st_mode & 0o777 == 0o600
    with replayed() as top:
        top.press("e", "--export FILE.har")
    assert b"top" in run(HARK, "replay", MIXED, "stat", "--export", har, status=2).err


def test_pause_windows_and_help():
    with Terminal(HARK, "replay", MIXED, "top", "--speed", "1") as top:
        top.wait("END", "the recording takes a second")
        top.press("w", "last 10 s")
        top.press("w", "last 60 s")
        top.press("w", "whole run")
        top.press("p", "PAUSED")
        top.press(" ", lambda text: "PAUSED" not in text)
        top.press("?", "this help")
        top.press(ESCAPE, "ENDPOINT")


def test_selection_moves_and_stays_on_its_row():
    def selected(top):
        return [y for y in range(24) if all(top.screen.buffer[y][x].reverse for x in range(70)) and
                top.lines[y] != titles(top)]

    with replayed() as top:
        first = top.row("▼TIME%") + 1
        wait_until(lambda: top.read(0.05) and selected(top) == [first], "the first row is selected")
        top.send(DOWN + "\x1b[B" + UP + DOWN)  # both forms that terminals send
        wait_until(lambda: top.read(0.05) and selected(top) == [first + 2], "the third")
        name = top.lines[first + 2].split()[-1]
        top.send(">")
        wait_until(lambda: top.read(0.05) and "▼COUNT" in titles(top), "another order")
        assert [top.lines[y].split()[-1] for y in selected(top)] == [name]
        top.send(END)
        wait_until(lambda: top.read(0.05) and selected(top) == [first + 6], "End: the last")
        top.send(HOME)
        wait_until(lambda: top.read(0.05) and selected(top) == [first], "Home")


def test_another_size():
    with replayed() as top:
        for columns, rows in [(200, 60), (33, 9), (80, 3), (1, 1), (132, 50), (80, 24)]:
            top.resize(columns, rows)
            top.wait(lambda text: rows < 3 or columns < 10 or text.splitlines()[0].startswith("hark top"), "redrawn")
            top.read(0.3)
        assert len(table(top)) == 7
        top.resize(200, 60)
        top.wait("P99.9", "more columns")
        assert "F10Quit" in top.lines[59] and len(table(top)) == 7


def test_colours_by_class():
    with replayed() as top:
        top.press("4", "URL")
        assert "green" in top.colors(top.row("/hello"))
        assert top.colors(top.row("/missing")) & {"brown", "yellow"}


@pytest.mark.parametrize("options,env", [(["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "vt100"})],
                         ids=["option", "environment", "terminal"])
def test_without_colours(options, env):
    with replayed(*options, env=env) as top:
        top.press("4", "URL")
        assert not any(top.colors(y) for y in range(24))
        assert "GET 127.0.0.1:18080/missing" in top.text


def test_without_utf8_all_is_ascii():
    with Terminal(HARK, "replay", MIXED, "top", "--speed", "max", env={"LC_ALL": "C"}) as top:
        top.wait("END", "the end")
        top.press("2", "PEER")
        assert max(top.raw) < 0x80


def test_the_terminal_is_given_back():
    for keys in ["q", "\x1b[21~", CTRL_C]:
        with replayed() as top:
            assert b"\x1b[?1049h" in top.raw
            assert termios.tcgetattr(top.fd) != top.modes
            top.send(keys)
            assert top.wait_end() == 0, keys
            assert b"\x1b[?1049l" in top.raw
            assert re.search(r"hark: \d+ exchanges, ", top.text)  # where the shell goes on


def test_needs_a_terminal():
    done = run(HARK, "replay", MIXED, "top", status=2)
    assert b"needs a terminal" in done.err


# --- live ------------------------------------------------------------------------------


def serve_on_thread(answer):
    """A server in this very process: answer(head of a request) gives the bytes; (socket, port)."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(one):
        with contextlib.closing(one), contextlib.suppress(OSError):
            rest = b""
            while True:
                while b"\r\n\r\n" not in rest:
                    more = one.recv(65536)
                    if not more:
                        return
                    rest += more
                head, rest = rest.split(b"\r\n\r\n", 1)
                one.sendall(answer(head))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return server, server.getsockname()[1]


def talk(port, *requests, whole=0):
    """Each request's answer, with `whole` bytes behind its head."""
    with socket.create_connection(("127.0.0.1", port)) as one:
        for request in requests:
            one.sendall(request)
            head = b""
            while b"\r\n\r\n" not in head:
                more = one.recv(65536)
                assert more, "no answer"
                head += more
            rest = len(head.split(b"\r\n\r\n", 1)[1])
            while rest < whole:
                rest += len(one.recv(65536))


def record_own(path, do):
    """A recording of what this process does in do()."""
    recorder = Live("record", "-w", path, "-p", os.getpid())
    do()
    recorder.end()


@contextlib.contextmanager
def watched(pid, tmp_path, *options, columns=80, rows=24):
    """hark top at work on a process; stderr in a file tells when it is ready."""
    talk_path = tmp_path / "hark.err"
    talk_path.touch()
    command = f'exec "$@" 2>{talk_path}'
    with Terminal("sh", "-c", command, "sh", HARK, "top", "-p", pid, *options, columns=columns, rows=rows) as top:
        wait_until(lambda: top.read(0.05) and "hark: ready" in talk_path.read_text(), "hark: ready")
        yield top


def get(path):
    return b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n"


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

HOSTILE = [
    (b"/wide/\xe4\xbd\xa0\xe5\xa5\xbd", "/wide/你好"),
    (b"/accent/e\xcc\x81", "/accent/é"),
    (b"/heap/e" + b"\xcc\x81" * 20, "\\u{301}"),  # marks on marks do not grow out of the line
    (b"/a%20/\xcc\x81b", "/a%20/́b"),  # it stands on the slash, not on what is beside the text
    (b"/hebrew/\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "/hebrew/שלום"),
    (b"/turn/\xe2\x80\xaecod.exe", "/turn/\\xe2\\x80\\xaecod.exe"),
    (b"/isolate/\xe2\x81\xa6x", "/isolate/\\xe2\\x81\\xa6x"),
    (b"/joiner/a\xe2\x80\x8db", "/joiner/a\\xe2\\x80\\x8db"),
    (b"/control/\xc2\x9b31mx", "/control/\\xc2\\x9b31mx"),
    (b"/bytes/\xff\xfe\xc3", "/bytes/\\xff\\xfe\\xc3"),
    (b"/emoji/\xf0\x9f\x98\x80", "/emoji/😀"),
]


@BY_SIZE
def test_hostile_paths(columns, rows, tmp_path):
    """Every row stays in its line and in its columns; no byte of the paths controls the terminal."""
    long = [b"/long/" + b"x" * 3000, b"/longwide/" + b"\xe4\xbd\xa0" * 1000]
    server, port = serve_on_thread(lambda head: OK)
    with contextlib.closing(server), watched(os.getpid(), tmp_path, columns=columns, rows=rows) as top:
        top.press("4", "URL")
        talk(port, *[get(path) for path, _ in HOSTILE], *map(get, long))
        top.wait(lambda text: text.count("GET h") >= len(HOSTILE) + 2, "all of them")
        url = titles(top).index("URL")
        for path, shown in HOSTILE:
            assert shown in top.text or (columns == 80 and shown.startswith("/") and shown[:20] in top.text), shown
        start = top.row("URL") + 1
        for y in range(start, start + len(HOSTILE) + 2):
            assert top.cells(y, url, url + 5) == "GET h", "the column begins where its title does"
            assert top.cells(y, url - 1, url) == " "
        for name in ("/long/xxx", "/longwide/"):
            assert top.cells(top.row(name), columns - 3, columns).rstrip().endswith("…"), "cut at the border"
        for path, _ in HOSTILE:
            for control in (b"\xe2\x80\xae", b"\xe2\x81\xa6", b"\xe2\x80\x8d", b"\xc2\x9b", b"\xff"):
                assert control not in top.raw
        top.press("1", "ENDPOINT")
        name = titles(top).index("ENDPOINT")
        for y in range(top.row("ENDPOINT") + 1, top.row("ENDPOINT") + 6):
            assert top.cells(y, name, name + 5) == "GET h"
        top.press("4" + END + ENTER, "> Host: h")  # and in the detail
        top.send("q")
        assert top.wait_end() == 0


@BY_SIZE
def test_hostile_program_name(columns, rows, tmp_path):
    """A name with an escape sequence and wide characters neither clears the screen nor shifts a column."""
    program = tmp_path / "py\x1b[2J\x1b]0;owned\x07你好"
    shutil.copy(pathlib.Path(sys.executable).resolve(), program)
    code = ("import socket,sys\ns=socket.create_server(('127.0.0.1',int(sys.argv[1])))\n"
            "while True:\n c=s.accept()[0]\n c.recv(65536)\n"
            " c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n')\n c.recv(1)\n c.close()\n")
    port = free_port()
    server = subprocess.Popen([program, "-c", code, str(port)], stdin=subprocess.DEVNULL,
                              env={**os.environ, "PYTHONHOME": sys.prefix})
    try:
        wait_until(lambda: not server.poll() and is_listening(port), "the server")
        with watched(server.pid, tmp_path, columns=columns, rows=rows) as top:
            top.press("4", "URL")
            talk(port, get(b"/one"))
            top.wait("GET h/one", "the exchange")
            assert "py\\x1b[2J" in top.text
            url = titles(top).index("URL")
            assert top.cells(top.row("/one"), url, url + 9) == "GET h/one"
            assert b"\x1b]0;owned" not in top.raw
            top.press("3", "PROCESS")
            assert "py\\x1b[2J\\x1b]0;owned\\x07你好" in top.text
    finally:
        server.kill()
        server.wait()


def test_losses_are_on_the_screen():
    """hark is stopped while more than its ring holds goes by. Its log goes to the screen, and comes out behind it."""
    body = b"x" * 20000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    server, port = serve_on_thread(lambda head: answer)
    with contextlib.closing(server), Terminal(HARK, "top", "-p", os.getpid(), "--ring", "64K") as top:
        top.wait("nothing yet", "the screen: hark is ready")
        talk(port, get(b"/before"))
        top.wait("h/before", "the exchange before")
        assert "LOST" not in top.text
        os.kill(top.pid, signal.SIGSTOP)
        for _ in range(40):
            talk(port, get(b"/flood"))
        os.kill(top.pid, signal.SIGCONT)
        # holes may stand there first: the kernel's counters are read from time to time
        top.wait(lambda text: "LOST" in text and "--ring" in top.line("LOST"), "the losses with the remedy")
        assert top.colors(top.row("LOST")) & {"red"}
        top.wait("records lost, the ring was full", "the line of the log")
        assert top.lines[22].split()[1:3] == ["records", "lost,"], "it stands above the keys"
        assert top.lines[23].startswith("F1Help")
        top.send("q")
        assert top.wait_end() == 0
        assert b"hark: " in top.raw[top.raw.rindex(b"\x1b[?1049l"):]
        assert b"records lost, the ring was full" in top.raw[top.raw.rindex(b"\x1b[?1049l"):]


def test_live_in_flight_and_rate(tmp_path):
    hold = threading.Event()

    def answer(head):
        if b"/hang" in head:
            hold.wait(30)
        return OK

    server, port = serve_on_thread(answer)
    with contextlib.closing(server), watched(os.getpid(), tmp_path) as top:
        talk(port, get(b"/quick"), get(b"/quick"))
        top.wait("GET h/quick", "a row")
        hanging = threading.Thread(target=talk, args=(port, get(b"/hang")), daemon=True)
        hanging.start()
        top.wait(lambda text: any("GET h/hang" in line for line in text.splitlines()), "a row for what is open")
        assert "open 0" not in top.lines[0]
        assert top.line("GET h/hang").split()[2] == "1"
        top.press("4", "[pending]")
        top.press(ENTER, "no answer yet  waits for")
        hold.set()
        top.wait("200  took", "the same exchange, at its end")
        top.press(ESCAPE, "URL")
        hanging.join(10)
        top.wait(lambda text: "[pending]" not in text and "open 0" in text, "it ended")
        assert top.line("GET h/hang").split()[2] == "200"


FAMILY = """
import subprocess, sys
port, count = sys.argv[1], int(sys.argv[2])
input()
for path in ("/one", "/two"):
    subprocess.run(["curl", "-sS", "-o", "/dev/null"] + [f"http://127.0.0.1:{port}{path}"] * count, check=True)
child = subprocess.Popen(["sh", "-c", f"curl -sS -o /dev/null http://127.0.0.1:{port}/three -: http://127.0.0.1:{port}/hang; true"])
print("done", flush=True)
child.wait()
"""


def test_processes_as_a_tree():
    """Who started a program stands above it, with the sums of what it started; a hostile name stays in its line."""
    hold = threading.Event()

    def answer(head):
        if b"/hang" in head:
            hold.wait(30)
        return OK

    server, port = serve_on_thread(answer)
    parent = subprocess.Popen([sys.executable, "-c", FAMILY, str(port), "3"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, bufsize=1)
    try:
        with contextlib.closing(server), Terminal(HARK, "top", f"port:{port}", "role:client", columns=120, rows=50) as top:
            top.wait("nothing yet", "hark is ready")
            top.press("t", lambda text: "PROCESS" in text)
            parent.stdin.write("go\n")
            assert parent.stdout.readline() == "done\n"
            top.wait(lambda text: f"python3[{parent.pid}]" in text or f"[{parent.pid}]" in text, "the parent, who says nothing")
            top.wait(lambda text: "open 1" in text, "the one that hangs")
            at = top.row(f"[{parent.pid}]")
            mine, shell, curl = top.lines[at:at + 3]
            if "curl[" in shell:  # of one that ended before it could be asked
                curl = top.line("  └─ curl[")
                shell = top.lines[top.row("  └─ curl[") - 1]
            assert re.search(r"[├└]─ d?a?sh\[", shell) and "└─ curl[" in curl, top.text
            assert curl.index("└─") == shell.index("─ ") + 2, "one level more"
            assert int(mine.split()[1]) >= 1 and shell.split()[1] == curl.split()[1] == "1", top.text
            assert mine.split()[3] == shell.split()[3] == curl.split()[3] == "1", "what is in flight is summed, too"
            top.press(">", "▼COUNT")
            assert "   └─ curl[" in top.text, "another order keeps the tree"
            top.press("t", lambda text: "└─" not in text and "curl[" in text)
            hold.set()
    finally:
        hold.set()
        parent.wait(20)


def test_a_recording_has_no_tree():
    with replayed() as top:
        top.press("\x1b[15~", "a recording does not tell who started whom")  # F5
        assert len(table(top)) == 9


def test_keys_do_not_starve_what_is_in_flight(tmp_path):
    """Keys come faster than pictures are due: a request that began meanwhile is there, and goes when it ended."""
    hold = threading.Event()

    def answer(head):
        if b"/hang" in head:
            hold.wait(30)
        return OK

    def pressed_until(top, condition, what):
        for _ in range(200):
            top.send(DOWN)
            top.read(0.05)
            if condition(top.text):
                return
        raise AssertionError(f"{what}\n{top.text}")

    server, port = serve_on_thread(answer)
    with contextlib.closing(server), watched(os.getpid(), tmp_path) as top:
        talk(port, get(b"/quick"))
        top.wait("GET h/quick", "a row")
        hanging = threading.Thread(target=talk, args=(port, get(b"/hang")), daemon=True)
        hanging.start()
        pressed_until(top, lambda text: "GET h/hang" in text and "open 0" not in text, "not there while keys come")
        hold.set()
        hanging.join(10)
        pressed_until(top, lambda text: "open 0" in text, "still there while keys come")


NODE = """
const https = require("https");
const agent = new https.Agent({keepAlive: process.argv[2] === "keep", rejectUnauthorized: false});
const get = () => new Promise((done, failed) => https.get(
    {host: "127.0.0.1", port: +process.argv[1], path: "/small.txt", agent},
    answer => { answer.resume(); answer.on("end", done); }).on("error", failed));
process.stdin.once("data", async () => { for (let i = 0; i < 20; i++) await get(); console.log("done"); });
console.log("here");
"""


@pytest.mark.parametrize("kept", [False, True], ids=["closed", "kept"])
def test_why_is_my_node_client_slow(nginx, tmp_path, kept):
    """One key: its endpoint says that each call makes a TLS connection of its own, and what that took."""
    client = subprocess.Popen(["node", "-e", NODE, str(nginx.tls), "keep" if kept else "close"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    try:
        assert client.stdout.readline() == "here\n"
        with watched(client.pid, tmp_path, columns=120, rows=30) as top:
            client.stdin.write("go\n")
            assert client.stdout.readline() == "done\n"
            top.wait(lambda text: " 20 " in text and "/small.txt" in text, "all of them")
            share = titles(top).index("NEW%") + 4
            assert top.line("/small.txt")[:share].split()[-1] == ("5" if kept else "100")
            top.press(ENTER, "Slowest exchanges of")
            said = top.line("new connections")
            assert f"new connections {1 if kept else 20} in 20 exchanges  with TLS {1 if kept else 20}" in said
            assert re.search(r"connect [0-9.]+ ms each", said), said
            assert ("a new TLS connection a call" in top.text) != kept
            slow, fast = re.findall(r"on (?:them|kept ones) ([0-9.]+) ms each", top.text) if kept else (1, 0)
            assert float(slow) > float(fast), "node writes its first request before the handshake"
            assert re.match(r"client node\[%d\]  20 exchanges  [0-9.]+ ms each" % client.pid, top.line("client node")), top.text
            assert top.line("to 127.0.0.1").startswith(f"to 127.0.0.1:{nginx.tls}  20 exchanges")
            assert len(table(top)) == 10
    finally:
        client.kill()
        client.wait()


@BY_SIZE
def test_connecting_is_told_beside_the_exchanges(nginx, tmp_path, columns, rows):
    """curl by curl, by one process each: the host's endpoint tells the handshakes that no exchange holds."""
    with watched(nginx.worker(), tmp_path, "path:/small.txt", columns=columns, rows=rows) as top, \
            Terminal(HARK, "top", f"port:{nginx.tls}", "role:client", columns=columns, rows=rows) as clients:
        clients.wait("nothing yet", "hark is ready")
        for _ in range(6):
            run("curl", "-sSk", "-o", "/dev/null", f"https://127.0.0.1:{nginx.tls}/small.txt")
        clients.wait("/small.txt", "the endpoint")
        clients.press(ENTER, "new connections 6 in 6 exchanges  with TLS 6")
        assert re.search(r"TLS handshake [0-9.]+ ms each", clients.text)
        assert re.search(r"connecting took [0-9.]+ ms beside\s+[0-9.]+ ms of exchanges", clients.text)
        assert clients.text.count("client curl[") == (6 if rows > 40 else 3)
        assert rows > 40 or clients.line("other programs  3 exchanges")
        top.wait("/small.txt", "the server's side")
        top.press(ENTER, "from 127.0.0.1  6 exchanges")
        assert "new connections 6 in 6" in top.text


@pytest.mark.alone
@pytest.mark.slow
def test_under_load_the_screen_goes_on(tmp_path):
    """Thousands of exchanges a second: the totals are right in the end, keys are answered."""
    count = 300 if is_sanitized() else 3000
    server, port = serve_on_thread(lambda head: OK)
    with contextlib.closing(server), watched(os.getpid(), tmp_path, "--ring", "64M", "role:server") as top:
        threads = [threading.Thread(target=talk, args=(port, *[get(b"/item/%d" % (i % 7))] * (count // 4)))
                   for i in range(4)]
        for thread in threads:
            thread.start()
        top.press("2", "PEER")
        top.press("1", "ENDPOINT")
        for thread in threads:
            thread.join()
        top.wait(lambda text: sum(int(line.split()[1]) for line in text.splitlines() if "GET h/item" in line) ==
                 count // 4 * 4, "all are counted")
