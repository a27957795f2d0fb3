# SPDX-License-Identifier: Apache-2.0
"""-o clickhouse: what docs/into-clickhouse.md says works in a real ClickHouse (PyPI's chdb-core), by its HTTP interface."""
import json
import os
import re
import subprocess

import pytest

from harness import HARK, PEERS, ROOT, Program, free_port, run

RECORDING = ROOT / "testdata/recordings/mixed.rec"
ENGINE = PEERS / "chdb-core-26.9.0"
PAGE = (ROOT / "docs/into-clickhouse.md").read_text()
SQL = re.findall(r"^```sql\n(.*?);\n```", PAGE, re.S | re.M)


class ClickHouse:
    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.program = Program(["/usr/bin/python3", ROOT / "tests/e2e/peers/clickhouse_serve.py", self.port, folder / "data"], folder,
                               [self.port], env={"PYTHONPATH": str(ENGINE)})

    def ask(self, statement):
        """The rows as objects."""
        text = run("curl", "-sS", "--fail-with-body", "--data-binary", statement + " FORMAT JSONEachRow", self.url).text
        return [json.loads(line) for line in text.splitlines()]

    def tell(self, statement):
        run("curl", "-sS", "--fail-with-body", "--data-binary", statement, self.url)


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory):
    if not ENGINE.exists():
        pytest.skip(f"{ENGINE} is not there: pip could not fetch it (make peers says why)")
    engine = ClickHouse(tmp_path_factory.mktemp("clickhouse"))
    engine.tell(SQL[0].replace("INTERVAL 30 DAY", "INTERVAL 30 YEAR"))  # the recording is of its day
    yield engine
    engine.program.stop()


@pytest.fixture(scope="module")
def loaded(clickhouse):
    """The recording's rows are in the table."""
    done = run(HARK, "replay", RECORDING, "-v", "-o", f"clickhouse:{clickhouse.url}", "--stats-json", "/dev/stdout")
    assert json.loads(done.text)["export.delivered"] == len(objects())
    return clickhouse


def objects():
    text = run(HARK, "replay", RECORDING, "-v", "-o", "json").text
    return [one for one in map(json.loads, text.splitlines()) if "hark.message" not in one]


def test_the_table_has_what_json_has(loaded):
    """Each row equals its object, in every column; and each column is a key."""
    rows = loaded.ask("SELECT * FROM exchanges ORDER BY time, hark_role")
    told = sorted(objects(), key=lambda one: (one["time"], one["hark.role"]))
    assert len(rows) == len(told)
    keys = set(re.findall(r"^\| `([\w.]+)` \| [a-z -]*watch", (ROOT / "docs/interface.md").read_text(), re.M))
    names = {key.replace(".", "_"): key for key in keys}
    for row, one in zip(rows, told):
        assert row.pop("host_name") == os.uname().nodename
        assert row.pop("time").replace(" ", "T") + "Z" == one["time"]
        for column, value in row.items():
            want = one.get(names[column])
            if isinstance(want, str) or want is None:
                assert (value or "") == (want or ""), column
            else:
                assert (float(value) if isinstance(want, float) else type(want)(value)) == want, column


def test_a_key_that_becomes_a_column(loaded):
    column = re.search(r"`(ALTER TABLE .*?)`", PAGE)[1]
    loaded.tell(column)
    run(HARK, "replay", RECORDING, "-v", "-o", f"clickhouse:{loaded.url}", "-q")
    rows = loaded.ask("SELECT http_request_header FROM exchanges WHERE notEmpty(http_request_header)")
    sent = [one["http.request.header"] for one in objects() if one.get("http.request.header")]
    assert sorted(row["http_request_header"] for row in rows) == sorted(sent)
    loaded.tell("ALTER TABLE exchanges DROP COLUMN http_request_header")


@pytest.mark.parametrize("at", range(1, len(SQL)))
def test_the_pages_questions(loaded, at):
    question = SQL[at].replace("INTERVAL 1 HOUR", "INTERVAL 30 YEAR")
    rows = loaded.ask(question)
    assert rows and sum(int(row["requests"]) for row in rows) >= 11


def test_another_table_and_database(clickhouse):
    clickhouse.tell("CREATE DATABASE web")
    clickhouse.tell("CREATE TABLE web.few (http_route String, hark_duration_ms Float64) ENGINE = MergeTree ORDER BY http_route")
    query = "?query=INSERT+INTO+web.few+FORMAT+JSONEachRow"
    run(HARK, "replay", RECORDING, "-o", f"clickhouse:{clickhouse.url}{query}", "-q")
    assert int(clickhouse.ask("SELECT count() AS n FROM web.few")[0]["n"]) == len(objects())


def test_no_such_table(clickhouse):
    done = run(HARK, "replay", RECORDING, "-o", f"clickhouse:{clickhouse.url}?query=INSERT+INTO+none+FORMAT+JSONEachRow")
    assert "refused what it was sent: status 404" in done.err.decode() and f"export.rejected {len(objects())}" in done.err.decode()


def test_secrets_are_redacted(loaded):
    """As in JSON: by the table's own text."""
    process = subprocess.run([HARK, "replay", RECORDING, "-o", "json"], capture_output=True, text=True, check=True)
    queries = {one["url.query"] for one in map(json.loads, process.stdout.splitlines()) if "url.query" in one}
    assert queries == {row["url_query"] for row in loaded.ask("SELECT DISTINCT url_query FROM exchanges WHERE url_query != ''")}
