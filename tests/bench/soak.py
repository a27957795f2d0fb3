# SPDX-License-Identifier: Apache-2.0
"""make soak: many exchanges, each end counted. hark sees both ends of every one, so what is missing is hark's.

    soak.py [EXCHANGES [SHORT]]     EXCHANGES on connections that stay (1,000,000), SHORT TLS connections of one
                                    request each (100,000); each figure for each way of capture

One hark watches a whole load, as `stat` by process. Exits with 1 when an exchange is missing or flagged. What a full
ring loses is counted apart (events.lost): then the machine was too slow for the load, and the count cannot be judged.
"""
import json
import signal
import subprocess
import sys

from measure import ROOT  # noqa: F401 (finds the harness)
from harness import HARK, run, scratch_folder, wait_until
from measure import serving

CONCURRENCY = 8
RING = "256M"


class Counted:
    """One load as hark counted it: exchanges of each process, whole and flagged ones, and losses."""

    def __init__(self, folder, port, capture, ring, *load):
        rows, stats, log = (folder / f"soak.{name}" for name in ("rows", "stats", "log"))
        with open(log, "wb") as out:
            hark = subprocess.Popen(
                [HARK, "stat", "--by", "process", "-o", f"json:{rows}", "--stats-json", stats, "--capture", capture,
                 "--ring", ring, f"port:{port}", "comm:nginx,ab,h2load"], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            wait_until(lambda: hark.poll() is not None or b"hark: ready" in log.read_bytes(), "hark: ready")
            self.client = run(*load, deadline_s=3600)
        finally:
            hark.send_signal(signal.SIGINT)
            assert hark.wait(120) == 0, log.read_text()
        self.counts = {}
        for line in rows.read_text().splitlines():
            row = json.loads(line)
            self.counts[row["process.pid"]] = row["count"]
        self.stats = json.loads(stats.read_text())
        self.lost, self.flagged = self.stats["events.lost"], self.stats["exchanges.flagged"]

    def missing(self, pid, wanted):
        return wanted - self.counts.get(pid, 0)


def short_tls(folder, nginx, connections, capture="auto", ring=RING):
    """One request a connection: every session is new, and most SSL objects stand where another one stood."""
    counted = Counted(folder, nginx.tls, capture, ring, "ab", "-q", "-n", connections, "-c", CONCURRENCY,
                      f"https://127.0.0.1:{nginx.tls}/one")
    assert f"Complete requests:      {connections}\n" in counted.client.text and \
        "Failed requests:        0\n" in counted.client.text, counted.client.text
    return counted


def long_lived(folder, nginx, exchanges, protocol, capture="auto", ring=RING):
    port, words = {"http1": (nginx.http, ["--h1"]), "http2": (nginx.h2c, ["-m10"]), "tls": (nginx.tls, ["-m10"])}[protocol]
    counted = Counted(folder, port, capture, ring, "h2load", f"-n{exchanges}", f"-c{CONCURRENCY}", "-t1", *words,
                      f"{'https' if protocol == 'tls' else 'http'}://127.0.0.1:{port}/one")
    assert f"{exchanges} succeeded, 0 failed" in counted.client.text, counted.client.text
    return counted


def judge(name, counted, nginx, wanted):
    missing = {who: counted.missing(pid, wanted) for who, pid in (("server", nginx.worker()), ("client", counted.client.pid))}
    print(f"{name:24} {wanted:9,} exchanges   not seen at the server {missing['server']}, at the client "
          f"{missing['client']}   flagged {counted.flagged}   events lost {counted.lost}", flush=True)
    return not any(missing.values()) and not counted.flagged and not counted.lost


def main():
    exchanges, short = (int(word) for word in (sys.argv[1:] + ["1000000", "100000"][len(sys.argv) - 1:]))
    right = True
    with scratch_folder("soak") as folder, serving(folder) as nginx:
        for capture in ("socket", "syscall"):
            right &= judge(f"short TLS, {capture}", short_tls(folder, nginx, short, capture), nginx, short)
            for protocol in ("http1", "http2", "tls"):
                right &= judge(f"{protocol}, {capture}", long_lived(folder, nginx, exchanges, protocol, capture),
                               nginx, exchanges)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
