"""What came after the paper, to test if its findings survive: fitted initialisation, batch normalisation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from harness.models.description import Activate, Dense, Function, Layer, Network, Shape, Weighted


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation of every map, without learned scale and shift."""

    implementation: ClassVar[str] = "harness.models.layers.batch_norm:build"
    momentum: float = 0.1
    epsilon: float = 1e-5


def fitted(network: Network) -> Network:
    """The network with He's initialisation where it has ReLU, and Xavier's where it has tanh."""
    functions = {layer.function for layer in network.layers if isinstance(layer, Activate)}
    relu = functions == {Function.RELU}
    layers = tuple(_fitted(layer, shape, relu) for layer, shape, _ in network.walk())
    return replace(network, name=f"{network.name}-fitted", layers=layers)


def _fitted(layer: Layer, shape: Shape, relu: bool) -> Layer:
    if not isinstance(layer, Weighted):
        return layer
    after = layer.output(shape)
    positions = 1 if isinstance(layer, Dense) else math.prod(after[1:])
    inward = layer.multiply_adds(shape) // (layer.units * positions)
    outward = inward * layer.units / shape[0] if len(shape) > 1 and len(after) > 1 else layer.units
    return replace(layer, init=math.sqrt(2 / inward if relu else 2 / (inward + outward)))


def normalised(network: Network) -> Network:
    """The network with batch normalisation before every nonlinearity."""
    return replace(network, name=f"{network.name}-normalised", layers=tuple(_with_norms(network)))


def _with_norms(network: Network) -> Iterator[Layer]:
    for layer in network.layers:
        if isinstance(layer, Activate):
            yield BatchNorm()
        yield layer
