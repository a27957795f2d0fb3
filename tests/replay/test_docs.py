# SPDX-License-Identifier: Apache-2.0
"""Code and documents speak the truth of each other: pages that are named exist, and so do decisions and headings."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("include", "bpf", "protocols", "agent", "scripts", "tests", "docs")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))
         if path.is_file() and (path.suffix in {".c", ".h", ".md", ".1", ".py"} or path.parent.name == "scripts")]
FILES += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "Makefile")]
TEXTS = {path.relative_to(ROOT): path.read_text(errors="replace") for path in FILES if path != pathlib.Path(__file__).resolve()}
DECISIONS = re.findall(r"^## (D\d+[a-z]?)\. ", TEXTS[pathlib.Path("docs/design.md")], re.M)


def found(pattern):
    return [(str(path), match) for path, text in TEXTS.items() for match in re.findall(pattern, text)]


def test_pages_exist():
    named = found(r"(?<![\w./-])docs/[\w.-]+\.(?:md|1)\b")
    assert len(named) > 20
    assert not [(path, page) for path, page in named if not (ROOT / page).is_file()]


def test_decisions_exist():
    """A comment that rests on a decision says `docs/design.md, D3`."""
    assert len(DECISIONS) == len(set(DECISIONS)) > 10
    named = found(r"docs/design\.md,(?:\s|\*)+(D\d+[a-z]?(?:, D\d+[a-z]?)*)")
    assert len(named) > 8
    assert not [(path, one) for path, all_ in named for one in all_.split(", ") if one not in DECISIONS]
    in_page = re.findall(r"\b(D\d+[a-z]?)\b", TEXTS[pathlib.Path("docs/design.md")])
    assert not set(in_page) - set(DECISIONS)
    assert not found(r"\(design D\d+"), "docs/design.md is its name"


def test_one_meaning_a_word():
    table = re.search(r"^## The words\n(.*?)^## ", TEXTS[pathlib.Path("docs/glossary.md")], re.M | re.S)[1]
    words = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][1:]
    words = [word for word in words if not set(word) <= {"-", " "}]
    assert len(words) > 50
    assert words == sorted(set(words)), "each once, in order"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_targets_of_make_exist(page):
    """`make NAME` at the beginning of a line, or in backticks, is a target of the Makefile."""
    targets = set(re.findall(r"^([\w-]+):", TEXTS[pathlib.Path("Makefile")], re.M))
    named = re.findall(r"(?:^|`)make (?:SAN=\S+ )?([a-z][\w-]*)(?![\w/-])", TEXTS[pathlib.Path(page)], re.M)
    assert named and not set(named) - targets


@pytest.mark.parametrize("page", [str(path) for path in TEXTS if path.suffix == ".md"])
def test_paths_exist(page):
    """Named from the root on, built ones by their source; NAME stands for a name."""
    named = re.findall(r"(?<![\w./-])(?:build/(?=tests/))?((?:agent|bpf|include|protocols|scripts|testdata|tests)/[\w./-]*\w)",
                       TEXTS[pathlib.Path(page)])
    assert not [path for path in named if "NAME" not in path and not list(ROOT.glob(f"{path}*"))]
