# SPDX-License-Identifier: Apache-2.0
"""Once ready hark keeps only the rights that it uses; the command beside it keeps its own."""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from harness import HARK, Hark, briefs, is_sanitized, run, uses_sessions, wait_until

CURL = ("curl", "-sk", "-o", "/dev/null")
KILL, DAC_READ_SEARCH, SYS_PTRACE, SYS_ADMIN, PERFMON, BPF, CHECKPOINT_RESTORE = 5, 2, 19, 21, 38, 39, 40
KEPT = (DAC_READ_SEARCH, SYS_PTRACE, PERFMON, BPF, CHECKPOINT_RESTORE)


def rights(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if line.startswith(("Cap", "NoNewPrivs", "Seccomp:")))


def mask(*numbers):
    return sum(1 << number for number in numbers)


@pytest.mark.parametrize("capture", ["socket", "syscall"])
def test_what_is_left(tmp_path, capture):
    kept = mask(*KEPT, *(() if uses_sessions() else (SYS_ADMIN,)))
    with Hark(tmp_path, "--capture", capture) as hark:
        mine = rights(hark.pid)
    assert mine["NoNewPrivs"] == "1"
    assert mine["Seccomp"] == ("0" if is_sanitized() else "2")
    for name in ("CapEff", "CapPrm", "CapBnd"):
        assert int(mine[name], 16) == kept & int(rights(os.getpid())[name], 16), (name, mine)
    assert int(mine["CapInh"], 16) == int(mine["CapAmb"], 16) == 0


COMMAND = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # it waits, even if it comes before anybody waits for it
print(open("/proc/self/status").read(), "done", flush=True)
signal.sigwait({signal.SIGTERM})
sys.exit(7)
"""


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_the_command_inherits_nothing_of_it(tmp_path, user):
    """And gets hark's signals, which takes CAP_KILL for one of another user."""
    process = subprocess.Popen([HARK, "-q", "-o", f"json:{tmp_path / 'out'}", "-u", user, "--", "/usr/bin/python3", "-c", COMMAND],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    lines = []
    while not lines or lines[-1] != " done\n":
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    assert int(rights(process.pid)["CapEff"], 16) & mask(KILL)
    process.send_signal(signal.SIGTERM)
    process.stdout.close()
    assert process.wait(30) == 7
    assert "NoNewPrivs:\t0\n" in lines and "Seccomp:\t0\n" in lines
    assert (user == "root") == (f"CapEff:\t{rights(os.getpid())['CapEff']}\n" in lines)


@pytest.mark.parametrize("capture", ["socket", "syscall"])
def test_a_new_library_of_another_user_in_a_closed_folder(nginx, tmp_path, capture):
    """Found, opened and probed with what is left; the copy is used by a program of nobody's."""
    real = next(path for path in map(pathlib.Path, ("/usr/lib/x86_64-linux-gnu/libssl.so.3", "/lib64/libssl.so.3")) if path.exists())
    folder = pathlib.Path(f"/tmp/hark-rights-{os.getpid()}")
    folder.mkdir(mode=0o700)
    try:
        with Hark(tmp_path, "--capture", capture) as hark:
            shutil.copy(real, folder / "libssl.so.3")
            for path in (folder, folder / "libssl.so.3"):
                os.chown(path, 65534, 65534)
            (folder / "libssl.so.3").chmod(0o700)
            # The first use may be over before hark has looked; each later one is seen.
            client = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", f"LD_LIBRARY_PATH={folder}", *CURL,
                      "--http1.1", f"https://127.0.0.1:{nginx.tls}/one")

            def seen():
                one = run(*client)
                return hark.wait_for(1, one, deadline_s=2) or hark.of(one)

            wait_until(seen, "an exchange of the new library's")
            last = run(*client)
            hark.wait_for(1, last)
        assert briefs(hark.of(last)) == ["GET /one 200 0 1"]
        assert hark.of(last)[0]["tls.library"] == "openssl"
    finally:
        shutil.rmtree(folder)
