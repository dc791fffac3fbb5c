"""Nonlinearities (§3.1)."""

from __future__ import annotations

from torch import nn

from harness.models.description import Activate, Function, Shape

FUNCTIONS: dict[Function, type[nn.Module]] = {Function.RELU: nn.ReLU, Function.TANH: nn.Tanh}


def build(layer: Activate, shape: Shape) -> nn.Module:
    """The module of `layer`, for an input of any shape."""
    return FUNCTIONS[layer.function]()
