"""Crops, flips and PCA colour noise (§4.1) of resident images, whole batches at a time on any device.

All draws come from named streams on the CPU, for a whole epoch at once, with one stream per kind: every
device sees the same ones, batches may be cut anywhere, and turning the colours off moves no crop.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from harness.contract.streams import generator
from harness.data.images import Batches, Images
from harness.data.views import Augmentation, ColourNoise, MeanCrop, Spread, View, centre, offsets

PIXELS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class ColourBasis:
    """Principal components of RGB on the 0–255 scale: variances (3,), descending, and vectors in columns."""

    values: Tensor
    vectors: Tensor


def colour_basis(pixels: Tensor) -> ColourBasis:
    """The components over all pixels of uint8 (N, height, width, 3), float64, the same on every device.

    Sums are of integers and stay below 2⁵³ for all of ImageNet (8·10¹⁰ pixels), so float64 holds them exactly
    in any order; a vector's sign is chosen so that its largest component is positive.
    """
    sums = torch.zeros(3, dtype=torch.float64, device=pixels.device)
    products = torch.zeros(3, 3, dtype=torch.float64, device=pixels.device)
    for some in torch.split(pixels, max(1, PIXELS_AT_ONCE // (pixels.shape[1] * pixels.shape[2]))):
        flat = some.reshape(-1, 3).double()
        sums += flat.sum(0)
        products += flat.T @ flat
    covariance = _covariance(pixels.shape[:3].numel(), sums.tolist(), products.tolist())
    values, vectors = torch.linalg.eigh(covariance)
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return ColourBasis(values.flip(0).clamp_min(0), (vectors * largest.sign()).flip(1))


def _covariance(count: int, sums: list[float], products: list[list[float]]) -> Tensor:
    """(n Σxy − Σx Σy) / n² in Python's integers, rounded once."""
    exact = [int(s) for s in sums]
    rows = [
        [(count * int(p) - x * y) / count**2 for p, y in zip(row, exact, strict=True)]
        for row, x in zip(products, exact, strict=True)
    ]
    return torch.tensor(rows, dtype=torch.float64)


@dataclass(frozen=True)
class Crops:
    """Corners int64 (N,) and flips bool (N,) of N images."""

    top: Tensor
    left: Tensor
    flip: Tensor

    def scatter(self, order: Tensor, count: int, device: torch.device) -> Crops:
        """The same on `device`, with image `order[i]` in place of the i-th, in a table of `count` images."""
        return Crops(*(_scatter(x, order, count, device) for x in (self.top, self.left, self.flip)))

    def of(self, chosen: Tensor) -> Crops:
        """The rows at `chosen`."""
        return Crops(self.top[chosen], self.left[chosen], self.flip[chosen])


def _scatter(drawn: Tensor, order: Tensor, count: int, device: torch.device) -> Tensor:
    table = drawn.new_zeros((count, *drawn.shape[1:]))
    table[order] = drawn
    return table.to(device)


def draw_crops(how: Augmentation, count: int, height: int, width: int, seed: int, epoch: int) -> Crops:
    """Crops and flips of `count` images in an epoch's order, shared by `how.sharing` consecutive ones."""

    def draw(kind: str, choices: int) -> Tensor:
        stream = generator(seed, "augmentation", kind, epoch)
        drawn = torch.randint(choices, (math.ceil(count / how.sharing),), generator=stream)
        return drawn.repeat_interleave(how.sharing)[:count]

    middle = centre(height, width, how.side)
    if how.crops:
        top, left = draw("top", offsets(height, how.side)), draw("left", offsets(width, how.side))
    else:
        top, left = (torch.full((count,), place) for place in (middle.top, middle.left))
    flip = draw("flip", 2).bool() if how.flips else torch.zeros(count, dtype=torch.bool)
    return Crops(top, left, flip)


def draw_shifts(noise: ColourNoise, basis: ColourBasis, count: int, seed: int, epoch: int) -> Tensor:
    """RGB shifts float32 (count, 3) on the 0–255 scale, one for each image: Σ αᵢ sᵢ pᵢ with α ~ N(0, σ²)."""
    stream = generator(seed, "augmentation", "colour", epoch)
    alpha = noise.sigma * torch.randn(count, 3, generator=stream, dtype=torch.float64)
    values = basis.values.cpu()
    spread = values.sqrt() if noise.spread is Spread.DEVIATION else values * (noise.white / 255)
    return ((alpha * spread) @ basis.vectors.cpu().T).float()


def crop(pixels: Tensor, chosen: Tensor, crops: Crops, side: int) -> Tensor:
    """The i-th of `crops` from image `chosen[i]` of `pixels` (N, height, width, 3), as (n, side, side, 3)."""
    return _mirror(_cut(pixels, chosen, crops, side), crops.flip)


def _cut(pixels: Tensor, chosen: Tensor, crops: Crops, side: int) -> Tensor:
    windows = pixels.unfold(1, side, 1).unfold(2, side, 1)  # a view of every possible crop
    return windows.permute(0, 1, 2, 4, 5, 3)[chosen, crops.top, crops.left]


