"""AlexNet as data: a recipe with the options that the claims manipulate, and known networks made from it.

Two columns (§3.2) are convolutions in two groups and a normalisation whose windows stay within a group:
conv2, conv4 and conv5 see their own column, conv3 and the dense layers see both.

The text's 224 pixels do not give its 55 × 55 maps: (224 − 11) / 4 + 1 = 54.25. Like the 2012 source, `paper`
adds three zeros at the right and the bottom; 227 pixels without padding give the same sizes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from harness.contract.errors import BadValue, UnknownName
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
    WithinMap,
)

OVERLAPPING = Pool(Pooling.MAX, size=3, stride=2)
APART = Pool(Pooling.MAX, size=2, stride=2, ceil=False)  # rounding down keeps 3/2's sizes: 55, 27, 13, 6
KERNELS = (11, 5, 3, 3, 3)  # sizes, §3.5; those after conv1 are padded to keep the maps' size
OWN_COLUMN = (False, True, False, True, True)  # convolutions that see only the maps of their column
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
STEPS = ("activate", "norm", "pool")  # after conv1 and conv2, in the text's order


@dataclass(frozen=True)
class AlexNet:
    """A recipe; its defaults are the paper's. `inits` and `biases` follow `LAYERS`; norms are set separately.

    An init of None means the standard deviation of PyTorch's default, though from a normal distribution.
    Removing a layer (`without`) also removes its nonlinearity, norm and dropout; pooling and sizes stay. The
    last remaining convolution has as many maps as the fifth, which keeps the first dense layer's input.
    """

    name: str = "paper"
    side: int = 224
    classes: int = 1000
    width: float = 1.0
    columns: int = 2
    maps: tuple[int, ...] = (96, 256, 384, 384, 256)
    hidden: int = 4096
    kernels: tuple[int, ...] = KERNELS
    stride: int = 4  # of conv1
    margins: tuple[int, int] = (0, 3)  # of conv1
    own_column: tuple[bool, ...] = OWN_COLUMN
    function: Function = Function.RELU
    norm1: tuple[Layer, ...] = (AcrossMaps(groups=2),)
    norm2: tuple[Layer, ...] = (AcrossMaps(groups=2),)
    order1: tuple[str, ...] = STEPS
    order2: tuple[str, ...] = STEPS
    pool: Pool = OVERLAPPING
    dropout: float = 0.5  # 0 is none
    inverted: bool = False
    dropout_first: bool = False  # before fc6 and fc7, not after them
    inits: tuple[float | None, ...] = (0.01,) * 8
    biases: tuple[float, ...] = (0, 1, 0, 1, 1, 1, 1, 0)  # §5
    decay: float = 5e-4
    without: tuple[str, ...] = ()

    def describe(self) -> Network:
        """The network; BadValue where the input is too small, UnknownName for a layer that is not there."""
        for name in self.without:
            if name not in LAYERS[1:-1]:
                raise UnknownName("layer to remove", name, LAYERS[1:-1])
        network = Network(self.name, (3, self.side, self.side), ())
        for stage in LAYERS:
            network = replace(network, layers=(*network.layers, *self._stage(stage, network)))
            if min(_output(network)) < 1:
                raise BadValue(
                    f"an input of {self.side} pixels leaves nothing at {stage} of '{self.name}'; use more"
                )
        return network

    def _stage(self, stage: str, before: Network) -> Iterator[Layer]:
        """The layers that belong to the stage, for the output of the network before it."""
        number = LAYERS.index(stage)
        there = stage not in self.without
        if stage == "fc8":
            yield Dense(stage, self.classes, **self._start(number, math.prod(_output(before))))
        elif number > 4:
            yield from self._hidden(stage, number, math.prod(_output(before))) if there else ()
        else:
            yield from (self._convolution(stage, number, _output(before)[0]),) if there else ()
            yield from self._after(number, there)

    def _convolution(self, stage: str, number: int, inputs: int) -> Conv:
        groups = self.columns if self.own_column[number] else 1
        size = self.kernels[number]
        before, after = self.margins if number == 0 else (size // 2,) * 2
        return Conv(
            stage,
            self._scaled(self.maps[self._maps_of(number)]),
            **self._start(number, inputs // groups * size**2),
            size=size,
            stride=self.stride if number == 0 else 1,
            padding=before,
            padding_after=None if before == after else after,
            groups=groups,
        )

    def _maps_of(self, number: int) -> int:
        """Which convolution's number of maps it has: its own, or the fifth's if it is the last one left."""
        return 4 if all(name in self.without for name in LAYERS[number + 1 : 5]) else number

    def _after(self, number: int, there: bool) -> Iterator[Layer]:
        """Nonlinearity, norms and pooling after a convolution, in this recipe's order."""
        norms = (self.norm1, self.norm2, (), (), ())[number]
        order = (self.order1, self.order2, STEPS, STEPS, STEPS)[number]
        for step in order:
            if step == "pool" and number in (0, 1, 4):
                yield self.pool
            elif step == "norm" and there:
                yield from norms
            elif step == "activate" and there:
                yield Activate(self.function)

    def _hidden(self, stage: str, number: int, inputs: int) -> Iterator[Layer]:
        drop = (Dropout(self.dropout, self.inverted),) if self.dropout else ()
        yield from drop if self.dropout_first else ()
        yield Dense(stage, self._scaled(self.hidden), **self._start(number, inputs))
        yield Activate(self.function)
        yield from () if self.dropout_first else drop

    def _start(self, number: int, fan_in: int) -> dict[str, float]:
        init = self.inits[number]
        spread = 1 / math.sqrt(3 * fan_in) if init is None else init
        return {"init": spread, "bias": float(self.biases[number]), "decay": self.decay}

    def _scaled(self, units: int) -> int:
        """`units` times the width, rounded to whole maps per column."""
        return max(1, round(units * self.width / self.columns)) * self.columns


