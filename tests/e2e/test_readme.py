# SPDX-License-Identifier: Apache-2.0
"""README's recipes, run as they stand: only pids, ports, durations and the connection's number are filled in.

A recipe that has no row here fails, and so does a row without a recipe.
"""
import os
import pathlib
import re
import signal
import subprocess

import pytest

from harness import DEADLINE_S, HARK, ROOT, Live, run, wait_until
from terminal import Terminal

CURL = ("curl", "-sS", "-k", "-o", "/dev/null")


def recipes():
    """The lines of the block under "## Recipes", without their comments."""
    block = re.search(r"^## Recipes\n.*?```\n(.*?)```", (ROOT / "README.md").read_text(), re.S | re.M)[1]
    return [re.sub(r"\s+# .*", "", line).strip() for line in block.splitlines() if line.strip()]


# The output that each must have: a pattern for its standard output, or for the file that it names.
EXPECTED = {
    "hark": r"nginx\[\d+\] .* GET +127\.0\.0\.1:\d+/small\.txt .*200 ",
    "hark -- curl -k https://localhost/": r"curl\[\d+\] .*h2\+tls:1 .*GET +localhost:\d+/ +200 ",
    "hark -- sh -c 'curl -sk https://localhost/ | wc -c'": r"\A\d+\n\Z",
    "sudo hark -- id -un": r"\A\S+\n\Z",
    "hark -p 812,977": r"nginx\[\d+\] .*/small\.txt",
    "hark --comm nginx -v": r"nginx\[\d+\] (.|\n)*^    < X-Reply: to GET",
    "hark -vv --comm curl": r"^    <\| ",
    "hark -o json | jq -r '.\"url.path\"'": r"^/small\.txt$",
    "hark -o json:out.jsonl -d 60": ("out.jsonl", r'"url\.path":"/small\.txt"'),
    "hark -o har:out.har -d 60": ("out.har", r'"url":"http://127\.0\.0\.1:\d+/small\.txt"'),
    "hark -o sqlite:history.db -d 60": ("history.db", r"SQLite format 3"),
    "hark query history.db slow": r"127\.0\.0\.1/small\.txt",
    "hark -o pcapng:- | tshark -l -r -": r"HTTP2 .*GET /small\.txt",
    "hark --keylog keys.log -d 60": ("keys.log", r"(?m)^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$"),
    "hark --pending 0.5": r"/wait/slow/2 .*pending",
    "hark --slow 200ms": r"/wait/slow/2 .* 200 ",
    "hark --errors -v": r"/no/such +404 (.|\n)*^    < X-Reply: to GET",
    "hark 'path:/small*' '!status:5xx' latency:'>10us'": r"/small\.txt",
    "hark --summary --comm nginx": r"COUNT(.|\n)* GET +127\.0\.0\.1/small\.txt$",
    "hark tree -v": r"recipe-1 +curl\[\d+\] \S+ nginx\[\d+\]  GET 127\.0\.0\.1:\d+/no/such  404(.|\n)*^Request recipe-1: 1 exchange, ",
    "hark stat -i 5": r"Whole run(.|\n)* GET +127\.0\.0\.1/small\.txt$",
    "hark stat --by process --sort p99 --top 10 -d 60": r"COUNT(.|\n)* nginx\[\d+\]$",
    "hark stat --by container -d 60": r"COUNT(.|\n)* (none, or not known|\S+\.(service|scope)|[0-9a-f]{12,64})$",
    "hark stat --route 'GET /{file}' --hist -d 60": r"GET +127\.0\.0\.1/\{file\}$(.|\n)*[us]s +\d+ \S",
    "hark top": r"Endpoints",
    "hark serve": r"; serving http://127\.0\.0\.1:\d+/; ",
    "hark conns": r"#\d+ +nginx\[\d+\] ",
    "hark conns -v -x 8193": r"(?m)^.*#\d+ (.|\n)*/small\.txt",
    "hark --as curl --errors": r"^curl http://127\.0\.0\.1:\d+/no/such -H ",
    "hark raw --hex -p 812": r"(?m)^.*47 45 54 20 2f.*GET /",
    "hark frames --comm curl": r"SETTINGS",
    "hark record -w day.rec": ("day.rec", r"hark\x00rec"),
    "hark record -w day.rec --redacted": ("day.rec", r"hark\x00rec"),
    "hark replay day.rec -v": r"/small\.txt(.|\n)*^    > ",
    "hark replay day.rec conns": r"#\d+ +nginx\[\d+\] ",
    "hark replay day.rec stat --by path": r"COUNT(.|\n)* /small\.txt$",
    "hark mcp": r"\A\Z",  # nobody asks
    "hark doctor": r"(?i)openssl|libssl",
    "hark doctor 812": r"nginx",
}
TALK_ON_STDERR = ("hark -- ", "sudo hark -- ")  # the command has stdout
AT_THE_END = ("hark --summary", "hark stat -i", "hark tree")  # Ctrl-C brings what the pattern is of
NEEDS_A_TERMINAL = ("hark top",)
OF_THE_WHOLE_MACHINE = ("hark stat --by process --sort p99 --top 10 -d 60",)  # the slowest ten of all
ENDS_BY_ITSELF = ("hark replay", "hark doctor", "hark -- ", "sudo hark -- ", "hark -o json:out.jsonl", "hark -o har:out.har", "hark -o sqlite:",
                  "hark query",
                  "hark stat --", "hark mcp")


