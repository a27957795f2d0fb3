# SPDX-License-Identifier: Apache-2.0
"""hark while nothing happens: it sleeps, and what comes then wakes it."""
import os
import pathlib
import re
import socket
import statistics
import subprocess
import threading
import time

import pytest

from harness import wait_until

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def switches(pid):
    """How often the process's threads went to sleep or were made to so far."""
    texts = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", "".join(texts))))


def is_quiet(pid):
    before = switches(pid)
    time.sleep(0.5)
    return switches(pid) - before <= 1


@pytest.mark.alone
@pytest.mark.parametrize("view", [(), ("conns",), ("stat", "-i", "60")], ids=["watch", "conns", "stat"])
def test_nothing_to_do_wakes_twice_a_second_at_most(hark, view):
    """Looked at until it is so: others may start programs, which hark is told of."""
    with subprocess.Popen(["sleep", "3600"]) as sleeper:
        try:
            with hark("-p", sleeper.pid, view=view) as watch:
                wait_until(lambda: is_quiet(watch.pid), "half a second with one switch at most")
        finally:
            sleeper.kill()


@pytest.mark.alone
@pytest.mark.parametrize("capture", ["socket", "syscall"])
def test_what_comes_wakes_a_sleeper(hark, capture):
    """No program starts, so that records alone can wake hark: their lines do not wait for the clock, which is a second."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()

    def answer():
        while server.recv(1000):
            server.sendall(ANSWER)

    answering = threading.Thread(target=answer)
    answering.start()
    late = []
    with hark("-p", os.getpid(), "--capture", capture) as watch:
        for round_ in range(5):
            time.sleep(0.6)  # asleep after 0.2, and away from the clock's next second, which begins then
            begin = time.monotonic()
            client.sendall(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % round_)
            assert client.recv(1000) == ANSWER
            wait_until(lambda path=f"/{round_}": sum(one.get("url.path") == path for one in watch.objects) == 2,
                       "the lines of both ends")
            late.append(time.monotonic() - begin)
        client.close()
        answering.join()
    server.close()
    listener.close()
    assert statistics.median(late) < 0.25, late
