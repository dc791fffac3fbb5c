"""A cache of a large store's checked files, so that commands need not read and check them all again.

`<results>/checked.json` holds each record without its curve, which is most of a file and rarely needed. An
entry is valid as long as its file is the one that was checked, by inode, size and times, and the program is
the one that checked it. A copied store, or one from elsewhere, is therefore read in full.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import msgspec

from harness.contract.errors import StoreError
from harness.contract.visible import visible, visible_json
from harness.records import provenance
from harness.records.files import MALFORMED, read, write_whole
from harness.records.record import Record, from_stored, without_curve
from harness.records.shape import Stored

FILE = "checked.json"
WORTHWHILE = 1_000  # files; fewer are read in a fraction of a second
Mark = tuple[int, int, int, int, int]  # of a file: device, inode, size, and when content and inode changed


class _Entry(msgspec.Struct):
    mark: Mark
    record: Stored


class _Content(msgspec.Struct):
    program: str
    entries: dict[str, _Entry]  # by the file's name


class _Curve(msgspec.Struct):
    curve: msgspec.Raw


def records(
    root: Path, files: Sequence[Path], read_one: Callable[[Path], Record | None]
) -> dict[Path, Record]:
    """The readable records among a store's files; `read_one` reads those not checked before.

    If there are many of those, they are listed for the next command.
    """
    if len(files) < WORTHWHILE:
        return _readable({file: read_one(file) for file in files})
    known = _entries(root / FILE)
    marks = {file: _mark(file) for file in files}  # taken before the files are read
    listed = _readable({file: _listed(file, marks[file], known.get(file.name)) for file in files})
    new = _readable({file: read_one(file) for file in files if file not in listed})
    if len(new) >= WORTHWHILE:
        _write(root / FILE, listed | new, marks)
    return listed | new


def _readable(found: Mapping[Path, Record | None]) -> dict[Path, Record]:
    return {file: record for file, record in found.items() if record is not None}


def _entries(path: Path) -> Mapping[str, _Entry]:
    """The entries by file; none if there is no list, or another program version wrote it."""
    with suppress(*MALFORMED):
        content = msgspec.json.decode(read(path), type=_Content)
        if content.program == _program():
            return content.entries
    return {}


def _listed(file: Path, mark: Mark | None, entry: _Entry | None) -> Record | None:
    """The record of a file unchanged since it was checked; its curve is read on demand."""
    if mark is None or entry is None or entry.mark != mark:
        return None
    return from_stored(entry.record, curve=partial(_curve, file, mark))


def _write(path: Path, found: Mapping[Path, Record], marks: Mapping[Path, Mark | None]) -> None:
    entries = {file.name: {"mark": marks[file], "record": without_curve(found[file])} for file in found}
    with suppress(OSError):  # a store that cannot be written to does without
        write_whole(path, msgspec.json.encode({"program": _program(), "entries": entries}))


def _mark(file: Path) -> Mark | None:
    """What identifies a file and its state; None if there is no file."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _curve(file: Path, mark: Mark) -> msgspec.Raw:
    """The text of a checked curve; StoreError if the file has changed."""
    with suppress(OSError):
        data = read(file)
        if _mark(file) == mark:
            return msgspec.json.decode(visible_json(data), type=_Curve).curve
    raise StoreError(
        f"{visible(str(file))} was changed or removed while the store was being read; run the command again"
    )


@cache
def _program() -> str:
    return provenance.source_hash(provenance.ROOT)
