"""Photographs as files: the 256 × 256 centre of one (§2), and the listing of a folder of them. No torch.

The paper names no filter for its rescaling; here it is Pillow's bilinear one, with the sizes and corners that
torchvision's Resize(256) and CenterCrop(256) take, so that published weights see the pixels that they expect.
"""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from harness.contract.errors import DataError

SIDE = 256
SUFFIXES = frozenset({".jpeg", ".jpg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff"})
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class Listing:
    """A split's files in the order of their images, with labels, and the classes' names in label order."""

    classes: tuple[str, ...]
    files: tuple[Path, ...]
    labels: tuple[int, ...]


def decode(file: Path | IO[bytes], name: str = "") -> np.ndarray:
    """The centre of a photograph whose shorter side is scaled to 256: uint8 (256, 256, 3) in RGB.

    What the content is counts, not the file's name; grey and CMYK are converted. DataError, with `name`,
    where the file is empty, cut short or no image.
    """
    try:
        # Harmless remarks, such as on a palette's transparency, would be repeated for every worker.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                return _centre(image.convert("RGB"))
    except DAMAGE as error:
        reason = "it is no image" if isinstance(error, UnidentifiedImageError) else str(error)
        raise DataError(f"{name or file} is no whole image ({reason}); get it again") from None


def _centre(image: Image.Image) -> np.ndarray:
    width, height = image.size
    short = min(width, height)
    size = (_scaled(width, short), _scaled(height, short))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (round((length - SIDE) / 2) for length in size)
    return np.asarray(image.crop((left, top, left + SIDE, top + SIDE)))


def _scaled(length: int, short: int) -> int:
    return SIDE if length == short else SIDE * length // short


def listing(root: Path, split: str) -> Listing:
    """Every image of `root/<split>/<class>/`, by class and then by name; DataError where there is none."""
    names = classes(root, split)
    files = [image_files(root / split / name) for name in names]
    for name, found in zip(names, files, strict=True):
        if not found:
            raise DataError(f"{root / split / name} has no images; unpack that class again")
    labels = [label for label, found in enumerate(files) for _ in found]
    return Listing(names, tuple(file for found in files for file in found), tuple(labels))


def classes(root: Path, split: str) -> tuple[str, ...]:
    """The sorted names of the class folders in `root/<split>`."""
    folder = root / split
    if not folder.is_dir():
        raise DataError(f"{folder} is missing; the layout is <split>/<class>/<image>, as torchvision's is")
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not names:
        raise DataError(f"{folder} has no class folders; the layout is <split>/<class>/<image>")
    return tuple(names)


def image_files(folder: Path) -> list[Path]:
    """The image files right in `folder`, by name; hidden files and others do not count."""
    found = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    return sorted(found, key=lambda path: path.name)


def same_classes(root: Path, one: tuple[str, ...], split: str, other: tuple[str, ...]) -> None:
    """DataError names the first class that one of the training split and `split` has and the other lacks."""
    for have, lack, where in ((one, other, split), (other, one, "train")):
        if missing := sorted(set(have) - set(lack)):
            raise DataError(
                f"{root / where / missing[0]} is missing, though the other split has that class; "
                "unpack the data set again"
            )
