"""Where every image of a source is: folders of files, or the official archives, read in place.

An archive is not unpacked: its headers are read once, and an image is a number of bytes at an offset.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.contract.errors import DataError
from harness.contract.visible import visible
from harness.data import photographs
from harness.records.files import MOST

DAMAGE = (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, zlib.error)  # of an archive
NAMED = re.compile(r"ILSVRC(\d{4})_")
PATCH, PATCHED_YEAR = "patch_images.tar", 2010


@dataclass(frozen=True, slots=True)
class Location:
    """An image: a file, or `size` bytes at `offset` of an archive; `name` is the file name in both cases."""

    path: str
    name: str
    offset: int = -1
    size: int = 0

    def open(self) -> Path | io.BytesIO:
        """What `photographs.decode` takes.

        DataError if an archive cannot be read, or if its image is larger than any photograph.
        """
        if self.offset < 0:
            return Path(self.path)
        if self.size > MOST:
            raise DataError(f"{self} is no photograph: it has {self.size:,} bytes; get the archive again")
        try:
            with open(self.path, "rb") as file:
                return io.BytesIO(os.pread(file.fileno(), self.size, self.offset))
        except OSError as error:
            said = error.strerror or error
            raise DataError(f"{visible(str(self))} cannot be read: {said}; make it readable") from None

    @property
    def origin(self) -> str:
        """Tells most images from others of the same name without reading them: size, and whether patched."""
        size = self.size
        if self.offset < 0:
            try:
                size = os.stat(self.path).st_size
            except OSError:
                size = -1  # decoding it will say why
        return f"{size} {os.path.basename(self.path) == PATCH}"

    def __str__(self) -> str:
        return self.path if self.offset < 0 else f"{self.name} in {self.path}"


def by_class(source: Path, split: str, year: int = 0) -> dict[str, list[Location]] | None:
    """Images of `source/<split>/<class>/`, or of an archive with one archive per class; None without either.

    A folder of the classes' archives also works.
    """
    folder = source / split
    if folder.is_dir() and any(p.is_dir() and not p.name.startswith(".") for p in folder.iterdir()):
        names = photographs.classes(source, split)
        return {name: files(folder / name) for name in names}
    inner = sorted(p for p in folder.glob("n*.tar") if p.is_file()) if folder.is_dir() else []
    if inner:
        return {path.stem: list(_members(path)) for path in inner}
    archive = archive_of(source, split, year)
    nested = list(_members(archive, ".tar")) if archive else []
    return {PurePosixPath(m.name).stem: list(_inside(m)) for m in nested} or None


def flat(source: Path, split: str, year: int = 0) -> list[Location] | None:
    """Images directly in `source/<split>/`, else in the split's archive, by name; None without either."""
    folder = source / split
    if folder.is_dir() and (found := files(folder)):
        return found
    archive = archive_of(source, split, year)
    return sorted(_members(archive), key=lambda place: place.name) if archive else None


def files(folder: Path) -> list[Location]:
    """The image files directly in a folder, by name."""
    return [Location(str(path), path.name) for path in photographs.image_files(folder)]


def archive_of(source: Path, split: str, year: int = 0) -> Path | None:
    """`ILSVRC2012_img_train.tar` and the like; DataError if all that are there are another year's."""
    there = [path for path in source.glob(f"*_{split}.tar") if path.is_file()]
    found, any_year = of_year(there, year), of_year(there)
    if any_year and not found:
        raise DataError(
            f"{visible(str(any_year[0]))} is of another year than ILSVRC-{year}; "
            f"name the folder of ILSVRC-{year}'s archives with --source"
        )
    return found[0] if found else None


def of_year(paths: Iterable[Path], year: int = 0) -> list[Path]:
    """The paths in order, without those that are named after another year, if one is given, or hidden.

    Archiving on macOS adds a hidden `._<name>` to every file.
    """
    return sorted(path for path in paths if not path.name.startswith(".") and _fits(path.name, year))


def _fits(name: str, year: int) -> bool:
    named = NAMED.match(name)
    return not year or named is None or int(named[1]) == year


def patched(source: Path, split: str, places: list[Location], year: int = PATCHED_YEAR) -> list[Location]:
    """The places, with the images of ILSVRC-2010's `patch_images.tar` in place of those they replace."""
    archive = source / PATCH
    if year != PATCHED_YEAR or not archive.is_file():
        return places
    better = {m.name: m for m in _members(archive, folder=split)}
    return [better.get(place.name, place) for place in places]


def _members(path: Path, suffix: str = "", folder: str = "") -> Iterator[Location]:
    """The images of an archive, or its members with `suffix`; `folder` must be in their path."""
    try:
        with tarfile.open(path, "r:") as archive:
            yield from _listed(archive, str(path), 0, suffix, folder)
    except DAMAGE as error:
        raise damaged(str(path), error) from None


def _inside(outer: Location) -> Iterator[Location]:
    """The images of an archive within another."""
    try:
        with (
            open(outer.path, "rb") as file,
            _Window(file, outer.offset, outer.size) as window,
            tarfile.open(fileobj=window, mode="r:") as archive,
        ):
            yield from _listed(archive, outer.path, outer.offset, "", "")
    except DAMAGE as error:
        raise damaged(str(outer), error) from None


def damaged(archive: str, error: Exception) -> DataError:
    """The error for an archive that cannot be read; a permission is no reason to download it again."""
    if isinstance(error, PermissionError):
        return DataError(f"{visible(archive)} cannot be read: {error.strerror}; make it readable")
    return DataError(f"{visible(archive)} is no whole archive ({visible(str(error))}); download it again")


def _listed(archive: tarfile.TarFile, path: str, base: int, suffix: str, folder: str) -> Iterator[Location]:
    for member in archive:
        place = PurePosixPath(member.name)
        wanted = (suffix,) if suffix else photographs.SUFFIXES
        listed = member.isfile() and place.suffix.lower() in wanted and not place.name.startswith(".")
        if listed and (not folder or folder in place.parts):
            name = photographs.plain_name(place.name, path)
            yield Location(path, name, base + member.offset_data, member.size)


class _Window(io.RawIOBase):
    """A part of an open file, as a file."""

    def __init__(self, file: io.BufferedReader, offset: int, size: int) -> None:
        self.file, self.offset, self.size, self.at = file, offset, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, to: int, whence: int = os.SEEK_SET) -> int:
        self.at = to + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size}[whence]
        return self.at

    def read(self, size: int = -1) -> bytes:
        rest = max(0, self.size - self.at)
        read = os.pread(self.file.fileno(), rest if size < 0 else min(size, rest), self.offset + self.at)
        self.at += len(read)
        return read
