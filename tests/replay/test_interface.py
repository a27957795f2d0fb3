# SPDX-License-Identifier: Apache-2.0
"""docs/interface.md against the program: it names everything that hark has, and nothing else."""
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
PAGE = (ROOT / "docs/interface.md").read_text()
RECORDINGS = sorted(ROOT.glob("testdata/recordings/*.rec")) + sorted(ROOT.glob("testdata/cases/*.rec"))
# How each view's JSON is asked for, with everything that it can show; more words for stat's keys.
VIEWS = {"watch": ["-vv"], "conns": [], "raw": [], "frames": [], "stat": [], "tree": ["-v"], "queries": []}
BY = ("endpoint", "host", "path", "process", "peer", "status", "connection", "trace", "container", "pod", "unit")


def hark(*words):
    return subprocess.run([HARK, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)


def table(heading):
    """The rows of a section's table, without its head, as lists of cells."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert section, f"no section {heading}"
    rows = [re.split(r" *\| *", line.strip("| ")) for line in section[1].splitlines() if line.startswith("|")]
    assert len(rows) > 2, heading
    return rows[2:]


def names(heading):
    """The names in backticks in the first column of a section; none twice."""
    found = [name for row in table(heading) for name in re.findall(r"`([^`]+)`", row[0])]
    assert len(found) == len(set(found)), sorted(name for name in found if found.count(name) > 1)
    return found


def has(heading, program):
    """Compares, and says what is missing on either side."""
    page, program = set(names(heading)), set(program)
    assert len(program) > 2, "nothing was found in the program: looked in the wrong way?"
    assert not program - page, f"docs/interface.md, {heading}, lacks {sorted(program - page)}"
    assert not page - program, f"docs/interface.md, {heading}, names what hark does not have: {sorted(page - program)}"


HELP = hark("--help").stdout


def part_of_help(begin):
    return re.search(rf"^{begin}:\n(.*?)\n\n", HELP, re.M | re.S)[1]


def test_commands():
    has("Commands", re.findall(r"^  ([a-z]+)  ", part_of_help("Views"), re.M))


def test_options():
    rows = re.findall(r"^ {2,6}(?:(-\w), )?(--[\w-]+)", HELP, re.M)
    has("Options", [name for row in rows for name in row if name])
    in_page = dict(pair for row in table("Options") for pair in [re.findall(r"`([^`]+)`", row[0])[::-1]] if len(pair) == 2)
    assert in_page == {long: short for short, long in rows if short}, "short forms"


def test_no_other_option_is_named():
    has_them = {name for row in table("Options") for name in re.findall(r"`(--[\w-]+)`", row[0])}
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", PAGE)) <= has_them


def test_filter_keys():
    has("Filter keys", re.findall(r"^  ([a-z]+):", part_of_help("Filters"), re.M))


def test_flags():
    said = hark("replay", RECORDINGS[0], "flag:?").stderr.splitlines()[0]
    flags = re.search(r"is wrong: ([^;]+);", said)[1].split(", ")
    has("Flags", flags)
    assert names("Flags") == flags, "flags come out in the order of this page"


def test_counters(tmp_path):
    out = tmp_path / "counters"
    assert hark("replay", RECORDINGS[0], "-q", "-o", "text:/dev/null", "--stats-json", out).returncode == 0
    has("Counters", json.loads(out.read_text()))


def test_exit_status(tmp_path):
    statuses = {hark(*words).returncode for words in (["replay", RECORDINGS[0], "-q"], ["replay", tmp_path / "none"], ["--none"])}
    assert names("Exit status") == [str(status) for status in sorted(statuses)]


# --- JSON ------------------------------------------------------------------------------------------


def source_keys():
    """Keys are literals: what json_key() is given, and the macros that hand theirs on to it. A content's name is in one."""
    texts = [path.read_text().replace("\\\n", " ") for path in (ROOT / "agent/sinks").rglob("*.[ch]")]
    macros, found = set(), {"json_key"}
    while found - macros:
        macros |= found
        handed = rf"^#define (\w+)\(\w+, key\b.*\b(?:{'|'.join(macros)})\(writer, key\b"
        found = {name for text in texts for name in re.findall(handed, text, re.M)}
    call = rf"\b(?:{'|'.join(macros)})\("
    keys = set()
    for text in texts:
        calls = "\n".join(line for line in text.splitlines() if not line.startswith("#define"))
        keys |= set(re.findall(rf"{call}[^,\"]+,\s+\"([^\"]+)\"", calls))
        assert len(re.findall(call, calls)) == len(re.findall(rf"{call}[^,\"]+,\s+\"", calls)), "a key that is no literal"
    assert {"json_key", "json_number", "put_latencies"} <= macros and len(keys) > 40
    for text in (path.read_text() for path in (ROOT / "protocols/content").glob("*.c")):
        if ".outcome = " in text:
            keys.add("rpc." + re.search(r'\.name = "(\w+)"', text)[1] + ".status_code")
        keys |= set(re.findall(r"\"(hark\.(?:message|grpc)\.[a-z_.]+)\"", text))
        keys |= set(re.findall(r"\breading_(?:text|add|number|integer|ns|milli|true)\([^\"]*\"([a-z][a-z0-9_.]+)\"", text))
    for text in (path.read_text() for path in (ROOT / "protocols/sql").glob("*.c")):
        keys |= set(re.findall(r"\bquery_(?:text|number)\([^\"]*\"([a-z][a-z0-9_.]+)\"", text))
    return keys


def test_json_keys():
    has("JSON keys", source_keys())


def shown(view, *more):
    """Every key that a view writes for any of the recordings."""
    keys = set()
    for recording in RECORDINGS:
        done = hark("replay", recording, view, "-q", "-o", "json", "--show-secrets", *VIEWS[view], *more)
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            keys |= set(json.loads(line))
    return keys


@pytest.mark.parametrize("view", VIEWS)
def test_json_of_views(view):
    """The keys that a view writes are listed for it; text and numbers alike come from these literals."""
    listed = {re.search(r"`([^`]+)`", row[0])[1] for row in table("JSON keys") if view in row[1].split()}
    if view == "stat":
        seen = set().union(*(shown(view, "--by", by) for by in BY), shown(view, "-i", "0.1"))
    elif view == "watch":
        seen = shown(view, "--pending", "1us")
    else:
        seen = shown(view)
    assert len(seen) > 10
    assert seen <= listed, f"docs/interface.md does not say that {view} has {sorted(seen - listed)}"


def test_views_of_the_table():
    for row in table("JSON keys"):
        assert set(row[1].split()) <= {*VIEWS, "-v", "-vv"} and row[1], row[0]


# --- the manual ------------------------------------------------------------------------------------


def manual():
    """Its text, without what roff needs."""
    text = re.sub(r"\\f[BIRP]|\\&", "", (ROOT / "docs/hark.1").read_text())
    return text.replace("\\-", "-").replace("\\e", "\\")


@pytest.mark.parametrize("heading", ["Commands", "Options", "Filter keys", "JSON keys", "Flags", "Counters"])
def test_the_manual_names_everything(heading):
    text = manual()
    lacks = [name for name in names(heading) if not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", text)]
    assert not lacks, f"docs/hark.1 lacks {lacks}"


@pytest.mark.parametrize("view", [["conns"], ["stat"]])
def test_the_manual_explains_every_column(view):
    """No column is left out where the output is no terminal, but for those that have nothing in them."""
    recording = ROOT / "testdata/recordings/mixed.rec"
    begin = {"conns": "TIME ", "stat": "COUNT "}[view[0]]
    titles = [line for line in hark("replay", recording, "-q", *view).stdout.splitlines() if line.startswith(begin)][0].split()
    if view == ["stat"]:
        titles = titles[:-1] + ["GRPC", "CLO", "CLIENT", "ERR"]
    text = manual()
    lacks = [title for title in titles if not re.search(rf"(?<![\w.]){re.escape(title)}(?![\w])", text)]
    assert len(titles) > 10 and not lacks, lacks


def test_help_has_groups_and_columns():
    """Every option stands in a group; what it does begins in one column; nothing is wider than a terminal."""
    lines = HELP.splitlines()
    groups = [at for at, line in enumerate(lines) if line in ("What is shown:", "Output:", "Serving:", "Capture:", "Other:")
              or line.startswith("Numbers (")]
    options = [at for at, line in enumerate(lines) if re.match(r" {2,6}(-\w, )?--", line)]
    assert len(groups) == 6 and groups[0] < options[0] and len(options) > 40
    for at in options:
        told = re.search(r"(?<=\S) {2,}(?=\S)", lines[at][6:])
        column = told.end() + 6 if told else re.match(r" *", lines[at + 1]).end()
        assert column == 27, lines[at]
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines), [line for line in lines if len(line) > 80]
