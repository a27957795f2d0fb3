# SPDX-License-Identifier: Apache-2.0
"""What benches share: servers that are started when the first bench wants them, and programs of their own."""
import contextlib
import functools
import shutil
import subprocess

from measure import serving, serving_go
from report import NotMeasured

LARGE_FILES = {"1m": 2 ** 20, "100m": 100 * 2 ** 20}


def needed(*programs):
    for program in programs:
        if not shutil.which(program):
            raise NotMeasured(f"{program} is not installed")


class Ground:
    def __init__(self, folder, rounds, seconds):
        self.folder, self.rounds, self.seconds = folder, rounds, seconds
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    @functools.cached_property
    def nginx(self):
        needed("nginx", "wrk", "h2load")
        nginx = self.stack.enter_context(serving(self.folder))
        for name, size in LARGE_FILES.items():
            (self.folder / "www" / name).write_bytes(bytes(range(256)) * (size // 256))
        return nginx

    @functools.cached_property
    def go(self):
        needed("go", "hey")
        assert self.nginx  # whose certificate it has
        return self.stack.enter_context(serving_go(self.folder))

    @functools.cached_property
    def bystander(self):
        """The pid of a program that does nothing."""
        return self.stack.enter_context(sleepers(1))[0].pid


@contextlib.contextmanager
def sleepers(count, command=("sleep", "3600"), **environment):
    """So many programs that do nothing, in a process group of their own, each ended by its pid.

    environment: name=function of the program's number."""
    started = []
    try:
        for number in range(count):
            started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL, process_group=started[0].pid if started else 0,
                                            env={name: value(number) for name, value in environment.items()} or None))
        yield started
    finally:
        for one in started:
            one.kill()
        for one in started:
            one.wait()
