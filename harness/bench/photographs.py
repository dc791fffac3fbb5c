"""Photographs to measure with: some from the search path, in their own sizes, or else made-up ones."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

from harness.contract.errors import DataError
from harness.data import folders, sources

SUFFIXES = {".jpg", ".jpeg", ".png"}
FEWEST = 16  # photographs in a folder without classes
USUAL = (500, 375)  # pixels of most ImageNet photographs
CLASSES = 10


def found(data_dir: Path | None) -> Path | None:
    """A folder of photographs without classes, else one of train/<class>/ and val/<class>/, else None."""
    roots = [root for root in sources.search_path(data_dir) if root.is_dir()]
    loose = (folder for root in roots for folder in sorted(root.iterdir()) if len(pictures(folder)) >= FEWEST)
    sorted_ = (folders.located("imagenette", root) for root in roots)
    unpacked = (place for place in sorted_ if place is not None and not folders.packed(place))
    return next(loose, None) or next(unpacked, None)


def pictures(folder: Path) -> list[Path]:
    """The photographs directly in the folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def made_up(folder: Path, count: int, size: tuple[int, int] = USUAL) -> Path:
    """JPEGs of large shapes and fine noise, about as large in bytes as photographs of that size."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(count):
        shapes = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize(
            size, Image.Resampling.BICUBIC
        )
        noisy = np.asarray(shapes, np.float32) + rng.normal(0, 12, (size[1], size[0], 1)).astype(np.float32)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{index:04}.jpg", quality=85)
    return folder


def in_classes(photographs: Path, folder: Path, count: int) -> Path:
    """Folders of made-up classes that link to the photographs, `count` in train/, each as often as needed."""
    paths = [path.resolve() for path in pictures(photographs)] or sorted(_deep(photographs))
    if not paths:
        raise DataError(f"{photographs} holds no photographs: name another folder with --data-dir")
    for split, wanted in (("train", count), ("val", CLASSES)):
        for index, path in zip(range(wanted), cycle(paths), strict=False):
            place = folder / split / f"class{index % CLASSES}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{index:06}{path.suffix}").symlink_to(path)
    return folder


def _deep(place: Path) -> set[Path]:
    return {path.resolve() for path in (place / "train").glob("*/*") if path.suffix.lower() in SUFFIXES}


def sizes(photographs: Path) -> str:
    """How many there are and their median size: `95 photographs of 500 × 375 pixels (median)`."""
    paths = pictures(photographs) or sorted(_deep(photographs))
    shapes = []
    for path in paths[:200]:
        with Image.open(path) as image:
            shapes.append(image.size)
    width, height = (int(side) for side in np.median(np.array(shapes), axis=0))
    return f"{len(paths)} photographs of {width} × {height} pixels (median)"
