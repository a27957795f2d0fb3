# SPDX-License-Identifier: Apache-2.0
"""The growth table: what hark takes when an input doubles again and again, and its picture.

Instructions of a replay for what a recording can hold (the inputs are growth.py's), processor time until hark is ready for
what it finds on the machine: processes, and files that are TLS libraries.
"""
import concurrent.futures
import dataclasses
import os
import shutil

import growth
from counted import collected
from footprint import ready_once
from ground import needed, sleepers
from measure import HARK
from others import library_of
from report import OUT, PICTURE, NotMeasured, Reading

DOUBLINGS = 5
RUN_S = 300
STARTS = 5


@dataclasses.dataclass
class Curve:
    """Its rows: (size, cost without the cost of nothing)."""

    what: str
    unit: str
    rows: list

    def ratios(self):
        """Of each doubling."""
        costs = [cost for _, cost in self.rows]
        return [after / before for before, after in zip(costs, costs[1:])]


RECORDED = {"connections": "connections", "streams": "streams of one HTTP/2 connection", "fields": "header fields of one request",
            "body_bytes": "bytes of one body", "processes": "processes that come and go"}


def count(folder, name, size):
    recording = folder / f"growth-{name}-{size}.rec"
    growth.write(name, recording, size)
    taken = collected(folder, HARK, "replay", recording, "-q", *growth.INPUTS[name][2], name=f"{name}-{size}", deadline_s=RUN_S)
    recording.unlink()
    return taken


def recorded(folder):
    """A run a processor at once: they count."""
    sizes = {name: [growth.INPUTS[name][1] << i for i in range(DOUBLINGS)] for name in RECORDED}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        nothing = pool.submit(count, folder, "nothing", 0)
        runs = {name: [pool.submit(count, folder, name, size) for size in sizes[name]] for name in RECORDED}
        return [Curve(what, "instructions", [(size, one.result() - nothing.result())
                                             for size, one in zip(sizes[name], runs[name])])
                for name, what in RECORDED.items()]


def start_ms(folder):
    """Processor time of a start: the least of several, for what others do adds to it."""
    return min(ready_once(folder)[2] for _ in range(STARTS))


def among(folder, what, sizes, **environment):
    nothing = start_ms(folder)
    rows = []
    for size in sizes:
        with sleepers(size, **environment):
            rows.append((size, max(start_ms(folder) - nothing, 0.01)))
    return Curve(what, "ms of processor time at the start", rows)


def libraries(ground, sizes):
    """Copies of one: each is another file, which hark has to look into and to attach probes to."""
    library = library_of(ground.nginx.worker(), "libssl")
    for number in range(sizes[-1]):
        place = ground.folder / f"library-{number}"
        place.mkdir(exist_ok=True)
        shutil.copy(library, place / "libssl.so.3")
    return among(ground.folder, "files that are TLS libraries", sizes,
                 LD_PRELOAD=lambda number: f"{ground.folder}/library-{number}/libssl.so.3")


def draw(curves):
    """What each costs, relative to its first size; the dashed line is what is linear."""
    try:
        import matplotlib  # pylint: disable=import-outside-toplevel
    except ImportError:
        raise NotMeasured("the picture wants python3-matplotlib") from None
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "hark", "font.size": 9, "font.family": "sans-serif"})
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    times = [2 ** i for i in range(DOUBLINGS)]
    axes.plot(times, times, color="0.5", linestyle="--", linewidth=1, label="linear")
    for curve, mark in zip(curves, "os^vDx+"):
        (first, base), *_ = curve.rows
        axes.plot([size / first for size, _ in curve.rows], [cost / base for _, cost in curve.rows], marker=mark, markersize=4,
                  linewidth=1.2, label=f"{curve.what} (from {first:,})")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.set(xlabel="size", ylabel="cost")
    axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    OUT.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    # No trailing blanks, and no file without a line's end at its end.
    PICTURE.write_text("\n".join(line.rstrip() for line in PICTURE.read_text().splitlines()) + "\n")


def measure(ground):
    needed("valgrind", "nginx")
    curves = recorded(ground.folder)
    curves.append(among(ground.folder, "processes at the start", [200 << i for i in range(DOUBLINGS)]))
    curves.append(libraries(ground, [4 << i for i in range(DOUBLINGS)]))
    worst = "; ".join(f"{curve.what} {max(curve.ratios()):.2f}" for curve in curves)
    try:
        draw(curves)
        note = ""
    except NotMeasured as why:
        note = f" ({why})"
    return Reading(f"the most that a doubling costs: {worst}{note}", {"curves": [dataclasses.asdict(curve) for curve in curves]})
