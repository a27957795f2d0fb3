# SPDX-License-Identifier: Apache-2.0
"""scripts/check-includes finds what it is there to find."""
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ("include", "bpf", "protocols", "agent")


def findings(root):
    done = subprocess.run([ROOT / "scripts/check-includes", root], capture_output=True, text=True, check=False)
    assert done.returncode == (1 if done.stderr else 0)
    return done.stderr


@pytest.fixture
def tree(tmp_path):
    """A copy of the sources that a test may spoil."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def add(path, line):
    path.write_text(path.read_text() + line + "\n")


def test_the_sources_are_in_order(tree):
    assert findings(tree) == ""


@pytest.mark.parametrize("path, include, finding", [
    ("agent/decode/stream.c", '#include "track/conn.h"', "agent/decode/stream.c: decode/ may not include agent/track/conn.h"),
    ("agent/base/log.c", '#include "cli/options.h"', "agent/base/log.c: base/ may not include agent/cli/options.h"),
    ("agent/stats/stats.c", '#include "sinks/sink.h"', "agent/stats/stats.c: stats/ may not include agent/sinks/sink.h"),
    ("protocols/detect.c", '#include "base/log.h"', "protocols/detect.c: protocols/ may not include agent/base/log.h"),
    ("protocols/detect.c", "#include <stdio.h>", "protocols/detect.c: protocols/ may not include <stdio.h>"),
    ("bpf/socket.bpf.c", '#include "slice.h"', "bpf/socket.bpf.c: bpf/ may not include include/slice.h"),
    ("agent/track/conn.c", '#include "hark.skel.h"', "agent/track/conn.c: only agent/capture/ may include hark.skel.h"),
    ("agent/run/live.c", '#include "cli/options.h"', "agent/run/live.c: only main.c may include agent/cli/options.h"),
    ("agent/base/log.c", "#include <uthash.h>", "agent/base/log.c: <uthash.h> comes by base/table.h"),
    ("include/frame.h", '#include "event.h"', "protocols/http1/http1.c: protocols/ may not include include/event.h (by way of include/frame.h)"),
    ("agent/base/log.c", '#include "nowhere.h"', 'agent/base/log.c: "nowhere.h" is not a file of the project'),
    ("agent/base/log.h", '#include "base/log.h"', "circle: agent/base/log.h -> agent/base/log.h"),
])
def test_one_include_too_many(tree, path, include, finding):
    add(tree / path, include)
    assert finding in findings(tree)


def test_an_include_by_way_of_another(tree):
    add(tree / "agent/model/event_check.h", '#include "track/conn.h"')
    found = findings(tree)
    assert "agent/decode/flow.c: decode/ may not include agent/track/conn.h (by way of agent/model/event_check.h)" in found


def test_a_room_that_nobody_knows(tree):
    (tree / "agent/attic").mkdir()
    (tree / "agent/attic/old.c").write_text('#include "base/log.h"\n')
    assert "agent/attic/old.c: agent/attic/ is not in the list of rooms" in findings(tree)


def test_the_own_header_comes_first(tree):
    path = tree / "agent/base/log.c"
    path.write_text(path.read_text().replace('#include "log.h"', '#include "counters.h"\n#include "log.h"', 1))
    assert "agent/base/log.c: must include log.h first" in findings(tree)
