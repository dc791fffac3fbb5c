"""Networks in PyTorch's own modules, as one would write them from the paper, and a plain training step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.models.description import (
    AcrossMaps,
    Activate,
    Conv,
    Dense,
    Dropout,
    Function,
    Layer,
    Network,
    Pool,
    Pooling,
    Shape,
)


class ColumnNorm(nn.LocalResponseNorm):
    """PyTorch's layer on the maps of each column; in NCHW this costs nothing extra."""

    def __init__(self, layer: AcrossMaps) -> None:
        """Multiplies α by n if the description does not divide by n, as PyTorch does."""
        alpha = layer.alpha if layer.divided else layer.alpha * layer.size
        super().__init__(layer.size, alpha, layer.beta, layer.k)
        self.groups = layer.groups

    def forward(self, x: Tensor) -> Tensor:
        """(N, maps, height, width) to the same shape."""
        columns = x.reshape(x.shape[0] * self.groups, -1, *x.shape[2:])
        return super().forward(columns).view(x.shape)


def stock(description: Network) -> nn.Sequential:
    """The network in PyTorch's own modules, with their default initial weights."""
    return nn.Sequential(*(m for layer, before, _ in description.walk() for m in _modules(layer, before)))


def _modules(layer: Layer, before: Shape) -> Iterator[nn.Module]:
    match layer:
        case Conv():
            yield from _convolution(layer, before)
        case Dense():
            if len(before) > 1:
                yield nn.Flatten()
            yield nn.Linear(math.prod(before), layer.units)
        case Activate(function=function):
            yield nn.ReLU() if function is Function.RELU else nn.Tanh()
        case AcrossMaps():
            yield ColumnNorm(layer)
        case Pool():
            yield _pool(layer)
        case Dropout():
            yield nn.Dropout(layer.rate)
        case _:
            raise TypeError(f"no stock module for {layer}")


def _convolution(layer: Conv, before: Shape) -> Iterator[nn.Module]:
    first, last = layer.margins
    if first != last:
        yield nn.ZeroPad2d((first, last, first, last))
    padding = first if first == last else 0
    yield nn.Conv2d(before[0], layer.units, layer.size, layer.stride, padding, groups=layer.groups)


def _pool(layer: Pool) -> nn.Module:
    if layer.kind is Pooling.MAX:
        return nn.MaxPool2d(layer.size, layer.stride, ceil_mode=layer.ceil)
    return nn.AvgPool2d(layer.size, layer.stride, ceil_mode=layer.ceil)


def training_step(net: nn.Module, bf16: bool, rate: float, decay: float) -> Callable[[Tensor, Tensor], None]:
    """A step on inputs and labels as in a tutorial: autocast, cross-entropy, backward, `torch.optim.SGD`."""
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=decay)

    def step(inputs: Tensor, labels: Tensor) -> None:
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=bf16):
            loss = functional.cross_entropy(net(inputs), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step
