# SPDX-License-Identifier: Apache-2.0
"""hark doctor: one screen that says why it does not see a program. What is said of the whole machine is tried alone."""
import os
import pathlib
import re
import socket
import ssl
import subprocess
import threading

import pytest

from harness import HARK, JAVA, Program, run, wait_until
from servers import PYTHON
from terminal import Terminal

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")


def doctor(*words, status=0):
    return run(HARK, "doctor", *words, status=status).text


def line_with(text, *parts):
    found = [line for line in text.splitlines() if all(part in line for part in parts)]
    assert len(found) == 1, (parts, text)
    return found[0]


def connected(pid, port):
    """Has the process an established connection to that port of 127.0.0.1?"""
    own = {os.readlink(f) for f in pathlib.Path(f"/proc/{pid}/fd").iterdir() if f.is_symlink()}
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    rows += [line.split() for line in pathlib.Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    return any(row[2].endswith(f":{port:04X}") and row[3] == "01" and f"socket:[{row[9]}]" in own for row in rows)


@pytest.fixture
def silent_https(certificates):
    """A TLS server that answers the handshake and then says nothing: its clients hang."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    held = []

    def accept():
        while True:
            try:
                raw, _ = listener.accept()
                held.append(context.wrap_socket(raw, server_side=True))
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for one in held:
        one.close()


@pytest.mark.alone
def test_one_screen_with_everything(nginx):
    text = doctor()
    lines = text.splitlines()
    # A library below a long path, as in a container's root, makes its own line longer.
    assert 15 <= len(lines) <= 45 and max(len(line) for line in lines if not line.startswith("  /")) <= 140, text
    assert os.uname().release in line_with(text, "kernel ")
    for topic in ("transfers", "TLS calls", "features", "settings", "privilege", "hardening", "capture", "new programs", "limits"):
        assert any(line.startswith(topic) for line in lines), topic
    assert "works" in line_with(text, "capture ")
    library = next(line for line in lines if line.startswith("  /") and "libssl.so.3" in line)
    assert "OpenSSL 3." in library and "SSL_read" in library and "SSL_write" in library
    assert "process" in library


@pytest.mark.alone
def test_processes_of_one_program_are_one_line(nginx):
    text = doctor("-v")
    line = line_with(text, "  nginx ", " libssl.so.3 ", " covered")
    assert f"{nginx.worker()}" in line or ", ...)" in line, line  # others' nginx may come first
    count = int(re.match(r"  nginx (?:\u00d7|x)(\d+) \(\d+, \d+", line)[1])
    assert count >= 2, line
    assert re.search(r"  OpenSSL 3\.\S+ +libssl\.so\.3 +covered\Z", line) and "NOT" not in line
    assert str(nginx.tls) in re.search(r"  on ([\d,.]+)", line)[1] or ",..." in line, line


@pytest.mark.alone
def test_java_is_named_as_not_covered(silent_https, tmp_path):
    """And wget, which hangs on the same server, as covered by GnuTLS."""
    client = Program([*JAVA, f"https://127.0.0.1:{silent_https}/"], tmp_path)
    wget = Program(["wget", "-q", "--no-check-certificate", "-O", tmp_path / "got", f"https://127.0.0.1:{silent_https}/"], tmp_path)
    try:
        for program, part in ((client, "libjvm"), (wget, "libgnutls")):
            maps = pathlib.Path(f"/proc/{program.pid}/maps")
            wait_until(lambda maps=maps, part=part: part in maps.read_text(), f"a program with {part}")
            wait_until(lambda program=program: connected(program.pid, silent_https), f"the connection of that with {part}")
        text = doctor("-v")
        detail = doctor(client.pid)
    finally:
        client.stop()
        wget.stop()
    line = line_with(text, "  java ", "NOT read: bytecode, compiled as it runs: no function to probe")
    assert re.search(rf"\({client.pid}\) +to {silent_https} +Java's own TLS +libjvm\.so +NOT read", line) or "java ×" in line, line
    line = line_with(text, "  wget ", "covered")
    assert re.search(rf"  wget \({wget.pid}\) +to {silent_https} +GnuTLS +libgnutls\.so\.30 +covered\Z", line) or "wget ×" in line, line
    assert text.index("  java ") < text.index("  wget "), "what is not covered comes first"
    assert f"process {client.pid} java" in detail
    assert "not covered   Java's own TLS: bytecode" in detail and "SSLKEYLOGFILE" in detail
    assert f"TCP ports     to {silent_https}" in detail


def test_the_table_keeps_to_the_terminal(nginx):
    """Of 80 columns, with colour; what a pipe is given has none."""
    with Terminal(HARK, "doctor", columns=80, rows=60) as terminal:
        while terminal.read(1):
            pass
        text, raw = terminal.text, terminal.raw.decode()
    table = raw.split("Programs with TLS\r\n", 1)[1].split("without TLS", 1)[0].splitlines()[:-1]
    table = [line for line in table if "-v lists them" not in line]
    assert any("\033[32mcovered" in line for line in table), raw
    plain = [re.sub("\033\\[\\d*m", "", line) for line in table]
    assert plain[0].split("  ")[1:2] == ["PROGRAM"] and len(plain) > 1
    assert all(len(line) <= 80 for line in plain), plain
    assert "PROGRAM" in text
    assert "\033" not in doctor()


def test_a_process_in_detail(nginx):
    text = doctor(nginx.worker())
    assert f"process {nginx.worker()} nginx, user 0" in text
    assert "covered       " in text and "libssl.so.3" in text
    read = line_with(text, "SSL_read ")
    assert "+0x" in read and ("emulated" in read or "single-stepped" in read)


def test_another_network_is_said(tmp_path):
    program = Program(["unshare", "--net", "--mount", "--propagation", "unchanged", "sleep", "60"], tmp_path)
    try:
        wait_until(lambda: pathlib.Path(f"/proc/{program.pid}/comm").read_text() == "sleep\n", "the program")
        text = doctor(program.pid)
    finally:
        program.stop()
    assert "network       its own" in text and "mounts        its own" in text
    assert "no TLS" in text


def test_io_uring_is_said(tmp_path):
    """The ring is made by the plain system call (425): no library for it is needed."""
    script = ("import ctypes, time; libc = ctypes.CDLL(None, use_errno=True);"
              "p = ctypes.create_string_buffer(120); assert libc.syscall(425, 4, p) >= 0; print('made', flush=True);"
              "time.sleep(60)")
    program = Program([PYTHON, "-c", script], tmp_path)
    try:
        wait_until(lambda: program.process.poll() is None and "made" in program.log(), "the ring")
        text = doctor(program.pid)
    finally:
        program.stop()
    assert "io_uring      1 ring:" in text


def test_a_go_program_is_recognised_by_its_section(tmp_path):
    """A copy of a real program with a section of Go's name: what Go's linker leaves in every binary."""
    empty = tmp_path / "table"
    empty.write_bytes(b"\0" * 16)
    run("objcopy", "--add-section", f".gopclntab={empty}", "/bin/sleep", tmp_path / "gopher")
    program = Program([tmp_path / "gopher", "60"], tmp_path)
    try:
        wait_until(lambda: pathlib.Path(f"/proc/{program.pid}/comm").read_text() == "gopher\n", "the program")
        text = doctor(program.pid)
    finally:
        program.stop()
    assert "not covered   Go's crypto/tls" in text


def test_a_process_that_is_not_there():
    done = run(HARK, "doctor", "2147483647", status=1)
    assert "process 2147483647: it has ended, or never was: ask while it runs, or start it under hark (hark -- COMMAND)" in done.text


def test_without_privilege_each_missing_one_is_named():
    done = run(*NOBODY, HARK, "doctor", status=1)
    for word in ("CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE", "remedy", "DOES NOT WORK", "run it as root"):
        assert word in done.text, done.text
    assert os.uname().release in done.text


@pytest.mark.alone
def test_it_observes_nothing_by_itself(nginx):
    """The doctor's try leaves no links in the kernel (other tracers may have theirs)."""
    def links():
        listed = subprocess.run(["bpftool", "link", "list", "-j"], capture_output=True, text=True, check=False,
                                env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        return listed.stdout.count('"id"')
    before = links()
    doctor()
    wait_until(lambda: links() <= before, "the links' end", 5)
