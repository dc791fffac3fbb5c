"""Batch normalisation, from its description."""

from __future__ import annotations

from torch import nn

from harness.models.description import Layer, Shape
from harness.models.modern import BatchNorm


def build(layer: Layer, shape: Shape) -> nn.Module:
    """The module of `layer` for an input of `shape`: maps, or units after a dense layer."""
    if not isinstance(layer, BatchNorm):
        raise TypeError(f"{__name__} cannot build {type(layer).__name__}")
    kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
    return kind(shape[0], layer.epsilon, layer.momentum, affine=False)
