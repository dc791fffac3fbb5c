"""The proxy network: AlexNet's layers in the same order, narrow enough for two cores.

For CIFAR-10, crops of 24×24 pixels; conv1 has 5×5 kernels and no stride, so that the maps are 24, 12, 6 and 3
wide where the paper's are 55, 27, 13 and 6. For photographs only the width changes. A Gaussian of standard
deviation .01 has another effect in a narrower layer: a layer scales its input in proportion to σ √(fan-in).
So each σ is chosen to keep the paper's product.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.models.alexnet import LAYERS, ONE_GPU, AlexNet
from harness.models.description import Conv, Dense, Network

MAPS = (24, 48, 64, 64, 48)
HALF = (12, 24, 32, 32, 48)  # §3.2's one-GPU net: half of the kernels, except in the last convolution
SHAPE: dict[str, Any] = {
    "side": 24,
    "classes": 10,
    "hidden": 256,
    "kernels": (5, 5, 3, 3, 3),
    "stride": 1,
    "margins": (2, 2),
}


def small(recipe: AlexNet, **options: Any) -> Network:
    """The recipe on 24×24 crops with ten classes, each σ √(fan-in) as in the full-size recipe."""
    maps = HALF if recipe.maps == ONE_GPU.maps else MAPS
    narrow = replace(recipe, **(SHAPE | {"maps": maps} | options))
    return rescaled(narrow, recipe, replace(narrow, without=()), f"small-{recipe.name}")


def rescaled(narrow: AlexNet, full: AlexNet, here: AlexNet, name: str) -> Network:
    """`narrow` with each σ times √(fan-in in `full` / fan-in in `here`), layer by layer."""
    before, after = fan_ins(full.describe()), fan_ins(here.describe())
    inits = (
        init and init * (before[n] / after[n]) ** 0.5 for n, init in zip(LAYERS, narrow.inits, strict=True)
    )
    return replace(narrow, name=name, inits=tuple(inits)).describe()


def fan_ins(network: Network) -> dict[str, int]:
    """Inputs of one unit of each layer with weights, by layer."""
    found: dict[str, int] = {}
    for layer, before, _ in network.walk():
        if isinstance(layer, Conv):
            found[layer.name] = before[0] // layer.groups * layer.size**2
        elif isinstance(layer, Dense):
            found[layer.name] = layer.parameters(before) // layer.units - 1
    return found


def narrowed(recipe: AlexNet, width: float, **options: Any) -> Network:
    """The recipe at a fraction of its width, each σ √(fan-in) unchanged; `options` change no σ."""
    narrow = replace(recipe, width=width)
    return rescaled(replace(narrow, **options), recipe, narrow, recipe.name)
