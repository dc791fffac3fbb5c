"""Leases: which driver of a store runs which trial, so that several share the work and no trial runs twice.

The first driver creates `<results>/leases/<key>.<number>` atomically; of several numbers the highest is
valid. A driver shows that it is alive by touching its leases. Waiting drivers check these signs of life
against their own monotonic clocks: no two machines' clocks are compared, and the file system needs no locks.
When a driver is gone (known at once on this machine, and elsewhere after a long silence), its lease is taken
over under the next number.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from harness.contract.errors import StoreError
from harness.contract.processes import ProcessIdentity, this_process
from harness.engines.so_far import SoFar, forget, noted, notes, publish
from harness.records.files import MALFORMED, write_new

BEAT = 5.0  # seconds between two signs of life
EXPIRY = 120.0  # seconds of silence; network file systems show a sign up to a minute late
LONGEST = 10_000  # bytes in a lease at most
Mark = tuple[int, int, int]


@dataclass(frozen=True)
class Holder:
    """Who runs a trial, since when (by the holder's clock), and a description of the trial for people.

    `token` distinguishes leases: others may have taken the same number in the meantime.
    """

    process: ProcessIdentity
    since: str
    trial: str = ""
    token: str = ""

    def __str__(self) -> str:
        return f"{self.process}, since {self.since}"


# The holder of a lease that was just taken, or of a file that is not a lease.
UNKNOWN = Holder(ProcessIdentity("an unknown machine", "", 0, ""), "an unknown time")


@dataclass(frozen=True)
class Lease:
    """A lease as an observer sees it; `silent` is measured by the clocks of this machine and its disk."""

    key: str
    holder: Holder
    silent: float  # seconds since the last sign of life
    so_far: SoFar | None = None


class Leases:
    """One driver's view of the leases of a store."""

    def __init__(
        self, folder: Path, expiry: float = EXPIRY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is created before the first lease."""
        self.folder, self.expiry, self.clock = folder, expiry, clock
        self.held: dict[str, Path] = {}
        self.own: dict[str, Holder] = {}  # what each of these says
        self.signs: dict[Path, tuple[Mark, float]] = {}  # the latest sign of life, and when it was seen

    def take(self, key: str, trial: str = "") -> Holder | None:
        """Takes the trial, or returns who has it; `trial` describes it to others."""
        last = self._last(key)
        holder = None if last is None else self._living(last)
        if holder is not None:
            return holder
        mark = None if last is None else _mark(last)
        mine, me = self.folder / f"{key}.{1 if last is None else _number(last) + 1}", _me(trial)
        if not _written(mine, me):
            return UNKNOWN
        if self._last(key) != mine or (last is not None and _mark(last) not in (None, mark)):
            mine.unlink(missing_ok=True)  # another driver tried at the same time: the next attempt decides
            return UNKNOWN
        if last is not None:
            with suppress(OSError):
                _remove(last)
        self.own[key], self.held[key] = me, mine  # in this order: `beat` is of another thread
        return None

    def holds(self, key: str) -> bool:
        """Whether no other driver took the trial over, which happens if this one was suspended for long."""
        path = self.held.get(key)
        return path is not None and self._last(key) == path and _read(path) == self.own[key]

    def release(self, key: str) -> None:
        """Gives the trial up to others."""
        own = self.holds(key)
        path = self.held.pop(key, None)
        if path is not None and own:
            _remove(path)

    def beat(self, so_far: Callable[[str], SoFar | None]) -> None:
        """Gives a sign of life on every lease held, with its trial's progress."""
        for key, path in list(self.held.items()):
            with suppress(OSError):  # the disk is briefly unavailable
                if not self.holds(key):  # it was taken over
                    continue
                os.utime(path)
                if (found := so_far(key)) is not None:
                    publish(path, found)
                if self.held.get(key) != path:  # it was released meanwhile, with its earlier note
                    forget(path)

    def sweep(self) -> None:
        """Removes the leases of this machine's drivers that are gone."""
        for path in _leases(self.folder, "*"):
            holder = _read(path)
            if holder is not None and holder.process.gone:
                with suppress(OSError):  # in another user's folder
                    _remove(path)
        for path in notes(self.folder):
            if not path.exists():
                forget(path)

    def _last(self, key: str) -> Path | None:
        return max(_leases(self.folder, key), key=_number, default=None)

    def _living(self, path: Path) -> Holder | None:
        """Who holds the lease; None if it is gone, or has been silent for too long."""
        holder, mark = _read(path), _mark(path)
        if holder is None or mark is None or holder.process.gone:
            return None
        now = self.clock()
        seen, since = self.signs.get(path, (None, now))
        if seen != mark:
            self.signs[path] = mark, now
            return holder
        return holder if now - since < self.expiry else None


@contextmanager
def leases(folder: Path, so_far: Callable[[str], SoFar | None]) -> Iterator[Leases]:
    """Leases with signs of life while the block lasts; all are released at its end.

    `so_far` returns a trial's progress. It must not block, or the signs of life would be late.
    """
    mine, over = Leases(folder), threading.Event()

    def live() -> None:
        while not over.wait(BEAT):
            mine.beat(so_far)

    thread = threading.Thread(target=live, daemon=True)
    mine.sweep()
    thread.start()
    try:
        yield mine
    finally:
        over.set()
        thread.join()
        for key in list(mine.held):
            mine.release(key)
        with suppress(OSError):  # others may have leases there
            folder.rmdir()


def held(folder: Path) -> Iterator[Lease]:
    """The leases of a store, except those whose driver is known to be gone; writes nothing."""
    latest = {path.stem: path for path in sorted(_leases(folder, "*"), key=_number)}
    for key, path in sorted(latest.items()):
        holder, mark = _read(path), _mark(path)
        if holder is not None and mark is not None and not holder.process.gone:
            yield Lease(key, holder, max(0.0, time.time() - mark[0] / 1e9), noted(path))


def _leases(folder: Path, key: str) -> list[Path]:
    return [path for path in folder.glob(f"{key}.*") if path.suffix[1:].isdecimal()]


def _remove(path: Path) -> None:
    """Removes a lease; its note first, so that no note is left without a lease."""
    forget(path)
    path.unlink(missing_ok=True)


def _number(path: Path) -> int:
    return int(path.suffix[1:])


def _me(trial: str) -> Holder:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return Holder(this_process(), now, trial, uuid4().hex)


def _written(path: Path, holder: Holder) -> bool:
    """Whether the lease could be created: False if another driver was faster."""
    try:
        return write_new(path, msgspec.json.encode(holder))
    except OSError as error:
        raise StoreError(
            f"the lease {path} cannot be written: {error.strerror}; fix that (free space, permissions) and "
            "run the same command again: what is already stored is kept"
        ) from None


def _read(path: Path) -> Holder | None:
    """Who holds the lease; None if it is gone. A file that is not a lease has an unknown holder."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return UNKNOWN
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(LONGEST), type=Holder)
    except FileNotFoundError:
        return None
    except MALFORMED:
        return UNKNOWN


def _mark(path: Path) -> Mark | None:
    """What changes with every sign of life; None if the lease is gone."""
    try:
        found = path.lstat()
        if stat.S_ISREG(found.st_mode):
            # A network file system refreshes a file when it is opened; another user's may be unreadable.
            with suppress(PermissionError), path.open("rb") as file:
                found = os.fstat(file.fileno())
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
