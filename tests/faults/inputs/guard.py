"""What no input may make the program do: hang, use all memory, write elsewhere, or run its content."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.data.packing import meta_table

SECONDS = 20.0  # for one input, on a machine that also does other work
MEMORY = 6 << 30  # bytes that all inputs may add to what was there before
RUNNING = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.spawn",
    "pickle.find_class", "socket.connect", "ctypes.dlopen",
)  # fmt: skip
STARTING = ("subprocess.Popen", "os.posix_spawn")  # what subprocess.run is, by Python's version
CHANGING = (
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Hang(BaseException):
    """An input that took too long."""


class Guard:
    """Watches the process through Python's audit events, while told to."""

    def __init__(self) -> None:
        """An audit hook can never be removed, so there is one for all."""
        self.folder: Path | None = None  # None: nothing is watched
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    @contextmanager
    def watching(self, folder: Path) -> Iterator[list[str]]:
        """What was done that is forbidden, as sentences; Hang if the block takes too long."""
        before = signal.signal(signal.SIGALRM, _hang)
        self.seen, self.folder, began = [], folder, time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            yield self.seen
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            self.folder = None
        if time.monotonic() - began > SECONDS:  # in a call that no signal interrupts
            raise Hang

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event in STARTING and meta_table.__file__ in given[1]:
            return  # a process that reads what might crash this one
        if event in RUNNING:
            self.seen.append(f"{event} {given!r:.100}")
        elif event == "open" and isinstance(given[2], int) and given[2] & WRITING:
            self._check(event, given[:1])
        elif event in CHANGING:
            self._check(event, given[:2])

    def _check(self, event: str, paths: tuple[Any, ...]) -> None:
        for path in paths:
            if isinstance(path, (str, bytes, os.PathLike)):
                where = os.path.realpath(os.fsdecode(path))
                if where != os.devnull and not where.startswith(f"{self.folder}{os.sep}"):
                    self.seen.append(f"{event} {where!r:.100}")


def _hang(number: int, frame: object) -> None:
    raise Hang


@contextmanager
def little_memory(more: int = MEMORY) -> Iterator[None]:
    """Limits how much more memory the process may take, so that a request for all of it is refused."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
