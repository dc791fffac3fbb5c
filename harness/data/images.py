"""A data set as resident tensors: gathered, cropped and flipped in batches, with no Python per image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from harness.contract.streams import generator
from harness.data import stand_in

SUMMED_AT_ONCE = 1000


@dataclass(frozen=True)
class Images:
    """Labelled images: `pixels` uint8 (N, height, width, 3), `labels` int64 (N,)."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Images:
        """The same images, resident on `device`."""
        return Images(self.pixels.to(device), self.labels.to(device))

    def first(self, count: int) -> Images:
        """The first `count` images of a fixed shuffle, the same for every seed and arm."""
        if count == len(self):
            return self
        if count > len(self):
            raise ValueError(f"{count} images asked for, the data set has {len(self)}")
        chosen = torch.randperm(len(self), generator=generator(0, "subset"))[:count]
        return Images(self.pixels.index_select(0, chosen), self.labels[chosen])  # 12× faster than indexing

    def parted(self, count: int) -> tuple[Images, Images]:
        """All but the last `count` images of the fixed shuffle, and those last ones."""
        chosen = torch.randperm(len(self), generator=generator(0, "subset"))
        return self._at(chosen[:-count]), self._at(chosen[-count:])

    def _at(self, chosen: Tensor) -> Images:
        return Images(self.pixels.index_select(0, chosen), self.labels[chosen])

    def centre(self, side: int | None) -> Images:
        """Centre crops of `side` pixels (None: the whole image)."""
        if side is None:
            return self
        top = (self.pixels.shape[1] - side) // 2
        return Images(self.pixels[:, top : top + side, top : top + side].contiguous(), self.labels)

    def mean(self) -> Tensor:
        """The per-pixel mean image, float32 (height, width, 3), summed exactly in integers.

        Some images at a time, since a sum first converts all its input to int64: a gigabyte for CIFAR-10.
        """
        sums = [some.sum(0, dtype=torch.int64) for some in torch.split(self.pixels, SUMMED_AT_ONCE)]
        return (torch.stack(sums).sum(0).double() / len(self)).float()


def even(count: int, total: int) -> Tensor:
    """`count` of `total` places at even distances, int64 (count,): photographs are ordered by class."""
    return torch.arange(count) * total // count


@lru_cache(maxsize=4)
def load(dataset: str, place: Path | None, train: bool = True) -> Images:
    """The data set in `place`, checked; the stand-in if there is none."""
    if place is None:
        return Images(*stand_in.gratings(train))
    if dataset != "cifar10":
        raise ValueError(f"no loader for {dataset}")
    from harness.data import cifar10  # torchvision imports TorchDynamo: seconds that others need not spend

    return Images(*cifar10.load(place, train))


class Batches:
    """Batches of resident images less their mean, as channels-last float32 (N, 3, height, width)."""

    def __init__(self, images: Images, mean: Tensor) -> None:
        """`images` and `mean` live on the device that trains."""
        self.images, self.mean = images, mean

    def each(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The images at `order` (N,), which may be on any device, `size` at a time."""
        return map(self.gather, torch.split(order.to(self.mean.device), size))

    def gather(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs on the raw 0–255 scale less the mean, and labels, of the images at `chosen`."""
        inputs = self.images.pixels.index_select(0, chosen).float().sub_(self.mean)
        # The pixels are already stored channels-last: this only puts the dimensions in PyTorch's order.
        return inputs.permute(0, 3, 1, 2), self.images.labels.index_select(0, chosen)
