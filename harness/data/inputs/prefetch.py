"""Training batches cut from a memory map by background threads ahead of their use, bit for bit `Augmented`'s.

For a CPU the threads make floats of the map's bytes in one pass. For a GPU they copy the crops' bytes,
without their borders, to pinned memory; mirroring, mean and colours are one batched step there, and on a CPU
too if Numba is missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice
from typing import TypeVar, cast

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided
from torch import Tensor

from harness.contract.optional import if_importable
from harness.data.augmentation import Augmented, ColourBasis, Crops
from harness.data.images import Images
from harness.data.views import Augmentation, MeanCrop
from harness.records.environment import cores

Batch = tuple[Tensor, Tensor]
T = TypeVar("T")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Cut:
    """Unprocessed crops, uint8 (n, side, side, 3), and what is still to be done to them."""

    pixels: Tensor
    labels: Tensor
    top: Tensor
    left: Tensor
    flip: Tensor
    shifts: Tensor  # float32 (n, 3), or (n, 0) if no colours are drawn

    def on(self, device: torch.device) -> Cut:
        """The same on `device`; from pinned memory, the copy is asynchronous."""
        return Cut(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))

    def pinned(self) -> Cut:
        """The same in pinned memory, which a GPU reads directly."""
        return Cut(*(getattr(self, f.name).pin_memory() for f in fields(self)))


class Windows:
    """Every possible crop of images (N, height, width, 3), to be gathered by corner, row by row."""

    def __init__(self, images: Tensor, side: int) -> None:
        """`images` must be contiguous, on any device; nothing is copied."""
        count, height, width, _ = images.shape
        shape = (count, height - side + 1, width - side + 1, side, 3 * side)
        strides = (height * width * 3, width * 3, 3, width * 3, 1)
        self.images, self.side, self.all = images, side, images.as_strided(shape, strides)
        if images.device.type == "cpu":
            # NumPy copies whole rows, PyTorch single bytes: a quarter of the time.
            size = images.element_size()
            places = tuple(size * s for s in strides)
            self.rows = as_strided(images.numpy(), shape, places, writeable=False)

    def gather(self, image: Tensor, top: Tensor, left: Tensor) -> Tensor:
        """The crop of each image at a corner, (n, side, side, 3)."""
        if self.all.device.type == "cpu":
            found = torch.from_numpy(self.rows[image.numpy(), top.numpy(), left.numpy()])
        else:
            found = self.all[image, top, left]
        return found.view(-1, self.side, self.side, 3)


@dataclass(frozen=True)
class Coming:
    """A cut on its way to the GPU, and the event that signals its arrival."""

    cut: Cut
    copied: torch.cuda.Event


@if_importable("Numba", "inputs are made in PyTorch's operations")
def one_pass() -> Callable[..., None]:
    """The compiled pass, or None with the reason logged."""
    from harness.data.inputs.single_pass import vary

    return cast("Callable[..., None]", vary)


def input_threads(device: torch.device) -> int:
    """Threads that make batches: two beside a CPU's own; for a GPU, enough to keep up with it."""
    return min(8, max(2, cores())) if device.type == "cuda" else 2


def made_ahead(
    make: Callable[[T], Made], of: Iterable[T], threads: ThreadPoolExecutor, ahead: int
) -> Iterator[Made]:
    """The results of `make` for each item, in order; `ahead` of them are in progress while one is used."""
    coming = iter(of)
    ready = deque(threads.submit(make, one) for one in islice(coming, ahead))
    try:
        while ready:
            made = ready.popleft().result()
            ready.extend(threads.submit(make, one) for one in islice(coming, 1))
            yield made
    finally:
        for future in ready:
            future.cancel()


