# SPDX-License-Identifier: Apache-2.0
"""A program in a pseudo-terminal, and the screen that its bytes make (pyte)."""
import contextlib
import errno
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import pyte

UP, DOWN, HOME, END, PAGE_DOWN = "\x1bOA", "\x1bOB", "\x1bOH", "\x1bOF", "\x1b[6~"
ENTER, ESCAPE, BACKSPACE, CTRL_C = "\r", "\x1b", "\x7f", "\x03"


class Screen(pyte.Screen):
    """With what xterm does and pyte does not: scrolling in place (SU, SD), repetition (REP)."""
    last = " "

    def draw(self, data):
        self.last = data[-1:] or self.last
        super().draw(data)

    def repeat(self, count=1):
        self.draw(self.last * (count or 1))

    def _at_top(self, move, count):
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        move(count or 1)
        self.cursor.x, self.cursor.y = x, y

    def scroll_up(self, count=1):
        self._at_top(self.delete_lines, count)

    def scroll_down(self, count=1):
        self._at_top(self.insert_lines, count)


class Stream(pyte.ByteStream):
    csi = {**pyte.ByteStream.csi, "S": "scroll_up", "T": "scroll_down", "b": "repeat"}
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down", "repeat"}


def set_size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def spawn(*command, env=None, columns=80, rows=24):
    """A program in a terminal of its own: (process, the terminal's other end). By setsid and not by pty.fork(), whose child
    runs Python before it executes: with threads, as pytest has them at work, that may wait for ever."""
    fd, its = pty.openpty()
    set_size(its, columns, rows)
    process = subprocess.Popen(["setsid", "--ctty", *command], stdin=its, stdout=its, stderr=its, env={**os.environ, **(env or {})})
    os.close(its)
    return process, fd


class Terminal:
    """A context: the program runs in it, and is killed at its end if it has not ended."""

    def __init__(self, *command, columns=80, rows=24, env=None):
        self.command = [str(word) for word in command]
        self.env = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(env or {})}
        self.screen = Screen(columns, rows)
        self.stream = Stream(self.screen)
        self.raw = b""
        self.status = None

    def __enter__(self):
        self.process, self.fd = spawn(*self.command, env=self.env, columns=self.screen.columns, rows=self.screen.lines)
        self.pid = self.process.pid
        self.modes = termios.tcgetattr(self.fd)
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            print("\n".join(f"|{line}|" for line in self.screen.display))
        if self.status is None:
            self.process.kill()
            self.process.wait()
        os.close(self.fd)

    def resize(self, columns, rows):
        self.screen.resize(rows, columns)
        set_size(self.fd, columns, rows)

    def read(self, seconds=0.02):
        """Takes what comes within that time. False: the program has closed its terminal."""
        end = time.monotonic() + seconds
        while True:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                return True
            try:
                data = os.read(self.fd, 65536)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                return False
            if not data:
                return False
            self.raw += data
            self.stream.feed(data)

    def send(self, keys):
        os.write(self.fd, keys.encode() if isinstance(keys, str) else keys)

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self):
        return "\n".join(self.lines)

    def wait(self, condition, what, deadline_s=20):
        """Reads until condition(self.text) is true, and the picture is whole; a string is one that stands there."""
        holds = condition if callable(condition) else lambda text: condition in text
        end = time.monotonic() + deadline_s
        while True:
            before = len(self.raw)
            alive = self.read(0.06)
            if len(self.raw) == before and holds(self.text):
                return self.text
            assert alive and time.monotonic() < end, f"{what}: not on the screen\n{self.text}"

    def press(self, keys, condition, what=None):
        self.send(keys)
        return self.wait(condition, what or f"after {keys!r}: {condition!r}")

    def line(self, part):
        """The first line with that in it."""
        found = [line for line in self.lines if part in line]
        assert found, f"no line with {part!r}\n{self.text}"
        return found[0]

    def row(self, part):
        return next(y for y, line in enumerate(self.lines) if part in line)

    def cells(self, y, start, end):
        """The text in these columns; the right half of a wide character is empty."""
        return "".join(self.screen.buffer[y][x].data for x in range(start, end))

    def colors(self, y):
        """The foreground colours in a line, without the terminal's own."""
        return {self.screen.buffer[y][x].fg for x in range(self.screen.columns)} - {"default"}

    def wait_end(self, deadline_s=20):
        end = time.monotonic() + deadline_s
        while True:
            self.status = self.process.poll()
            if self.status is not None:
                with contextlib.suppress(OSError):
                    self.read(0.2)
                return self.status
            self.read()
            assert time.monotonic() < end, f"it does not end\n{self.text}"
