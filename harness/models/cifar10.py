"""The CIFAR-10 networks that came with cuda-convnet, as data; either may be the one behind Figure 1.

The paper says "a four-layer convolutional network" and no more. `19pct` has three convolutional layers and
one dense one, `13pct` two convolutional, two locally connected and one dense. Neither was released with
tanh. Decay is given as released; an experiment "without regularisation" sets it to zero (`bare`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.models.description import (
    AcrossMaps,
    Activate,
    Conv,
    Dense,
    Function,
    Local,
    Network,
    Pool,
    Pooling,
    Weighted,
)

MAX = Pool(Pooling.MAX)
AVERAGE = Pool(Pooling.AVERAGE)


def nineteen(function: Function = Function.RELU) -> Network:
    """`19pct`: stated to reach 19 % test error; 32×32 input, pooling before the first nonlinearity."""
    act = Activate(function)
    layers = (
        Conv("conv1", 32, init=1e-4, decay=0.004, size=5, padding=2), MAX, act,
        Conv("conv2", 32, init=0.01, decay=0.004, size=5, padding=2), act, AVERAGE,
        Conv("conv3", 64, init=0.01, decay=0.004, size=5, padding=2), act, AVERAGE,
        Dense("fc10", 10, init=0.01, decay=3.0),
    )  # fmt: skip
    return Network("19pct", (3, 32, 32), layers)


def thirteen(function: Function = Function.RELU) -> Network:
    """`13pct`: stated to reach 13 % test error with 24×24 crops; its last hidden layers share no kernels."""
    act = Activate(function)
    layers = (
        Conv("conv1", 64, init=1e-4, size=5, padding=2), act, MAX,
        Conv("conv2", 64, init=0.01, size=5, padding=2), act, MAX,
        Local("local3", 32, init=0.04, decay=0.004, size=3, padding=1), act,
        Local("local4", 32, init=0.04, decay=0.004, size=3, padding=1), act,
        Dense("fc10", 10, init=0.01, decay=0.004),
    )  # fmt: skip
    return Network("13pct", (3, 24, 24), layers)


NORM = AcrossMaps(size=9, alpha=0.001, divided=True, k=1.0)


def eleven(function: Function = Function.RELU, local3: int = 64, decay: float = 0.01) -> Network:
    """`11pct`: stated to reach 11 %; `13pct` with response normalisation, a wider local3 and more decay.

    With 32 units in local3 and a decay of .004 it is `13pct` with the normalisation and nothing else.
    """
    act = Activate(function)
    layers = (
        Conv("conv1", 64, init=1e-4, size=5, padding=2), act, MAX, NORM,
        Conv("conv2", 64, init=0.01, size=5, padding=2), act, NORM, MAX,
        Local("local3", local3, init=0.04, decay=0.004, size=3, padding=1), act,
        Local("local4", 32, init=0.04, decay=0.004, size=3, padding=1), act,
        Dense("fc10", 10, init=0.01, decay=decay),
    )  # fmt: skip
    return Network("11pct", (3, 24, 24), layers)


NETWORKS: dict[str, Callable[[Function], Network]] = {"19pct": nineteen, "13pct": thirteen}


def bare(network: Network) -> Network:
    """The same network without weight decay."""
    layers = (replace(layer, decay=0.0) if isinstance(layer, Weighted) else layer for layer in network.layers)
    return replace(network, layers=tuple(layers))
