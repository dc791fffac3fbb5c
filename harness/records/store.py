"""The store: an append-only folder of records, one file per attempt at a trial.

`<results>/records/<key>-<attempt>.json` is written under a temporary name, flushed, and linked to its name
atomically: a record is there whole or not at all, and no attempt ever overwrites another. A file that is
damaged nevertheless (full disk, truncated copy) is recognised by its digest, reported, and treated as absent.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import tempfile
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contract.errors import StoreError
from harness.contract.trial import Status
from harness.contract.visible import visible
from harness.records import USUAL, checked
from harness.records.conditions import Conditions
from harness.records.files import Unsuitable, read, sweep, write_next, write_whole
from harness.records.keys import canonical, holds
from harness.records.record import OtherFormat, Record, Unreadable, decode, encode

if TYPE_CHECKING:
    import pandas as pd

NEVER = (Unsuitable, IsADirectoryError, FileNotFoundError)  # what is there can never be read
NOTE, MOST_SEEDS = 64, 10_000  # bytes in a note, and the most seeds that can be requested
NAMED = 3  # files left out that are named one by one where they are not the subject
OF_TRIALS = ("artifacts", "checkpoints", "leases")  # folders beside the records, there once needed
DECLARED = "declared"  # the note in an experiment's folder of looks, there before any look


class Store:
    """Records below one results folder; reading is lazy, writing appends."""

    def __init__(self, root: Path | str) -> None:
        """Nothing is created until the first record is written."""
        self.root = Path(root)
        self.folder = self.root / "records"
        self._damaged: list[str] = []
        self._conditions: list[Conditions] | None = None
        self._attempts: dict[str, list[Record]] = {}
        self._seen: set[str] = set()  # names of files already read or written
        self._files: dict[int, Path] = {}  # by the identity of the record in it

    @cached_property
    def records(self) -> list[Record]:
        """Every readable record, oldest first; `damaged` describes the others."""
        self.check()
        return self._unread()

    def check(self) -> None:
        """StoreError if the results folder, or that of its records, is no folder or cannot be read.

        Also if it is itself the folder of a store's records: a store within a store would seem empty.
        """
        if self.root.name == self.folder.name and any(self.root.glob("*.json")):
            raise StoreError(f"{self.root} holds the records of a store: name that store, {self.root.parent}")
        for folder in (self.root, self.folder):
            try:
                next(folder.iterdir(), None)
            except FileNotFoundError:
                return
            except NotADirectoryError:
                raise StoreError(f"{folder} is not a folder; name the folder of a store") from None
            except OSError as error:
                raise StoreError(f"{folder} cannot be read: {error.strerror}; make it readable") from error

    @property
    def damaged(self) -> tuple[str, ...]:
        """A sentence for every file that is left out, with what to do about it."""
        _ = self.records
        return tuple(self._damaged)

    def left_out(self, named: int = NAMED) -> tuple[str, ...]:
        """The first sentences of `damaged`, and how many more files there are; `status --why` has all."""
        first, more = self.damaged[:named], len(self.damaged) - named
        if more <= 0:
            return first
        files = "1 more file is" if more == 1 else f"{more:,} more files are"
        return (*first, f"{files} left out; to see each: {self.command('status --why')}")

    def command(self, words: str) -> str:
        """A command on this store as one types it, with the folder unless that is the usual one."""
        return f"./repro.py {words}{self.option}"

    @property
    def option(self) -> str:
        """The option that names the folder, as one types it after a command; empty for the usual one."""
        return "" if self.root == USUAL else f" --results-dir {shlex.quote(visible(str(self.root)))}"

    def take_in(self) -> list[Record]:
        """Reads and returns the records that other processes have written since."""
        _ = self.records
        self._keep(found := self._unread())
        return found

    def leave_out(self, sentence: str) -> None:
        """Notes, only once, that a file of the store is left out."""
        if sentence not in self._damaged:
            self._damaged.append(sentence)

    def find(self, key: str, processor: object = None) -> Record | None:
        """The record that counts for a key: the latest that did not fail, else the latest.

        Of several laboratories' records, one of `processor` if there is any.
        """
        attempts = self.attempts(key)
        good = [r for r in attempts if r.status is not Status.FAILED] or attempts
        there = [] if processor is None else [r for r in good if r.processor == processor]
        return next(reversed(there or good), None)

    def attempts(self, key: str) -> list[Record]:
        """Every attempt at a key, oldest first; a record that does not match its key is left out."""
        if key not in self._attempts:
            self._attempts[key] = [r for r in self._by_key.get(key, []) if self._answers(r)]
        return self._attempts[key]

    def conditions(self) -> list[Conditions]:
        """The conditions under which records were made, most frequent first."""
        if self._conditions is None:
            seen = Counter(record.conditions for record in self.records)
            self._conditions = sorted(seen, key=lambda c: (-seen[c], canonical(c)))
        return self._conditions

    def ask(self, reproduction: str, protocol: str, conditions: Conditions, seeds: int) -> None:
        """Notes how many seeds were requested for an experiment, before it runs.

        Each number has a file of its own, so that of two commands that start together neither overwrites the
        other's.
        """
        path = self.place("asked", reproduction, protocol, conditions)
        path, note = path.with_name(f"{path.name}.{seeds}"), f"{seeds}\n"
        try:
            if self._number(path) != seeds:
                write_whole(path, note)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written: {error.strerror}; make it writable, delete what is there, "
                "or name another folder with --results-dir"
            ) from error

    def asked(self, reproduction: str, protocol: str, conditions: Conditions) -> int:
        """The most seeds ever requested for an experiment (dropping some later hides nothing), or 0."""
        path = self.place("asked", reproduction, protocol, conditions)
        # A note's name ends in its number; older versions wrote one note, without a number.
        notes = (name for name in _names(path.parent) if name.startswith(f"{path.name}."))
        return max(map(self._number, (path, *map(path.with_name, notes))))

    def _number(self, path: Path) -> int:
        """The number of seeds in a note, or 0."""
        try:
            return seeds_noted(path)
        except FileNotFoundError:
            return 0
        except PermissionError as error:
            where = path if os.access(path.parent, os.X_OK) else path.parent
            self.leave_out(f"{visible(str(where))} is left out: {error.strerror}; make it readable")
        except (OSError, ValueError):
            self.leave_out(
                f"{visible(str(path))} does not hold a number of seeds; it is left out: "
                "delete it, and the next run notes again how many were requested"
            )
        return 0

    def place(self, kind: str, reproduction: str, protocol: str, conditions: Conditions) -> Path:
        """Where a `kind` of note about an experiment is kept."""
        where = hashlib.sha256(canonical(conditions).encode()).hexdigest()[:8]
        return self.root / kind / f"{reproduction}.{protocol}.{where}"

    def writable(self) -> None:
        """Raises StoreError if records, or what trials leave beside them, cannot be written."""
        for folder in (self.folder, *filter(os.path.lexists, (self.root / name for name in OF_TRIALS))):
            probe = folder / f".probe-{os.getpid()}"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                probe.write_bytes(b"")
                probe.unlink()
            except OSError as error:
                raise StoreError(
                    f"nothing can be written to {folder}: {error.strerror}; "
                    "make it a folder that can be written to, or name another with --results-dir"
                ) from error

    def sweep(self) -> None:
        """Removes files that killed processes left half-written, here and in the folders below."""
        for folder in (self.root, *self.root.glob("*/"), *self.root.glob("looks/*/")):
            sweep(folder)

    def append(self, record: Record) -> Path:
        """Writes a record as the next attempt at its key, whole or not at all.

        If that fails, it is written to the temporary folder, as its trial's checkpoint is gone by now.
        """
        text = encode(record)
        try:
            path = write_next(self.folder, record.key, text)
        except OSError as error:
            raise StoreError(
                f"the record of trial {record.key} could not be written to {self.folder}: {error.strerror}; "
                f"fix that{_rescued(record.key, text)} and run the same command again: what is already "
                "stored is kept"
            ) from error
        self._seen.add(path.name)
        self._files[id(record)] = path
        self._keep([record])
        return path

    def file(self, record: Record) -> Path:
        """The file of a record that was read from or written to this store."""
        return self._files[id(record)]

    def names(self, records: Iterable[Record]) -> dict[int, str]:
        """The names of those of these records' files that are known, by the records' `id()`."""
        known = ((id(record), self._files.get(id(record))) for record in records)
        return {name: path.name for name, path in known if path is not None}

    @cached_property
    def _by_key(self) -> dict[str, list[Record]]:
        by_key: dict[str, list[Record]] = {}
        for record in self.records:
            by_key.setdefault(record.key, []).append(record)
        return by_key

    def frame(self) -> pd.DataFrame:
        """One row per record, as in `frames.frame`: `Store("results").frame()` in a notebook."""
        from harness.records import frames

        return frames.frame(self.records)

    def _answers(self, record: Record) -> bool:
        """Whether a record belongs to its key; noted if it does not."""
        if holds(record):
            return True
        self.leave_out(
            f"{visible(str(self.folder / record.key))}-*.json is left out: its trial, conditions and code "
            "do not match its key; delete it, and the next run repeats the trial"
        )
        return False

    def _keep(self, found: list[Record]) -> None:
        """Appends records to the known ones."""
        by_key = self._by_key
        self.records.extend(found)
        for record in found:
            by_key.setdefault(record.key, []).append(record)
            self._attempts.pop(record.key, None)
        self._conditions = None

    def _unread(self) -> list[Record]:
        """The readable records among files not yet seen, oldest first."""
        written = {name for name in _names(self.folder) if name.endswith(".json")}
        new = sorted(written - self._seen)
        self._seen.update(new)
        readable = checked.records(self.root, [self.folder / name for name in new], self._read)
        found = {path: record for path, record in readable.items() if self._is_named(path, record)}
        self._files |= {id(record): path for path, record in found.items()}
        return sorted(found.values(), key=lambda record: (record.finished, record.key))

    def _is_named(self, path: Path, record: Record) -> bool:
        """Whether a file has its record's name; noted if not, as a copy is no further attempt."""
        key, _, number = path.stem.rpartition("-")
        if key == record.key and number.isdecimal():
            return True
        self.leave_out(
            f"{visible(str(path))} is left out: it holds a record of {record.key}, whose files are named "
            f"{record.key}-<number>.json; delete it if it is a copy"
        )
        return False

    def _read(self, path: Path) -> Record | None:
        try:
            return decode(read(path))
        except OtherFormat as other:
            self.leave_out(f"{visible(str(path))} is left out: {other}")
        except PermissionError as error:
            self.leave_out(f"{visible(str(path))} is left out: {error.strerror}; make it readable")
        except (*NEVER, Unreadable) as error:
            why = error.strerror if isinstance(error, OSError) else error
            self.leave_out(
                f"{visible(str(path))} is not a whole record ({why}); it is left out: "
                "delete it, and the next run repeats its trial"
            )
        except OSError as error:  # it may be whole, and readable the next time
            self._seen.discard(path.name)
            self.leave_out(
                f"{visible(str(path))} is left out for now: {error.strerror}; run the same command again"
            )
        return None


def _names(folder: Path) -> list[str]:
    """Names of what is in the folder, without the patterns of `glob`, which thousands of files make slow."""
    with suppress(OSError):
        return os.listdir(folder)
    return []


def seeds_noted(path: Path) -> int:
    """The number of seeds in a note; OSError or ValueError if there is no believable one."""
    noted = int(read(path, NOTE))
    if not 0 < noted <= MOST_SEEDS:
        raise ValueError(f"{noted} seeds were requested")
    return noted


def _rescued(key: str, text: str) -> str:
    """What to do with the record that could not be stored, if it could be written elsewhere."""
    with suppress(OSError):
        place = write_next(Path(tempfile.mkdtemp(prefix="alexnet-repro-")), key, text)
        return f", move {place} there, as that trial has ended and is saved nowhere else,"
    return ""
