"""CIFAR-10 as a training with a common mistake sees it: not centred, scaled down, or class after class."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

import torch
from torch import Tensor

from harness.data.augmentation import Augmented, Views
from harness.data.inputs import resident
from harness.data.inputs.selection import Inputs, Selection
from harness.data.views import View


class Alteration(Protocol):
    """How inputs differ from the paper's."""

    @property
    def scale(self) -> float:
        """What inputs are multiplied by; 1 is the paper's scale, on which white is 255."""

    @property
    def centred(self) -> bool:
        """Whether the mean image is subtracted."""

    @property
    def shuffled(self) -> bool:
        """Whether an epoch's images come in random order; otherwise one class after another."""


class AlteredSelection(Selection, Protocol):
    """A selection of images, and how they are altered."""

    @property
    def reader(self) -> Alteration:
        """The alteration."""


def inputs(settings: AlteredSelection, seed: int, place: Path | None, device: torch.device) -> Inputs:
    """CIFAR-10 in `place`, or its stand-in; training and test images are altered alike."""
    plain, how = resident.inputs(settings, seed, place, device), settings.reader
    batches = cast("Augmented", plain.batches)  # as resident ones are
    mean = batches.mean if how.centred else torch.zeros_like(batches.mean)
    sample, test = (AlteredViews(views, mean, how.scale) for views in (plain.sample, plain.test))
    return Inputs(AlteredBatches(batches, mean, how), plain.count, sample, test)


class AlteredViews(Views):
    """Test views of the same images with another mean and scale."""

    def __init__(self, plain: Views, mean: Tensor, scale: float) -> None:
        """`mean` takes the place of the plain views' own."""
        super().__init__(plain.images, mean, plain.how)
        self.scale = scale

    def see(self, chosen: Tensor, view: View) -> Tensor:
        """As `Views.see`, times the scale."""
        return super().see(chosen, view).mul_(self.scale)


class AlteredBatches(Augmented):
    """Training batches of the same images, augmented alike, with another mean, scale and order."""

    def __init__(self, plain: Augmented, mean: Tensor, how: Alteration) -> None:
        """`mean` takes the place of the plain batches' own."""
        super().__init__(plain.images, mean, plain.how, plain.seed, plain.basis)
        self.alteration = how
        self.instead = torch.arange(len(plain.images), device=mean.device)

    def begin(self, epoch: int, order: Tensor, colour: bool = True) -> None:
        """As `Augmented.begin`; class after class, the k-th image is another one than `order[k]`."""
        if not self.alteration.shuffled:
            order = order.to(self.mean.device)
            sorted_order = order[self.images.labels[order].argsort(stable=True)]
            self.instead[order] = sorted_order
            order = sorted_order
        super().begin(epoch, order, colour)

    def gather(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """As `Augmented.gather`, of the images that come in the place of those at `chosen`."""
        inputs, labels = super().gather(self.instead[chosen])
        return inputs.mul_(self.alteration.scale), labels