def _output(network: Network) -> tuple[int, ...]:
    return network.output if network.layers else network.input


# How each differs from the text (CLAIMS.md §3 and §6, and the configuration files that they follow).
PAPER = AlexNet()
DIVIDED = AcrossMaps(divided=True)  # PyTorch's, Caffe's and the source's α is divided by the window's size
SOURCE_2012 = AlexNet(
    "source-2012",
    norm1=(replace(DIVIDED, groups=2),),
    norm2=(replace(DIVIDED, groups=2), WithinMap(size=5, alpha=1e-3, k=1.0)),  # the second is not in the text
    order1=("norm", "pool", "activate"),
    inits=(0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01),
)
ONE_GPU = AlexNet(  # §3.2: half of the kernels, the last convolution's and the dense layers' kept
    "one-gpu", columns=1, maps=(48, 128, 192, 192, 256), norm1=(AcrossMaps(),), norm2=(AcrossMaps(),)
)
UNGROUPED = AlexNet("ungrouped", columns=1, norm1=(AcrossMaps(),), norm2=(AcrossMaps(),))
CAFFE_NORM = (replace(DIVIDED, k=1.0),)
CAFFE = AlexNet(
    "caffe",
    side=227,
    margins=(0, 0),
    norm1=CAFFE_NORM,
    norm2=CAFFE_NORM,
    inverted=True,
    inits=(0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01),
    biases=(0, 0.1, 0, 0.1, 0.1, 0.1, 0.1, 0),
)
POOL_FIRST = ("activate", "pool", "norm")
CAFFENET = replace(CAFFE, name="caffenet", order1=POOL_FIRST, order2=POOL_FIRST, biases=PAPER.biases)
SINGLE_COLUMN = (64, 192, 384, 256, 256)  # "One weird trick", arXiv 1404.5997
TORCHVISION = AlexNet(
    "torchvision",
    columns=1,
    maps=SINGLE_COLUMN,
    margins=(2, 2),
    norm1=(),
    norm2=(),
    pool=replace(OVERLAPPING, ceil=False),
    inverted=True,
    dropout_first=True,
    inits=(None,) * 8,
    biases=(0,) * 8,
    decay=1e-4,
)
CUDA_CONVNET2 = AlexNet(
    "cuda-convnet2",
    columns=1,
    maps=SINGLE_COLUMN,
    norm1=(DIVIDED,),
    norm2=(DIVIDED,),
    order1=("norm", "pool", "activate"),
    inits=SOURCE_2012.inits,
)
DANSUH17 = AlexNet(
    "dansuh17",
    side=227,
    columns=1,
    margins=(0, 0),
    norm1=(DIVIDED,),
    norm2=(DIVIDED,),
    pool=replace(OVERLAPPING, ceil=False),
    inverted=True,
    dropout_first=True,
    inits=(0.01,) * 5 + (None,) * 3,
    biases=(0, 1, 0, 1, 1, 0, 0, 0),
    decay=0.0,
)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        PAPER, SOURCE_2012, ONE_GPU, UNGROUPED, CAFFE, CAFFENET, TORCHVISION, CUDA_CONVNET2, DANSUH17,
    )
}  # fmt: skip
VARIANTS: dict[str, Network] = {name: recipe.describe() for name, recipe in RECIPES.items()}


def alexnet(name: str = "paper", **options: Any) -> Network:
    """The named variant, with `options` in place of its recipe's fields; UnknownName for a wrong name."""
    if name not in RECIPES:
        raise UnknownName("network", name, RECIPES)
    fields = AlexNet.__dataclass_fields__
    for option in options:
        if option not in fields:
            raise UnknownName("network option", option, fields)
    return replace(RECIPES[name], **options).describe()
