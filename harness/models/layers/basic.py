"""Convolution, dense layers, pooling and nonlinearities, from their descriptions."""

from __future__ import annotations

import math

from torch import Tensor, nn

from harness.models.description import Activate, Conv, Dense, Function, Layer, Pool, Pooling, Shape

FUNCTIONS: dict[Function, type[nn.Module]] = {Function.RELU: nn.ReLU, Function.TANH: nn.Tanh}


def build(layer: Layer, shape: Shape) -> nn.Module:
    """The module of `layer` for an input of `shape`; weights are not yet initialised."""
    match layer:
        case Conv():
            return _convolution(layer, shape)
        case Dense():
            return FlatLinear(math.prod(shape), layer.units)
        case Activate():
            return FUNCTIONS[layer.function]()
        case Pool(kind=Pooling.MAX):
            return nn.MaxPool2d(layer.size, layer.stride, layer.padding, ceil_mode=layer.ceil)
        case Pool():
            # PyTorch's divisor counts zero padding unless told not to; 2012's counted only pixels.
            return nn.AvgPool2d(layer.size, layer.stride, layer.padding, layer.ceil, count_include_pad=False)
    raise TypeError(f"{__name__} cannot build {type(layer).__name__}")


class FlatLinear(nn.Linear):
    """A linear layer that flattens its input in map, row, column order, whatever the memory format."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, units) from (N, maps, height, width) or (N, units)."""
        return super().forward(x.flatten(1))


def _convolution(layer: Conv, shape: Shape) -> nn.Module:
    before, after = layer.margins
    conv = nn.Conv2d(
        shape[0], layer.units, layer.size, layer.stride, before if before == after else 0, groups=layer.groups
    )
    if before == after:
        return conv
    return nn.Sequential(nn.ZeroPad2d((before, after, before, after)), conv)
