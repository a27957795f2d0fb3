# SPDX-License-Identifier: Apache-2.0
"""Where outputs may go: what is refused is refused before a byte is written, with the remedy in the message."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
RECORDING = ROOT / "testdata/recordings/mixed.rec"
WORDS = {"json": "-o json:{}", "text": "-o text:{}", "record": "-w {}", "stats": "--stats-json {} -o text:/dev/null"}


def hark(words, path):
    return subprocess.run([HARK, "replay", RECORDING, *words.format(path).split()], capture_output=True, text=True, timeout=60,
                          check=False)


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_traps(tmp_path, words):
    fifo, linked, loose, link = (tmp_path / name for name in ("fifo", "linked", "loose", "link"))
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    linked.write_text("old")
    os.link(linked, tmp_path / "second")
    link.symlink_to(linked)
    loose.mkdir()
    loose.chmod(0o777)
    cases = {fifo: "pipe hark's stdout", linked: "hard links", link: "name the file itself", loose / "out": "chmod go-w"}
    if os.geteuid() == 0:
        theirs = tmp_path / "theirs"
        theirs.write_text("old")
        theirs.chmod(0o666)
        os.chown(theirs, 65534, 65534)
        os.chown(fifo, 65534, 65534)
        cases[theirs] = "another user"
    for path, remedy in cases.items():
        done = hark(words, path)
        assert done.returncode == 1 and done.stdout == "", path
        assert f"cannot write {path}: " in done.stderr and remedy in done.stderr, (path, done.stderr)
    assert os.read(reader, 1) == b""
    os.close(reader)
    assert linked.read_text() == "old" and not (loose / "out").exists()


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_what_was_given_open(tmp_path, words):
    """The shell's own descriptors, and a pipe that it made for this."""
    out = tmp_path / "out"
    for path in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        command = f"{HARK} replay {RECORDING} {words.format(path)} 2>/dev/null | cat >{out}"
        assert subprocess.run(["bash", "-o", "pipefail", "-c", command], check=False).returncode == 0, command
        assert out.stat().st_size > 100
        out.unlink()
    command = f"{HARK} replay {RECORDING} {words.format(f'>(cat >{out}; echo done >{out}.done)')} >/dev/null"
    assert subprocess.run(["bash", "-c", command + f"; until [ -s {out}.done ]; do :; done"], check=False, timeout=30).returncode == 0
    assert out.stat().st_size > 100
    assert hark(words, "/dev/null").returncode == 0


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_a_full_disk(words):
    done = hark(words, "/dev/full")
    assert done.returncode == 1
    assert done.stderr.count("No space left") == 1 and "cannot write /dev/full" in done.stderr


def test_a_key_log_without_keys_says_so(tmp_path):
    done = subprocess.run([HARK, "replay", RECORDING, "--keylog", tmp_path / "k"], capture_output=True, text=True, check=True)
    assert f"{tmp_path}/k is empty: the recording has no secrets" in done.stderr and (tmp_path / "k").stat().st_size == 0


def test_one_file_for_two(tmp_path):
    """A file that is read, or written to already, is not emptied."""
    recording = tmp_path / "own.rec"
    recording.write_bytes(RECORDING.read_bytes())
    twice = tmp_path / "twice"
    for words in (("-w", recording), ("-o", f"json:{recording}"), ("--stats-json", recording), ("-w", twice, "-o", f"json:{twice}")):
        done = subprocess.run([HARK, "replay", recording, *map(str, words)], capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 1 and "already; name another file" in done.stderr, words
        assert recording.read_bytes() == RECORDING.read_bytes()


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("depth", ["", "x", "x/y"])
def test_closed_streams(tmp_path, closed, depth):
    """Their numbers go to no file of hark's: what is said there would be written into it."""
    (tmp_path / depth).mkdir(parents=True, exist_ok=True)
    out = tmp_path / depth / "out"
    command = f"{HARK} replay {RECORDING} -w {out} -o text:/dev/null {closed}"
    assert subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30).returncode == 0
    assert out.read_bytes() == RECORDING.read_bytes()


def test_a_limit_of_size(tmp_path):
    out = tmp_path / "out"
    done = subprocess.run(["bash", "-c", f"ulimit -f 1; {HARK} replay {RECORDING} -w {out} -o text:/dev/null"], capture_output=True,
                          text=True, check=False, timeout=30)
    assert done.returncode == 1 and f"cannot write {out}" in done.stderr
