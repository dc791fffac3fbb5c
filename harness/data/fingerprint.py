"""The identity of photographs: of a pack by its index, of a folder by its files' names and bytes."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from harness.contract.errors import DataError
from harness.data import folders, photographs
from harness.data.packing import pack
from harness.data.readable import reading
from harness.records import environment, files
from harness.records.conditions import DataIdentity, Form

Seen = tuple[tuple[str, int, int], ...]  # name below the folder, size, modification time


def of(dataset: str, place: Path) -> DataIdentity:
    """The identity of a located data set; files are read again only if one has changed.

    DataError if it cannot be read, or is the pack of another data set.
    """
    if folders.packed(place):
        return _of_pack(dataset, place)
    decoder = f"Pillow {environment.version('pillow')}"
    try:
        return DataIdentity(dataset, Form.FILES, _content(place, _seen(place)), decoder)
    except OSError as error:
        named = error.filename or place
        raise DataError(f"{named} cannot be read: {error.strerror}; remove it or get it again") from None


def _of_pack(dataset: str, place: Path) -> DataIdentity:
    check_readable(place)
    identity = pack.read_index(place).identity
    if identity.dataset != dataset:
        raise DataError(
            f"{place} is a pack of {identity.dataset}, not of {dataset}; rename it to {identity.dataset}.pack"
        )
    return identity


def check_readable(place: Path) -> None:
    """DataError if a pack's index cannot be read: it is not damaged then, and nobody should delete it."""
    with reading(place), suppress(FileNotFoundError, files.Unsuitable):  # of which `read_index` speaks
        files.read(place / folders.INDEX)


def _seen(place: Path) -> Seen:
    found = []
    for split in ("train", "val"):
        for name in photographs.classes(place, split):
            for file in photographs.image_files(place / split / name):
                stat = file.stat()
                found.append((f"{split}/{name}/{file.name}", stat.st_size, stat.st_mtime_ns))
    return tuple(found)


@lru_cache(maxsize=8)
def _content(place: Path, seen: Seen) -> str:
    def line(name: str) -> str:
        return f"{hashlib.sha256(files.read(place / name)).hexdigest()} {name}"

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # hashing releases Python's lock
        lines = threads.map(line, (name for name, _, _ in seen))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
