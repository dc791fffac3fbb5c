"""Inputs of photographs: a folder of them held in memory, or a pack read from disk as needed.

If there are labelled test images (ILSVRC-2010), the validation images are monitored in training. If there
are only validation images (ILSVRC-2012, Imagenette), they serve as the test images.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from harness.contract.errors import DataError
from harness.data import folders
from harness.data.augmentation import Views
from harness.data.datasets import mean_and_basis, split, splits
from harness.data.images import Images
from harness.data.inputs.prefetch import Prefetched, input_threads, made_ahead
from harness.data.inputs.resident import assemble
from harness.data.inputs.selection import Inputs, Selection
from harness.data.views import Augmentation, View


class MappedViews(Views):
    """Views of images that stay on disk or in the host's memory; views are moved to the mean's device."""

    def see(self, chosen: Tensor, view: View) -> Tensor:
        """Like `Views.see`; reads only the images at `chosen`."""
        few = Images(self.images.pixels.index_select(0, chosen.cpu()), self.images.labels[chosen])
        return self._there(few).see(torch.arange(len(chosen), device=self.mean.device), view)

    def parts(self, size: int) -> Iterator[Views]:
        """Like `Views.parts`; threads read ahead, each image only once for all its views."""
        count = input_threads(self.mean.device)
        with ThreadPoolExecutor(count, "views") as threads:
            read = made_ahead(self._read, self.stretches(size), threads, count)
            yield from map(self._there, read)

    def _read(self, stretch: slice) -> Images:
        pixels = self.images.pixels[stretch]
        read = pixels.contiguous().pin_memory() if self.mean.is_cuda else pixels.clone()
        return Images(read, self.images.labels[stretch])

    def _there(self, few: Images) -> Views:
        pixels = few.pixels.to(self.mean.device, non_blocking=True)
        return Views(Images(pixels, few.labels), self.mean, self.how)


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
    if settings.held_out:  # they are tested on, but the mean image still includes them
        train, watched = train.parted(settings.held_out)
    train = train if settings.images is None else train.first(settings.images)
    batches = Prefetched(train, mean, how, seed, basis)
    sample = train.first(min(settings.sample, len(train)))
    own_test = "test" in splits(place) and not settings.held_out
    tested = split(place, "test") if own_test else watched
    if settings.test_images is not None:
        tested = tested.first(settings.test_images)
    return Inputs(
        batches,
        len(train),
        _views(sample, mean, how),
        _views(tested, mean, how),
        _views(watched, mean, how) if own_test else None,
    )


def _views(images: Images, mean: Tensor, how: Augmentation) -> MappedViews:
    return MappedViews(Images(images.pixels, images.labels.to(mean.device)), mean, how)
