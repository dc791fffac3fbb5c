"""AlexNet in small, for 32×32 images: the same layers in the same order, at a width for two cores.

Crops of 24×24 pixels; conv1 has 5×5 kernels and no stride, so that the maps are 24, 12, 6 and 3 wide where
the paper's are 55, 27, 13 and 6. A Gaussian of standard deviation .01 means something else in a narrower
layer: what a layer does to its input's size goes with σ √(fan-in). So each σ is chosen to keep the paper's
product.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.models.alexnet import LAYERS, ONE_GPU, AlexNet
from harness.models.description import Conv, Dense, Network

MAPS = (24, 48, 64, 64, 48)
HALF = (12, 24, 32, 32, 48)  # §3.2's one-GPU net: half of the kernels, but for the last convolution
SHAPE: dict[str, Any] = {
    "side": 24,
    "classes": 10,
    "hidden": 256,
    "kernels": (5, 5, 3, 3, 3),
    "stride": 1,
    "margins": (2, 2),
}


def small(recipe: AlexNet, **options: Any) -> Network:
    """The recipe on 24×24 crops with ten classes, each σ √(fan-in) as in the recipe at its full size."""
    maps = HALF if recipe.maps == ONE_GPU.maps else MAPS
    narrow = replace(recipe, **(SHAPE | {"maps": maps} | options))
    full, here = fan_ins(recipe.describe()), fan_ins(replace(narrow, without=()).describe())
    inits = (init and init * (full[n] / here[n]) ** 0.5 for n, init in zip(LAYERS, narrow.inits, strict=True))
    return replace(narrow, name=f"small-{recipe.name}", inits=tuple(inits)).describe()


def fan_ins(network: Network) -> dict[str, int]:
    """Inputs of one unit of each layer with weights, by layer."""
    found: dict[str, int] = {}
    for layer, before, _ in network.walk():
        if isinstance(layer, Conv):
            found[layer.name] = before[0] // layer.groups * layer.size**2
        elif isinstance(layer, Dense):
            found[layer.name] = layer.parameters(before) // layer.units - 1
    return found
