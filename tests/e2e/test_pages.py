# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/'s pages by problem do as they say; only durations, pids and hosts are filled in."""
import json
import os
import pathlib
import re
import subprocess

import pytest

from harness import HARK, ROOT

PAGES = ("why-is-it-slow", "what-did-it-send", "what-did-it-ask-the-database", "why-is-it-not-seen", "share-a-recording",
         "a-page", "into-prometheus", "into-wireshark", "into-opentelemetry", "into-clickhouse", "history", "fleet", "exports",
         "for-assistants")
# Files and hosts of the reader's; a recipe of README's.
ELSEWHERE = ("hark --tls-library", "hark serve --", "hark -vv --proto", "hark top", "hark -o 'clickhouse:https",
             "hark -o otlp:https")


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
    assert asked or page == "exports"
    for command in asked:
        if command.startswith(ELSEWHERE):
            continue
        command = command.replace("https://localhost/repository.git", f"https://127.0.0.1:{nginx.tls}/none.git")
        command = command.replace("https://localhost/", f"https://127.0.0.1:{nginx.tls}/").replace(" 812", f" {nginx.pid}").replace(
            "hark serve", "hark serve --listen 127.0.0.1:0")
        if " -- " not in command and "replay" not in command and "doctor" not in command:
            own, *behind = re.sub(r" -d \d+", "", command).split(" | ")
            command = " | ".join([own + " -d 0.2", *behind])
        done = shell(place, command)
        assert done.returncode == (128 if "git ls-remote" in command else 0), (command, done.stderr)


def test_prometheus_takes_its_configuration(tmp_path):
    """The pieces of prometheus.yml are ones, and the queries are PromQL."""
    (tmp_path / "token").write_text("x")
    (tmp_path / "cert.pem").write_text("x")
    pieces = [block for block in blocks("into-prometheus") if "scrape_configs" in block]
    assert len(pieces) == 2
    for piece in pieces:
        (tmp_path / "prometheus.yml").write_text(piece.replace("/etc/prometheus/", f"{tmp_path}/"))
        subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yml"], capture_output=True, check=True, timeout=60)
    queries = [line for block in blocks("into-prometheus") if "rate(" in block for line in block.splitlines()
               if line and not line.startswith("#")]
    assert len(queries) > 4
    rules = [{"record": f"a:b{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "a", "rules": rules}]}))
    subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yml"], capture_output=True, check=True, timeout=60)
