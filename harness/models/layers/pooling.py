"""Pooling (§3.4)."""

from __future__ import annotations

from torch import nn

from harness.models.description import Pool, Pooling, Shape


def build(layer: Pool, shape: Shape) -> nn.Module:
    """The module of `layer`, for maps of any size."""
    if layer.kind is Pooling.MAX:
        return nn.MaxPool2d(layer.size, layer.stride, layer.padding, ceil_mode=layer.ceil)
    # By default, PyTorch's divisor counts the zeros of the padding; the 2012 code counted pixels alone.
    return nn.AvgPool2d(layer.size, layer.stride, layer.padding, layer.ceil, count_include_pad=False)
