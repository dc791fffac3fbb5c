"""Fully connected layers."""

from __future__ import annotations

import math

from torch import Tensor, nn

from harness.models.description import Dense, Shape


def build(layer: Dense, shape: Shape) -> nn.Module:
    """The module of `layer` for an input of `shape`; weights are not yet initialised."""
    return FlatLinear(math.prod(shape), layer.units)


class FlatLinear(nn.Linear):
    """A linear layer that flattens its input in map, row, column order, whatever the memory format."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, units) from (N, maps, height, width) or (N, units)."""
        return super().forward(x.flatten(1))
