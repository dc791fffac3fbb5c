"""The one way to write a file: whole or not at all, whatever ends the program meanwhile; and to read one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST = 256 << 20  # bytes of a file that is read at once: no record, note or photograph has as many


class Unsuitable(OSError):
    """What is no file that could be read at once; `strerror` says why."""


def read(path: Path | str, most: int = MOST) -> bytes:
    """The content of a regular file; Unsuitable, at once, for a pipe, a device or more than `most` bytes."""
    with open(path, "rb", opener=_at_once) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise Unsuitable(errno.EINVAL, "it is no regular file", str(path))
        if found.st_size > most:
            said = f"it has {found.st_size:,} bytes, and no more than {most:,} are read"
            raise Unsuitable(errno.EFBIG, said, str(path))
        return file.read(most)


def _at_once(path: str, flags: int) -> int:
    """Opens a pipe without waiting for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to: flushed to the disk and renamed over `path` if nothing went wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield beside
        flush(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str) -> None:
    """Writes `content`, text as UTF-8 with its line ends as they are."""
    with whole(path) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


def write_next(folder: Path, stem: str, content: str) -> Path:
    """Writes `<folder>/<stem>-<number>.json` with the first number that is free; replaces nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{stem}.{os.getpid()}.part"
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


def flush(path: Path) -> None:
    """Waits until the file's content is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
