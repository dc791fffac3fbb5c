"""A network as data: a tuple of layers, each of which knows its output shape, parameters and arithmetic.

Nothing here needs torch, so that tables, cost estimates and plans can be made without it. Each layer
names the function that builds it (`implementation`); a new kind of layer is one class and one such function.
Shapes are (maps, height, width), or (units,) after the first dense layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from harness.contract.trial import LABEL

Shape = tuple[int, ...]


class Function(StrEnum):
    """The nonlinearity of a layer."""

    RELU = "relu"
    TANH = "tanh"


class Pooling(StrEnum):
    """How a pooling window becomes one number."""

    MAX = "max"
    AVERAGE = "average"


@dataclass(frozen=True)
class Layer:
    """Base of all layers; by itself it changes nothing and has no parameters."""

    implementation: ClassVar[str]

    def output(self, shape: Shape) -> Shape:
        """Shape of the output for an input of `shape`."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """Number of weights and biases."""
        return 0

    def multiply_adds(self, shape: Shape) -> int:
        """Multiplications by weights in the forward pass of one image."""
        return 0


@dataclass(frozen=True)
class Weighted(Layer):
    """A layer with weights from N(0, `init`²), constant biases, and an L2 penalty on the weights."""

    name: str
    units: int
    init: float = 0.01
    bias: float = 0.0
    decay: float = 0.0


@dataclass(frozen=True)
class Conv(Weighted):
    """Convolution with `units` square kernels; `padding_after` pads right and bottom where they differ."""

    implementation: ClassVar[str] = "harness.models.layers.convolution:build"
    size: int = 3
    stride: int = 1
    padding: int = 0
    padding_after: int | None = None
    groups: int = 1

    @property
    def margins(self) -> tuple[int, int]:
        """Padding before and after each row and column."""
        return self.padding, self.padding if self.padding_after is None else self.padding_after

    def output(self, shape: Shape) -> Shape:
        """(units, height, width) after padding, rounding down."""
        side = [(s + sum(self.margins) - self.size) // self.stride + 1 for s in shape[1:]]
        return self.units, *side

    def parameters(self, shape: Shape) -> int:
        """Kernels of size² · maps / groups weights, and one bias per kernel."""
        return self.units * (self._fan_in(shape) + 1)

    def multiply_adds(self, shape: Shape) -> int:
        """One kernel's fan-in for every output number."""
        return math.prod(self.output(shape)) * self._fan_in(shape)

    def _fan_in(self, shape: Shape) -> int:
        return shape[0] // self.groups * self.size**2


@dataclass(frozen=True)
class Local(Conv):
    """A convolution whose kernels are not shared: every position has its own (stride 1, one group)."""

    implementation: ClassVar[str] = "harness.models.layers.local:build"

    def parameters(self, shape: Shape) -> int:
        """As many kernels and biases as output numbers."""
        return math.prod(self.output(shape)) * (self._fan_in(shape) + 1)


@dataclass(frozen=True)
class Dense(Weighted):
    """A fully connected layer; flattens its input."""

    implementation: ClassVar[str] = "harness.models.layers.dense:build"

    def output(self, shape: Shape) -> Shape:
        """(units,)."""
        return (self.units,)

    def parameters(self, shape: Shape) -> int:
        """A weight for every pair of input and unit, and one bias per unit."""
        return self.units * (math.prod(shape) + 1)

    def multiply_adds(self, shape: Shape) -> int:
        """One per weight."""
        return self.units * math.prod(shape)


@dataclass(frozen=True)
class Activate(Layer):
    """A nonlinearity applied to every number."""

    implementation: ClassVar[str] = "harness.models.layers.activation:build"
    function: Function


@dataclass(frozen=True)
class Pool(Layer):
    """Pooling; rounds up by default as the 2012 code does, and averages over the pixels that exist."""

    implementation: ClassVar[str] = "harness.models.layers.pooling:build"
    kind: Pooling
    size: int = 3
    stride: int = 2
    ceil: bool = True
    padding: int = 0

    def output(self, shape: Shape) -> Shape:
        """(maps, height, width); the last window starts inside the image or its left padding."""
        return shape[0], *(self._side(s) for s in shape[1:])

    def _side(self, side: int) -> int:
        span = side + 2 * self.padding - self.size
        windows = (math.ceil if self.ceil else math.floor)(span / self.stride) + 1
        starts_outside = self.ceil and (windows - 1) * self.stride >= side + self.padding
        return windows - starts_outside


@dataclass(frozen=True)
class AcrossMaps(Layer):
    """Local response normalisation of §3.3 over `size` neighbouring maps, within each of `groups` columns.

    b = a / (k + α Σ a²)^β; `divided` says that α is divided by `size`, as the 2012 code and PyTorch do.
    """

    implementation: ClassVar[str] = "harness.models.layers.lrn:build"
    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0
    divided: bool = False
    groups: int = 1


@dataclass(frozen=True)
class WithinMap(Layer):
    """Response normalisation over a size × size window of the same map (α divided by size² if `divided`)."""

    implementation: ClassVar[str] = "harness.models.layers.lrn:build"
    size: int = 5
    alpha: float = 1e-3
    beta: float = 0.75
    k: float = 1.0
    divided: bool = True


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout (§4.2): zeroes with probability `rate` in training, scales by 1 − rate in testing.

    `inverted` scales by 1 / (1 − rate) in training instead, and does nothing in testing.
    """

    implementation: ClassVar[str] = "harness.models.layers.dropout:build"
    rate: float = 0.5
    inverted: bool = False


@dataclass(frozen=True)
class Network:
    """A network: its input shape and its layers; the last one gives the logits."""

    name: str = field(metadata=LABEL)
    input: Shape
    layers: tuple[Layer, ...]

    def walk(self) -> Iterator[tuple[Layer, Shape, Shape]]:
        """Every layer with the shapes of its input and output."""
        shape = self.input
        for layer in self.layers:
            before, shape = shape, layer.output(shape)
            yield layer, before, shape

    @property
    def output(self) -> Shape:
        """Shape of the logits of one image."""
        return [after for _, _, after in self.walk()][-1]

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(layer.parameters(before) for layer, before, _ in self.walk())

    @property
    def multiply_adds(self) -> int:
        """Multiplications of one image's forward pass."""
        return sum(layer.multiply_adds(before) for layer, before, _ in self.walk())
