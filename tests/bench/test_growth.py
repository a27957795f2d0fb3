# SPDX-License-Identifier: Apache-2.0
"""Nothing is quadratic: when an input doubles, so do the instructions that hark takes for it.

Counted by callgrind, so the figures are the same on every machine. What grows by less (a limit is met) is right too.
"""
import concurrent.futures
import os
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import growth  # noqa: E402
from counted import collected  # noqa: E402
from measure import HARK  # noqa: E402
from harness import is_sanitized  # noqa: E402

# Tables and buffers that double, and log n, give a little more than 2; a walk over all that came before gives 4.
LARGEST_RATIO = 2.5
RUN_S = 3000  # for half a second's work: make check runs it in what the other checks leave of the processors
pytestmark = pytest.mark.skipif(is_sanitized(), reason="callgrind counts the sanitizer's instructions")


def instructions(folder, name, size):
    recording = folder / f"{name}-{size}.rec"
    growth.write(name, recording, size)
    count = collected(folder, HARK, "replay", recording, "-q", *growth.INPUTS[name][2], name=f"{name}-{size}", deadline_s=RUN_S)
    recording.unlink()
    return count


@pytest.fixture(scope="module")
def counted():
    """name: instructions for the input, for one twice as large, and for none."""
    with tempfile.TemporaryDirectory(prefix="hark-growth-") as folder, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {(name, size * times): pool.submit(instructions, pathlib.Path(folder), name, size * times)
                for name, (_, size, _) in growth.INPUTS.items() for times in (1, 2)}
        nothing = instructions(pathlib.Path(folder), "nothing", 0)
        yield {name: [runs[name, size].result(), runs[name, 2 * size].result(), nothing]
               for name, (_, size, _) in growth.INPUTS.items() if name != "nothing"}


@pytest.mark.parametrize("name", [name for name in growth.INPUTS if name != "nothing"])
def test_growth(counted, name):
    once, twice, nothing = counted[name]
    ratio = (twice - nothing) / (once - nothing)
    print(f"{name}: {(once - nothing) / 1e6:.1f} M instructions, {ratio:.2f} times as many for twice as much")
    # The start of a view that is not the default's is not in `nothing`.
    assert once - nothing > 2_000_000, "too small to tell"
    assert ratio <= LARGEST_RATIO
