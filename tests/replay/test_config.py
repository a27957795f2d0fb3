# SPDX-License-Identifier: Apache-2.0
"""The configuration file as a run takes it: found, below the command line, and left out when told to be."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
RECORDING = ROOT / "testdata/recordings/mixed.rec"


# Nothing takes that file away from a run that looks where users' own are.
no_file_for_all = pytest.mark.skipif(pathlib.Path("/etc/hark.conf").exists(), reason="this machine has an /etc/hark.conf")


def first_line(*words, **env):
    done = subprocess.run([HARK, "replay", RECORDING, "-q", *words], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C.UTF-8", **env})
    return done.returncode, (done.stdout or done.stderr).splitlines()[0]


@no_file_for_all
def test_where_it_is_found(tmp_path):
    folder = tmp_path / ".config"
    folder.mkdir()
    (folder / "hark.conf").write_text("# times since the first line\nrelative\n")
    (folder / "hark.conf").chmod(0o644)
    assert first_line(HOME=str(tmp_path))[1].startswith("+0.000000 ")
    assert first_line(XDG_CONFIG_HOME=str(folder))[1].startswith("+0.000000 ")
    assert first_line(XDG_CONFIG_HOME=str(tmp_path), HOME=str(tmp_path))[1].startswith("03:07:10.643 ")
    assert first_line("--no-config", HOME=str(tmp_path))[1].startswith("03:07:10.643 ")
    assert first_line()[1].startswith("03:07:10.643 ")


def test_the_one_that_is_named(tmp_path):
    named = tmp_path / "named"
    named.write_text("relative\n")
    named.chmod(0o644)
    (tmp_path / "hark.conf").write_text("no-such-option\n")
    (tmp_path / "hark.conf").chmod(0o644)
    assert first_line(XDG_CONFIG_HOME=str(tmp_path), HARK_CONFIG=str(named))[1].startswith("+0.000000 ")
    assert first_line(XDG_CONFIG_HOME=str(tmp_path), HARK_CONFIG="")[1].startswith("03:07:10.643 ")
    assert first_line("--no-config", HARK_CONFIG=str(named))[1].startswith("03:07:10.643 ")
    done = subprocess.run([HARK, "replay", RECORDING], capture_output=True, text=True, timeout=60,
                          env={"HARK_CONFIG": str(tmp_path / "none")})
    assert f"{tmp_path}/none is not read: No such file or directory" in done.stderr and done.returncode == 2


@no_file_for_all
def test_the_command_line_counts(tmp_path):
    (tmp_path / "hark.conf").write_text("color=always\n")
    (tmp_path / "hark.conf").chmod(0o644)
    assert "\033[" in first_line(XDG_CONFIG_HOME=str(tmp_path))[1]
    assert "\033[" not in first_line("--no-color", XDG_CONFIG_HOME=str(tmp_path))[1]
    assert "\033[" not in first_line("--color=never", XDG_CONFIG_HOME=str(tmp_path))[1]


def test_a_wrong_line_is_a_usage_error(tmp_path):
    (tmp_path / "hark.conf").write_text("# one\n\nbody-max=none\n")
    (tmp_path / "hark.conf").chmod(0o644)
    status, line = first_line(XDG_CONFIG_HOME=str(tmp_path))
    assert status == 2 and "--body-max: 'none'" in line


def test_relative_times_of_each_view(tmp_path):
    for view in ("watch", "conns", "raw", "frames"):
        done = subprocess.run([HARK, "replay", RECORDING, view, "-q", "--relative"], capture_output=True, text=True, timeout=60,
                              check=True)
        times = [line.split()[0] for line in done.stdout.splitlines() if line[:1] in "+-"]
        assert times[0] == "+0.000000" and len(times) > 3
        assert all(abs(float(time)) < 10 for time in times)
