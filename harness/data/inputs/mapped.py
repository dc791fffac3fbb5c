"""Inputs of photographs: a folder of them held in memory, or a pack read from the disk as it is needed.

Where there are labelled test images (ILSVRC-2010), the validation images are watched in training. Where there
are only validation images (ILSVRC-2012, Imagenette), they are what is tested on.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from harness.contract.errors import DataError
from harness.data import folders
from harness.data.augmentation import Views
from harness.data.datasets import mean_and_basis, split, splits
from harness.data.images import Images
from harness.data.inputs.prefetch import Prefetched
from harness.data.inputs.resident import assemble
from harness.data.inputs.selection import Inputs, Selection
from harness.data.views import Augmentation, View


class MappedViews(Views):
    """Views of images that stay on the disk or in the host's memory; what is seen goes where the mean is."""

    def see(self, chosen: Tensor, view: View) -> Tensor:
        """As `Views.see`; only the images at `chosen` are read."""
        pixels = self.images.pixels[chosen.cpu()].to(self.mean.device)
        few = Views(Images(pixels, self.images.labels[chosen]), self.mean, self.how)
        return few.see(torch.arange(len(chosen), device=self.mean.device), view)


def inputs(settings: Selection, seed: int, place: Path | None, device: torch.device) -> Inputs:
    """The data set in `place`, with the mean image and colour components of all its training images."""
    if place is None:
        raise DataError(f"no {settings.dataset} is at hand; './repro.py doctor' says what is missing")
    if not folders.packed(place):
        return assemble(settings, seed, split(place, "train"), split(place, "val"), device)
    return _mapped(settings, seed, place, device)


def _mapped(settings: Selection, seed: int, place: Path, device: torch.device) -> Inputs:
    how = settings.augmentation
    mean, basis = mean_and_basis(settings.dataset, place)
    mean = mean.to(device)
    train, watched = split(place, "train"), split(place, "val")
    train = train if settings.images is None else train.first(settings.images)
    batches = Prefetched(train, mean, how, seed, basis)
    sample = train.first(min(settings.sample, len(train)))
    own_test = "test" in splits(place)
    tested = split(place, "test") if own_test else watched
    if settings.test_images is not None:
        tested = tested.first(settings.test_images)
    return Inputs(
        batches,
        len(train),
        _views(sample, mean, how),
        _views(tested, mean, how),
        _views(watched, mean, how) if own_test else None,
        batches.expect,
    )


def _views(images: Images, mean: Tensor, how: Augmentation) -> MappedViews:
    return MappedViews(Images(images.pixels, images.labels.to(mean.device)), mean, how)
