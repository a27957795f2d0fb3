# SPDX-License-Identifier: Apache-2.0
"""What is counted and not timed: instructions of a replay, runs of BPF programs and the time that the kernel says they took."""
import contextlib
import pathlib
import re

from conversations import WRITERS
from measure import HARK, run

FEW, MANY = 500, 3000  # the difference leaves the start and the end out
BPF_STATISTICS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")


def replay_command(folder, protocol, exchanges, output=None):
    recording = folder / f"{protocol}-{exchanges}.rec"
    if not recording.exists():
        WRITERS[protocol](recording, exchanges)
    return HARK, "replay", recording, "-o", f"json:{output or folder / 'replay.json'}"


def collected(folder, *command, name="callgrind", deadline_s=300):
    """Instructions that a command took."""
    done = run("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder / f'{name}.out'}", *command, deadline_s=deadline_s)
    return int(re.search(r"Collected : (\d+)", done.err.decode())[1])


def instructions(folder, protocol, exchanges):
    count = collected(folder, *replay_command(folder, protocol, exchanges))
    lines = (folder / "replay.json").read_text().splitlines()
    assert len(lines) == exchanges and not any('"hark.flags"' in line for line in lines)
    return count


def instructions_an_exchange(folder, protocol):
    few, many = (instructions(folder, protocol, exchanges) for exchanges in (FEW, MANY))
    return (many - few) / (MANY - FEW)


@contextlib.contextmanager
def program_statistics():
    """The kernel counts runs of BPF programs and their time meanwhile, which costs each of them some ns."""
    before = BPF_STATISTICS.read_text()
    BPF_STATISTICS.write_text("1")
    try:
        yield
    finally:
        BPF_STATISTICS.write_text(before)


def sum_of_programs(pid, fact):
    """What the kernel says of the BPF programs of a process, all in all."""
    values = {}
    for entry in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            text = entry.read_text()
        except FileNotFoundError:  # closed meanwhile
            continue
        facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        if fact in facts:
            values[int(facts["prog_id"])] = int(facts[fact])
    assert values
    return sum(values.values())


def runs_of_programs(pid):
    """With program_statistics()."""
    return sum_of_programs(pid, "run_cnt")
