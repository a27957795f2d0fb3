# SPDX-License-Identifier: Apache-2.0
"""hark query on what a recording's replay wrote: each question's text equals the golden file; SQL reads and does nothing else."""
import csv
import fcntl
import io
import json
import os
import pathlib
import pty
import re
import shutil
import sqlite3
import struct
import subprocess
import termios

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HARK = os.environ.get("HARK", str(ROOT / "build/hark"))
RECORDING = ROOT / "testdata/recordings/mixed.rec"
GOLDEN = ROOT / "testdata/recordings/mixed.query.txt"


def hark(*words, **more):
    return subprocess.run([HARK, *map(str, words)], capture_output=True, text=True, timeout=60, check=False,
                          env=os.environ | {"LC_ALL": "C.UTF-8"}, **more)


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    path = tmp_path_factory.mktemp("query") / "h.db"
    assert hark("replay", RECORDING, "-q", "-v", "-o", f"sqlite:{path}").returncode == 0
    return path


def query(path, *words, status=0):
    done = hark("query", path, *words)
    assert done.returncode == status, (words, done.stderr)
    return done.stdout if status == 0 else done.stderr


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def questions(history):
    names = re.findall(r"^  (\w+) +\S", query(history), re.M)
    assert len(names) > 12
    return names


def test_questions_are_golden(history, questions):
    """What names this machine or this run is left out."""
    said = query(history).replace(str(history), "FILE")
    for name in questions:
        if name != "runs":
            said += f"\n== {name}\n" + query(history, name)
    if os.environ.get("UPDATE"):
        GOLDEN.write_text(said)
    assert said == GOLDEN.read_text()


def test_formats_say_the_same(history, questions):
    for name in questions:
        rows = objects(query(history, name, "-o", "json"))
        table = list(csv.DictReader(io.StringIO(query(history, name, "-o", "csv"))))
        assert len(rows) == len(table) == max(0, len(query(history, name).splitlines()) - 1)
        for one, other in zip(rows, table):
            assert list(one) == list(other)
            assert all((value is None and other[key] == "") or str(value) == other[key] or float(other[key]) == value
                       for key, value in one.items()), (one, other)


def test_numbers_are_right(history):
    rows = objects(query(history, "endpoints", "-o", "json"))
    assert sum(row["calls"] for row in rows) == 11 and sum(row["failed"] for row in rows) == 2
    assert [row["calls"] for row in objects(query(history, "endpoints", "status:4xx", "-o", "json"))] == [1, 1]
    assert objects(query(history, "endpoints", "status:4xx,200", "comm:nginx", "path:/*n*", "-o", "json"))
    assert sum(row["calls"] for row in objects(query(history, "clients", "comm:curl", "-o", "json"))) == 8


def test_narrow_terminal_keeps_numbers_and_seconds(history):
    """Names are cut first, in their middle; then times, at their end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    subprocess.run([HARK, "query", history, "slow", "-n", "3"], stdout=theirs, stderr=subprocess.DEVNULL, check=True, timeout=60,
                   env=os.environ | {"LC_ALL": "C.UTF-8"})
    lines = os.read(ours, 65536).decode().splitlines()
    os.close(ours)
    os.close(theirs)
    assert len(lines) == 4 and all(len(line) <= 80 for line in lines), lines
    assert all(re.match(r"2026-11-21T03:07:\d\d…  +\d+\.\d{3} ", line) for line in lines[1:]), lines


def test_role_says_whose_end_counts(history):
    """Without it the server's counts where both were seen, and a client alone is asked for in vain."""
    def calls(*words):
        return sum(row["calls"] for row in objects(query(history, "endpoints", *words, "-o", "json")))
    assert calls("role:client", "comm:curl") == 8 and calls("comm:curl") < 8
    for role in ("client", "server"):
        ends = objects(query(history, "--sql", f"SELECT count(*) AS n FROM exchange WHERE hark_counted = 1 AND hark_role = '{role}'", "-o", "json"))
        assert calls(f"role:{role}") == ends[0]["n"]
    assert calls("role:client,server") == calls()
    assert "role:client counts what was called" in hark("query", history, "endpoints", "comm:curl", "status:200").stderr
    assert hark("query", history, "endpoints", "role:client", "comm:none").stderr == "hark: no rows\n"


