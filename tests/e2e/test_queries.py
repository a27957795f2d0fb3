# SPDX-License-Identifier: Apache-2.0
"""hark queries: what real clients ask real servers, in the clear, under TLS and on Unix sockets, against the servers' logs."""
import collections
import json
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import HARK, Hark, Program, free_port, run, scratch_folder, wait_until

PG = next(iter(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)
needs_pg = pytest.mark.skipif(not PG or not shutil.which("psql"), reason="postgresql is not installed")
PYTHON = "/usr/bin/python3"

CONF = """
port={port}
listen_addresses='127.0.0.1'
unix_socket_directories='{folder}'
log_statement=all
log_line_prefix='<%a> '
ssl=on
fsync=off
max_connections=20
shared_buffers=1MB
autovacuum=off
"""
HBA = "local all all trust\nhost all login 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"


def as_user(user, *command):
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *map(str, command)]


class Postgres:
    """A server of the user postgres, in a folder of its own."""

    def __init__(self, folder):
        self.folder, self.port, data = folder, free_port(), folder / "data"
        shutil.chown(folder, "postgres", "postgres")
        run(*as_user("postgres", PG, "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"), deadline_s=60)
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
            "-keyout", data / "server.key", "-out", data / "server.crt")
        for path in data.glob("server.*"):
            shutil.chown(path, "postgres", "postgres")
            path.chmod(0o600)
        with open(data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(CONF.format(port=self.port, folder=folder))
        (data / "pg_hba.conf").write_text(HBA)
        self.server = Program(as_user("postgres", PG.parent / "postgres", "-D", data), folder, ports=(self.port,))
        wait_until(lambda: "ready to accept connections" in self.server.log(), "the server is ready")

    def where(self, over, user="postgres"):
        host = self.folder if over == "unix" else "127.0.0.1"
        mode = "require" if over == "tls" else "disable"
        return f"host={host} port={self.port} user={user} dbname=postgres sslmode={mode}"

    def logged(self, name):
        """The statements that the server says it ran for a client of this name."""
        lines = re.split(r"^(?=<)", self.server.log(), flags=re.M)
        found = [re.match(rf"<{name}> LOG:  (?:statement|execute [^:]+): (.*)", line, re.S) for line in lines]
        return [one[1].strip("\n").replace("\n\t", "\n") for one in found if one]

    def stop(self):
        self.server.stop()


@pytest.fixture(scope="module")
def postgres():
    with scratch_folder("postgres") as folder:
        server = Postgres(folder)
        yield server
        server.stop()


@pytest.fixture
def queries(tmp_path, capture):
    def make(*options, view="queries"):
        return Hark(tmp_path, "--capture", capture, *options, view=(view,), verbose=0)

    return make


def of(watch, port, role="server"):
    """The statements on connections of this server, of one end; a Unix socket has no port."""
    return [one for one in watch.objects if one.get("hark.role") == role and one.get("server.port", port) == port]


def brief(row):
    return (row.get("db.query.text"), row.get("db.response.status_code"), row.get("db.response.returned_rows"),
            row.get("hark.db.affected_rows"), row.get("hark.flags"))


STATEMENTS = [
    ("create table {t} (a int primary key, b text)", (None, None, None)),
    ("insert into {t} values (1, 'one'), (2, 'it''s a secret')", (None, None, 2)),
    ("select b from {t} where a < 10 order by a", (None, 2, None)),
    ("update {t} set b = 'x' where a = 2", (None, None, 1)),
    ("select * from {t} where a = 'no number'", ("22P02", 0, None)),
    ("select nothing", ("42703", None, None)),
    ("drop table {t}", (None, None, None)),
]


@needs_pg
@pytest.mark.parametrize("over", ["clear", "tls", "unix"])
def test_psql(postgres, queries, over, capture):
    """Both ends have each statement as the server logged it, with its rows and errors."""
    name, table = f"psql_{over}_{capture}", f"t_{over}_{capture}"
    statements = [(text.format(t=table), result) for text, result in STATEMENTS]
    with queries("--show-secrets") as watch:
        run("psql", f"{postgres.where(over)} application_name={name}", *[word for text, _ in statements for word in ("-c", text)])
        wait_until(lambda: min(len(of(watch, postgres.port, role)) for role in ("client", "server")) >= len(statements), "both ends")
    for role in ("server", "client"):
        rows = of(watch, postgres.port, role)
        assert [row["db.query.text"] for row in rows] == postgres.logged(name) == [text for text, _ in statements]
        assert [brief(row)[1:4] for row in rows] == [(code, rows_ if code is None else brief(row)[2], changed)
                                                     for row, (_, (code, rows_, changed)) in zip(rows, statements)]
        assert not any("hark.flags" in row for row in rows), rows
        assert {(row["db.system.name"], row["db.namespace"], row["network.protocol.name"]) for row in rows} == {
            ("postgresql", "postgres", "postgresql")}
        assert [row["db.operation.name"] for row in rows] == ["CREATE", "INSERT", "SELECT", "UPDATE", "SELECT", "SELECT", "DROP"]
        assert [row.get("db.collection.name") for row in rows] == [table] * 5 + [None, table]
        assert {row.get("tls.library") for row in rows} == {"openssl" if over == "tls" else None}
        assert all(row["hark.duration_ms"] > 0 for row in rows)
        assert "does not exist" in rows[5]["hark.db.error"]
    if over != "unix":
        assert [row["hark.peer_connection"] for row in of(watch, postgres.port, "client")] == [
            row["hark.connection"] for row in of(watch, postgres.port)]
    assert watch.stats["events.lost"] == 0  # holes of others have no port that would leave them out


@needs_pg
@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench(postgres, queries, mode, capture):
    """Many connections at once: each statement's count is the server's own."""
    name = f"bench_{mode}_{capture}"
    where = ["-h", "127.0.0.1", "-p", postgres.port, "-U", "postgres", "postgres"]
    plain = {"PGSSLMODE": "disable", "PGAPPNAME": name}
    run("pgbench", "-i", "-q", *where, env={"PGSSLMODE": "disable"})
    with queries("--show-secrets") as watch:
        run("pgbench", "-n", "-c", "4", "-t", "20", "-M", mode, *where, env=plain)
        expected = len(postgres.logged(name))
        executed = lambda: [row for row in of(watch, postgres.port) if row["hark.db.command"] != "prepare"]
        wait_until(lambda: len(executed()) >= expected, "all of them")
    rows = executed()
    assert expected == len(rows) >= 4 * 20 * 7
    assert collections.Counter(row["db.query.text"] for row in rows) == collections.Counter(postgres.logged(name))
    assert not [row for row in rows if "hark.flags" in row or "db.response.status_code" in row]
    assert {row["hark.db.command"] for row in rows} == ({"query"} if mode == "simple" else {"query", "execute"})
    changed = [row["hark.db.affected_rows"] for row in rows if row["db.query.text"].startswith("UPDATE")]
    assert changed == [1] * (4 * 20 * 3)
    prepared = [row["db.query.summary"] for row in of(watch, postgres.port) if row["hark.db.command"] == "prepare"]
    assert (len(prepared), all(one.startswith("PREPARE ") for one in prepared)) == (4 * 7 if mode == "prepared" else 0, True)
    assert watch.stats["events.lost"] == 0  # holes of others have no port that would leave them out


CLIENT = """
import io, sys, psycopg2
c = psycopg2.connect(sys.argv[1], options='-c client_min_messages=notice')
c.autocommit = True
k = c.cursor()
k.execute("create temp table copied (a int, b text)")
k.copy_expert("copy copied from stdin", io.StringIO("1\\tone\\n2\\ttwo\\n"))
out = io.StringIO()
k.copy_expert("copy copied to stdout", out)
assert out.getvalue() == "1\\tone\\n2\\ttwo\\n"
k.execute("do $$begin raise notice 'hm'; end$$")
k.execute("select 1; select 2 union select 3")
k.execute("select repeat('x', 300000) from generate_series(1, 5)")
assert len(k.fetchall()) == 5
k.execute("select 1 where 'a' in (" + ", ".join("'%d'" % n for n in range(20000)) + ")")
"""


@needs_pg
def test_copy_and_long_ones(postgres, queries):
    with queries() as watch:
        run(PYTHON, "-c", CLIENT, postgres.where("clear"))
        wait_until(lambda: len(of(watch, postgres.port)) >= 7, "all of them")
    assert [brief(row) for row in of(watch, postgres.port)] == [
        ("create temp table copied (a int, b text)", None, None, None, None),
        ("copy copied from stdin", None, None, 2, None),
        ("copy copied to stdout", None, None, 2, None),
        ("do ?", None, None, None, None),
        ("select ?; select ? union select ?", None, 3, None, None),
        ("select repeat(?) from generate_series(?)", None, 5, None, None),
        ("select ? where ? in (?,", None, 0, None, ["truncated"])]


@needs_pg
def test_secrets_do_not_show(postgres, queries, tmp_path):
    """Neither literals nor passwords, of logins that succeed or fail; with --show-secrets the former."""
    run("psql", postgres.where("clear"), "-c", "drop role if exists login", "-c", "create role login login password 'pass-word-1'")
    for options in ((), ("--show-secrets",)):
        with queries(*options, "-v", "-o", f"text:{tmp_path / 'text'}") as watch:
            run("psql", postgres.where("clear", "login") + " password=pass-word-1", "-c", "select 'lit-eral'")
            run("psql", postgres.where("clear", "login") + " password=pass-word-2", "-c", "select 1", status=2)
            wait_until(lambda: len(of(watch, postgres.port)) >= 2, "both")
        rows = of(watch, postgres.port)
        assert [(row["hark.db.command"], row.get("db.response.status_code")) for row in rows] == [("query", None), ("connect", "28P01")]
        shown = json.dumps(watch.objects) + (tmp_path / "text").read_text()
        assert "pass-word" not in shown and ("lit-eral" in shown) == bool(options)
        (tmp_path / "text").unlink()


LATE = """
import sys, psycopg2
c = psycopg2.connect(sys.argv[1])
c.autocommit = True
k = c.cursor()
k.execute("prepare p as select $1::int")
print("ready", flush=True)
for line in sys.stdin:
    k.execute(line)
    print("done", flush=True)
"""


@needs_pg
@pytest.mark.parametrize("over", ["clear", "tls"])
def test_older_than_hark(postgres, queries, over):
    """A connection of before: its first statement shows where it ends, the next ones are whole."""
    client = subprocess.Popen([PYTHON, "-c", LATE, postgres.where(over)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "ready\n"
    try:
        with queries() as watch:
            for line in ("select 1", "select 2, 2", "execute p(3)", "selct"):
                client.stdin.write(f"{line}\n")
                client.stdin.flush()
                if line != "selct":
                    assert client.stdout.readline() == "done\n"
            client.wait(10)
            wait_until(lambda: len(of(watch, postgres.port)) >= 3, "all but the first")
        assert [brief(row) for row in of(watch, postgres.port)] == [
            ("select ?", None, 1, None, ["late-joined"]), ("execute p(?)", None, 1, None, None), ("selct", "42601", None, None, None)]
    finally:
        client.kill()
        client.wait()


@needs_pg
def test_other_views(postgres, tmp_path, capture):
    """Only who asks for statements sees them: by the view, a table's key or a filter; a recording has them for all."""
    record = tmp_path / "run.rec"
    with Hark(tmp_path, "--capture", capture, "-w", record, verbose=0) as watch:
        run("psql", postgres.where("clear"), "-c", "select 1", "-c", "select 2", "-c", "select relname from pg_class limit 3", "-c", "selct", status=1)
        run("curl", "-s", "--http0.9", "-o", "/dev/null", f"http://127.0.0.1:{postgres.port}/", status=52)
        wait_until(lambda: any("network.protocol.name" not in row and row.get("server.port") == postgres.port for row in watch.objects), "the request")
    assert not [row for row in watch.objects if "db.system.name" in row]

    def replay(*words):
        done = subprocess.run([HARK, "replay", record, *words, "-o", "json", "-q"], capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    port = f"port:{postgres.port}"
    assert [row["db.query.text"] for row in replay("queries", port, "role:server")] == [
        "select ?", "select ?", "select relname from pg_class limit ?", "selct"]
    assert len(replay("watch", port, "proto:postgresql", "role:server")) == 4
    assert [row["db.query.summary"] for row in replay("queries", port, "role:server", "fact:db.query.summary=*pg_class*")] == ["SELECT pg_class"]
    assert len(replay("queries", port, "--errors", "role:server")) == 1
    table = {row["db.query.summary"]: (row["count"], row.get("errors.query", 0)) for row in replay("stat", "--by", "db.query.summary", port)}
    assert table == {"SELECT": (2, 0), "SELECT pg_class": (1, 0), "SELCT": (1, 1)}


MARIADBD = shutil.which("mariadbd", path="/usr/sbin:/usr/bin")
needs_mariadb = pytest.mark.skipif(not MARIADBD or not shutil.which("mariadb"), reason="mariadb-server is not installed")


class MariaDB:
    """A server of the user mysql, in a folder of its own."""

    def __init__(self, folder):
        self.folder, self.port, self.socket = folder, free_port(), folder / "socket"
        shutil.chown(folder, "mysql", "mysql")
        run(*as_user("mysql", "mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", f"--tmpdir={folder}",
                     "--auth-root-authentication-method=normal", "--skip-test-db"), deadline_s=60)
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
            "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
        shutil.chown(folder / "key.pem", "mysql", "mysql")
        self.server = Program(as_user("mysql", MARIADBD, "--no-defaults", f"--datadir={folder}/data", f"--tmpdir={folder}",
                                      f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={self.socket}", f"--pid-file={folder}/pid",
                                      "--general-log", f"--general-log-file={folder}/general", f"--ssl-cert={folder}/cert.pem",
                                      f"--ssl-key={folder}/key.pem", "--innodb-buffer-pool-size=8M"), folder, ports=(self.port,))
        wait_until(self.socket.exists, "the server's socket")
        run("mariadb", "--no-defaults", "-S", self.socket, "-uroot", "-e",
            "create user login@'%' identified by 'pass-word-1'; grant all on *.* to login@'%'; create database base")

    def client(self, over, *words, **more):
        where = ["-S", self.socket] if over == "unix" else ["-h", "127.0.0.1", "-P", self.port]
        tls = ["--ssl", "--skip-ssl-verify-server-cert"] if over == "tls" else ["--skip-ssl"]
        return run("mariadb", "--no-defaults", *where, *tls, "-ulogin", "-ppass-word-1", "base", *words, **more)

    def logged(self):
        """The statements of the general log, and those that were executed."""
        text = (self.folder / "general").read_text()
        return [one[1].rstrip() for one in re.finditer(r"^(?:\S+ \S+)?\t+ *\d+ (?:Query|Execute)\t(.*)$", text, re.M)]

    def stop(self):
        self.server.stop()


@pytest.fixture(scope="module")
def mariadb():
    with scratch_folder("mariadb") as folder:
        server = MariaDB(folder)
        yield server
        server.stop()


MARIADB_STATEMENTS = [
    ("create table {t} (a int primary key, b text)", (None, None, 0)),
    ("insert into {t} values (1, 'one'), (2, \"it's a secret\")", (None, None, 2)),
    ("select b from {t} where a < 10 order by a", (None, 2, None)),
    ("update {t} set b = 'x' where a = 2", (None, None, 1)),
    ("drop table {t}", (None, None, 0)),
    ("select nothing", ("1054", None, None)),
]


@needs_mariadb
@pytest.mark.parametrize("over", ["clear", "tls", "unix"])
def test_mariadb(mariadb, queries, over, capture):
    """Both ends have each statement as the server logged it, with its rows and errors."""
    table = f"t_{over}_{capture}"
    statements = [(text.format(t=table), result) for text, result in MARIADB_STATEMENTS]
    before = len(mariadb.logged())
    with queries("--show-secrets") as watch:
        mariadb.client(over, "-e", ";".join(text for text, _ in statements), status=1)
        wait_until(lambda: min(len(of(watch, mariadb.port, role)) for role in ("client", "server")) >= len(statements), "both ends")
    for role in ("server", "client"):
        rows = of(watch, mariadb.port, role)
        assert [row["db.query.text"] for row in rows] == mariadb.logged()[before:] == [text for text, _ in statements]
        assert [brief(row)[1:4] for row in rows] == [result for _, result in statements]
        assert not any("hark.flags" in row for row in rows), rows
        assert {row.get("tls.library") is not None for row in rows} == {over == "tls"}
        if over == "clear":
            assert {(row["db.system.name"], row["db.namespace"], row["network.protocol.name"]) for row in rows} == {
                ("mariadb", "base", "mysql")}
        assert "Unknown column" in rows[5]["hark.db.error"]
    assert watch.stats["events.lost"] == 0  # holes of others have no port that would leave them out


PYMYSQL = """
import sys, pymysql
try:
    c = pymysql.connect(host='127.0.0.1', port=int(sys.argv[1]), user='login', password=sys.argv[2], database='base',
                        client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
except pymysql.err.OperationalError:
    sys.exit(3)
k = c.cursor()
print("ready", flush=True)
for line in sys.stdin:
    try:
        k.execute(line.strip())
        while k.nextset():
            pass
    except pymysql.err.Error:
        pass
    print("done", flush=True)
"""


@needs_mariadb
def test_pymysql(mariadb, queries):
    """Several results of one statement; a connection of before; secrets of neither statements nor logins."""
    client = subprocess.Popen([PYTHON, "-c", PYMYSQL, str(mariadb.port), "pass-word-1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "ready\n"
    try:
        with queries() as watch:
            for line in ("select 'lit-eral'", "select 1; select 2, 3; set @a = 5", "selct", "set @b = 'lit-eral'"):
                client.stdin.write(f"{line}\n")
                client.stdin.flush()
                assert client.stdout.readline() == "done\n"
            run(PYTHON, "-c", PYMYSQL, mariadb.port, "pass-word-2", status=3)
            wait_until(lambda: len(of(watch, mariadb.port)) >= 5, "all of them")
        assert [(row["hark.db.command"], *brief(row)) for row in of(watch, mariadb.port)] == [
            ("query", "select ?", None, 1, None, ["late-joined"]), ("query", "select ?; select ?; set @a = ?", None, 2, None, None),
            ("query", "selct", "1064", None, None, None), ("query", "set @b = ?", None, None, 0, None),
            ("connect", None, "1045", None, None, None)]
        shown = json.dumps(watch.objects)
        assert "lit-eral" not in shown and "pass-word" not in shown
    finally:
        client.kill()
        client.wait()
