# SPDX-License-Identifier: Apache-2.0
"""FastCGI: nginx and lighttpd with php-fpm and fcgiwrap, on Unix sockets and TCP; both ends of a peer that multiplexes."""
import json
import pathlib
import shutil
import subprocess

import pytest

from harness import HARK, Program, briefs, free_port, header, run, wait_until
from servers import HERE, PYTHON

PHP = next(iter(sorted(pathlib.Path("/usr/sbin").glob("php-fpm*"))), None)
needs_php = pytest.mark.skipif(not PHP, reason="php-fpm is not installed")

SCRIPT = """<?php
if (isset($_GET['status'])) http_response_code((int)$_GET['status']);
if (isset($_GET['error'])) error_log('went wrong');
header('X-Reply: php');
echo $_SERVER['REQUEST_METHOD'].' '.file_get_contents('php://input');
"""

FPM = """
[global]
error_log={folder}/fpm.log
daemonize=no
[www]
listen={listen}
listen.mode=0666
user=root
group=root
pm=static
pm.max_children=1
catch_workers_output=yes
"""

NGINX = """
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	upstream app {{ server {listen}; keepalive 1; }}
	server {{
		listen 127.0.0.1:{port};
		root {folder}/www;
		location / {{
			include /etc/nginx/fastcgi_params;
			fastcgi_param SCRIPT_FILENAME {folder}/www$fastcgi_script_name;
			fastcgi_keep_conn {keep};
			fastcgi_pass app;
		}}
	}}
}}
"""

LIGHTTPD = """
server.document-root = "{folder}/www"
server.port = {port}
server.bind = "127.0.0.1"
server.modules = ( "mod_fastcgi" )
server.errorlog = "{folder}/lighttpd.log"
fastcgi.server = ( "/" => (( "socket" => "{socket}", "check-local" => "disable" )) )
"""

CGI = """#!/bin/sh
printf 'Status: 202 Taken\\r\\nContent-Type: text/plain\\r\\nX-Reply: %s\\r\\n\\r\\n' "$REQUEST_METHOD"
cat
"""


class Php:
    """nginx with php-fpm behind it."""

    def __init__(self, folder, over, keep):
        folder.chmod(0o755)
        (folder / "www").mkdir()
        (folder / "www/a.php").write_text(SCRIPT)
        self.port, app_port = free_port(), free_port()
        app = f"127.0.0.1:{app_port}" if over == "tcp" else f"{folder}/fpm.sock"
        (folder / "fpm.conf").write_text(FPM.format(folder=folder, listen=app))
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=self.port, keep=keep,
                                                       listen=app if over == "tcp" else f"unix:{app}"))
        self.fpm = Program([PHP, "-R", "-F", "-y", folder / "fpm.conf"], folder, ports=(app_port,) if over == "tcp" else ())
        if over == "unix":
            wait_until((folder / "fpm.sock").exists, "php-fpm's socket")
        self.nginx = Program(["nginx", "-c", folder / "nginx.conf"], folder, ports=(self.port,))
        self.url = f"http://127.0.0.1:{self.port}/a.php"

    def stop(self):
        self.nginx.stop()
        self.fpm.stop()


@pytest.fixture
def php(tmp_path):
    made = []

    def make(over, keep="off"):
        made.append(Php(tmp_path, over, keep))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def fast(objects):
    return [one for one in objects if one.get("network.protocol.name") == "fastcgi"]


def assert_requests(rows):
    """What was asked for, as one end has it."""
    assert [(row["http.request.method"], row["url.path"], row.get("url.query"), row["http.response.status_code"],
             row["http.request.body.size"], row["http.response.body.size"]) for row in rows] == [
        ("GET", "/a.php", "x=1", 200, 0, 4), ("POST", "/a.php", None, 200, 5, 10), ("GET", "/a.php", "status=404&error=1", 404, 0, 4)]
    assert [row.get("hark.fastcgi.stderr.size", 0) > 0 for row in rows] == [False, False, True]
    assert not any("hark.flags" in row for row in rows) and {row["server.address"] for row in rows} == {"127.0.0.1"}
    assert [header(row, "X-Reply") for row in rows] == [["php"]] * 3
    assert "went wrong" in header({"http.response.header": rows[2]["http.response.trailer"]}, "FCGI_STDERR")[0]


@needs_php
@pytest.mark.parametrize("over, keep", [("unix", "off"), ("unix", "on"), ("tcp", "off"), ("tcp", "on")])
def test_nginx_and_php(hark, php, capture, over, keep):
    server = php(over, keep)
    run("curl", "-s", f"{server.url}?before=1")  # a connection that is kept is older than hark
    with hark("--capture", capture, "-p", ",".join(str(pid) for one in (server.nginx, server.fpm) for pid in one.pids)) as watch:
        got = [run("curl", "-s", *words).text for words in (
            (f"{server.url}?x=1",), (server.url, "-d", "12345"), (f"{server.url}?status=404&error=1",))]
        wait_until(lambda: len(fast(watch.objects)) >= 6, "both ends")
    assert got == ["GET ", "POST 12345", "GET "]
    rows = fast(watch.objects)
    asked = [row for row in rows if row["hark.role"] == "client"]
    served = [row for row in rows if row["hark.role"] == "server"]
    assert_requests(asked)
    assert_requests(served)
    assert {row["process.pid"] for row in asked} <= server.nginx.pids and {row["process.pid"] for row in served} <= server.fpm.pids
    assert {row["network.transport"] for row in rows} == {over if over == "unix" else "tcp"}
    assert len({row["hark.connection"] for row in asked}) == (1 if keep == "on" else 3)
    if over == "tcp":
        assert [row["hark.peer_connection"] for row in asked] == [row["hark.connection"] for row in served]
    watch.assert_nothing_lost()


