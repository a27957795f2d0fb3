# SPDX-License-Identifier: Apache-2.0
"""Other tools on the load that hark has, in turns with runs without any: what is kept, and the tool's own time.

Each does something else than hark and less or more than it: none of these figures is a contest, they are a scale.
"""
import contextlib
import functools
import re
import signal
import statistics
import subprocess
import time

from ground import needed
from measure import Watch, cpu_s, run, wait_until, wrk
from harness import family_of, free_port, is_listening
from report import NotMeasured, Reading

DECODED = 20_000
STARTED = {"tcpdump": "listening on", "tshark": "Capturing on", "strace": "attached", "bpftrace": "Attaching"}


def library_of(pid, name):
    """The file of a library that a process has mapped."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as lines:
        found = re.search(rf"(/\S*{name}\S*)", lines.read())
    if not found:
        raise NotMeasured(f"nginx has no {name} of its own file")
    return found[1]


@contextlib.contextmanager
def tool(folder, *command, talks=False):
    """A tool at work, ready once it says so (talks: on its output); SIGINT ends it."""
    needed(command[0])
    log_path = folder / "tool.log"
    with open(log_path, "wb") as log:
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stderr=log,
                                   stdout=log if talks else subprocess.DEVNULL)
    try:
        mark = STARTED.get(command[0])
        wait_until(lambda: not mark or process.poll() is not None or mark in log_path.read_text(errors="replace"), command[0])
        time.sleep(1)  # some say it before all is in place
        assert process.poll() is None, log_path.read_text(errors="replace")
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def own_s(pid):
    """With its children; what ended meanwhile is not in it."""
    total = 0
    for one in family_of(pid):
        with contextlib.suppress(OSError):
            total += cpu_s(one)
    return total


def kept(ground, start, tls=False, port=None):
    """start(): a context with the tool's process. Medians of alternating runs."""
    ask = functools.partial(wrk, ground.nginx, tls)
    without, with_tool, own_us = [], [], []
    for _ in range(ground.rounds):
        without.append(ask(ground.seconds)[0])
        with start() as process:
            before_s = own_s(process.pid)
            rate, requests, _ = ask(ground.seconds, port=port)
            own_us.append((own_s(process.pid) - before_s) * 1e6 / requests)
            with_tool.append(rate)
    ratio = statistics.median(with_tool) / statistics.median(without)
    return Reading(f"**{ratio:.2f}** kept, {statistics.median(own_us):.1f} µs a request of its own",
                   {"kept": ratio, "without": without, "with": with_tool, "own_us": own_us})


def hark(ground, tls):
    """The same measure of hark, both ends seen and written as JSON."""
    @contextlib.contextmanager
    def start():
        watch = Watch(ground.folder)
        yield watch.process
        watch.stop()
        watch.output.unlink()
    return kept(ground, start, tls)


def bpftrace(ground):
    """Counts calls in a map: two probes, nothing is copied."""
    needed("bpftrace")
    library = library_of(ground.nginx.worker(), "libssl")
    program = f"uprobe:{library}:SSL_read,uprobe:{library}:SSL_write {{ @[probe] = count(); }}"
    return kept(ground, functools.partial(tool, ground.folder, "bpftrace", "-e", program, talks=True), True)


def tcpdump(ground):
    """Whole packets to a file."""
    capture = ground.folder / "kept.pcap"
    reading = kept(ground, functools.partial(tool, ground.folder, "tcpdump", "-i", "lo", "-s", "0", "-Z", "root", "-w", capture,
                                             "port", ground.nginx.http))
    capture.unlink()
    return reading


def strace(ground):
    """Counts the system calls of nginx."""
    return kept(ground, functools.partial(tool, ground.folder, "strace", "-f", "-c", "-p", ground.nginx.worker()))


def mitmdump(ground):
    """A proxy between both, without output."""
    needed("mitmdump")
    port = free_port()

    @contextlib.contextmanager
    def start():
        with tool(ground.folder, "mitmdump", "-q", "--set", f"confdir={ground.folder}", "--listen-host", "127.0.0.1",
                  "-p", port, "--mode", f"reverse:http://127.0.0.1:{ground.nginx.http}") as process:
            wait_until(lambda: process.poll() is not None or is_listening(port), "mitmdump")
            yield process
    return kept(ground, start, port=port)


TSHARK = ("-n", "-Y", "http", "-T", "fields", "-e", "http.request.method", "-e", "http.request.uri", "-e", "http.response.code")


def tshark(ground):
    """Decodes live; it drops packets when it does not keep up, and says nothing of which exchange."""
    return kept(ground, functools.partial(tool, ground.folder, "tshark", "-i", "lo", "-f", f"port {ground.nginx.http}", *TSHARK))


def tshark_decode(ground):
    """Processor time of the decoding of a capture file, whose writing is not in it."""
    needed("tshark", "tcpdump")
    capture = ground.folder / "decoded.pcap"
    with tool(ground.folder, "tcpdump", "-i", "lo", "-s", "0", "-B", "65536", "-U", "-Z", "root", "-w", capture, "port",
              ground.nginx.http):
        run("h2load", f"-n{DECODED}", "-c16", "-t1", "--h1", f"http://127.0.0.1:{ground.nginx.http}/one", deadline_s=60)
        time.sleep(1)
    begin = time.monotonic()
    lines = run("tshark", "-r", capture, *TSHARK, deadline_s=300).text.splitlines()
    taken_s = time.monotonic() - begin
    capture.unlink()
    exchanges = sum("200" in line.split("\t") for line in lines)
    assert exchanges > 0.9 * DECODED, f"{exchanges} responses"
    taken_us = taken_s * 1e6 / exchanges
    return Reading(f"**{taken_us:.0f} µs** an exchange", {"us": taken_us, "exchanges": exchanges})
