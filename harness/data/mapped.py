"""Inputs of photographs: a folder of them held in memory, or a pack read from the disk as it is needed.

ILSVRC-2010 has labelled test images, and its validation images are watched in training. Where there are only
validation images (ILSVRC-2012, Imagenette), they are what is tested on.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from harness.contract.errors import DataError
from harness.data import folders
from harness.data.augmentation import Views
from harness.data.datasets import load, mean_and_basis, split
from harness.data.images import Images
from harness.data.inputs import Inputs
from harness.data.prefetch import Prefetched
from harness.data.resident import assemble
from harness.data.views import Augmentation, View
from harness.training.recipe import Scheduled

TESTED = {"imagenet-2010": "test"}  # else the validation images


class MappedViews(Views):
    """Views of images that stay on the disk or in the host's memory; what is seen goes where the mean is."""

    def see(self, chosen: Tensor, view: View) -> Tensor:
        """As `Views.see`; only the images at `chosen` are read."""
        pixels = self.images.pixels[chosen.cpu()].to(self.mean.device)
        few = Views(Images(pixels, self.images.labels[chosen]), self.mean, self.how)
        return few.see(torch.arange(len(chosen), device=self.mean.device), view)


def inputs(settings: Scheduled, seed: int, root: Path | None, device: torch.device) -> Inputs:
    """The data set below `root`, with the mean image and colour components of all its training images."""
    place = folders.located(settings.dataset, root) if root else None
    if root is None or place is None:
        raise DataError(f"no {settings.dataset} in {root}; './repro.py doctor' says what is missing")
    if not folders.packed(place):
        train, test = (load(settings.dataset, root, train) for train in (True, False))
        return assemble(settings, seed, train, test, device)
    return _mapped(settings, seed, root, device)


def _mapped(settings: Scheduled, seed: int, root: Path, device: torch.device) -> Inputs:
    how, dataset = settings.augmentation, settings.dataset
    mean, basis = mean_and_basis(dataset, root)
    mean = mean.to(device)
    train = load(dataset, root, True)
    train = train if settings.images is None else train.first(settings.images)
    batches = Prefetched(train, mean, how, seed, basis)
    sample = train.first(min(settings.sample, len(train)))
    tested, watched = split(dataset, root, TESTED.get(dataset, "val")), split(dataset, root, "val")
    if settings.test_images is not None:
        tested = tested.first(settings.test_images)
    return Inputs(
        batches,
        len(train),
        _views(sample, mean, how),
        _views(tested, mean, how),
        _views(watched, mean, how) if dataset in TESTED else None,
        batches.expect,
    )


def _views(images: Images, mean: Tensor, how: Augmentation) -> MappedViews:
    return MappedViews(Images(images.pixels, images.labels.to(mean.device)), mean, how)
