# SPDX-License-Identifier: Apache-2.0
"""scripts/check-calls finds files that call each other in a circle, and the sources have none."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HARK = pathlib.Path(os.environ.get("HARK", ROOT / "build/hark"))


def findings(*arguments):
    done = subprocess.run([ROOT / "scripts/check-calls", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == (1 if done.stderr else 0), done.stderr
    return done.stderr


@pytest.fixture
def project(tmp_path):
    """Makes sources, compiled; the objects are in build/."""
    def make(**sources):
        for name, text in sources.items():
            source, target = tmp_path / f"agent/room/{name}.c", tmp_path / f"build/agent/room/{name}.o"
            for path in (source, target):
                path.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(text)
            subprocess.run(["cc", "-c", "-o", target, source], check=True)
        return tmp_path / "build", tmp_path
    return make


def test_the_sources_have_no_circle():
    assert findings(HARK.parent) == ""


def test_one_way(project):
    assert findings(*project(up="void down(void); void up(void) { down(); }", down="void down(void) { }")) == ""


def test_two_files(project):
    found = findings(*project(up="void down(void); void up(void) { down(); }",
                              down="void up(void); void down(void) { up(); }"))
    assert found == ("circle: agent/room/down.c agent/room/up.c\n"
                     "    agent/room/down.c calls agent/room/up.c: up\n"
                     "    agent/room/up.c calls agent/room/down.c: down\n")


def test_by_way_of_a_third_and_an_object(project):
    found = findings(*project(a="extern int b; int a(void) { return b; }",
                              b="int c(void); int (*table[])(void) = { c }; int b;",
                              c="int a(void); int c(void) { return a(); }"))
    assert "circle: agent/room/a.c agent/room/b.c agent/room/c.c\n" in found


def test_a_callback_is_none(project):
    assert findings(*project(up="void down(void (*fn)(void)); static void back(void) { }"
                                "void up(void) { down(back); }",
                             down="void down(void (*fn)(void)) { fn(); }")) == ""


def test_an_object_whose_source_is_gone(project):
    build, root = project(up="void down(void); void up(void) { down(); }", down="void up(void); void down(void) { up(); }")
    (root / "agent/room/down.c").unlink()
    assert findings(build, root) == ""