def test_lighttpd_and_fcgiwrap(hark, tmp_path, capture):
    wrap = shutil.which("fcgiwrap", path="/usr/sbin:/usr/bin")
    if not wrap or not shutil.which("lighttpd", path="/usr/sbin:/usr/bin"):
        pytest.skip("fcgiwrap or lighttpd is not installed")
    (tmp_path / "www").mkdir()
    script = tmp_path / "www/run"
    script.write_text(CGI)
    script.chmod(0o755)
    port, path = free_port(), tmp_path / "wrap.sock"
    (tmp_path / "lighttpd.conf").write_text(LIGHTTPD.format(folder=tmp_path, port=port, socket=path))
    app = Program([wrap, "-s", f"unix:{path}"], tmp_path)
    wait_until(path.exists, "fcgiwrap's socket")
    server = Program(["/usr/sbin/lighttpd", "-D", "-f", tmp_path / "lighttpd.conf"], tmp_path, ports=(port,))
    with hark("--capture", capture, "-p", f"{app.pid},{server.pid}") as watch:
        got = run("curl", "-s", "-o", "-", "-w", "%{http_code}", f"http://127.0.0.1:{port}/run?a=b", "-d", "hello")
        wait_until(lambda: len(fast(watch.objects)) >= 2, "both ends")
    server.stop()
    app.stop()
    assert got.text == "hello202"
    for row in fast(watch.objects):
        assert (row["http.request.method"], row["url.path"], row["url.query"], row["http.response.status_code"]) == ("POST", "/run", "a=b", 202)
        assert (row["http.request.body.size"], row["http.response.body.size"]) == (5, 5)
        assert header(row, "X-Reply") == ["POST"] and "hark.flags" not in row
    assert {row["process.pid"] for row in fast(watch.objects)} == {app.pid, server.pid}


@pytest.fixture(params=["unix", "tcp"])
def address(request, tmp_path):
    where = str(free_port()) if request.param == "tcp" else str(tmp_path / "app.sock")
    server = Program([PYTHON, HERE / "peers/fastcgi.py", "serve", where], tmp_path, ports=(int(where),) if where.isdigit() else ())
    if not where.isdigit():
        wait_until((tmp_path / "app.sock").exists, "its socket")
    server.address = where
    yield server
    server.stop()


def expected(count):
    rows = []
    for i in range(0, count, 2):
        rows += [("GET", f"/one/{i}", 200, 0, len(f"1 /one/{i}"), 1), ("POST", f"/two/{i}", 200, 4, len(f"2 /two/{i}"), 2)]
    return rows + [("GET", "/errors", 500, 0, 0, 4), ("GET", "/big", 200, 0, 100_000, 4)]


def assert_peer(rows, count):
    whole = [row for row in rows if "hark.flags" not in row]
    assert [(row["http.request.method"], row["url.path"], row["http.response.status_code"], row["http.request.body.size"],
             row["http.response.body.size"], row["hark.stream"]) for row in whole] == expected(count)
    [aborted, refused] = [row for row in rows if "hark.flags" in row]
    assert (aborted["url.path"], aborted["http.response.status_code"], aborted["hark.flags"]) == ("/wait", 200, ["reset"])
    assert (refused["url.path"], refused["hark.flags"], refused["hark.fastcgi.protocol_status"]) == ("/overloaded", ["reset"], "OVERLOADED")
    errors = next(row for row in whole if row["url.path"] == "/errors")
    assert (errors["hark.fastcgi.app_status"], errors["hark.fastcgi.stderr.size"]) == (3, 10)
    assert {row["server.address"] for row in rows} == {"fast.example"} and header(rows[0], "cookie", "request") == ["[redacted]"]


class Asking:
    """The peer's client, which begins when it is told to."""

    def __init__(self, address, count, when="now"):
        self.process = subprocess.Popen([PYTHON, HERE / "peers/fastcgi.py", "ask", address, str(count), when],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid, self.pids = self.process.pid, {self.process.pid}
        assert self.process.stdout.readline() == "ready\n"

    def go(self):
        self.process.communicate("go\n", timeout=30)
        assert self.process.returncode == 0


@pytest.mark.parametrize("when", ["now", "early"])
def test_multiplexed_aborted_refused(hark, tmp_path, address, capture, when):
    client = Asking(address.address, 200, when)
    with hark("--capture", capture, "-w", tmp_path / "fast.rec", "-p", f"{address.pid},{client.pid}") as watch:
        client.go()
        watch.wait_for(204, client)
        watch.wait_for(204, address)
    pid = client.pid
    assert_peer(watch.of(client), 200)
    assert_peer(watch.of(address), 200)
    if address.address.isdigit():
        assert [row["hark.connection"] for row in watch.of(client)] == [row["hark.peer_connection"] for row in watch.of(address)]
    [conn] = [row for row in map(json.loads, run(HARK, "replay", tmp_path / "fast.rec", "conns", "-q", "-o", "json").text.splitlines())
              if row["process.pid"] == pid]
    assert (conn["network.protocol.name"], conn["hark.exchanges"]) == ("fastcgi", 204)
    text = run(HARK, "replay", tmp_path / "fast.rec", "-q", "proto:fastcgi", "path:/errors").text
    assert " fastcgi:4 " in text and " 500 " in text


def test_no_secret_in_a_redacted_recording(hark, tmp_path, address):
    """Nobody judges parameters: they are left out of it."""
    with hark("-w", tmp_path / "fast.rec", "--redacted", "-p", str(address.pid)) as watch:
        Asking(address.address, 2).go()
        watch.wait_for(6, address)
    assert b"hush" not in (tmp_path / "fast.rec").read_bytes()
    assert len(briefs(watch.of(address))) == 6
