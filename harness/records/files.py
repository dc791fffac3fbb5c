"""The only way to write a file: whole or not at all, however the program ends; and to read one."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.contract.processes import ProcessIdentity, this_process

MOST = 256 << 20  # bytes of a file read at once: more than any record, note or photograph has
PART = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)-(\d*)\.part")  # a machine, a process and its start time
LONG = 86_400.0  # seconds, longer than any file takes to write
# What decoding a file of anyone's may raise: msgspec's errors and bad UTF-8 are ValueErrors.
MALFORMED = (OSError, ValueError, RecursionError)
BLOCK = bytes(1 << 16)  # more than a disk reported as full has left


class Unsuitable(OSError):
    """Not a file that can be read at once; `strerror` says why."""


def read(path: Path | str, most: int = MOST) -> bytes:
    """The content of a regular file; Unsuitable, at once, for a pipe, a device or more than `most` bytes."""
    with open(path, "rb", opener=_at_once) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise Unsuitable(errno.EINVAL, "it is not a regular file", str(path))
        if found.st_size > most:
            said = f"it has {found.st_size:,} bytes, but at most {most:,} are read"
            raise Unsuitable(errno.EFBIG, said, str(path))
        return file.read(found.st_size or most)  # asking for more would allocate more


def _at_once(path: str, flags: int) -> int:
    """Opens a file; does not wait for the writer of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; on success it is flushed to disk and renamed over `path`.

    OSError if the disk is full, even if the writer reports that differently.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path.parent, path.name)
    try:
        with _named(path):
            try:
                yield beside
            except Exception:
                _probe(beside)
                raise
            flush(beside)
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str) -> None:
    """Writes `content`, text as UTF-8 with its line ends unchanged."""
    with whole(path) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


def write_next(folder: Path, stem: str, content: str) -> Path:
    """Writes `<folder>/<stem>-<number>.json` with the first free number; overwrites nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = _beside(folder, stem)
    try:
        beside.write_text(content, encoding="utf-8", newline="\n")
        flush(beside)
        number = 1
        while True:
            path = folder / f"{stem}-{number}.json"
            with suppress(FileExistsError):
                os.link(beside, path)
                return path
            number += 1
    finally:
        beside.unlink(missing_ok=True)


def write_new(path: Path, content: bytes) -> bool:
    """Creates a file atomically; False if it already exists, in which case it is kept.

    It is not flushed: for content that is worthless once the machine is off.
    """
    beside = _beside(path.parent, path.name)
    try:
        _write_in_new_folder(beside, content)
        with suppress(FileExistsError):
            os.link(beside, path)
            return True
        return False
    finally:
        beside.unlink(missing_ok=True)


def write_over(path: Path, content: bytes) -> None:
    """Replaces a file atomically, so that a reader sees the whole old or the whole new content.

    It is not flushed: for content that is worthless once the machine is off, or quickly recreated.
    """
    beside = _beside(path.parent, path.name)
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _write_in_new_folder(path: Path, content: bytes) -> None:
    """Creates the folder, again if another process removes it before the file is written."""
    for left in reversed(range(100)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            return
        except (FileExistsError, FileNotFoundError):  # mkdir checks whether what exists is a folder
            if not left:
                raise


def flush(path: Path) -> None:
    """Waits until the file's content is on disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sweep(folder: Path) -> None:
    """Removes files that killed processes left half-written."""
    for path in folder.glob(".*.part"):
        with suppress(OSError):
            if _abandoned(path):
                path.unlink()


def _beside(folder: Path, name: str) -> Path:
    mine = this_process()
    return folder / f".{name}.{threading.get_native_id()}.{_short(mine)}-{mine.pid}-{mine.began}.part"


def _abandoned(path: Path) -> bool:
    """Whether it is no longer being written: its process has ended, or it is more than a day old."""
    found, mine = PART.fullmatch(path.name), this_process()
    if found is not None and found[1] == _short(mine):
        return ProcessIdentity(mine.host, mine.machine, int(found[2]), found[3]).gone
    return time.time() - path.stat().st_mtime > LONG


def _short(process: ProcessIdentity) -> str:
    return hashlib.sha256(process.machine.encode()).hexdigest()[:8]


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Adds the path to write errors, which do not include it."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _probe(path: Path) -> None:
    """OSError if the file cannot grow, for which torch and safetensors raise errors of their own."""
    with suppress(FileNotFoundError), path.open("ab") as file:
        file.write(BLOCK)
