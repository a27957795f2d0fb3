# SPDX-License-Identifier: Apache-2.0
"""-o sqlite: what hark saw as rows of a database, that others read while it is written, and that is whole though hark is killed."""
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess

import pytest

from harness import HARK, PEERS, ROOT, Live, run, wait_until

CURL = ("curl", "-sS", "-k", "-o", "/dev/null")
SECOND_END = {"hark.duration_ms", "hark.ttfb_ms", "hark.server_ms", "hark.network_ms", "hark.connect_ms", "hark.tls_handshake_ms",
              "hark.idle_ms"}


@contextlib.contextmanager
def opened(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        yield db
    finally:
        db.close()


def ask(path, sql, *values):
    with opened(path) as db:
        return [tuple(row) for row in db.execute(sql, values)]


def count(path, what="exchange"):
    return ask(path, f"SELECT count(*) FROM {what}")[0][0]


def one_of_each(nginx, nghttpd):
    return [
        [f"http://127.0.0.1:{nginx.http}/index.html?token=t0k3n&x=a%20b", "-u", "user:s3cret"],
        [f"http://127.0.0.1:{nginx.http}/post", "-d", "a=1&password=hunter2"],
        [f"http://127.0.0.1:{nginx.http}/missing", "-H", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
        [f"https://127.0.0.1:{nginx.tls}/small.txt", "--http1.1"],
        [f"https://127.0.0.1:{nginx.tls}/medium.bin", "--http2"],
        [f"https://127.0.0.1:{nghttpd.port}/index.html", f"https://127.0.0.1:{nghttpd.port}/small.txt", "-o", "/dev/null", "--http2"],
    ]


def as_column(key):
    return key.replace(".", "_")


def test_rows_are_what_json_says(hark, nginx, nghttpd, tmp_path):
    """Both ends of each exchange, key by key; what was seen is what was done."""
    path = tmp_path / "h.db"
    ports = ",".join(str(port) for port in (nginx.http, nginx.tls, nghttpd.port))
    with hark("-o", f"sqlite:{path}", f"port:{ports}") as watch:
        for words in one_of_each(nginx, nghttpd):
            run(*CURL, *words)
        watch.wait_for(14)
        # A reader sees them within a second, and holds up nobody.
        wait_until(lambda: count(path) == 14, "rows while hark writes", deadline_s=3)
    watch.assert_nothing_lost()
    said = [one for one in watch.objects if "hark.message" not in one]
    with opened(path) as db:
        rows = db.execute("SELECT * FROM exchange ORDER BY id").fetchall()
        heads = {row["id"]: row for row in db.execute("SELECT * FROM head")}
    assert len(said) == len(rows) == 14
    for one, row in zip(said, rows):
        for key, value in one.items():
            column = as_column(key)
            if key == "time":
                assert row["time"][:-1] == value[:26], key
            elif key.endswith((".header", ".trailer")):
                assert json.loads(heads[row["id"]][column]) == value, key
            elif key == "hark.flags":
                assert json.loads(row[column]) == value, key
            elif column in row.keys():
                assert row[column] == (pytest.approx(value) if key in SECOND_END else value), key
            else:
                assert key.startswith("thread.") or key in (
                    "hark.fd", "trace_flags", "hark.send_ms", "hark.wait_ms", "hark.receive_ms"), f"{key} has no column"
        known = {as_column(key) for key in one} | {"id", "run", "time_us", "hark_failed", "hark_counted", "hark_other_end"}
        assert not [name for name in row.keys() if row[name] is not None and name not in known]
    assert ask(path, "SELECT count(*) FROM exchange WHERE hark_counted AND NOT hark_other_end") == [(7,)]
    assert ask(path, "SELECT count(*) FROM exchange WHERE trace_id = '4bf92f3577b34da6a3ce929d0e0e4736' AND hark_failed") == [(2,)]
    assert ask(path, "SELECT sum(hark_exchanges) FROM connection") == [(14,)]
    assert ask(path, "SELECT count(*), sum(ended_us > began_us), sum(exchanges) FROM run") == [(1, 1, 14)]
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
    assert not [secret for secret in (b"t0k3n", b"s3cret", b"hunter2") if secret in path.read_bytes()]


def test_files_are_private_and_one_hark_writes(hark, nginx, tmp_path):
    path = tmp_path / "h.db"
    with hark("-o", f"sqlite:{path}", f"port:{nginx.http}"):
        for suffix in ("", "-wal", "-shm"):
            assert stat.S_IMODE(os.stat(f"{path}{suffix}").st_mode) == 0o600
        other = run(HARK, "-o", f"sqlite:{path}", "-d", "1", status=1)
        assert f"cannot write to {path}: hark reads it or writes to it already" in other.err.decode()
    assert not os.path.exists(f"{path}-journal") and os.stat(f"{path}-wal").st_size == 0
    # The file alone is all there is: a copy is whole.
    shutil.copy(path, tmp_path / "copy.db")
    assert count(tmp_path / "copy.db", "run") == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed(nginx, tmp_path, how):
    """What was committed stays, and the next run goes on in the same file."""
    path = tmp_path / "h.db"
    for turn in (1, 2):
        live = Live("-o", f"sqlite:{path}", f"port:{nginx.http}")
        assert count(path, "run") == turn
        run(*CURL, f"http://127.0.0.1:{nginx.http}/small.txt")
        wait_until(lambda: count(path) == 2 * turn, "rows")
        live.process.send_signal(how)
        live.process.wait(30)
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
    ended = ask(path, "SELECT count(ended_us) FROM run")
    assert ended == [(2 if how == signal.SIGTERM else 0,)]


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_full_disk(hark, nginx, small_disk, tmp_path):
    """What is lost is counted, said once, and in the file once there is room again."""
    path, filler = small_disk / "h.db", small_disk / "filler"
    with hark("-o", f"sqlite:{path}", f"port:{nginx.http}", "comm:curl") as watch:
        run(*CURL, f"http://127.0.0.1:{nginx.http}/small.txt")
        wait_until(lambda: count(path) == 1, "a row")
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        for number in range(3):
            run(*CURL, *(f"http://127.0.0.1:{nginx.http}/small.txt?{number}{i}{'x' * 1000}" for i in range(60)))
        wait_until(lambda: any("is full" in line for line in watch.talk), "it says so")
        watch.wait_for(181)
        filler.unlink()
        wait_until(lambda: any("is written to again" in line for line in watch.talk), "it goes on")
        run(*CURL, f"http://127.0.0.1:{nginx.http}/after")
        wait_until(lambda: ask(path, "SELECT count(*) FROM exchange WHERE url_path = '/after'") == [(1,)], "a row again")
    lost = watch.stats["history.lost"]
    assert 0 < lost and count(path) + count(path, "connection_data") + lost == watch.stats["history.written"] + lost
    assert ask(path, "SELECT sum(count) FROM loss WHERE name = 'history.lost'") == [(lost,)]
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]


def test_without_the_library(tmp_path):
    """It is said, with the package that has it; all else works."""
    words = f"{HARK} replay {ROOT / 'testdata/recordings/mixed.rec'} -q"
    hidden = "for file in $(readlink -f /usr/lib/*/libsqlite3.so.0); do mount --bind /dev/null $file || exit 9; done"
    done = run("unshare", "-m", "sh", "-c", f"{hidden}; {words} -o sqlite:{tmp_path / 'h.db'}", status=1)
    assert "needs libsqlite3.so.0, which cannot be loaded" in done.err.decode() and "Debian: libsqlite3-0" in done.err.decode()
    done = run("unshare", "-m", "sh", "-c", f"{hidden}; {words} -o json && {HARK} query {HARK}", status=1)
    assert "needs libsqlite3.so.0" in done.err.decode() and done.text.count("{") > 20


def test_read_only_folder(tmp_path):
    done = run(HARK, "replay", ROOT / "testdata/recordings/mixed.rec", "-o", "sqlite:/proc/h.db", status=1)
    assert done.err.decode().count("cannot write to /proc/h.db") == 1


def test_two_readers_while_it_is_written(hark, nginx, tmp_path):
    """One that asks again and again, one that stays at what it saw first: hark loses nothing by either."""
    path = tmp_path / "h.db"
    with hark("-o", f"sqlite:{path}", f"port:{nginx.http}", "comm:curl") as watch:
        with opened(path) as stays:
            stays.execute("BEGIN")
            assert stays.execute("SELECT count(*) FROM exchange").fetchone()[0] == 0
            seen = []
            for number in range(4):
                run(*CURL, *(f"http://127.0.0.1:{nginx.http}/small.txt?{number}-{i}" for i in range(50)))
                wait_until(lambda: count(path) == 50 * (number + 1), "rows")
                seen.append(count(path))
            assert seen == [50, 100, 150, 200] and stays.execute("SELECT count(*) FROM exchange").fetchone()[0] == 0
    assert watch.stats["history.lost"] == 0


def test_keep_by_size(nginx, tmp_path):
    """The same file, the oldest of which goes."""
    path = tmp_path / "h.db"
    for turn in range(2):
        run(HARK, "-q", "-v", "-o", f"sqlite:{path}", "--keep", "1M,7d", f"port:{nginx.http}", "--", "sh", "-c",
            f"for i in $(seq 1 30); do curl -s -o /dev/null $(seq -f 'http://127.0.0.1:{nginx.http}/small.txt?%g{'y' * 300}' 1 100); done")
    assert os.path.getsize(path) < 1.3 * 2**20
    assert ask(path, "SELECT sum(pruned) FROM run")[0][0] > 2000
    assert 300 < count(path) and ask(path, "SELECT max(id) - min(id) + 1 FROM exchange_data") == [(count(path),)]
    assert count(path, "head") == count(path, "exchange_data") and count(path, "exchange WHERE hark_role IS NULL") == 0


DUCKDB = PEERS / "duckdb-2.0.1"
DUCKDB_ASKS = """
import sys
sys.path.insert(0, sys.argv[1])
import duckdb
for row in duckdb.sql(f"SELECT \\"url.path\\", count(*), max(\\"hark.duration_ms\\") > 0 FROM read_json_auto('{sys.argv[2]}') GROUP BY 1 ORDER BY 1").fetchall():
    print(*row)
"""


def test_duckdb_reads_the_lines(tmp_path):
    """Of SQLite files it wants an extension from its own site: those are Python's here."""
    if not DUCKDB.exists():
        pytest.skip(f"{DUCKDB} is not there (make peers, pip)")
    lines, path = tmp_path / "out.jsonl", tmp_path / "h.db"
    run(HARK, "replay", ROOT / "testdata/recordings/mixed.rec", "-q", "-o", f"json:{lines}", "-o", f"sqlite:{path}")
    said = run("/usr/bin/python3", "-c", DUCKDB_ASKS, DUCKDB, lines).text.splitlines()
    rows = ask(path, "SELECT url_path, count(*), max(hark_duration_ms) > 0 FROM exchange GROUP BY 1 ORDER BY 1")
    assert said == [f"{name} {number} {bool(positive)}" for name, number, positive in rows] and len(said) == 6