class Prefetched:
    """Training batches, drawn and made as by `Augmented`: `begin` an epoch, then take `each` in any order.

    With several ranks, each begins with the whole order and takes its own share.
    """

    def __init__(
        self,
        images: Images,
        mean: Tensor,
        how: Augmentation,
        seed: int,
        basis: ColourBasis | None = None,
    ) -> None:
        """`images` stay on the CPU; `mean` (height, width, 3) lives on the device that trains."""
        self.mean, self.how, self.labels = mean, how, images.labels
        self.drawn = Augmented(images, mean.cpu(), how, seed, basis)
        self.windows = Windows(images.pixels, how.side)
        self.means = Windows(torch.stack([mean, mean.flip(1)]), how.side)  # upright and mirrored
        self.centre_mean = self.drawn.centre_mean.contiguous().to(mean.device)
        self.vary = None if mean.is_cuda else one_pass()
        count = input_threads(mean.device)
        self.threads, self.ahead = ThreadPoolExecutor(count, "input"), 2 * count
        self.side = torch.cuda.Stream(mean.device) if mean.is_cuda else None  # type: ignore[no-untyped-call]

    def begin(self, epoch: int, order: Tensor, colour: bool = True) -> None:
        """Draws for the images at `order` (none twice), in that order; `colour` is the schedule's word."""
        self.drawn.begin(epoch, order, colour)

    def each(self, order: Tensor, size: int) -> Iterator[Batch]:
        """Augmented inputs, channels-last float32 (n, 3, side, side), and labels, on the training device."""
        if self.drawn.crops is None:
            raise RuntimeError("begin an epoch before taking its batches")
        made = made_ahead(self._make, torch.split(order.cpu(), size), self.threads, self.ahead)
        return (batch if isinstance(batch, tuple) else self._finish(batch) for batch in made)

    def _make(self, chosen: Tensor) -> Batch | Coming:
        """The batch for a CPU; for a GPU the cut, already being copied."""
        if self.side is not None:
            return self._sent(chosen, self.side)
        inputs = torch.empty(len(chosen), self.how.side, self.how.side, 3)
        if self.vary is None:
            self._vary(self._cut(chosen), inputs)
        else:
            self._in_one_pass(self.vary, chosen, inputs)
        return inputs.permute(0, 3, 1, 2), self.labels[chosen]

    def _in_one_pass(self, vary: Callable[..., None], chosen: Tensor, inputs: Tensor) -> None:
        """`_vary` of `_cut` on a CPU, to the bit."""
        assert self.drawn.crops is not None
        crops, shifts, colour = self.drawn.crops.of(chosen), self.drawn.shifts, self.how.colour
        means, places = self.centre_mean[None], (torch.zeros_like(chosen),) * 3
        if self.how.mean is MeanCrop.OWN:
            means, places = self.means.images, (crops.flip.long(), crops.top, self._mirrored_left(crops))
        noise = torch.zeros(len(chosen), 3) if shifts is None else shifts[chosen]
        scale = 1.0 if shifts is None or colour is None else 1 / colour.divisor
        given = (self.windows.images, chosen, crops.top, crops.left, crops.flip, means, *places, noise)
        vary(*(x.numpy() for x in given), np.float32(scale), inputs.numpy())

    def _mirrored_left(self, crops: Cut | Crops) -> Tensor:
        """Where a crop begins in the mean that is mirrored with it."""
        return torch.where(crops.flip, self.drawn.width - self.how.side - crops.left, crops.left)

    def _sent(self, chosen: Tensor, side: torch.cuda.Stream) -> Coming:
        """Copies on a separate stream; `_finish` makes the training's stream wait for it."""
        pinned = self._cut(chosen).pinned()
        with torch.cuda.stream(side):
            there = pinned.on(self.mean.device)
            return Coming(there, side.record_event())

    def _cut(self, chosen: Tensor) -> Cut:
        assert self.drawn.crops is not None
        crops, shifts = self.drawn.crops.of(chosen), self.drawn.shifts
        return Cut(
            self.windows.gather(chosen, crops.top, crops.left),
            self.labels[chosen],
            crops.top,
            crops.left,
            crops.flip,
            torch.empty(len(chosen), 0) if shifts is None else shifts[chosen],
        )

    def _finish(self, coming: Coming) -> Batch:
        """The batch of a cut that is on the GPU or on its way."""
        now, cut = torch.cuda.current_stream(self.mean.device), coming.cut
        now.wait_event(coming.copied)
        for field in fields(cut):
            getattr(cut, field.name).record_stream(now)  # it must not be overwritten before it is used
        inputs = torch.empty(cut.pixels.shape, device=cut.pixels.device)
        self._vary(cut, inputs)
        return inputs.permute(0, 3, 1, 2), cut.labels

    def _vary(self, cut: Cut, inputs: Tensor) -> None:
        """`Augmented`'s arithmetic; mirroring only moves numbers, so it can come first."""
        flip = cut.flip[:, None, None, None]
        inputs.copy_(torch.where(flip, cut.pixels.flip(2), cut.pixels))
        if self.how.mean is MeanCrop.OWN:
            inputs -= self.means.gather(cut.flip.long(), cut.top, self._mirrored_left(cut))
        else:
            inputs -= self.centre_mean
        if self.how.colour is not None and cut.shifts.shape[1]:
            # A row at a time: adding only three numbers at once would be slow.
            row = cut.shifts[:, None, :].repeat(1, 1, self.how.side)
            inputs.flatten(2).add_(row)
            if self.how.colour.divisor != 1:
                inputs *= 1 / self.how.colour.divisor
