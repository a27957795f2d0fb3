# SPDX-License-Identifier: Apache-2.0
"""hark while nothing happens: it sleeps, and what comes then wakes it."""
import os
import re
import socket
import statistics
import subprocess
import threading
import time

import pytest

from harness import run, wait_until

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


LOOKED_S = 4


def wakes_by_time(pid):
    """How often a second hark's threads wake because of the time, as the kernel sees them: waits that end without an event
    (but those that do not wait), and timers' expirations that are read."""
    trace = run("timeout", "-s", "INT", LOOKED_S, "strace", "-f", "-e", "trace=epoll_wait,ppoll,poll,read", "-p", pid, status=None)
    text = trace.err.decode()
    lines = re.findall(r"\b(epoll_wait|ppoll|poll|read)\((.*)\) += (\d+)", text)
    assert "attached" in text, text
    waits = [given for call, given, result in lines if call != "read" and result == "0" and not given.endswith(" 0")]
    timers = [given for call, given, result in lines if call == "read" and result == "8"]
    return (len(waits) + len(timers)) / LOOKED_S


@pytest.mark.alone
@pytest.mark.parametrize("view", [(), ("conns",), ("stat", "-i", "60")], ids=["watch", "conns", "stat"])
def test_nothing_to_do_wakes_twice_a_second_at_most(hark, view):
    """What wakes it otherwise has a reason: others may start programs, which hark is told of."""
    with subprocess.Popen(["sleep", "3600"]) as sleeper:
        try:
            with hark("-p", sleeper.pid, view=view) as watch:
                assert wakes_by_time(watch.pid) <= 2
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