@pytest.mark.parametrize("since, until, calls", [
    ("2026-11-21", "2026-11-22", 11), ("2026-11-21T03:07", "2026-11-21T03:08Z", 11), ("2026-11-21 03:07:11", "2027-01-01", 0),
    ("2026-11-20", "2026-11-21 03:07:10", 0)])
def test_time(history, since, until, calls):
    assert sum(row["calls"] for row in objects(query(history, "hours", "--since", since, "--until", until, "-o", "json"))) == calls


WRONG = {
    ("endpoint",): "did you mean 'endpoints'", ("zzz",): "there is no question 'zzz'", ("slow", "--since", "yesterday"): "is no age",
    ("runs", "host:x"): "host: has no meaning for runs", ("closed", "path:/"): "path: has no meaning for closed",
    ("slow", "colour:red"): "is no filter of hark query", ("slow", "host:"): "is no filter", ("-o", "har"): "text, json, csv",
    ("slow", "--sql", "SELECT 1"): "not both", ("--sql", "SELECT 1", "--since", "1h"): "belong to questions",
    ("slow", "-w", "x"): "records nothing", ("slow", "--errors"): None,
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_words(history, words):
    if WRONG[words]:
        assert WRONG[words] in query(history, *words, status=2)
    else:
        assert "has no effect here" in hark("query", history, *words).stderr


DENIED = ["ATTACH '/tmp/none' AS x", "DELETE FROM run", "INSERT INTO run VALUES (1)", "CREATE TABLE a (b)", "CREATE TEMP TABLE a (b)",
          "DROP VIEW exchange", "PRAGMA journal_mode = DELETE", "PRAGMA user_version = 2", "PRAGMA writable_schema = 1", "VACUUM",
          "VACUUM INTO '/tmp/none.db'", "SELECT load_extension('/lib/x.so')", "BEGIN", "DETACH main", "REINDEX", "ANALYZE",
          "PRAGMA temp_store_directory = '/tmp'", "UPDATE run SET host_name = ''", "ALTER TABLE run RENAME TO r"]


@pytest.mark.parametrize("sql", DENIED)
def test_sql_only_reads(history, sql):
    before = history.read_bytes()
    said = query(history, "--sql", sql, status=1)
    assert "is not possible" in said or "not authorized" in said or "no such function" in said, said
    assert history.read_bytes() == before and not os.path.exists("/tmp/none.db")


@pytest.mark.parametrize("sql, reason", [
    ("SELECT 1; SELECT 2", "one statement at a time"), ("", "there is no statement"), ("SELEC 1", "at: SELEC 1"),
    ('SELECT "tiem" FROM exchange', "no such column: tiem"), ("SELECT zeroblob(100000000)", "too big"),
    ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c", "no answer in the time"),
    ("WITH RECURSIVE c(x) AS (SELECT randomblob(1000000) UNION ALL SELECT x FROM c) SELECT * FROM c ORDER BY hex(x)", None)])
def test_sql_that_has_no_answer(history, sql, reason):
    said = query(history, "-d", "1", "--sql", sql, status=1)
    assert reason is None or reason in said, said


def test_sql(history):
    assert query(history, "--sql", "SELECT count(*) AS n FROM header; ", "-o", "json") == '{"n":198}\n'
    assert query(history, "--sql", "PRAGMA table_info(run)", "-o", "csv").splitlines()[:2] == ["cid,name,type,notnull,dflt_value,pk", "0,id,INTEGER,0,,1"]
    many = hark("query", history, "--sql", "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 5000) SELECT x FROM c")
    assert len(many.stdout.splitlines()) == 1001 and "more rows than these 1000" in many.stderr
    middle = objects(query(history, "--sql", "SELECT quantile(value, 0.5) AS q FROM json_each('[1,2,3,null]')", "-o", "json"))
    assert middle[0]["q"] == pytest.approx(2, rel=0.01)
    assert query(history, "--sql", "SELECT quantile(1, 0.5) AS q WHERE 0", "-o", "json") == '{"q":null}\n'


def test_nothing_acts_on_the_terminal(history):
    """Also of what SQL makes; a name of a column is a text of the user's, too."""
    hostile = "SELECT char(27, 91, 50, 74, 10, 0, 8238, 155) || x'ff' AS \"\x1b[31m\", x'1b' AS blob, 'a,\"' || char(13) AS c"
    for form in ("text", "json", "csv"):
        said = query(history, "--sql", hostile, "-o", form)
        assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f‮]", said), said
        assert len(said.replace("\r\n", "\n").splitlines()) == (1 if form == "json" else 2)