def _mirror(images: Tensor, flip: Tensor) -> Tensor:
    return torch.where(flip[:, None, None, None], images.flip(2), images)


class Views(Batches):
    """Fixed views of resident images less the mean, for testing; gathers the centre view."""

    def __init__(self, images: Images, mean: Tensor, how: Augmentation) -> None:
        """`images` and `mean` (height, width, 3) are uncropped and live on one device."""
        super().__init__(images, mean)
        self.how = how
        self.height, self.width = images.pixels.shape[1:3]
        self.centre = centre(self.height, self.width, how.side)
        self.centre_mean = self._window(mean[None], self.centre)[0]

    def some(self, stretch: slice) -> Self:
        """Views of a slice of the images."""
        few = copy(self)
        few.images = Images(self.images.pixels[stretch], self.images.labels[stretch])
        return few

    def spaced(self, count: int | None) -> Self:
        """Views of at most `count` images at even distances, not copied; None: of all."""
        step = 1 if count is None else math.ceil(len(self.images) / count)
        return self.some(slice(None, None, step))

    def shifted(self, shift: Tensor) -> Self:
        """Views of images with `shift` (3,) added to every pixel's red, green and blue, in grey levels."""
        other = copy(self)
        moved = shift.to(self.mean.device)
        other.mean, other.centre_mean = self.mean - moved, self.centre_mean - moved
        return other

    def stretches(self, size: int) -> list[slice]:
        """Slices of all images, `size` at a time; for no images one empty slice."""
        return [slice(start, start + size) for start in range(0, max(1, len(self.images)), size)]

    def parts(self, size: int) -> Iterator[Views]:
        """Views of `size` images at a time, in order, resident where the mean is."""
        return map(self.some, self.stretches(size))

    def gather(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Centre views and labels of the images at `chosen`."""
        return self.see(chosen, self.centre), self.images.labels.index_select(0, chosen)

    def see(self, chosen: Tensor, view: View) -> Tensor:
        """One view of the images at `chosen`, less the mean: channels-last float32 (n, 3, side, side)."""
        own = self.how.mean is MeanCrop.OWN
        mean = self._window(self.mean[None], view)[0] if own else self.centre_mean
        seen = self._window(self.images.pixels, view).index_select(0, chosen).float()
        if view.flip:
            seen = seen.flip(2)
            mean = mean.flip(1) if own else mean
        return seen.sub_(mean).permute(0, 3, 1, 2)

    def _window(self, pixels: Tensor, view: View) -> Tensor:
        side = self.how.side
        return pixels[:, view.top : view.top + side, view.left : view.left + side]


class Augmented(Views):
    """Training batches as drawn for the current epoch: `begin` first, then gather in any portions."""

    def __init__(
        self, images: Images, mean: Tensor, how: Augmentation, seed: int, basis: ColourBasis | None = None
    ) -> None:
        """`basis` is that of the whole training set, needed if `how` has colour noise."""
        super().__init__(images, mean, how)
        if how.colour is not None and basis is None:
            raise ValueError("colour noise needs the colour_basis of the training images")
        self.seed, self.basis = seed, basis
        self.crops: Crops | None = None
        self.shifts: Tensor | None = None

    def begin(self, epoch: int, order: Tensor, colour: bool = True) -> None:
        """Draws for the images at `order` (none twice), in that order; `colour` is the schedule's word."""
        total, device = len(self.images), self.mean.device
        order = order.cpu()
        drawn = draw_crops(self.how, len(order), self.height, self.width, self.seed, epoch)
        self.crops, self.shifts = drawn.scatter(order, total, device), None
        if self.how.colour is not None and self.basis is not None and colour:
            shifts = draw_shifts(self.how.colour, self.basis, len(order), self.seed, epoch)
            self.shifts = _scatter(shifts, order, total, device)

    def gather(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Augmented inputs, channels-last float32 (n, 3, side, side), and labels of images at `chosen`."""
        if self.crops is None:
            raise RuntimeError("begin an epoch before gathering its batches")
        crops, side = self.crops.of(chosen), self.how.side
        if self.how.mean is MeanCrop.OWN:  # the mean is mirrored too, so mirror both at once
            inputs = _cut(self.images.pixels, chosen, crops, side).float()
            inputs -= _cut(self.mean[None], torch.zeros_like(chosen), crops, side)
            inputs = _mirror(inputs, crops.flip)
        else:
            inputs = crop(self.images.pixels, chosen, crops, side).float().sub_(self.centre_mean)
        if self.shifts is not None and self.how.colour is not None:
            inputs += self.shifts[chosen][:, None, None, :]
            # A product: CUDA divides by a number by multiplying by its inverse, but the CPU does not.
            inputs *= 1 / self.how.colour.divisor
        return inputs.permute(0, 3, 1, 2), self.images.labels.index_select(0, chosen)
