"""`bench imagenet`: how long the paper's 90 epochs would take here, and what holds them up.

Three speeds are measured on images of the machine's own making, as large as packed ones: of the disk (random
images, none of them in memory), of the host (crops, flips and colours from memory to the device), and of the
device (training steps on one batch). Then the whole path as a training runs it, which can be no faster than
the slowest of the three.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.contract.trial import Precision
from harness.data.augmentation import colour_basis
from harness.data.catalogue import training_images
from harness.data.images import Images
from harness.data.inputs.prefetch import Prefetched
from harness.models.network import Net
from harness.records import environment
from harness.training.loop import Loop
from harness.training.recipe import Recipe
from harness.training.update import Momentum2012, apply, groups

SIDE = 256
EPOCHS = 90


@dataclass(frozen=True)
class Speeds:
    """Images per second of the parts and of the whole, and what they were measured with."""

    disk: float
    host: float
    device: float
    whole: float
    batch: int
    precision: str
    images: int
    hardware: str

    @property
    def bottleneck(self) -> str:
        """The slowest part."""
        parts = {"disk": self.disk, "host": self.host, "device": self.device}
        return min(parts, key=lambda name: parts[name])

    @property
    def seconds(self) -> float:
        """For the paper's 90 epochs of ILSVRC-2012's training images."""
        return EPOCHS * training_images("imagenet") / self.whole


class Bench:
    """A training of the paper's network on made-up images that lie on the disk as a pack's do."""

    def __init__(self, folder: Path, recipe: Recipe, device: str, precision: Precision, images: int) -> None:
        """Writes `images` × 196,608 bytes below `folder`."""
        self.path, self.recipe = folder / "train.pixels", recipe
        rng = np.random.default_rng(0)
        with self.path.open("wb") as file:
            for _ in range(images):
                file.write(rng.bytes(SIDE * SIDE * 3))
            file.flush()
            os.fsync(file.fileno())
        self.count, self.where = images, torch.device(device)
        pixels = np.memmap(self.path, np.uint8, "r+", shape=(images, SIDE, SIDE, 3))
        labels = torch.randint(recipe.network.output[0], (images,))
        self.images = Images(torch.from_numpy(pixels), labels)
        basis = colour_basis(self.images.pixels[:32])
        mean = torch.full((SIDE, SIDE, 3), 127.0, device=self.where)
        self.source = Prefetched(self.images, mean, recipe.augmentation, 0, basis)
        net = Net(recipe.network).initialise(0).on(self.where)
        update = Momentum2012(groups(net, recipe.bias_rate_factor, recipe.bias_decay), momentum=0.9)
        apply(recipe.schedule.at(0, 0, []), update)
        self.loop = Loop(net, update, self.source, precision, recipe.batch_size)
        self.epoch = 0

    def disk(self) -> float:
        """Images per second of reading whole images in random order, with none of them in memory."""
        size = SIDE * SIDE * 3
        file = os.open(self.path, os.O_RDONLY)
        try:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            order = torch.randperm(self.count)[: 4 * self.recipe.batch_size].tolist()
            start = time.perf_counter()
            for image in order:
                os.pread(file, size, image * size)
            return len(order) / (time.perf_counter() - start)
        finally:
            os.close(file)

    def host(self, seconds: float) -> float:
        """Images per second of batches alone."""
        size = self.recipe.batch_size
        whole = self._order()[: self.count // size * size]
        made = chain.from_iterable(self.source.each(whole, size) for _ in repeat(None))
        return self._rate(lambda: next(made), size, seconds)

    def device(self, seconds: float) -> float:
        """Images per second of training steps on one batch that is on the device already."""
        order = self._order()[: self.recipe.batch_size]
        batch = next(self.source.each(order, len(order)))
        real, self.loop.batches = self.loop.batches, _Same(batch)
        try:
            return self._rate(lambda: self.loop.train(order), len(order), seconds)
        finally:
            self.loop.batches = real

    def whole(self, seconds: float) -> float:
        """Images per second of training, read and augmented as it goes."""

        def part() -> None:
            self.loop.train(self._order()[: 4 * self.recipe.batch_size])

        return self._rate(part, min(self.count, 4 * self.recipe.batch_size), seconds)

    def _order(self) -> Tensor:
        self.epoch += 1
        order = torch.randperm(self.count)
        self.source.begin(self.epoch, order)
        return order

    def _rate(self, work: Callable[[], object], images: int, seconds: float) -> float:
        """After one unmeasured time: as often as fits into `seconds`, and at least twice."""
        work()
        self._wait()
        done, start = 0, time.perf_counter()
        while done < 2 or time.perf_counter() - start < seconds:
            work()
            done += 1
        self._wait()
        return done * images / (time.perf_counter() - start)

    def _wait(self) -> None:
        if self.where.type == "cuda":
            torch.cuda.synchronize(self.where)


class _Same:
    """The same batch, whatever is asked for."""

    def __init__(self, batch: tuple[Tensor, Tensor]) -> None:
        self.batch, self.mean = batch, batch[0]

    def each(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batch, as often as there would be others."""
        return repeat(self.batch, math.ceil(len(order) / size))


def measure(recipe: Recipe, device: str, precision: Precision, images: int, seconds: float) -> Speeds:
    """All four speeds; every core works for the trial, as when one network is trained alone."""
    gpu = environment.gpu_name() if device.startswith("cuda") else None
    cores = f"{environment.cpu_name()}, {torch.get_num_threads()} threads"
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder), recipe, device, precision, images)
        return Speeds(
            bench.disk(),
            bench.host(seconds),
            bench.device(seconds),
            bench.whole(seconds),
            recipe.batch_size,
            str(precision),
            images,
            f"{gpu}; {cores}" if gpu else cores,
        )
