# SPDX-License-Identifier: Apache-2.0
"""The files that make install, uninstall and dist leave behind, the completions, and the page's generated parts."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

import pytest

from harness import HARK, ROOT, Live, run
from terminal import Terminal

BUILD = pathlib.Path(HARK).parent
INSTALLED = {"bin/hark", "share/man/man1/hark.1", "share/bash-completion/completions/hark", "share/zsh/site-functions/_hark",
             "lib/systemd/system/hark.service", "share/hark/grafana.json", "share/hark/kubernetes.yaml"}


def make(*words):
    return run("make", "--no-print-directory", "-C", ROOT, f"BUILD={BUILD}", f"SAN={os.environ.get('SAN', '')}", *words, deadline_s=300)


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_install_and_uninstall(tmp_path):
    make("install", f"DESTDIR={tmp_path}", "PREFIX=/opt/hark")
    prefix = tmp_path / "opt/hark"
    assert files_below(tmp_path) == {f"opt/hark/{name}" for name in INSTALLED}
    assert run(prefix / "bin/hark", "--version").text.startswith("hark ")
    assert "\nExecStart=/opt/hark/bin/hark serve $HARK_OPTIONS\n" in (prefix / "lib/systemd/system/hark.service").read_text()
    make("uninstall", f"DESTDIR={tmp_path}", "PREFIX=/opt/hark")
    assert files_below(tmp_path) == set()


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The archives, taken apart."""
    make("dist")
    place = tmp_path_factory.mktemp("dist")
    for archive in (BUILD / "dist").glob("*.tar.gz"):
        with tarfile.open(archive) as tar:
            tar.extractall(place)
    return place


def test_dist_is_one_binary_and_the_sources(dist):
    binary, sources = sorted(dist.iterdir(), key=lambda path: "linux" not in path.name)
    assert INSTALLED | {"LICENSE", "README.md"} == files_below(binary)
    tracked = set(run("git", "-C", ROOT, "ls-tree", "-r", "--name-only", "HEAD").text.splitlines())
    assert files_below(sources) == tracked


def make_root(place, binary):
    """A root with the C library, a shell's worth of nothing, and hark: no compiler, no other library."""
    root = place / "root"
    needed = re.findall(r"(/\S+) \(0x", run("ldd", binary).text)
    names = {pathlib.Path(path).name for path in needed}
    if "libelf.so.1" in names:  # Debian 13 ships no whole archive of it
        names -= {"libelf.so.1", "libz.so.1", "libzstd.so.1"}
    assert names <= {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}, names
    for path in [*needed, binary]:
        target = root / (str(path).lstrip("/") if path != binary else "hark")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for name in ("proc", "sys", "dev", "tmp"):
        (root / name).mkdir()
    return root


def test_dist_binary_runs_without_a_toolchain(dist, nginx, tmp_path):
    if os.environ.get("SAN"):  # the archive's binary is never sanitized; its libraries are what is tried here
        assert "libasan" not in run("ldd", next(dist.glob("*linux*/bin/hark"))).text
    root = make_root(tmp_path, next(dist.glob("*linux*/bin/hark")))
    for name in ("proc", "sys", "dev"):
        run("mount", "--rbind", f"/{name}", root / name)
        run("mount", "--make-rslave", root / name)
    try:
        assert run("chroot", root, "/hark", "--version").text.startswith("hark ")
        hark = Live("-n", "2", "-o", "json", f"port:{nginx.tls}", command=("chroot", root, "/hark"))
        run("curl", "-sSk", "-o", "/dev/null", f"https://127.0.0.1:{nginx.tls}/small.txt")
        out = hark.wait_end()
        assert out.count('"url.path":"/small.txt"') == 2, out + hark.said
    finally:
        for name in ("proc", "sys", "dev"):
            run("umount", "-Rl", root / name)


@pytest.mark.parametrize(("form", "name"), [("man", "docs/hark.1"), ("md", "README.md")])
def test_pages_list_is_the_tables(form, name):
    page = ROOT / name
    assert run(BUILD / "gen/option_docs", form, page).text == page.read_text(), "make docs writes it anew"


def options():
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", run(HARK, "--help").text)) | {"--help"}


