"""The two columns of §3.2 as two networks that exchange maps: one per process, or both in one process.

Any description whose convolutions have two groups can be split. Each column has half of every layer's units.
Grouped convolutions, pooling and normalisation see their own half; ungrouped convolutions after the first and
dense layers see both, and the halves of the logits are exchanged too. Weights are slices, along the units, of
what `Net` has; dropout masks are slices of the masks that it draws. So outputs, gradients and updates are
those of `Net` up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pkgutil import resolve_name
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.contract.errors import BadValue
from harness.contract.streams import generator
from harness.models.description import (
    AcrossMaps,
    Conv,
    Dense,
    Dropout,
    Layer,
    Local,
    Network,
    Shape,
    Weighted,
)
from harness.models.exchange import Swap, in_order
from harness.models.layers.dense import FlatLinear
from harness.models.layers.dropout import DropoutUnits, reseed
from harness.models.network import Net

Fetch = Callable[[], Tensor]  # waits for the other column's half


class Half(Net):
    """One column of a described network; `weighted` names its layers as `Net` does, with half the weights."""

    def __init__(self, description: Network, side: int) -> None:
        """`side` is 0 or 1. BadValue if the description cannot be split into two equal columns."""
        nn.Module.__init__(self)
        check(description)
        self.description, self.side = description, side
        self.layers = nn.ModuleList(_layers(description, side))

    @torch.no_grad()
    def initialise(self, seed: int) -> Self:
        """The half of the weights that `Net.initialise` draws from this seed."""
        for layer, weight, bias in self.weighted():
            draw = torch.empty(layer.units, *weight.shape[1:])
            draw.normal_(0.0, layer.init, generator=generator(seed, "initialisation", layer.name))
            weight.copy_(_half(draw, self.side))
            bias.fill_(layer.bias)
        return self


class Column(Half):
    """One column in its own process; both processes return the complete logits."""

    def __init__(self, description: Network, swap: Swap) -> None:
        """The side is the rank in `swap`."""
        super().__init__(description, swap.rank)
        self.swap = swap
        for layer in self.layers:
            if isinstance(layer, Joint):
                layer.swap = swap

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch, (N, classes); both processes must pass the same batch."""
        return self.swap.whole(super().forward(x), 1)


class Both(Net):
    """Both columns in one process and, on a GPU, in two streams; they equal `Net` as two processes do."""

    def __init__(self, description: Network, device: torch.device | str = "cpu") -> None:
        """Streams belong to `device`; weights are still on the CPU. BadValue as for `Column`."""
        nn.Module.__init__(self)
        self.description = description
        self.columns = nn.ModuleList(Half(description, side) for side in (0, 1))
        cuda = torch.device(device).type == "cuda"
        self.streams = [torch.cuda.Stream(device) for _ in range(2 * cuda)]  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch."""
        self._align()
        halves = [self._begin(x, side) for side in (0, 1)]
        for pair in zip(*(half.layers for half in self._halves()), strict=True):
            ready = [stream.record_event() for stream in self.streams]
            fetches = [partial(self._fetch, halves[1 - side], side, ready) for side in (0, 1)]
            halves = [self._run(*one) for one in zip(pair, halves, fetches, (0, 1), strict=True)]
        return torch.cat([self._end(half, side) for side, half in enumerate(halves)], 1)

    def weighted(self) -> Iterator[tuple[Weighted, nn.Parameter, nn.Parameter]]:
        """Every layer with weights of the first column, then of the second."""
        for half in self._halves():
            yield from half.weighted()

    @torch.no_grad()
    def initialise(self, seed: int) -> Self:
        """The weights that `Net.initialise` draws from this seed."""
        for half in self._halves():
            half.initialise(seed)
        return self

    def _halves(self) -> Iterator[Half]:
        return (half for half in self.columns if isinstance(half, Half))

    def _align(self) -> None:
        """Makes the second column draw the same masks as the first, and use its own half of them."""
        drawn = [m.generator for m in self.columns[0].modules() if isinstance(m, HalfDropout)]
        shared = drawn[0] if drawn else None
        reseed(self.columns[1], None if shared is None else shared.clone_state())

    def _begin(self, x: Tensor, side: int) -> Tensor:
        if self.streams:
            self.streams[side].wait_stream(torch.cuda.current_stream(x.device))
            x.record_stream(self.streams[side])
        return x

    def _end(self, half: Tensor, side: int) -> Tensor:
        if self.streams:
            here = torch.cuda.current_stream(half.device)
            here.wait_stream(self.streams[side])
            half.record_stream(here)
        return half

    def _fetch(self, other: Tensor, side: int, ready: list[torch.cuda.Event]) -> Tensor:
        if self.streams:
            self.streams[side].wait_event(ready[1 - side])
            other.record_stream(self.streams[side])
        return other

    def _run(self, layer: nn.Module, half: Tensor, fetch: Fetch, side: int) -> Tensor:
        stream: AbstractContextManager[object] = (
            torch.cuda.stream(self.streams[side]) if self.streams else nullcontext()
        )
        with stream:
            out: Tensor = layer.join(half, fetch) if isinstance(layer, Joint) else layer(half)
        return out


class Joint(nn.Module):
    """A layer that sees both columns: `join` takes its own half and a function that waits for the other."""

    swap: Swap | None = None
    side: int

    def join(self, own: Tensor, fetch: Fetch) -> Tensor:
        """The column's half of the output."""
        raise NotImplementedError

    def forward(self, own: Tensor) -> Tensor:
        """The same, with the other half from the other process."""
        assert self.swap is not None  # `Both` calls `join`
        return self.join(own, self.swap.send(own))


