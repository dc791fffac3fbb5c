"""What a training program is given of a data set: batches to train on, and views to test on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from harness.data.augmentation import Views
from harness.data.views import Augmentation


class Selection(Protocol):
    """Which images a training program wants of a data set, and how it sees them."""

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
        """Training images that are tested on in place of the test images, and not trained on."""

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

    Where there are `validation` images, they are watched in training, and the test images are not.
    """

    batches: TrainingBatches
    count: int  # training images
    sample: Views
    test: Views
    validation: Views | None = None