COMPLETE = """
source {file}
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMP_LINE="${{COMP_WORDS[*]}}" COMP_POINT=${{#COMP_LINE}}
_hark
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def complete(*words):
    text = COMPLETE.format(file=BUILD / "completions/hark", words=" ".join(f"'{word}'" for word in words))
    return set(run("bash", "--norc", "-c", text).text.split())


def test_bash_completion():
    assert options() <= complete("hark", "-") | {"--pid"}
    assert complete("hark", "--pi") == {"--pid"}
    assert complete("hark", "co") == {"conns", "comm:", "container:"}
    assert complete("hark", "conns", "stat") == {"stat", "status:"}
    assert complete("hark", "--capture", "") == {"auto", "socket", "syscall"}
    assert complete("hark", "-o", "j") == {"json"}
    assert str(os.getpid()) in complete("hark", "-p", "")
    assert complete("hark", "--ring", "") == set()
    assert complete("hark", "!stat") == {"!status:"}
    assert complete("hark", "!status:n") == {"!status:none"} or complete("hark", "!status:n") == {"none"}
    assert complete("hark", "stat", "--sort", "-tot") == {"-total"}
    assert complete("hark", "--redact", "") == set(), "those are no programs"
    assert {str(os.getpid())} <= {word.split(",")[1] for word in complete("hark", "-p", "1,")}
    assert "true" in complete("hark", "conns", "--", "tru")


SHELLS = {"bash": (["bash", "--norc", "--noprofile", "-i"], f"source {BUILD}/completions/hark"),
          "zsh": (["zsh", "-f", "-i"], f"fpath=({BUILD}/completions $fpath); autoload -U compinit; compinit -u -D; "
                                       "zstyle ':completion:*' menu no; unsetopt automenu; setopt listambiguous")}


@contextlib.contextmanager
def shell(name, tmp_path):
    """A shell at its prompt, which completes as it does for its user."""
    command, setup = SHELLS[name]
    with Terminal(*command, columns=160, rows=50,
                  env={"PS1": "$ ", "HOME": str(tmp_path), "TERM": "vt100"}) as at:
        at.wait("$", "the prompt")
        at.press(setup + "; echo rea''dy\r", "ready")
        yield at


def typed(at, line, condition):
    """What stands there after the line and two tabs; the line is gone then."""
    at.send("clear\r")
    at.wait(lambda text: text.strip() == "$", "an empty screen")
    at.send(line)
    at.wait(line, "what was typed")
    at.send("\t\t")
    text = at.wait(condition, f"after {line}")
    at.send("\x15")
    return text


@pytest.mark.parametrize("name", SHELLS)
def test_values_are_completed_where_they_are_typed(name, tmp_path):
    """The shell itself, in a terminal: a value that is the only one is written out, of several there is a list."""
    owned = tmp_path / "owned"
    program = tmp_path / "$(>owned)"  # a name that a careless completion would run
    program.symlink_to("/bin/sleep")
    hostile = subprocess.Popen([program, "100"], cwd=tmp_path)
    known = tmp_path / "harkpeer_x"
    known.symlink_to("/bin/sleep")
    peer = subprocess.Popen([known, "100"])
    try:
        with shell(name, tmp_path) as at:
            at.press(f"cd {tmp_path}\r", "$ cd")
            for line, whole in {"hark stat --by pro": "hark stat --by process", "hark stat --sort tota": "hark stat --sort total",
                                "hark stat --by=conn": "hark stat --by=connection",
                                "hark status:4": "hark status:4xx", "hark conns flag:late": "hark conns flag:late-joined",
                                "hark method:DEL": "hark method:DELETE", "hark role:cl": "hark role:client",
                                "hark status:4xx,5": "hark status:4xx,5xx",
                                "hark comm:harkp": "hark comm:harkpeer_x", "hark --comm harkp": "hark --comm harkpeer_x",
                                "hark user:roo": "hark user:root"}.items():
                typed(at, line, lambda text, whole=whole: whole in text)
            for line, words in {"hark method:P": ["POST", "PUT", "PATCH"], "hark stat --sort p": ["p50", "p90", "p99.9"],
                                "hark flag:": ["gap", "in-flight", "unanswered"], "hark top status:": ["1xx", "5xx", "none"]}.items():
                typed(at, line, lambda text, words=words: all(word in text.split("$", 1)[1] for word in words))
            at.send("hark comm:\t\t")
            at.read(0.5)
        assert not owned.exists(), "a program's name was run"
    finally:
        for child in (hostile, peer):
            child.kill()
            child.wait()


def test_zsh_completion():
    file = BUILD / "completions/_hark"
    run("zsh", "-f", "-n", file)
    named = set(re.findall(r"--[a-z][a-z-]+", file.read_text()))
    assert options() <= named
    # The arguments that it hands to zsh's own _arguments when it runs.
    script = f"fpath=({file.parent} $fpath); autoload -Uz _hark; _arguments() {{ print -rl -- $@ }}; _hark"
    assert "*--capture=[auto (default), socket (Linux 6.3 and later) or syscall]:WAY:(auto socket syscall)" in \
        run("zsh", "-f", "-c", script).text.splitlines()


def test_without_a_kernel_side_it_replays(tmp_path):
    """As on another machine than x86-64: the build says what is missing, and goes on.

    What it has in common with the build that is there (all but the kernel side's loader) is not compiled again.
    """
    for compiled in [BUILD / "flags", *BUILD.rglob("*.o")]:
        place = tmp_path / compiled.relative_to(BUILD)
        if place.parts[len(tmp_path.parts)] in ("agent", "protocols", "flags") and not compiled.name.startswith("probes"):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(compiled, place)
    done = run("make", "--no-print-directory", f"-j{os.cpu_count()}", "-C", ROOT, f"BUILD={tmp_path}", "MACHINE=riscv64", deadline_s=300)
    assert "missing: x86-64" in done.err.decode() and "replays recordings" in done.err.decode()
    replay = run(tmp_path / "hark", "replay", ROOT / "testdata/recordings/mixed.rec", "-o", "json")
    assert replay.text == run(HARK, "replay", ROOT / "testdata/recordings/mixed.rec", "-o", "json").text != ""
    assert "built without its kernel side" in run(tmp_path / "hark", status=1).err.decode()
