"""What a training program is given of a data set: batches to train on, and views to test on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from harness.data.augmentation import Views


class Source(Protocol):
    """Varied training batches: `begin` an epoch, then gather its images in any portions."""

    mean: Tensor

    def begin(self, epoch: int, order: Tensor, colour: bool = True) -> None:
        """Draws crops, flips and colours for the images at `order`."""

    def gather(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs channels-last float32 (n, 3, side, side) and labels of the images at `chosen`."""


@dataclass(frozen=True)
class Inputs:
    """One data set as a training program sees it; `sample` are training images, unvaried.

    Where there are `validation` images, they are watched in training, and the test images are not.
    `expect` is told the images that will be gathered next and the size of their batches.
    """

    batches: Source
    count: int  # training images
    sample: Views
    test: Views
    validation: Views | None = None
    expect: Callable[[Tensor, int], None] = lambda order, size: None
