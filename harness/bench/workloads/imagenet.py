"""How long the paper's 90 epochs would take here, and where the bottleneck is.

Images are noise, as large as packed ones and stored on disk like a pack's. The whole path is the pipeline
and the loop that train; its parts are the disk (random images, none of them in memory), the host (crops,
flips and colours from memory to the device) and the device (steps on one batch). The whole path can be no
faster than the slowest part.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.bench.ceilings import COPY, PRODUCTS, arrivals, products
from harness.bench.workload import (
    Asked,
    Player,
    Projection,
    Unit,
    Way,
    WayKind,
    Ways,
    Work,
    Workload,
    WorkloadResult,
)
from harness.bench.workloads.alexnet_step import goes, our_step, our_update
from harness.contract.trial import Precision
from harness.data.augmentation import colour_basis
from harness.data.catalogue import training_images
from harness.data.images import Images
from harness.data.inputs.prefetch import Prefetched
from harness.models.network import Net
from harness.paper.catalogue import claim
from harness.records import environment
from harness.training.loop import Loop
from harness.training.scheduled.recipe import Recipe
from harness.training.scheduled.recipes import recipe

SIDE = 256
EPOCHS = 90  # §5
WHOLE, DEVICE, HOST, DISK = "whole path", "device", "host", "disk"
PARTS = (DEVICE, HOST, DISK)


def plan(asked: Asked, how: Recipe | None = None) -> Ways:
    """Writes the images, 196,608 bytes each, and has one process do the whole path and its parts."""
    how, path = how or recipe(asked.recipe), asked.folder / "train.pixels"
    images = asked.images or (4096 if asked.device.cuda else 1024)
    written(path, images)
    threads = 1 if asked.device.cuda else environment.cores()  # as a trial: beside a GPU, one
    player = Player(make, (path, images, how, asked.device.torch, asked.precision), threads=threads)
    size = how.batch_size
    return Ways(
        (
            Way(WHOLE, WayKind.OURS, player, PRODUCTS, many_steps=True),
            Way(DEVICE, WayKind.PART, player, PRODUCTS, many_steps=True),
            Way(HOST, WayKind.PART, player, COPY, many_steps=True),
            Way(DISK, WayKind.PART, player, many_steps=True),
            Way(PRODUCTS, WayKind.CEILING, player),
            Way(COPY, WayKind.CEILING, player),
        ),
        # A GPU has time for the whole batch; to try others would read the file again and again.
        (size,) if asked.device.cuda else tuple(size // part for part in (1, 2, 4, 8)),
        (f"recipe {how.name}, {asked.precision}, {images} images of noise in {asked.folder.parent}",),
    )


def written(path: Path, images: int) -> None:
    """Writes a file of noise images, flushed to disk."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for _ in range(images):
            file.write(rng.bytes(SIDE * SIDE * 3))
        file.flush()
        os.fsync(file.fileno())


class TimedTraining:
    """Training of the recipe's network on the images of a file, and its parts."""

    def __init__(self, path: Path, images: int, how: Recipe, device: str, precision: Precision) -> None:
        """Every core serves this one training, as when a network is trained alone."""
        self.path, self.count, self.how, self.precision = path, images, how, precision
        self.where = torch.device(device)
        with path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)
        pixels = torch.from_numpy(np.frombuffer(self.map, np.uint8).reshape(images, SIDE, SIDE, 3))
        labels = torch.randint(how.network.output[0], (images,))
        basis = colour_basis(pixels[:32])
        mean = torch.full((SIDE, SIDE, 3), 127.0, device=self.where)
        self.source = Prefetched(Images(pixels, labels), mean, how.augmentation, 0, basis)
        self.net = Net(how.network).initialise(0).on(self.where)
        self.update = our_update(self.net, how)
        self.loops: dict[int, Loop] = {}
        self.epoch = 0

    def whole(self, batch: int) -> float:
        """Training, with images read from the disk and augmented on the fly."""
        forget(self.path, self.map)
        if batch not in self.loops:
            self.loops[batch] = Loop(self.net, self.update, self.source, self.precision, batch)
        order = self._order()[: self._images(batch)]
        self.loops[batch].train(order)
        return len(order)

    def host(self, batch: int) -> float:
        """Only an epoch's batches."""
        order = self._order()
        return sum(len(inputs) for inputs, _ in self.source.each(order[: self.count // batch * batch], batch))

    def disk(self, batch: int) -> float:
        """Whole images in random order, none of them in memory."""
        size = SIDE * SIDE * 3
        forget(self.path, self.map)
        file = os.open(self.path, os.O_RDONLY)
        try:
            order = torch.randperm(self.count)[: 4 * batch].tolist()
            for image in order:
                os.pread(file, size, image * size)
            return len(order)
        finally:
            os.close(file)

    def _images(self, batch: int) -> int:
        """Images per run: on a GPU all whole batches, so that the first one's transfer matters little."""
        most = self.count // batch if self.where.type == "cuda" else 2 * goes(self.where)
        return min(most, self.count // batch) * batch

    def _order(self) -> Tensor:
        self.epoch += 1
        order = torch.randperm(self.count)
        self.source.begin(self.epoch, order)
        return order


def forget(path: Path, mapped: mmap.mmap) -> None:
    """Drops a file from memory, where the system allows that, as packs are larger than any memory.

    Pages that a process has mapped survive advice about the file alone.
    """
    if hasattr(mapped, "madvise"):
        mapped.madvise(mmap.MADV_DONTNEED)
    if hasattr(os, "posix_fadvise"):
        file = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def make(path: Path, images: int, how: Recipe, device: str, precision: Precision) -> Mapping[str, Work]:
    """The whole, its parts, and their ceilings."""
    one, side = TimedTraining(path, images, how, device, precision), how.augmentation.side
    return {
        WHOLE: one.whole,
        DEVICE: our_step(how.network, one.where, precision),
        HOST: one.host,
        DISK: one.disk,
        PRODUCTS: products(how.network, one.where, precision),
        COPY: arrivals(how.batch_size, side, one.where),
    }


def project(asked: Asked, result: WorkloadResult) -> tuple[Projection, ...]:
    """The paper's training, at the rate of the whole path."""
    whole = result.row(WHOLE)
    parts = {name: row for name in PARTS if (row := result.row(name)) is not None}
    if whole is None or not parts:
        return ()
    slowest = min(parts, key=lambda name: result.rate(parts[name]))
    images = training_images("imagenet")
    basis = (
        f"{EPOCHS} × {images:,} images at the whole path's median rate; the slowest part is the {slowest}; "
        f"the paper's took {claim('training-time').figure}, on two GTX 580"
    )
    return (Projection(f"{EPOCHS} epochs of ImageNet", EPOCHS * images / result.rate(whole), basis),)


WORKLOAD = Workload("ImageNet from the disk to the update", Unit.RATE, plan, project)
