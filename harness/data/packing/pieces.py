"""One piece of a pack: decoded, summed and written, in a worker process. No torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.contract.errors import DataError
from harness.contract.visible import visible
from harness.data import photographs
from harness.data.packing.archives import Location
from harness.data.packing.pack import IMAGE


@dataclass(frozen=True)
class Task:
    """Images to decode and where their pixels go."""

    number: int
    first: int  # index of the first image in the split
    places: Sequence[Location]
    pixels: Path


@dataclass(frozen=True)
class Piece:
    """A task's outcome: checksum and sums, or the images that could not be read."""

    number: int
    images: int
    digest: bytes
    total: np.ndarray  # (256, 256, 3), sums of pixels over images
    products: np.ndarray  # (3, 3), sums of products of RGB over all pixels
    unreadable: tuple[str, ...] = ()


def pack(task: Task) -> Piece:
    """Decodes a task's images and writes their pixels; runs in a worker."""
    pixels = np.empty((len(task.places), photographs.SIDE, photographs.SIDE, 3), np.uint8)
    unreadable = []
    for i, place in enumerate(task.places):
        try:
            pixels[i] = photographs.decode(place.open(), str(place))
        except DataError as error:
            unreadable.append(str(error))
        except MemoryError:  # a very long and narrow one is scaled to gigabytes
            name = visible(str(place))
            unreadable.append(f"{name} needs more memory to decode than there is; get it again or crop it")
    if not unreadable:
        with task.pixels.open("rb+", buffering=0) as file:
            _write(file.fileno(), pixels.data.cast("B"), task.first * IMAGE)
    total = pixels.sum(0, dtype=np.uint32)
    checksum = hashlib.sha256(pixels.data).digest()
    return Piece(task.number, len(pixels), checksum, total, _products(pixels), tuple(unreadable))


def _write(file: int, content: memoryview, offset: int) -> None:
    while content:
        written = os.pwrite(file, content, offset)
        content, offset = content[written:], offset + written


def _products(pixels: np.ndarray) -> np.ndarray:
    """Sums of RGB's products over all pixels, int64 (3, 3), one image at a time."""
    products = np.zeros((3, 3), np.int64)
    for image in pixels:
        planes = np.ascontiguousarray(image.reshape(-1, 3).T).astype(np.int64)
        products += [[np.dot(one, other) for other in planes] for one in planes]
    return products
