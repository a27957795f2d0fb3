# SPDX-License-Identifier: Apache-2.0
"""Recordings without secrets: the same traffic recorded twice, as it is and redacted."""
import json
import stat

import pytest

from harness import HARK, Live, run

CURL = ("curl", "-sS", "-k", "-o", "/dev/null")
SECRETS = ["B3ARERT0KEN", "C00KIECRUMB", "QU3RYT0KEN", "F0RMPASSW0RD", "M1NEALONE", "B4S1C"]
WAYS = {"http1": ("http", "--http1.1"), "tls1": ("tls", "--http1.1"), "tls2": ("tls", "--http2"),
        "h2c": ("h2c", "--http2-prior-knowledge"), "upgrade": ("apache", "--http2")}


def record(path, *options):
    live = Live("record", "-w", path, *options)
    live.path = path
    return live


def traffic(nginx, apache):
    """The clients' pids."""
    clients = []
    for port, option in WAYS.values():
        number = apache.http if port == "apache" else getattr(nginx, port)
        base = f"{'https' if port == 'tls' else 'http'}://127.0.0.1:{number}"
        common = (*CURL, option, "-H", f"Authorization: Bearer {SECRETS[0]}", "-b", f"crumb={SECRETS[1]}",
                  "-H", f"X-Mine: {SECRETS[4]}", "-H", "X-Ask: harmless")
        clients.append(run(*common, f"{base}/one?token={SECRETS[2]}&x=1"))
        if port == "tls":
            clients.append(run(*common, f"{base}/one?token={SECRETS[2]}&x=1", "-o", "/dev/null", f"{base}/small.txt"))
        clients.append(run(*common, "-d", f"user=me&password={SECRETS[3]}&z=1", f"{base}/post"))
        clients.append(run(*CURL, option, "-u", f"me:{SECRETS[5]}", f"{base}/small.txt"))
    return {client.pid for client in clients}


def replayed(path, *options, verbose="-vv"):
    return [json.loads(line) for line in run(HARK, "replay", path, verbose, "-o", "json", *options).text.splitlines()]


def shape(one):
    """Facts that stay with and without secrets; not bodies: what is no text is not judged, so it is left out."""
    names = [[name for name, _ in one.get(f"http.{side}.header", [])] for side in ("request", "response")]
    return (one["process.pid"], one.get("http.request.method"), one.get("url.path"), one.get("http.response.status_code"),
            one.get("http.request.body.size"), one.get("http.response.body.size"), one.get("hark.stream"), one.get("hark.flags"),
            names)


@pytest.mark.parametrize("capture", ["socket", "syscall"])
def test_no_secret_is_in_the_file(nginx, apache, tmp_path, capture):
    plain, redacted = record(tmp_path / "plain.rec", "--capture", capture), \
        record(tmp_path / "redacted.rec", "--redacted", "--redact", "x-mine", "--capture", capture)
    pids = traffic(nginx, apache) | {nginx.worker()} | apache.pids
    plain.end()
    redacted.end()
    assert "keep it private (--redacted" in plain.said and "are overwritten" in redacted.said
    assert stat.S_IMODE(redacted.path.stat().st_mode) == 0o600
    data, all_of_it = redacted.path.read_bytes(), plain.path.read_bytes()
    assert all(secret.encode() in all_of_it for secret in SECRETS[:5])
    assert not [secret for secret in SECRETS if secret.encode() in data]
    # HTTP/2's secrets are Huffman-coded in the file: decoded they would show.
    shown = json.dumps(replayed(redacted.path, "--show-secrets"))
    assert not [secret for secret in SECRETS if secret in shown]
    assert all(secret in json.dumps(replayed(plain.path, "--show-secrets")) for secret in SECRETS[:5])
    before, after = (sorted((shape(one) for one in replayed(path, verbose="-v") if one["process.pid"] in pids), key=repr) for path in (plain.path, redacted.path))
    assert len(before) >= 3 * len(WAYS) * 2 - 3
    assert before == after, "\n".join(f"{a}\n{b}" for a, b in zip(before, after) if a != b)
    assert "user=me&password=" in shown and "harmless" in shown and "x=1" in shown


def test_beside_a_view(nginx, tmp_path):
    path = tmp_path / "beside.rec"
    done = run(HARK, "-w", path, "--redacted", "-v", "--show-secrets", "--", *CURL, "--http1.1", "-H", f"Authorization: {SECRETS[0]}",
               f"http://127.0.0.1:{nginx.http}/one")
    assert SECRETS[0] in done.err.decode() and SECRETS[0].encode() not in path.read_bytes()
    done = run(HARK, "-w", path, "--redacted", "-v", "--", *CURL, "--http1.1", "-H", f"Authorization: {SECRETS[0]}",
               f"http://127.0.0.1:{nginx.http}/one")
    assert "Authorization: [redacted]" in done.err.decode() and SECRETS[0].encode() not in path.read_bytes()


def test_what_is_no_http_is_left_out(tmp_path, python_http):
    import socket  # noqa: PLC0415
    import threading  # noqa: PLC0415
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener.accept()[0] as far:
            far.sendall(far.recv(1000))

    threading.Thread(target=serve, daemon=True).start()
    recorder = record(tmp_path / "other.rec", "--redacted")
    with socket.create_connection(listener.getsockname()) as near:
        near.sendall(b"AUTH " + SECRETS[0].encode() + b"\r\n")
        near.recv(1000)
    recorder.end()
    assert SECRETS[0].encode() not in recorder.path.read_bytes()
    assert "record.dropped" in recorder.said
