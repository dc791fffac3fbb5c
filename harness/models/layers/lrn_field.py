"""How implementations of response normalisation see their input: as a field, whatever its layout.

A field is contiguous, has the sides (B, R, S, P), and its windows lie in the rows R, the columns S, or both:

    across maps, NCHW            (images, columns of the net, maps a column, pixels)   window (1, n)
    across maps, channels-last   (images · pixels, columns, maps a column, 1)          window (1, n)
    within a map, NCHW           (images · maps, height, width, 1)                     window (n, n)
    within a map, channels-last  (images, height, width, maps)                         window (n, n)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.models.description import AcrossMaps, WithinMap


@dataclass(frozen=True)
class Formula:
    """b = a / (k + alpha Σ a²)^beta; the sum is over a `window` of (rows, columns)."""

    window: tuple[int, int]
    alpha: float
    beta: float
    k: float


def formula(layer: AcrossMaps | WithinMap) -> Formula:
    """The layer's window and constants, with α as the factor of the sum."""
    window = (1, layer.size) if isinstance(layer, AcrossMaps) else (layer.size, layer.size)
    alpha = layer.alpha / math.prod(window) if layer.divided else layer.alpha
    return Formula(window, alpha, layer.beta, layer.k)


def of(x: Tensor, layer: AcrossMaps | WithinMap) -> Tensor:
    """The field of (N, maps, height, width) or, across maps, of (N, maps).

    No copy of an `x` that is contiguous in either memory format.
    """
    images, maps = x.shape[:2]
    if _maps_last(x):
        pixels = x.permute(0, 2, 3, 1)
        if isinstance(layer, WithinMap):
            return pixels
        return pixels.reshape(math.prod(pixels.shape[:3]), layer.groups, maps // layer.groups, 1)
    x = x.contiguous()
    if isinstance(layer, WithinMap):
        return x.view(images * maps, *x.shape[2:], 1)
    return x.view(images, layer.groups, maps // layer.groups, math.prod(x.shape[2:]))


def back(field: Tensor, x: Tensor) -> Tensor:
    """A field in the shape of the input `x` from which it was made."""
    if not _maps_last(x):
        return field.view(x.shape)
    images, maps, height, width = x.shape
    return field.view(images, height, width, maps).permute(0, 3, 1, 2)


def _maps_last(x: Tensor) -> bool:
    return x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)
