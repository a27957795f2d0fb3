# SPDX-License-Identifier: Apache-2.0
"""A filter key that exists only here is one row, tests/toys/toy_filter.inc: the kernel side decides it.

The hark of these tests is `make toy`.
"""
import json

from harness import HARK, ROOT, TOY_HARK, run

RECORDING = ROOT / "testdata/recordings/mixed.rec"


def ask(nginx, *names):
    """Clear over one port, TLS over another."""
    urls = {"clear": f"http://127.0.0.1:{nginx.http}/one", "tls": f"https://127.0.0.1:{nginx.tls}/moved"}
    run("curl", "-sS", "-k", *[word for name in names for word in ("-o", "/dev/null", urls[name])])


def test_in_the_kernel(toy_hark, nginx, capture):
    with toy_hark("--capture", capture, f"toyport:{nginx.http}", f"pid:{nginx.worker()}") as watch:
        ask(nginx, "clear", "tls", "clear")
        watch.wait_for(2)
    assert [one["url.path"] for one in watch.objects] == ["/one", "/one"]
    assert "hark: filter in the kernel: toyport, pid; in hark: nothing" in watch.talk, watch.talk
    assert watch.stats.get("bytes.ciphertext", 0) == 0


def test_of_what_the_kernel_cannot_decide(toy_hark, nginx):
    with toy_hark(f"!toyport:{nginx.tls}", f"pid:{nginx.worker()}") as watch:
        ask(nginx, "tls", "clear")
        watch.wait_for(1)
    assert [one["url.path"] for one in watch.objects] == ["/one"]
    assert "hark: filter in the kernel: pid; in hark: toyport" in watch.talk, watch.talk


def test_of_a_recording():
    def lines(*words):
        return list(map(json.loads, run(TOY_HARK, "replay", RECORDING, "-o", "json", *words).text.splitlines()))

    port = lines()[0]["network.local.port"]
    assert lines(f"toyport:{port}") == lines(f"port:{port}") != []
    assert lines(f"!toyport:{port}") == lines(f"!port:{port}") != []


def test_help_and_errors_know_it():
    assert "  toyport:443, 8000-8099 " in run(TOY_HARK, "--help").text
    assert "'toyport:x' is wrong: a port is a number" in run(TOY_HARK, "toyport:x", status=2).err.decode()
    assert "toyport" not in run(HARK, "--help").text
    assert "does not restrict" not in run(TOY_HARK, "record", "-w", "/dev/null", "-d", "0.1", "toyport:80").err.decode()
