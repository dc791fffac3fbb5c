"""Photographs as files: the 256 × 256 centre of one (§2), and the listing of a folder of them. No torch.

Files may come from anyone: only formats that data sets use are opened, since Pillow passes some others to
programs that execute their content, and nothing endless or too large is read.

The paper names no filter for its rescaling; here it is Pillow's bilinear one, with the sizes and corners of
torchvision's Resize(256) and CenterCrop(256), so that published weights see the pixels they expect.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from harness.contract.errors import DataError
from harness.contract.visible import visible
from harness.records import files

SIDE = 256
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM", "TIFF")
MOST_PIXELS = 100_000_000  # in one photograph; the largest in ImageNet have 60 million
SUFFIXES = frozenset({".jpeg", ".jpg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff"})
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class Listing:
    """A split's files in image order, with labels, and the classes' names in label order."""

    classes: tuple[str, ...]
    files: tuple[Path, ...]
    labels: tuple[int, ...]


def decode(file: Path | IO[bytes], name: str = "") -> np.ndarray:
    """The centre of a photograph whose shorter side is scaled to 256: uint8 (256, 256, 3) in RGB.

    The content counts, not the file's name; grey and CMYK are converted. DataError, with `name`, if the file
    is empty, truncated, too large or not an image in one of the FORMATS.
    """
    try:
        content = io.BytesIO(files.read(file)) if isinstance(file, Path) else file
        # Harmless warnings, such as about a palette's transparency, would be repeated by every worker.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(content, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise ValueError(f"its {image.width} × {image.height} pixels are too many")
                return _centre(image.convert("RGB"))
    except DAMAGE as error:
        shown = visible(name or str(file))
        raise DataError(f"{shown} is no whole image ({_reason(error)}); get it again") from None


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is no image"
    return visible(error.strerror if isinstance(error, OSError) and error.strerror else str(error))


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
    """Every image of `root/<split>/<class>/`, by class and then by name; DataError if there is none."""
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
    names = (p.name for p in _inside(folder) if p.is_dir() and not p.name.startswith("."))
    found = sorted(plain_name(name, folder) for name in names)
    if not found:
        raise DataError(f"{folder} has no class folders; the layout is <split>/<class>/<image>")
    return tuple(found)


def image_files(folder: Path) -> list[Path]:
    """The image files directly in `folder`, by name; hidden and other files are ignored."""
    found = (p for p in _inside(folder) if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    return sorted(found, key=lambda path: plain_name(path.name, folder))


def plain_name(name: str, where: object) -> str:
    """The name of a class or image, which takes one line in lists; DataError if it cannot."""
    if visible(name) != name or "\n" in name:
        raise DataError(
            f"{visible(str(where))} has the name {visible(name)!r}, with characters that are hidden or no "
            "UTF-8; rename that file"
        )
    return name


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise DataError(
            f"{visible(str(folder))} cannot be read: {error.strerror}; make it readable"
        ) from None


def same_classes(root: Path, one: tuple[str, ...], split: str, other: tuple[str, ...]) -> None:
    """DataError names the first class that only one of the training split and `split` has."""
    for have, lack, where in ((one, other, split), (other, one, "train")):
        if missing := sorted(set(have) - set(lack)):
            raise DataError(
                f"{root / where / missing[0]} is missing, though the other split has that class; "
                "unpack the data set again"
            )
