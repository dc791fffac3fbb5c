"""What a training program receives from a data set: batches to train on, and views to test on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from harness.data.augmentation import Views
from harness.data.views import Augmentation


class Selection(Protocol):
    """Which images of a data set a training program uses, and how it sees them."""

    @property
    def dataset(self) -> str:
        """The data set's name."""

    @property
    def augmentation(self) -> Augmentation:
        """How training images are augmented; test views share side and mean."""

    @property
    def images(self) -> int | None:
        """Training images; None: all."""

    @property
    def held_out(self) -> int:
        """Training images held out and used in place of the test images."""

    @property
    def test_images(self) -> int | None:
        """Test images; None: all."""

    @property
    def sample(self) -> int:
        """Training images that the training error is measured on."""


class TrainingBatches(Protocol):
    """Augmented training batches: `begin` an epoch, then take its images in any portions."""

    mean: Tensor

    def begin(self, epoch: int, order: Tensor, colour: bool = True) -> None:
        """Draws crops, flips and colours for the images at `order`."""

    def each(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs float32 (n, 3, side, side) and labels of the images at `order`, `size` at a time."""


@dataclass(frozen=True)
class Inputs:
    """One data set as a training program sees it; `sample` are training images, unaugmented.

    If there are `validation` images, these are monitored in training instead of the test images.
    """

    batches: TrainingBatches
    count: int  # training images
    sample: Views
    test: Views
    validation: Views | None = None