def test_every_recipe_has_its_row():
    assert recipes() == list(EXPECTED)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder to run in, and hark in the PATH."""
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "bin").mkdir()
    (folder / "bin/hark").symlink_to(pathlib.Path(HARK).resolve())
    (folder / "work").mkdir()
    return folder


def traffic(nginx, python_http):
    run(*CURL, "--http2", f"https://127.0.0.1:{nginx.tls}/small.txt")
    run(*CURL, f"http://127.0.0.1:{nginx.http}/small.txt")
    run(*CURL, "-H", "X-Request-ID: recipe-1", f"http://127.0.0.1:{nginx.http}/no/such")


def fill_in(recipe, nginx, python_http, connection):
    command = recipe.replace("812", str(nginx.worker())).replace("977", str(python_http.pid))
    command = command.replace("https://localhost/", f"https://localhost:{nginx.tls}/").replace("-d 60", "-d 2")
    command = command.replace("-x 8193", f"-x {connection}").replace("| jq", "| jq --unbuffered")
    command = command.replace("hark serve", "hark serve --listen 127.0.0.1:0").replace("sudo hark", "sudo env PATH=$PATH hark")
    # The shell in front would end by the signal that hark takes for "enough".
    return command if re.search(r"\| (jq|tshark)", command) else f"exec {command}"


class Recipe:
    """A recipe in a shell of its own, and what it printed so far."""

    def __init__(self, command, place):
        self.out = open(place / "out.txt", "w+b")
        self.err = open(place / "err.txt", "w+b")
        self.process = subprocess.Popen(["sh", "-c", command], cwd=place / "work", stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=self.err, start_new_session=True,
                                        env={**os.environ, "PATH": f"{place}/bin:{os.environ['PATH']}"})

    def text(self, file):
        return pathlib.Path(file.name).read_text(errors="replace")

    def is_ready(self):
        return "hark: ready" in self.text(self.err) or self.process.poll() is not None

    def end(self):
        """Ctrl-C, as a terminal gives it to all of the line."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(DEADLINE_S)


class Connection:
    """One that lives as long as the test, for what follows a connection by its number."""

    def __init__(self, nginx):
        import http.client  # noqa: PLC0415
        self.http = http.client.HTTPConnection("127.0.0.1", nginx.http)
        self.ask()
        cookie = run("ss", "-Htne", "dst", f"127.0.0.1:{nginx.http}", "and", "sport", f"{self.http.sock.getsockname()[1]}").text
        self.id = int(re.search(r"sk:([0-9a-f]+)", cookie)[1], 16)

    def ask(self):
        self.http.request("GET", "/small.txt")
        self.http.getresponse().read()


@pytest.fixture
def connection(nginx):
    one = Connection(nginx)
    yield one
    one.http.close()


@pytest.mark.parametrize("recipe", NEEDS_A_TERMINAL)
def test_recipe_on_a_terminal(recipe, place):
    with Terminal("sh", "-c", f"exec {recipe}", env={"PATH": f"{place}/bin:{os.environ['PATH']}"}) as terminal:
        terminal.wait(EXPECTED[recipe], "its screen")
        terminal.send("q")
        assert terminal.wait_end() == 0


@pytest.mark.parametrize("recipe", [pytest.param(recipe, marks=[pytest.mark.alone] if recipe in OF_THE_WHOLE_MACHINE else [])
                                    for recipe in EXPECTED if recipe not in NEEDS_A_TERMINAL])
def test_recipe(recipe, place, nginx, python_http, connection):
    if "replay" in recipe:
        ready_recording(place, nginx, python_http)
    file, pattern = EXPECTED[recipe] if isinstance(EXPECTED[recipe], tuple) else (None, EXPECTED[recipe])
    pattern = re.compile(pattern.replace("{conn}", str(connection.id)), re.M)
    shell = Recipe(fill_in(recipe, nginx, python_http, connection.id), place)
    wait_until(shell.is_ready, recipe)

    def shown():
        if file:
            return (place / "work" / file).read_text(encoding="latin-1") if (place / "work" / file).exists() else ""
        talks = recipe == "hark serve" or (recipe.startswith(TALK_ON_STDERR[:1]) and "curl -k" in recipe)
        return shell.text(shell.err if talks else shell.out)

    slow = subprocess.Popen([*CURL, f"http://127.0.0.1:{nginx.http}/wait/slow/2"]) \
        if "pending" in recipe or "slow" in recipe else None
    if not recipe.startswith(ENDS_BY_ITSELF[:4]):
        traffic(nginx, python_http)
        connection.ask()
    live = not recipe.startswith(("hark conns", "hark record", *ENDS_BY_ITSELF))
    if live and not recipe.startswith(AT_THE_END):
        wait_until(lambda: pattern.search(shown()), f"{recipe}: {shell.text(shell.err)}\n{shown()[-2000:]}")
    status = shell.process.wait(DEADLINE_S) if recipe.startswith(ENDS_BY_ITSELF) else shell.end()
    if slow:
        slow.wait(DEADLINE_S)
    assert pattern.search(shown()), f"{recipe}: {shell.text(shell.err)}\n{shown()[-3000:]}"
    # tshark says 2 when what it reads ends amid a packet.
    assert status in ((0, 2, -signal.SIGINT, 128 + signal.SIGINT) if "|" in recipe else (0,)), shell.text(shell.err)


def ready_recording(place, nginx, python_http):
    """Each recipe stands alone: the recording that it replays is made for it."""
    recorder = Live("record", "-w", "day.rec", cwd=place / "work")
    traffic(nginx, python_http)
    recorder.end()
