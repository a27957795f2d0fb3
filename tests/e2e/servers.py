# SPDX-License-Identifier: Apache-2.0
"""Real servers with configurations of their own, in the foreground, on free ports of loopback."""
import pathlib
import signal

from harness import Program, free_port, run, wait_until

SIZES = {"empty": 0, "one": 1, "small.txt": 1000, "medium.bin": 100_000, "large.bin": 3_000_000}
HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"


P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def make_certificate(folder, key=P256):
    """By default of the kind whose handshakes cost the least: they are not what is tried."""
    run("openssl", "req", "-x509", "-newkey", *key, "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1",
        "-keyout", folder / "key.pem", "-out", folder / "cert.pem")


def make_site(folder):
    """Files of several sizes; their bytes are patterned, so that a mix-up would show."""
    site = folder / "www"
    site.mkdir()
    for name, size in SIZES.items():
        (site / name).write_bytes(bytes((i * 7 + i // 251) % 256 for i in range(size)))
    (site / "index.html").write_text("<h1>hello</h1>\n")
    return site


NGINX = """
daemon off;
user root;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
	log_format brief '$request_method $request_uri $status $body_bytes_sent';
	access_log {access};
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	keepalive_requests 1000000;
	client_max_body_size 100m;
	sendfile {sendfile};
	ssl_certificate {certificates}/cert.pem;
	ssl_certificate_key {certificates}/key.pem;
	server {{
		listen 127.0.0.1:{http} backlog=2048;
		listen [::1]:{http};
		listen unix:{folder}/nginx.sock;
		listen 127.0.0.1:{h2c} http2;
		listen [::1]:{h2c} http2;
		listen 127.0.0.1:{tls} ssl http2;
		listen [::1]:{tls} ssl http2;
		listen 127.0.0.1:{proxied} proxy_protocol;
		root {site};
		add_header X-Reply "to $request_method of <$http_x_ask>" always;
		location = /post {{ proxy_pass http://127.0.0.1:{sink}; }}
		location /wait/ {{ proxy_pass http://127.0.0.1:{sink}; proxy_http_version 1.1; }}
		location = /none {{ return 204; }}
		location = /moved {{ return 301 /index.html; }}
		location = /broken {{ return 503 "later\\n"; }}
		location /proxy/ {{ proxy_pass http://127.0.0.1:{http}/; proxy_http_version 1.1; proxy_set_header Connection ""; }}
		location = /chunked {{ gzip on; gzip_min_length 1; gzip_types *; default_type text/plain; alias {site}/small.txt; }}
	}}
}}
"""


class Nginx(Program):
    """Its own requests (a sink that takes bodies whole, for `return` does not) are not counted."""

    role = "server"

    def __init__(self, folder, certificates, site, sendfile="on", workers=1, log=True):
        self.folder = folder
        self.http, self.h2c, self.tls, self.proxied = (free_port() for _ in range(4))
        self.socket = f"{folder}/nginx.sock"
        self.sink = PythonServer(folder, "sink")
        text = NGINX.format(sink=self.sink.port, folder=folder, certificates=certificates, site=site, http=self.http, h2c=self.h2c,
                            tls=self.tls, proxied=self.proxied, sendfile=sendfile, workers=workers,
                            access=f"{folder}/access.log brief" if log else "off")
        (folder / "nginx.conf").write_text(text)
        super().__init__(["nginx", "-p", folder, "-e", f"{folder}/error.log", "-c", folder / "nginx.conf"],
                         folder, ports=(self.http, self.h2c, self.tls, self.proxied))
        wait_until(lambda: len(self.pids) > workers, "nginx's workers")

    def worker(self):
        return max(self.pids - {self.pid})

    def stop(self, how=signal.SIGTERM):
        self.sink.stop()
        return super().stop(how)


APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{http}
Listen 127.0.0.1:{tls}
Mutex file:{folder} default
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule http2_module {modules}/mod_http2.so
TypesConfig /dev/null
User root
Group root
ServerLimit 1
StartServers 1
ThreadsPerChild 25
MaxRequestWorkers 25
MaxKeepAliveRequests 0
KeepAlive On
H2Direct on
H2Upgrade on
Protocols h2 h2c http/1.1
DocumentRoot {site}
Header always set X-Reply "of apache"
<Directory {site}>
	Require all granted
</Directory>
<VirtualHost 127.0.0.1:{tls}>
	SSLEngine on
	SSLCertificateFile {certificates}/cert.pem
	SSLCertificateKeyFile {certificates}/key.pem
</VirtualHost>
"""


class Apache(Program):
    def __init__(self, folder, certificates, site):
        self.http, self.tls = free_port(), free_port()
        (folder / "apache.conf").write_text(APACHE.format(
            folder=folder, certificates=certificates, site=site, http=self.http, tls=self.tls,
            modules="/usr/lib/apache2/modules"))
        # Debian's build refuses to run as root without -DBIG_SECURITY_HOLE; www-data must then read the site.
        text = (folder / "apache.conf").read_text().replace("User root\nGroup root", "User www-data\nGroup www-data")
        (folder / "apache.conf").write_text(text)
        for path in (folder, site, *folder.parents):
            if str(path).startswith("/tmp/") or path == site:
                path.chmod(path.stat().st_mode | 0o055)
        super().__init__(["apache2", "-DFOREGROUND", "-f", folder / "apache.conf"], folder,
                         ports=(self.http, self.tls))
        wait_until(lambda: len(self.pids) > 1, "apache's workers")


class Nghttpd(Program):
    def __init__(self, folder, certificates, site, tls=True):
        self.port = free_port()
        words = ["nghttpd", "-n1", "-a", "127.0.0.1", "-d", site]
        words += [self.port, certificates / "key.pem", certificates / "cert.pem"] if tls else ["--no-tls", self.port]
        super().__init__(words, folder, ports=(self.port,))


class PythonServer(Program):
    """serve.py in one of its ways."""

    def __init__(self, folder, way, *words):
        self.port = free_port()
        super().__init__([PYTHON, HERE / "peers/serve.py", way, self.port, *words], folder, ports=(self.port,))


HAPROXY = """
global
	maxconn 100
defaults
	mode http
	timeout connect 5s
	timeout client 20s
	timeout server 20s
listen plain
	bind 127.0.0.1:{v1}
	server nginx 127.0.0.1:{behind} send-proxy
listen binary
	bind 127.0.0.1:{v2}
	server nginx 127.0.0.1:{behind} send-proxy-v2
"""


class Haproxy(Program):
    """In front of a server that wants a PROXY preface: v1 and v2 are its ports for the two kinds."""

    def __init__(self, folder, behind):
        self.v1, self.v2 = free_port(), free_port()
        (folder / "haproxy.cfg").write_text(HAPROXY.format(v1=self.v1, v2=self.v2, behind=behind))
        super().__init__(["haproxy", "-db", "-f", folder / "haproxy.cfg"], folder, ports=(self.v1, self.v2))


STUNNEL = """
foreground = yes
pid =
debug = 3
[proxy]
accept = 127.0.0.1:{tls}
connect = 127.0.0.1:{clear}
cert = {certificates}/cert.pem
key = {certificates}/key.pem
"""

TINYPROXY = """
Port {clear}
Listen 127.0.0.1
Timeout 60
MaxClients 20
LogLevel Warning
LogFile "{folder}/tinyproxy.log"
PidFile "{folder}/tinyproxy.pid"
Allow 127.0.0.1
"""


LIGHTTPD = """
server.port = {tls}
server.bind = "127.0.0.1"
server.document-root = "{site}"
server.modules = ( "mod_{module}" )
ssl.engine = "enable"
ssl.pemfile = "{certificates}/cert.pem"
ssl.privkey = "{certificates}/key.pem"
"""


class Lighttpd(Program):
    """With TLS by one of its modules, which it loads by dlopen."""

    role = "server"

    def __init__(self, folder, certificates, site, module):
        self.tls = free_port()
        config = folder / "lighttpd.conf"
        config.write_text(LIGHTTPD.format(tls=self.tls, site=site, certificates=certificates, module=module))
        super().__init__(["lighttpd", "-D", "-f", config], folder, ports=(self.tls,))


class Tinyproxy(Program):
    """A proxy that relays what CONNECT asks for."""

    def __init__(self, folder):
        self.port = free_port()
        (folder / "tinyproxy.conf").write_text(TINYPROXY.format(clear=self.port, folder=folder))
        super().__init__(["tinyproxy", "-d", "-c", folder / "tinyproxy.conf"], folder, ports=(self.port,))


class Stunnel(Program):
    """TLS in front of a server that has none."""

    def __init__(self, folder, certificates, behind):
        self.port = free_port()
        (folder / "stunnel.conf").write_text(STUNNEL.format(tls=self.port, clear=behind, certificates=certificates))
        super().__init__(["stunnel", folder / "stunnel.conf"], folder, ports=(self.port,))


HAPROXY_TCP = """
global
	maxconn 100
defaults
	mode tcp
	timeout connect 5s
	timeout client 20s
	timeout server 20s
listen through
	bind 127.0.0.1:{port}
	server nginx 127.0.0.1:{behind}
"""


class HaproxyTcp(Program):
    """Hands bytes through, whatever they are."""

    def __init__(self, folder, behind):
        self.port = free_port()
        (folder / "haproxy.cfg").write_text(HAPROXY_TCP.format(port=self.port, behind=behind))
        super().__init__(["haproxy", "-db", "-f", folder / "haproxy.cfg"], folder, ports=(self.port,))
