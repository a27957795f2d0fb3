# SPDX-License-Identifier: Apache-2.0
"""The secrets that hark logs decrypt what tcpdump captured beside it, and are those that the programs log by themselves."""
import os
import re
import shutil
import stat
import subprocess

import pytest

from harness import HARK, Program, free_port, run, wait_until
from servers import HERE
from test_npm import MANY, peer

CURL = ("curl", "-sS", "-k", "-o", "/dev/null")


class Capture:
    """tcpdump of these ports, and hark's key log beside it."""

    def __init__(self, hark, folder, ports, *options):
        self.path, self.keys = folder / "lo.pcap", folder / "keys.log"
        self.dump = Program(["tcpdump", "-i", "lo", "-U", "-s0", "-B", "65536", "-w", self.path,
                             " or ".join(f"port {port}" for port in ports)], folder)
        wait_until(lambda: "listening on lo" in self.dump.log(), "tcpdump")
        self.watch = hark("--keylog", self.keys, " or ".join(f"port:{port}" for port in ports), *options)

    def __enter__(self):
        self.watch.__enter__()
        return self

    def __exit__(self, *error):
        self.watch.__exit__(*error)
        self.dump.stop()

    def lines(self):
        return set(self.keys.read_text().splitlines())

    def decrypted(self, *wanted, filename=None):
        """Waits until tshark shows these with the key log."""
        def shown():
            return run("tshark", "-r", filename or self.path, "-o", f"tls.keylog_file:{self.keys}", "-Y", "http or http2", status=None,
                       deadline_s=60).text
        wait_until(lambda: all(one in shown() for one in wanted), ("decrypted", wanted), pause_s=0.3)


def own_lines(path):
    return {line for line in path.read_text().splitlines() if line and not line.startswith("#")}


def test_openssl(hark, nginx, python_https, tmp_path):
    """curl with Python's TLS 1.3 and nginx's TLS 1.2; what curl logs by itself is the same."""
    with Capture(hark, tmp_path, [nginx.tls, python_https.port]) as capture:
        for name, port, words in (("13", python_https.port, ()), ("12", nginx.tls, ("--http1.1",)), ("h2", nginx.tls, ())):
            own = tmp_path / f"own-{name}"
            run(*CURL, *words, f"https://127.0.0.1:{port}/one?of={name}", env={"SSLKEYLOGFILE": str(own)})
            wait_until(lambda own=own: own_lines(own) <= capture.lines(), f"curl's lines of {name}")
            assert len(own_lines(own)) == (5 if name == "13" else 1)
        capture.decrypted("GET /one?of=13", "GET /one?of=12", "HEADERS[1]: GET /one?of=h2")
    assert stat.S_IMODE(capture.keys.stat().st_mode) == 0o600


def test_gnutls(hark, nginx, python_https, tmp_path):
    with Capture(hark, tmp_path, [nginx.tls, python_https.port]) as capture:
        for version, port in (("1.2", nginx.tls), ("1.3", python_https.port)):
            own = tmp_path / f"own-{version}"
            run("gnutls-cli", "--insecure", "-p", port, "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "127.0.0.1",
                given=f"GET /one?of={version} HTTP/1.0\r\n\r\n".encode(), env={"SSLKEYLOGFILE": str(own)}, status=None)
            wait_until(lambda own=own: own_lines(own) <= capture.lines(), f"gnutls-cli's lines of {version}")
            assert own_lines(own)
        run("wget", "-q", "--no-check-certificate", "-O", "/dev/null", f"https://127.0.0.1:{python_https.port}/one?by=wget")
        capture.decrypted("GET /one?of=1.2", "GET /one?of=1.3", "GET /one?by=wget")


