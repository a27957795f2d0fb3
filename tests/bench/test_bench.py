# SPDX-License-Identifier: Apache-2.0
"""The bench in seconds, for make check: nothing lost, and floors that a busy machine meets too."""
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from measure import CONNECTIONS, Load, loop_ratio, make_nginx  # noqa: E402
from harness import is_sanitized  # noqa: E402


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="hark-bench-") as name:
        path = pathlib.Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="module")
def nginx(folder):
    server = make_nginx(folder)
    yield server
    server.stop()


@pytest.mark.parametrize("tls, floor", [(False, 0.50), (True, 0.35)])
def test_load(folder, nginx, tls, floor):
    """wrk goes as fast as the machine can, which may be more than the default ring is meant for (make bench looks
    at that one): a large ring takes what hark lags. With a sanitized hark only the accounts are judged."""
    ring = "512M" if is_sanitized() else "256M"
    load = Load(folder, nginx, tls, 2, 2, "--ring", ring)
    assert load.surplus <= CONNECTIONS
    assert sum(load.lost) == 0 and sum(load.missing) == 0, (load.lost, load.missing)
    assert is_sanitized() or load.ratio >= floor, (load.with_hark, load.without)


@pytest.mark.parametrize("what", ["getppid", "pipe"])
def test_unrelated_calls(folder, what):
    for _ in range(3):  # the machine is shared: one quiet moment of three is enough
        ratio, base = loop_ratio(folder, what, 2, 0.5, "--capture", "socket")
        if ratio <= 1.15:
            break
    assert ratio <= 1.15, f"{what}: {base:.0f} ns a round without hark, {ratio:.3f} times with it"