def damaged(history, path, how):
    shutil.copy(history, path)
    data = bytearray(path.read_bytes())
    how(data)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("at", range(0, 18, 2))
def test_damaged_files_are_no_crash(history, tmp_path, questions, at):
    def noise(data):
        for i in range(at * 4096 + 100, min(len(data), at * 4096 + 4096), 7):
            data[i] ^= 0xa5

    path = damaged(history, tmp_path / "bad.db", noise)
    for name in [*questions, "--sql=PRAGMA integrity_check"]:
        done = hark("query", path, name)
        assert done.returncode in (0, 1), (name, done.stderr)


def test_what_is_no_history(history, tmp_path):
    (tmp_path / "text").write_text("no database, this")
    assert "not a database" in query(tmp_path / "text", status=1)
    (tmp_path / "empty").write_text("")
    assert "it is empty" in query(tmp_path / "empty", status=1)
    assert "No such file" in query(tmp_path / "none", status=1) and not (tmp_path / "none").exists()
    assert "it is no file" in query(tmp_path, status=1)
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE a (b)")
    assert "another program's" in query(tmp_path / "other.db", status=1)
    newer = damaged(history, tmp_path / "newer.db", lambda data: data.__setitem__(63, 99))
    assert "a newer hark wrote it" in query(newer, status=1)


def test_losses_are_said(history, tmp_path):
    """With the answers that they touch, and with no other; -q leaves the answer alone."""
    path = tmp_path / "lost.db"
    shutil.copy(history, path)
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO loss SELECT 1, began_us - began_us % 60000000, 'events.lost', 1203 FROM run")
    for words in (["endpoints"], ["--sql", "SELECT count(*) FROM exchange"]):
        assert "lost while this was written, and in no answer: events.lost 1203" in hark("query", path, *words).stderr
    assert "events.lost" not in hark("query", path, "endpoints", "--since", "2026-12-01").stderr
    assert "lost: events.lost" in query(path)
    assert "1203" in query(path, "losses")


def test_a_copy_nobody_may_write_beside(history, tmp_path):
    """The file alone, as it was copied, in a folder where SQLite may make no file; % and ? in its name are its own."""
    folder = tmp_path / "read%20only?x#y"
    folder.mkdir()
    shutil.copy(history, folder / "h.db")
    (folder / "h.db").chmod(0o444)
    folder.chmod(0o555)
    assert "exchanges" in query(folder / "h.db")
    folder.chmod(0o755)


def test_closed_pipe(history):
    done = subprocess.run(f"{HARK} query {history} --sql 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 300000) "
                          "SELECT x FROM c' -o csv | head -1", shell=True, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "x\n" or done.stdout == "x\r\n"
    assert hark("query", history, "slow", "-o", "json").returncode == 0
    with open("/dev/full", "w") as full:
        failed = subprocess.run([HARK, "query", history, "slow"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert failed.returncode == 1 and "cannot write to stdout" in failed.stderr
