"""Training batches cut from a memory map by background threads ahead of their use, bit for bit `Augmented`'s.

Threads copy the crops' bytes, without their borders, out of the map. For a GPU they put them in pinned
memory, and mirroring, mean and colours are one batched step there; for a CPU the threads do these steps too,
a few images at a time, so that the images stay in its cache.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice
from typing import TypeVar

import torch
from numpy.lib.stride_tricks import as_strided
from torch import Tensor

from harness.data.augmentation import Augmented, ColourBasis
from harness.data.images import Images
from harness.data.views import Augmentation, MeanCrop
from harness.records.environment import cores

AT_ONCE = 4  # images that a CPU processes together: their floats stay in its cache
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
        self.side, self.all = side, images.as_strided(shape, strides)
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
        self.centre_mean = self.drawn.centre_mean.to(mean.device)
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
        for some, place in zip(torch.split(chosen, AT_ONCE), torch.split(inputs, AT_ONCE), strict=True):
            self._vary(self._cut(some), place)
        return inputs.permute(0, 3, 1, 2), self.labels[chosen]

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
        inputs.copy_(_mirrored(cut.pixels, cut.flip))
        if self.how.mean is MeanCrop.OWN:
            far = self.drawn.width - self.how.side - cut.left
            inputs -= self.means.gather(cut.flip.long(), cut.top, torch.where(cut.flip, far, cut.left))
        else:
            inputs -= self.centre_mean
        if self.how.colour is not None and cut.shifts.shape[1]:
            # A row at a time: adding only three numbers at once would be slow.
            row = cut.shifts[:, None, :].repeat(1, 1, self.how.side)
            inputs.flatten(2).add_(row)
            if self.how.colour.divisor != 1:
                inputs *= 1 / self.how.colour.divisor


def _mirrored(images: Tensor, flip: Tensor) -> Tensor:
    if images.device.type != "cpu":
        return torch.where(flip[:, None, None, None], images.flip(2), images)
    some = flip.nonzero().flatten()  # the others stay as they are
    images.numpy()[some.numpy()] = images.index_select(0, some).flip(2).numpy()  # again by whole rows
    return images
