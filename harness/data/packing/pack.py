"""A packed data set: uint8 images in one memory-mapped file per split, with an index that verifies them.

    <name>.pack/index.json          version, classes, SHA-256 sums, RGB sums, fingerprint
               /<split>.pixels      (N, 256, 256, 3) uint8, one image after another
               /<split>.labels.npy  (N,) int64
               /<split>.names.txt   <class>/<file> of every image
               /mean.npy            per-pixel sums (256, 256, 3) int64 over the training images

A split is one mapping, so that any image can be reached by index. Its checksums cover pieces of 256 images,
so that many processes can write, resume and check it at once. No torch.
"""

from __future__ import annotations

import hashlib
import io
import json
import mmap
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from harness.contract.errors import DataError
from harness.contract.visible import visible, visible_json
from harness.data.folders import INDEX
from harness.data.photographs import SIDE
from harness.records.conditions import DataIdentity, Form
from harness.records.files import read

VERSION = 1
PIECE = 256  # images
IMAGE = SIDE * SIDE * 3  # bytes
MEAN = "mean.npy"
SPLITS = {"train", "val", "test"}
Sum = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Row = tuple[Sum, Sum, Sum]


@dataclass(frozen=True)
class Split:
    """One split: its number of images, and the SHA-256 of every piece of pixels, the labels and the names."""

    images: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    pieces: tuple[str, ...]
    labels: str
    names: str

    def __post_init__(self) -> None:
        """ValueError if the number of pieces does not match the number of images."""
        if len(self.pieces) != -(-self.images // PIECE):
            raise ValueError(f"{self.images} images have no {len(self.pieces)} pieces")


NONE = Split(0, (), "", "")


@dataclass(frozen=True)
class Colours:
    """Exact sums over all training pixels on the 0–255 scale: their count, RGB, and products of RGB."""

    pixels: Annotated[int, msgspec.Meta(ge=1, le=2**62)]
    sums: tuple[Sum, Sum, Sum]
    products: tuple[Row, Row, Row]


@dataclass(frozen=True)
class Index:
    """Everything in a pack except its pixels, labels and names."""

    dataset: str
    classes: tuple[str, ...]
    splits: dict[str, Split]
    mean: str  # SHA-256
    colours: Colours

    def __post_init__(self) -> None:
        """ValueError for an unknown split, or without training images."""
        if more := self.splits.keys() - SPLITS:
            raise ValueError(f"it has a split {min(more)!r}")
        if not self.splits.get("train", NONE).images:
            raise ValueError("it has no training images")

    @property
    def identity(self) -> DataIdentity:
        """The identity of the data in a trial's key."""
        return DataIdentity(self.dataset, Form.PACK, self.fingerprint)

    @property
    def fingerprint(self) -> str:
        """Digest of everything that can change a result, so not of the file names."""
        counted = {name: {**asdict(split), "names": ""} for name, split in self.splits.items()}
        content = [VERSION, self.classes, counted, self.mean, asdict(self.colours)]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return digest[:32]

    def text(self) -> str:
        """JSON that `Pack` reads."""
        content = {"version": VERSION, "fingerprint": self.fingerprint, **asdict(self)}
        return json.dumps(content, indent=1)


class Pack:
    """An opened pack: of this version, with every file present and of the right size."""

    def __init__(self, folder: Path) -> None:
        """DataError says in one sentence what is wrong; `verify` checks contents."""
        self.folder, self.index = folder, read_index(folder)
        for name, size in _sizes(self.index).items():
            self._check(folder / name, size)

    def pixels(self, split: str) -> np.ndarray:
        """All images uint8 (N, 256, 256, 3), read-only, read from disk on access."""
        with self._split(split, "pixels").open("rb") as file:
            # Shared and read-only: a private, writable mapping would count against available memory.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, np.uint8).reshape(-1, SIDE, SIDE, 3)

    def labels(self, split: str) -> np.ndarray:
        """Labels int64 (N,)."""
        path, classes = self._split(split, "labels.npy"), len(self.index.classes)
        labels = self._array(path, (self.index.splits[split].images,))
        if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
            raise _differs(self, path, f"a label is none of {classes} classes, so that it")
        return labels

    def names(self, split: str) -> list[str]:
        """`<class>/<file>` of every image."""
        return self._split(split, "names.txt").read_text(encoding="utf-8").splitlines()

    def mean(self) -> np.ndarray:
        """The mean training image, float32 (256, 256, 3) on the 0–255 scale, rounded once."""
        sums = self._array(self.folder / MEAN, (SIDE, SIDE, 3)).astype(np.float64)
        mean: np.ndarray = (sums / self.index.splits["train"].images).astype(np.float32)
        return mean

    def _array(self, path: Path, shape: tuple[int, ...]) -> np.ndarray:
        """The int64 array of this shape in a file."""
        try:
            found: np.ndarray = np.load(io.BytesIO(read(path)), allow_pickle=False)
            if not isinstance(found, np.ndarray) or found.shape != shape or found.dtype != np.dtype(np.int64):
                raise ValueError("it is another array")
        except Exception:  # NumPy raises errors of many kinds
            raise _differs(self, path, "its content") from None
        return found

    def _split(self, split: str, part: str) -> Path:
        if split not in self.index.splits:
            there = ", ".join(self.index.splits)
            raise DataError(f"{self.folder} has no split '{split}'; it has {there}")
        return self.folder / f"{split}.{part}"

    def _check(self, path: Path, size: int | None) -> None:
        fix = f"prepare it again with './repro.py data prepare {self.index.dataset} --source DIR'"
        if not path.is_file():
            raise DataError(f"{path} is missing from the pack; {fix}")
        if size is not None and path.stat().st_size != size:
            raise DataError(f"{path} is damaged: it has {path.stat().st_size} bytes, not {size}; {fix}")


def _sizes(index: Index) -> dict[str, int | None]:
    """Size in bytes of each file of a pack, None if unknown."""
    files: dict[str, int | None] = {MEAN: None}
    for name, split in index.splits.items():
        files |= {
            f"{name}.pixels": split.images * IMAGE,
            f"{name}.labels.npy": None,
            f"{name}.names.txt": None,
        }
    return files


def read_index(folder: Path) -> Index:
    """The index in a pack's folder; DataError if it is missing, damaged or of another version."""
    path = folder / INDEX
    try:
        content = visible_json(read(path))
        found = msgspec.json.decode(content, type=_Version)
    except FileNotFoundError:
        raise DataError(
            f"{path} is missing: {folder} is no pack; make one with './repro.py data prepare'"
        ) from None
    except UNREADABLE as error:
        raise _damaged(path, error) from None
    if found.version != VERSION:
        raise DataError(
            f"{folder} is of pack version {found.version}, this program reads version {VERSION}; "
            "delete it and run './repro.py data prepare' again"
        )
    return _parsed(path, content, found.fingerprint)


class _Version(msgspec.Struct):
    version: int
    fingerprint: str = ""


UNREADABLE = (OSError, msgspec.DecodeError, UnicodeError, RecursionError)


def _parsed(path: Path, content: bytes, fingerprint: str) -> Index:
    try:
        index = msgspec.json.decode(content, type=Index)
    except UNREADABLE as error:
        raise _damaged(path, error) from None
    if index.fingerprint != fingerprint:
        raise _damaged(path, ValueError("its fingerprint does not fit its content"))
    return index


def _damaged(path: Path, error: Exception) -> DataError:
    said = visible(str(error))
    return DataError(f"{path} is damaged ({said}); delete its folder and run './repro.py data prepare' again")


def digest(content: bytes | memoryview) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def spans(count: int) -> Iterator[tuple[int, int]]:
    """The first image of every piece of `count` images, and the one past its last."""
    return ((start, min(start + PIECE, count)) for start in range(0, count, PIECE))


def verify(pack: Pack, advance: Callable[[int], None] = lambda images: None) -> list[Path]:
    """The files, each verified by its checksums; DataError names the first that differs.

    `advance` is called with the number of images just read.
    """
    checked = [_verified(pack, pack.folder / MEAN, pack.index.mean)]
    for name, split in pack.index.splits.items():
        checked.append(_verified(pack, pack.folder / f"{name}.labels.npy", split.labels))
        checked.append(_verified(pack, pack.folder / f"{name}.names.txt", split.names))
        pixels = pack.pixels(name)
        for piece, (start, end) in zip(split.pieces, spans(split.images), strict=True):
            if digest(pixels[start:end].data) != piece:
                raise _differs(pack, pack.folder / f"{name}.pixels", f"images {start} to {end - 1}")
            advance(end - start)
        checked.append(pack.folder / f"{name}.pixels")
    return checked


def _verified(pack: Pack, path: Path, expected: str) -> Path:
    if digest(path.read_bytes()) != expected:
        raise _differs(pack, path, "its content")
    return path


def _differs(pack: Pack, path: Path, what: str) -> DataError:
    return DataError(
        f"{path} is damaged: {what} does not have the SHA-256 in the index; delete {pack.folder} "
        f"and run './repro.py data prepare {pack.index.dataset} --source DIR' again"
    )
