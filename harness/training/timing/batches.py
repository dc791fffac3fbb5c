"""Batches of noise for timing: a resident one, or crops of 256-pixel images made inline or ahead.

The image loaders are imported only when crops are needed: they take seconds to import.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.contract.errors import BadValue
from harness.contract.streams import generator
from harness.training.timing.settings import Feed, StepTime

if TYPE_CHECKING:
    from harness.data.augmentation import Augmented

Batch = tuple[Tensor, Tensor]  # inputs channels-last float32 (N, 3, side, side), labels int64 (N,)
SIDE = 256  # pixels of a resident image, §2
AHEAD = 2  # batches that wait for the device


def batches(settings: StepTime, seed: int, device: torch.device) -> Iterator[Batch]:
    """Endless batches on `device`; every rank gets the same ones."""
    if settings.feed is Feed.RESIDENT:
        return _resident(settings, seed, device)
    if settings.feed is Feed.INLINE:
        return _cut(settings, seed, device)
    return _ahead(_cut(settings, seed, torch.device("cpu")), device)


def _resident(settings: StepTime, seed: int, device: torch.device) -> Iterator[Batch]:
    stream = generator(seed, "noise")
    side, classes = settings.network.input[1], settings.network.output[0]
    pixels = torch.randint(256, (settings.batch, side, side, 3), generator=stream, dtype=torch.uint8)
    labels = torch.randint(classes, (settings.batch,), generator=stream)
    batch = pixels.to(device).float().sub_(127.5).permute(0, 3, 1, 2), labels.to(device)
    while True:
        yield batch


def _cut(settings: StepTime, seed: int, device: torch.device) -> Iterator[Batch]:
    """Crops of noise images that stay on `device`, epoch after epoch, whole batches only."""
    source = _images(settings, seed, device)
    for epoch in count():
        order = torch.randperm(settings.images, generator=generator(seed, "order", epoch))
        source.begin(epoch, order)
        whole = order[: settings.images // settings.batch * settings.batch]
        yield from source.each(whole, settings.batch)


def _images(settings: StepTime, seed: int, device: torch.device) -> Augmented:
    from harness.data.augmentation import Augmented, colour_basis
    from harness.data.images import Images

    if settings.images < settings.batch:
        raise BadValue(f"{settings.images} images do not fill a batch of {settings.batch}: use more")
    stream = generator(seed, "noise")
    pixels = torch.randint(256, (settings.images, SIDE, SIDE, 3), generator=stream, dtype=torch.uint8)
    labels = torch.randint(settings.network.output[0], (settings.images,), generator=stream)
    images = Images(pixels, labels)
    how = replace(settings.augmentation, side=settings.network.input[1])
    basis = colour_basis(pixels) if how.colour is not None else None
    return Augmented(images.to(device), images.mean().to(device), how, seed, basis)


def _ahead(source: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The same batches, made in a thread while the device trains."""
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(_take, source, device) for _ in range(AHEAD))
        while True:
            inputs, labels = waiting.popleft().result()
            waiting.append(pool.submit(_take, source, device))
            yield inputs.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def _take(source: Iterator[Batch], device: torch.device) -> Batch:
    inputs, labels = next(source)
    # Only from pinned memory does a copy to the GPU overlap with its work.
    return (inputs.pin_memory(), labels.pin_memory()) if device.type == "cuda" else (inputs, labels)
