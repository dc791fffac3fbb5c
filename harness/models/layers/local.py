"""Locally connected layers: a convolution whose kernels differ from place to place."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.models.description import Local, Shape


def build(layer: Local, shape: Shape) -> nn.Module:
    """The module of `layer` for an input of `shape`."""
    return LocallyConnected(layer, shape)


class LocallyConnected(nn.Module):
    """One matrix product a place: weight (places, maps · size², units), bias (places, 1, units)."""

    def __init__(self, layer: Local, shape: Shape) -> None:
        """Allocates the kernels of every place; `layer` has stride 1 and one group."""
        super().__init__()
        if layer.stride != 1 or layer.groups != 1 or len(set(layer.margins)) != 1:
            raise ValueError(
                f"{layer.name}: locally connected layers have stride 1, one group and even padding"
            )
        self.size, self.padding = layer.size, layer.padding
        self.shape = layer.output(shape)
        places = math.prod(self.shape[1:])
        self.weight = nn.Parameter(torch.empty(places, shape[0] * layer.size**2, layer.units))
        self.bias = nn.Parameter(torch.empty(places, 1, layer.units))

    def forward(self, x: Tensor) -> Tensor:
        """(N, maps, height, width) to (N, units, height, width)."""
        patches = functional.unfold(x, self.size, padding=self.padding)  # (N, maps · size², places)
        out = torch.baddbmm(self.bias, patches.permute(2, 0, 1), self.weight)  # (places, N, units)
        return out.permute(1, 2, 0).reshape(-1, *self.shape)
