"""Convolutions (§3.5), padded more on the right and at the bottom where their description says so."""

from __future__ import annotations

from torch import nn

from harness.models.description import Conv, Shape


def build(layer: Conv, shape: Shape) -> nn.Module:
    """The module of `layer` for an input of `shape`; weights are not yet initialised."""
    before, after = layer.margins
    conv = nn.Conv2d(
        shape[0], layer.units, layer.size, layer.stride, before if before == after else 0, groups=layer.groups
    )
    if before == after:
        return conv
    return nn.Sequential(nn.ZeroPad2d((before, after, before, after)), conv)
