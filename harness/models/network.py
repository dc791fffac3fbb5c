"""The one network class: built from a description, initialised from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from pkgutil import resolve_name
from typing import Self

import torch
from torch import Tensor, nn

from harness.contract.streams import generator
from harness.models.description import Layer, Network, Shape, Weighted


class Net(nn.Module):
    """A described network as a PyTorch module; maps (N, maps, height, width) to logits (N, classes)."""

    def __init__(self, description: Network) -> None:
        """Builds every layer; weights have PyTorch's defaults until `initialise`."""
        super().__init__()
        self.description = description
        self.layers = nn.ModuleList(_build(layer, before) for layer, before, _ in description.walk())

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch."""
        for layer in self.layers:
            x = layer(x)
        return x

    def weighted(self) -> Iterator[tuple[Weighted, nn.Parameter, nn.Parameter]]:
        """Every layer with weights, as (description, weight, bias), from input to output."""
        for layer, module in zip(self.description.layers, self.layers, strict=True):
            if isinstance(layer, Weighted):
                parameters = dict(module.named_parameters())
                weight = next(p for name, p in parameters.items() if name.endswith("weight"))
                bias = next(p for name, p in parameters.items() if name.endswith("bias"))
                yield layer, weight, bias

    @torch.no_grad()
    def initialise(self, seed: int) -> Self:
        """Draws the weights from N(0, init²), one stream per layer: no layer's draw moves another's."""
        for layer, weight, bias in self.weighted():
            draw = torch.empty(weight.shape)
            draw.normal_(0.0, layer.init, generator=generator(seed, "initialisation", layer.name))
            weight.copy_(draw)
            bias.fill_(layer.bias)
        return self

    def on(self, device: torch.device) -> Self:
        """The same network on `device`, with kernels channels-last, as batches are."""
        return self.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _build(layer: Layer, shape: Shape) -> nn.Module:
    module: nn.Module = resolve_name(layer.implementation)(layer, shape)
    return module
