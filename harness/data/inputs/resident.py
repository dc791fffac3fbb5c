"""Inputs whose images are all in the memory of the training device."""

from __future__ import annotations

from pathlib import Path

import torch

from harness.data.augmentation import Augmented, Views, colour_basis
from harness.data.images import Images, load
from harness.data.inputs.selection import Inputs, Selection


def inputs(settings: Selection, seed: int, place: Path | None, device: torch.device) -> Inputs:
    """CIFAR-10 in `place`, or its stand-in."""
    train, test = (load(settings.dataset, place, train) for train in (True, False))
    return assemble(settings, seed, train, test, device)


def assemble(settings: Selection, seed: int, train: Images, test: Images, device: torch.device) -> Inputs:
    """As many images as the settings say; mean image and colour components of the training images."""
    if settings.held_out:
        train, test = train.parted(settings.held_out)
    train, test = _first(train, settings.images), _first(test, settings.test_images)
    how, mean = settings.augmentation, train.mean().to(device)
    basis = colour_basis(train.pixels) if how.colour else None
    return Inputs(
        Augmented(train.to(device), mean, how, seed, basis),
        len(train),
        Views(_first(train, settings.sample).to(device), mean, how),
        Views(test.to(device), mean, how),
    )


def _first(images: Images, count: int | None) -> Images:
    return images if count is None or count >= len(images) else images.first(count)
