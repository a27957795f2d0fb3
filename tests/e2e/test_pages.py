# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/'s pages by problem do as they say; only durations, pids and hosts are filled in."""
import os
import pathlib
import re
import subprocess

import pytest

from harness import HARK, ROOT

PAGES = ("why-is-it-slow", "what-did-it-send", "why-is-it-not-seen", "share-a-recording", "into-prometheus", "into-wireshark",
         "into-clickhouse", "exports", "for-assistants")
# Files and hosts of the reader's; a recipe of README's.
ELSEWHERE = ("hark --tls-library", "hark -vv --proto", "hark top", "hark -o 'clickhouse:https")


def blocks(page):
    return re.findall(r"^```\n(.*?)^```", (ROOT / f"docs/{page}.md").read_text(), re.S | re.M)


def commands(page):
    return [re.sub(r"\s+# .*", "", line) for block in blocks(page) for line in block.splitlines() if line.startswith("hark ")]


def test_readme_links_them():
    assert re.findall(r"\(docs/([\w-]+)\.md\)", (ROOT / "README.md").read_text()) == list(PAGES)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder to run in, and hark in the PATH."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "bin").mkdir()
    (folder / "bin/hark").symlink_to(pathlib.Path(HARK).resolve())
    return folder


def shell(place, command):
    environment = os.environ | {"PATH": f"{place / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", command], cwd=place, env=environment, capture_output=True, text=True, timeout=60,
                          check=False)


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_taken(place, nginx, page):
    """Each runs, for a moment, and ends well."""
    asked = commands(page)
    assert asked or page in ("into-prometheus", "exports")
    for command in asked:
        if command.startswith(ELSEWHERE):
            continue
        command = command.replace("https://localhost/repository.git", f"https://127.0.0.1:{nginx.tls}/none.git")
        command = command.replace("https://localhost/", f"https://127.0.0.1:{nginx.tls}/").replace(" 812", f" {nginx.pid}")
        if " -- " not in command and "replay" not in command and "doctor" not in command:
            own, *behind = re.sub(r" -d \d+", "", command).split(" | ")
            command = " | ".join([own + " -d 0.2", *behind])
        done = shell(place, command)
        assert done.returncode == (128 if "git ls-remote" in command else 0), (command, done.stderr)


def test_prometheus_reads_the_rows(place, nginx):
    """One turn of the loop; what comes out has the form of Prometheus' text."""
    script = blocks("into-prometheus")[0].split("\n", 1)[1].replace("/usr/local/share/hark", str(ROOT / "share"))
    script = script.replace("while ", "if ").replace("; do", "; then").replace("done", "fi").replace(
        " -d 15", "").replace(" > hark.json", f" -- curl -sS -o /dev/null http://127.0.0.1:{nginx.http}/one/[1-3] > hark.json")
    done = shell(place, script)
    assert done.returncode == 0, done.stderr
    lines = (place / "hark.prom").read_text().splitlines()
    rows = [line for line in lines if not line.startswith("#")]
    name, label = r"[a-z_]+", r'[a-z]+="(?:[^"\\\n]|\\["\\n])*"'
    assert rows and not [row for row in rows if not re.fullmatch(rf"{name}\{{{label}(,{label})*\}} [-+.e\d]+", row)]
    assert {line.split()[2] for line in lines if line.startswith("# TYPE")} == {row.split("{")[0] for row in rows}
    assert any(row.startswith("hark_requests_per_second{") and 'method="GET"' in row for row in rows)