def test_node(hark, python_https, tmp_path):
    """OpenSSL inside of an executable, which keeps its symbols."""
    script = tmp_path / "ask.js"
    script.write_text("""
process.stdin.once("data", () => require("https").get({host: "127.0.0.1", port: +process.argv[2], path: "/one?by=node",
    agent: false, rejectUnauthorized: false}, answer => answer.resume().on("end", () => process.stdin.destroy())));
console.log("ready");
""")
    own = tmp_path / "own"
    client = subprocess.Popen(["node", f"--tls-keylog={own}", script, str(python_https.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert client.stdout.readline() == b"ready\n"
    with Capture(hark, tmp_path, [python_https.port]) as capture:
        client.communicate(b"go\n", timeout=30)
        assert client.returncode == 0 and len(own_lines(own)) == 5
        wait_until(lambda: own_lines(own) <= capture.lines(), "node's lines")
        capture.decrypted("GET /one?by=node")


@pytest.mark.parametrize("build", ["symbols", "stripped"])
def test_go(hark, certificates, tmp_path, build):
    """Go at both ends: nobody else knows the secrets."""
    program, port = tmp_path / "https", free_port()
    subprocess.run([shutil.which("go"), "build", *(["-ldflags", "-s -w"] if build == "stripped" else []), "-o", program,
                    HERE / "peers/https.go"], check=True, env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": ""})
    server = Program([program, "serve", f"127.0.0.1:{port}", certificates / "cert.pem", certificates / "key.pem"], tmp_path, ports=(port,))
    try:
        with Capture(hark, tmp_path, [port]) as capture:
            run(program, "ask", f"https://127.0.0.1:{port}", 2, 1, "h1")
            capture.decrypted("POST /0/0 HTTP/1.1", "POST /0/1 HTTP/1.1")
    finally:
        server.stop()


def test_boringssl_without_symbols(hark, certificates, tmp_path):
    """Bun's, at both ends: found by who calls it with which label; the client's random by Bun's signature."""
    program, port = peer("bun-1.4.5"), free_port()
    beside = Program([program, "-e", "setInterval(() => {}, 1000)"], tmp_path)
    try:
        with Capture(hark, tmp_path, [port]) as capture:
            run(program, MANY, "both", port, 1, certificates / "cert.pem", certificates / "key.pem")
            capture.decrypted("GET /one?n=0")
    finally:
        beside.stop()


def test_into_pcapng(hark, nginx, tmp_path):
    """A block of secrets in hark's own file, which decrypts what it is merged with."""
    both, merged = tmp_path / "both.pcapng", tmp_path / "merged.pcapng"
    with Capture(hark, tmp_path, [nginx.tls], "-o", f"pcapng:{both}") as capture:
        run(*CURL, "--http1.1", f"https://127.0.0.1:{nginx.tls}/one?of=both")
        capture.decrypted("GET /one?of=both")
    run("mergecap", "-a", "-w", merged, both, capture.path)
    shown = run("tshark", "-r", merged, "-Y", "http.request", "-T", "fields", "-e", "frame.protocols").text
    assert sorted(shown.split()) == ["eth:ethertype:ip:tcp:tls:http", "raw:ip:tcp:http"]


def test_recordings_have_them_only_if_asked(nginx, tmp_path):
    """Not without --keylog, not when redacted; a replay writes them again."""
    def record(name, *options):
        path = tmp_path / name
        run(HARK, "record", "-w", path, *options, "--", *CURL, f"https://127.0.0.1:{nginx.tls}/one")
        run(HARK, "replay", path, "-q", "--keylog", tmp_path / f"{name}.log")
        return own_lines(tmp_path / f"{name}.log")

    assert not record("plain")
    assert not record("redacted", "--redacted", "--keylog", tmp_path / "a.log")
    assert record("keys", "--keylog", tmp_path / "b.log") == own_lines(tmp_path / "b.log") != set()


def test_whose_secrets_cannot_be_had_is_said(hark, tmp_path):
    """One line a file, with the reason; none without --keylog."""
    for options in ((), ("--keylog", tmp_path / "keys.log")):
        with hark(*options) as watch:
            pass
        said = [line for line in watch.talk if " are not logged: " in line]
        assert all(line.startswith("hark: the secrets of ") and " in /" in line for line in said)
        assert not said or options


def test_doctor_says_whose_can_be_had(nginx):
    text = run(HARK, "doctor", nginx.worker(), status=None).text
    assert re.search(r"^    --keylog +secrets +\+0x[0-9a-f]+$", text, re.M), text
