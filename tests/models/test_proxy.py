"""The proxy network against the paper's: sizes, gains and variants."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.models.alexnet import LAYERS, ONE_GPU, PAPER, SOURCE_2012, AlexNet, alexnet
from harness.models.description import AcrossMaps, Conv, Network, Pool, Weighted, WithinMap
from harness.models.network import Net
from harness.models.proxy import narrowed, small


def sides(network: Network) -> list[int]:
    """Width of the maps as they change."""
    return list(dict.fromkeys(after[1] for _, _, after in network.walk() if len(after) == 3))


def weighted(network: Network) -> dict[str, Any]:
    return {layer.name: layer for layer in network.layers if isinstance(layer, Weighted)}


def gains(network: Network) -> dict[str, float]:
    """σ √(fan-in) of each layer: the fan-in counted on the built network's weights."""
    found = {}
    for layer, weight, _ in Net(network).weighted():
        found[layer.name] = layer.init * math.sqrt(weight[0].numel())
    return found


# Fan-ins of the paper's layers, by hand: 11²·3, 5²·48, 3²·256, 3²·192, 3²·192, 6²·256, 4096, 4096.
FAN_INS = (363, 1200, 2304, 1728, 1728, 9216, 4096, 4096)
# The one-GPU net's: it has 48 maps after conv1, 128 after conv2, then 192, 192 and 256.
HALVED = (363, 1200, 1152, 1728, 1728, 9216, 4096, 4096)


def test_maps_shrink_as_the_paper_s_do() -> None:
    assert sides(small(PAPER)) == [24, 12, 6, 3]
    assert sides(PAPER.describe()) == [55, 27, 13, 6]
    assert small(PAPER).input == (3, 24, 24)
    assert small(PAPER).output == (10,)


def test_it_has_the_paper_s_layers_in_their_order() -> None:
    kinds = [[type(layer) for layer in network.layers] for network in (small(PAPER), PAPER.describe())]
    assert kinds[0] == kinds[1]
    for a, b in zip(small(PAPER).layers, PAPER.describe().layers, strict=True):
        if isinstance(a, Weighted):
            assert isinstance(b, Weighted)
            assert (a.name, a.bias, a.decay) == (b.name, b.bias, b.decay)
            assert getattr(a, "groups", 1) == getattr(b, "groups", 1)
        else:
            assert a == b


@pytest.mark.parametrize(
    ("recipe", "fan_ins"),
    [(PAPER, FAN_INS), (SOURCE_2012, FAN_INS), (ONE_GPU, HALVED)],
    ids=lambda x: str(x)[:30],
)
def test_every_gain_is_the_paper_s(recipe: AlexNet, fan_ins: tuple[int, ...]) -> None:
    wanted = {
        name: (sigma or 0) * math.sqrt(fan_in)
        for name, sigma, fan_in in zip(LAYERS, recipe.inits, fan_ins, strict=True)
    }
    assert gains(small(recipe)) == pytest.approx(wanted)


@given(st.sampled_from([0.5, 1.0, 1.5, 2.0]), st.sampled_from([64, 128, 256]))
@settings(max_examples=8, deadline=None)
def test_gains_do_not_go_with_the_width(width: float, hidden: int) -> None:
    assert gains(small(PAPER, width=width, hidden=hidden)) == pytest.approx(gains(small(PAPER)))


@pytest.mark.parametrize("name", ["conv2", "conv3", "conv4", "conv5"])
def test_a_layer_that_is_removed_leaves_the_others_as_they_were(name: str) -> None:
    whole, less = weighted(small(PAPER)), weighted(small(PAPER, without=(name,)))
    kept = {n: layer for n, layer in whole.items() if n != name}
    if name == "conv5":  # the fourth then has its maps, so that fc6's input stays
        kept["conv4"] = replace(kept["conv4"], units=whole["conv5"].units)
    assert less == kept


def test_one_gpu_has_half_the_kernels_but_for_the_last_convolution() -> None:
    both = [{n: x.units for n, x in weighted(small(r)).items()} for r in (PAPER, ONE_GPU)]
    halved = {n: both[0][n] / both[1][n] for n in LAYERS}
    assert halved == {n: 2 if n in LAYERS[:4] else 1 for n in LAYERS}
    assert {x.groups for x in small(ONE_GPU).layers if isinstance(x, Conv | AcrossMaps)} == {1}


def test_the_source_keeps_its_norms_and_their_places() -> None:
    layers = small(SOURCE_2012).layers
    assert [x for x in layers if isinstance(x, AcrossMaps | WithinMap)] == [
        *SOURCE_2012.norm1,
        *SOURCE_2012.norm2,
    ]
    kinds = [type(x).__name__ for x in layers]
    assert kinds[:4] == ["Conv", "AcrossMaps", "Pool", "Activate"]
    assert kinds[4:9] == ["Conv", "Activate", "AcrossMaps", "WithinMap", "Pool"]
    assert sum(isinstance(x, Pool) for x in layers) == 3


def test_given_spreads_are_kept_in_proportion() -> None:
    assert gains(small(PAPER, inits=SOURCE_2012.inits)) == pytest.approx(gains(small(SOURCE_2012)))


@pytest.mark.parametrize(("recipe", "fan_ins"), [(PAPER, FAN_INS), (SOURCE_2012, FAN_INS), (ONE_GPU, HALVED)])
@pytest.mark.parametrize("width", [0.25, 0.5])
def test_a_part_of_the_width_keeps_gains_and_maps(
    width: float, recipe: AlexNet, fan_ins: tuple[int, ...]
) -> None:
    wanted = {
        name: (sigma or 0) * math.sqrt(fan_in)
        for name, sigma, fan_in in zip(LAYERS, recipe.inits, fan_ins, strict=True)
    }
    network = narrowed(recipe, width, classes=10)
    assert gains(network) == pytest.approx(wanted)
    assert sides(network) == sides(recipe.describe())


def test_at_the_whole_width_nothing_changes() -> None:
    assert narrowed(PAPER, 1.0, classes=10) == alexnet("paper", classes=10)


def test_options_change_no_other_layer_s_spread() -> None:
    """Whether the columns see each other or not (`two-gpu-error`), conv3 keeps its own."""
    apart = narrowed(PAPER, 0.25, own_column=(False, True, True, True, True))
    spreads = [
        {name: layer.init for name, layer in weighted(n).items()} for n in (apart, narrowed(PAPER, 0.25))
    ]
    assert spreads[0] == spreads[1]
