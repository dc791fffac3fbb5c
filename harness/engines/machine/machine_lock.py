"""Turns between the trials of this machine: one that times itself runs alone, others in parallel.

Alone means on the whole machine: trials on other GPUs would share its cores, its memory and its buses.
The locks are advisory, between processes, and the operating system's own: they work between any number of
invocations by one user, and are free as soon as their holder ends, for whatever reason.
"""

from __future__ import annotations

import os
import platform
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from fasteners import InterProcessReaderWriterLock

from harness.contract.errors import EngineError
from harness.contract.session import Interrupted

POLL = 0.1  # seconds between two attempts
PATIENCE = 2.0  # seconds of waiting before the reason is reported
BEFORE_ALONE = "waiting for other trials on this machine to end, as it must run alone"
BEHIND_ALONE = "waiting for a trial that must run alone on this machine to end"


@contextmanager
def turn(
    alone: bool,
    stopping: Callable[[], bool] = lambda: False,
    waiting: Callable[[str], None] = lambda reason: None,
) -> Iterator[None]:
    """Waits until this trial may run, and holds its place; Interrupted if it is asked to stop meanwhile.

    A trial waiting to run alone holds a gate that no other can pass, so that it cannot be starved.
    `waiting` is called once with the reason if the wait is longer than a moment. A process has one turn at a
    time: the locks do not work between its threads.
    """
    wait = _Wait(stopping, waiting, BEFORE_ALONE if alone else BEHIND_ALONE)
    gate, room = (InterProcessReaderWriterLock(path, wait) for path in wait.paths)
    with ExitStack() as place, ExitStack() as passage:
        passage.enter_context(_held(gate, alone))
        place.enter_context(_held(room, alone))
        if not alone:
            passage.close()
        yield


class _Wait:
    """What happens between two attempts at a lock."""

    def __init__(self, stopping: Callable[[], bool], waiting: Callable[[str], None], reason: str) -> None:
        self.stopping, self.waiting, self.reason = stopping, waiting, reason
        self.paths, self.since, self.said = places(), time.monotonic(), False

    def __call__(self, seconds: float) -> None:
        if self.stopping():
            raise Interrupted
        if not self.said and time.monotonic() - self.since >= PATIENCE:
            self.said = True
            self.waiting(self.reason + _named(holders(*self.paths)))
        time.sleep(seconds)


@contextmanager
def _held(lock: InterProcessReaderWriterLock, alone: bool) -> Iterator[None]:
    acquire = lock.acquire_write_lock if alone else lock.acquire_read_lock
    try:
        try:
            acquire(delay=POLL, max_delay=POLL)
        except RuntimeError as error:  # a file system without locks
            raise EngineError(f"{error}; set XDG_CACHE_HOME to a folder on a local disk") from None
        yield
    finally:
        lock.release_read_lock()  # of either kind; closes the file, even if the wait was interrupted


def holders(*paths: Path) -> list[int]:
    """The other processes that hold locks on these files, as far as known; empty except on Linux."""
    inodes = {str(path.stat().st_ino) for path in paths}
    found = set()
    with suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            fields = line.split()  # 1: POSIX ADVISORY READ 1234 08:02:5678 0 EOF
            if "->" not in fields and fields[5].rpartition(":")[2] in inodes:
                found.add(int(fields[4]))
    return sorted(found - {os.getpid()})


def _named(pids: Sequence[int]) -> str:
    return f" (process {', '.join(map(str, pids))})" if pids else ""


def places() -> tuple[Path, Path]:
    """The files of the gate and the room, created if missing; EngineError if they cannot be used.

    Their names include the machine's, since a home may be shared between machines.
    """
    gate, room = (_folder() / f"{name}.{platform.node()}.lock" for name in ("gate", "room"))
    return _checked(gate), _checked(room)


def _folder() -> Path:
    """A folder of the user's own, below the cache folder.

    Not below the runtime folder: only login sessions have one, so that a cron job would not see their locks,
    and it is removed when the last session ends, which a detached run may outlive.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        folder = (cache if cache.is_absolute() else Path.home() / ".cache") / "alexnet-repro"
        folder.mkdir(0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        raise EngineError(
            f"there is no folder for locks ({error}): set XDG_CACHE_HOME to a writable folder"
        ) from None
    if not _own(folder):
        raise EngineError(f"{folder} belongs to another user: set XDG_CACHE_HOME to another folder")
    return folder


def _checked(path: Path) -> Path:
    """The path, if it is a regular file of the user's own, not a link or pipe put in its place."""
    try:
        if not os.path.lexists(path):
            path.touch(0o600)
        regular = stat.S_ISREG(path.lstat().st_mode)
    except OSError as error:
        raise EngineError(f"{path} cannot be created: {error.strerror}") from None
    if not (regular and _own(path)):
        raise EngineError(
            f"{path} is not a regular file of your own: delete it and run the same command again"
        )
    return path


def _own(path: Path) -> bool:
    return sys.platform == "win32" or path.stat().st_uid == os.geteuid()