class JointConv(Joint, nn.Conv2d):
    """Convolves its own half of the maps while the other is in transit, then adds the other's result."""

    def __init__(self, layer: Conv, maps: int, side: int) -> None:
        """`layer` is the half layer; `maps` counts the input maps of both columns."""
        nn.Conv2d.__init__(self, maps, layer.units, layer.size, layer.stride)
        self.side, self.margins = side, layer.margins

    def join(self, own: Tensor, fetch: Fetch) -> Tensor:
        """(N, maps / 2, height, width) to (N, units, height, width)."""
        weights = self.weight.chunk(2, 1)
        first = self._convolve(own, weights[self.side], self.bias)
        return first + self._convolve(fetch(), weights[1 - self.side], None)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        before, after = self.margins
        if before != after:
            x = functional.pad(x, (before, after, before, after))
        return functional.conv2d(x, weight, bias, self.stride, before if before == after else 0)


class JointLinear(Joint, FlatLinear):
    """A dense layer on both halves of its input."""

    def __init__(self, layer: Dense, inputs: int, side: int) -> None:
        """`layer` is the half layer; `inputs` counts those of both columns."""
        FlatLinear.__init__(self, inputs, layer.units)
        self.side = side

    def join(self, own: Tensor, fetch: Fetch) -> Tensor:
        """(N, units) from half of the maps or units."""
        return FlatLinear.forward(self, in_order(own, fetch(), self.side, 1))


class HalfDropout(DropoutUnits):
    """Dropout of one column: its half of the mask that the whole network draws."""

    def __init__(self, layer: Dropout, side: int) -> None:
        """The generator must start in the same state in both columns."""
        super().__init__(layer)
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """(N, units / 2, ...) to the same."""
        if not self.training:
            return super().forward(x)
        kept = torch.empty(len(x), 2 * x.shape[1], *x.shape[2:], dtype=torch.float32, device=x.device)
        kept.bernoulli_(self.keep, generator=self.generator)
        half = _half(kept, self.side, 1).to(x.dtype)
        return x * (half / self.keep if self.inverted else half)


def check(description: Network) -> None:
    """BadValue, with the reason, for a network that cannot be split into two equal columns."""
    convolutions = [layer for layer in description.layers if isinstance(layer, Conv)]
    if 2 not in {layer.groups for layer in convolutions}:
        raise BadValue(f"'{description.name}' has no columns: none of its convolutions has two groups")
    for layer in description.layers:
        _check_layer(layer, description.name)


def _check_layer(layer: Layer, name: str) -> None:
    if isinstance(layer, Local):
        raise BadValue(f"'{name}' cannot be split into two columns: {layer.name} is locally connected")
    if isinstance(layer, Conv) and layer.groups not in (1, 2):
        raise BadValue(
            f"'{name}' cannot be split into two columns: {layer.name} has neither one group nor two"
        )
    if isinstance(layer, AcrossMaps) and layer.groups != 2:
        raise BadValue(
            f"'{name}' normalises across its columns, but two processes each normalise within their own"
        )
    if isinstance(layer, Weighted) and layer.units % 2:
        raise BadValue(
            f"'{name}' has {layer.units} units in {layer.name}: two equal columns need an even number"
        )


def _layers(description: Network, side: int) -> Iterator[nn.Module]:
    """One column's modules, one for each layer; before the first weights both columns see everything."""
    cut = False
    for layer, before, _ in description.walk():
        yield _layer(layer, before, side, cut)
        cut = cut or isinstance(layer, Weighted)


def _layer(layer: Layer, before: Shape, side: int, cut: bool) -> nn.Module:
    half = replace(layer, units=layer.units // 2) if isinstance(layer, Weighted) else layer
    if not cut:
        return _build(half, before)
    match half:
        case Conv(groups=1):
            return JointConv(half, before[0], side)
        case Dense():
            return JointLinear(half, math.prod(before), side)
        case Dropout():
            return HalfDropout(half, side)
        case Conv() | AcrossMaps():
            half = replace(half, groups=1)
    return _build(half, (before[0] // 2, *before[1:]))


def _build(layer: Layer, shape: Shape) -> nn.Module:
    module: nn.Module = resolve_name(layer.implementation)(layer, shape)
    return module


def _half(whole: Tensor, side: int, dim: int = 0) -> Tensor:
    return whole.chunk(2, dim)[side]
