"""Every data set as images: CIFAR-10 and its stand-in, folders of photographs, packs."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.data import folders, images, photographs
from harness.data.augmentation import ColourBasis, _covariance, colour_basis
from harness.data.images import Images
from harness.data.packing.pack import Colours, Pack

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load(dataset: str, place: Path | None, train: bool = True) -> Images:
    """The training images of the data set in `place`, or its validation (CIFAR-10: test) images.

    A pack's pixels stay on disk until they are accessed; the others are resident. Without a place, returns
    the procedural stand-in.
    """
    if place is None or dataset == "cifar10":
        return images.load(dataset, place, train)
    return split(place, "train" if train else "val")


@lru_cache(maxsize=4)
def split(place: Path, name: str) -> Images:
    """The photographs of a split (train, val or test) in `place`, 256 × 256."""
    if not folders.packed(place):
        return _decoded(place, name)
    pack = Pack(place)
    return Images(_mapped(pack.pixels(name)), torch.from_numpy(pack.labels(name)))


def splits(place: Path) -> tuple[str, ...]:
    """The splits that exist."""
    if folders.packed(place):
        return tuple(Pack(place).index.splits)
    return tuple(name for name in ("train", "val", "test") if (place / name).is_dir())


def class_names(dataset: str, place: Path | None) -> tuple[str, ...]:
    """The classes in label order: WordNet ids of photographs, names for CIFAR-10 and its stand-in."""
    if place is None or dataset == "cifar10":
        return CIFAR10
    return Pack(place).index.classes if folders.packed(place) else photographs.classes(place, "train")


@lru_cache(maxsize=4)
def mean_and_basis(dataset: str, place: Path | None) -> tuple[Tensor, ColourBasis]:
    """Mean image float32 (height, width, 3) and colour components of all training images, both exact."""
    if place is None or dataset == "cifar10" or not folders.packed(place):
        train = load(dataset, place)
        return train.mean(), colour_basis(train.pixels)
    pack = Pack(place)
    return torch.from_numpy(pack.mean()), _basis(pack.index.colours)


def _decoded(folder: Path, split: str) -> Images:
    listed = photographs.listing(folder, split)
    photographs.same_classes(folder, photographs.classes(folder, "train"), split, listed.classes)
    pixels = np.empty((len(listed.files), photographs.SIDE, photographs.SIDE, 3), np.uint8)

    def fill(i: int) -> None:
        pixels[i] = photographs.decode(listed.files[i])

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # decoding releases Python's lock
        list(threads.map(fill, range(len(pixels))))
    return Images(torch.from_numpy(pixels), torch.tensor(listed.labels))


def _mapped(pixels: np.ndarray) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writ")  # nothing here writes
        return torch.from_numpy(pixels)


def _basis(colours: Colours) -> ColourBasis:
    """Like `colour_basis`, from existing sums."""
    products = [[float(p) for p in row] for row in colours.products]
    covariance = _covariance(colours.pixels, [float(s) for s in colours.sums], products)
    values, vectors = torch.linalg.eigh(covariance)
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return ColourBasis(values.flip(0).clamp_min(0), (vectors * largest.sign()).flip(1))
