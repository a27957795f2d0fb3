# SPDX-License-Identifier: Apache-2.0
"""What a row takes in each place that keeps exchanges: docs/fleet.md has what it prints.

    tests/bench/rows.py [EXCHANGES]

A shop's requests: 40 routes with ids, browsers' and services' header fields, a trace each, one in fifty fails. PyPI's chdb-core is asked
where `make build/peers/chdb-core-26.9.0` got it.
"""
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from conversations import Recording

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
CHDB = ROOT / "build/peers/chdb-core-26.9.0"
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Go-http-client/1.1", "okhttp/4.12.0",
          "python-requests/2.32.3"]
CLICKHOUSE = """
import sys
sys.path.insert(0, sys.argv[1])
import chdb
from chdb.session import Session
session = Session(sys.argv[3])
session.query("CREATE DATABASE d; USE d")
session.query(f"CREATE TABLE e ENGINE = MergeTree ORDER BY (`server.address`, `http.route`, time) SETTINGS allow_nullable_key = 1 "
              f"AS SELECT * FROM file('{sys.argv[2]}', JSONEachRow)")
session.query("OPTIMIZE TABLE e FINAL")
print(session.query("SELECT sum(data_compressed_bytes) FROM system.columns WHERE table = 'e'", "CSV").bytes().decode().strip())
print(session.query("SELECT name, data_compressed_bytes FROM system.columns WHERE table = 'e' ORDER BY 2 DESC LIMIT 6", "CSV").bytes().decode())
"""


def write(path, exchanges):
    draw = random.Random(1)
    recording = Recording(path)
    for i in range(exchanges):
        route, trace = draw.randrange(40), draw.getrandbits(128)
        status = draw.choice([404, 500, 503]) if draw.random() < 0.02 else 200
        size = draw.randrange(20, 2000)
        recording.data(i % 16, 1, b"GET /api/v1/resource%d/%d?page=%d HTTP/1.1\r\nHost: shop%d.example\r\nUser-Agent: %s\r\n"
                                  b"Accept: application/json\r\nAccept-Language: en\r\nAuthorization: Bearer %032x\r\n"
                                  b"traceparent: 00-%032x-%016x-01\r\n\r\n"
                                  % (route, draw.randrange(100000), draw.randrange(9), route % 4, draw.choice(AGENTS).encode(),
                                     draw.getrandbits(128), trace, trace >> 64))
        recording.time_ns += draw.randrange(200_000, 20_000_000)
        recording.data(i % 16, 0, b"HTTP/1.1 %d x\r\nServer: nginx/1.22.1\r\nDate: Sat, 28 Nov 2026 09:%02d:%02d GMT\r\n"
                                  b"Content-Type: application/json\r\nContent-Length: %d\r\nETag: \"%016x\"\r\n\r\n"
                                  % (status, i // 60 % 60, i % 60, size, trace >> 64) + b"x" * size)
    recording.close()


def say(what, size, exchanges):
    print(f"| {what} | {size / exchanges:.0f} | {size / exchanges * 1e6 / 1e9:.2f} GB |")


def main():
    exchanges = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory(prefix="hark-rows-") as name:
        folder = pathlib.Path(name)
        write(folder / "a.rec", exchanges)
        for words in ([], ["-v"]):
            more = " with header fields" if words else ""
            subprocess.run([HARK, "replay", folder / "a.rec", "-q", *words, "-o", f"json:{folder / 'a.json'}",
                            "-o", f"sqlite:{folder / f'a{len(words)}.db'}"], check=True)
            subprocess.run(["zstd", "-q", "-f", "-3", folder / "a.json"], check=True)
            say(f"JSON lines{more}", (folder / "a.json").stat().st_size, exchanges)
            say(f"the same, zstd -3{more}", (folder / "a.json.zst").stat().st_size, exchanges)
            say(f"SQLite{more}", (folder / f"a{len(words)}.db").stat().st_size, exchanges)
            if CHDB.exists() and not words:  # lists of [name, value] want a schema of their own
                done = subprocess.run(["/usr/bin/python3", "-c", CLICKHOUSE, CHDB, folder / "a.json", folder / f"ch{len(words)}"],
                                      check=False, capture_output=True, text=True)
                if done.returncode == 0:
                    say(f"ClickHouse, columns compressed (LZ4){more}", int(done.stdout.split()[0]), exchanges)
                    print(done.stdout.split("\n", 1)[1], file=sys.stderr)
                else:
                    print(done.stderr[-500:], file=sys.stderr)


main()
