"""Dropout (§4.2) as in 2012, scaled in testing, and inverted dropout, scaled in training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.description import Dropout, Layer, Shape


def build(layer: Layer, shape: Shape) -> nn.Module:
    """The module of `layer` for an input of `shape`."""
    if not isinstance(layer, Dropout):
        raise TypeError(f"{__name__} cannot build {type(layer).__name__}")
    return DropoutUnits(layer)


class DropoutUnits(nn.Module):
    """Zeroes each number with probability `rate` in training; the mask comes from `generator`.

    The generator is on the input's device; without one, PyTorch's global generator is used. Where `ranks`
    processes share a batch evenly, each draws the mask of the whole batch and uses its own part.
    """

    def __init__(self, layer: Dropout) -> None:
        """Has no parameters; `reseed` sets the generator."""
        super().__init__()
        if not 0 <= layer.rate < 1:
            raise ValueError(f"dropout rate {layer.rate} is not in [0, 1)")
        self.keep, self.inverted = 1 - layer.rate, layer.inverted
        self.generator: torch.Generator | None = None
        self.rank, self.ranks = 0, 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) to the same; the mask does not depend on memory format or precision."""
        if not self.training:
            return x if self.inverted else x * self.keep
        batch = torch.empty((self.ranks * len(x), *x.shape[1:]), dtype=torch.float32, device=x.device)
        batch.bernoulli_(self.keep, generator=self.generator)
        kept = batch[self.rank * len(x) : (self.rank + 1) * len(x)].to(x.dtype)
        return x * (kept / self.keep if self.inverted else kept)

    def extra_repr(self) -> str:
        """Rate and kind."""
        return f"rate={1 - self.keep:g}, inverted={self.inverted}"


def generators(net: nn.Module) -> tuple[torch.Generator, ...]:
    """The generators that dropout layers of `net` draw from, each once."""
    found = (module.generator for module in net.modules() if isinstance(module, DropoutUnits))
    return tuple(dict.fromkeys(g for g in found if g is not None))


def reseed(net: nn.Module, generator: torch.Generator | None, rank: int = 0, ranks: int = 1) -> None:
    """Makes every dropout layer of `net` draw from `generator`, in the order in which they run."""
    for module in net.modules():
        if isinstance(module, DropoutUnits):
            module.generator, module.rank, module.ranks = generator, rank, ranks
