"""CIFAR-10 through torchvision, which checks every file's MD5."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity

from harness.contract.errors import DataError


def load(place: Path, train: bool) -> tuple[Tensor, Tensor]:
    """Pixels uint8 (N, 32, 32, 3) and labels int64 (N,) of the training or test images in `place`."""
    try:
        data = CIFAR10(str(place.parent), train=train)
    except RuntimeError:
        verify(place)  # names the file; torchvision only says that something is wrong
        raise
    return torch.from_numpy(data.data), torch.tensor(data.targets)


def verify(place: Path) -> list[Path]:
    """The checked files; DataError names the first that is missing or differs from the official one."""
    files = [*CIFAR10.train_list, *CIFAR10.test_list, (CIFAR10.meta["filename"], CIFAR10.meta["md5"])]
    for name, md5 in files:
        path = place / name
        if not path.is_file():
            raise DataError(f"{path} is missing; './repro.py data fetch' gets the whole of CIFAR-10")
        if not check_integrity(str(path), md5):
            raise DataError(
                f"{path} is damaged: its {path.stat().st_size} bytes do not have the official MD5 {md5}; "
                "delete it and run './repro.py data fetch'"
            )
    return [place / name for name, _ in files]


def fetch(root: Path) -> Path:
    """Downloads and unpacks CIFAR-10 below `root`; does nothing if it is there and intact."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        CIFAR10(str(root), download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"CIFAR-10 could not be fetched into {root}: {error}; fetch cifar-10-python.tar.gz by other "
            f"means, unpack it there, and check it with './repro.py data verify --data-dir {root}'"
        ) from error
    return root / str(CIFAR10.base_folder)
