"""Each arm is the paper's network except for what its name says, and each named network is that one.

The paper's network is changed here layer by layer, independently of the recipes that the reproduction uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from harness.models.alexnet import VARIANTS
from harness.models.description import (
    AcrossMaps,
    Activate,
    Conv,
    Dense,
    Dropout,
    Layer,
    Network,
    Pool,
    Weighted,
)
from harness.models.proxy import MAPS
from harness.plans.experiment import Protocol, Role
from harness.training.scheduled.recipe import Scheduled
from reproductions.implementations import NAMED, REPRODUCTION
from tests.fakes.evidence.trials import record_for

at_every_scale = pytest.mark.parametrize("protocol", REPRODUCTION.protocols, ids=lambda p: p.name)
every_named = pytest.mark.parametrize("name", NAMED)


def arms(protocol: Protocol) -> dict[str, Scheduled]:
    """Settings of each arm's final trials, if no rate is better than another."""
    plan = REPRODUCTION.plan(protocol, 1, lambda trial: record_for(trial, ten_top1=50.0))
    return {p.arm: p.trial.settings for p in reversed(plan.trials) if p.role is Role.FINAL}


def ungrouped(layer: Layer) -> Layer:
    return replace(layer, groups=1) if isinstance(layer, Conv | AcrossMaps) else layer


def divided(layer: Layer) -> Layer:
    return replace(layer, divided=True) if isinstance(layer, AcrossMaps) else layer


def unbiased(layer: Layer) -> Layer:
    return replace(layer, bias=0.0) if isinstance(layer, Weighted) else layer


def wider(layer: Layer) -> Layer:
    third = isinstance(layer, Conv) and layer.name in ("conv3", "conv4", "conv5")
    return replace(layer, init=pytest.approx(3 * layer.init)) if third else layer  # type: ignore[arg-type]


def each(change: Callable[[Layer], Layer]) -> Callable[[Network], list[Layer]]:
    return lambda network: [change(layer) for layer in network.layers]


def pooled_first(network: Network) -> list[Layer]:
    """Every norm swapped with the pooling after it."""
    layers = list(network.layers)
    for i in [i for i, layer in enumerate(layers) if isinstance(layer, AcrossMaps)]:
        layers[i], layers[i + 1] = layers[i + 1], layers[i]
    return layers


def dropped_first(network: Network) -> list[Layer]:
    """Dropout before fc6 and fc7 instead of after them."""
    found: list[Layer] = []
    for layer in network.layers:
        hidden = isinstance(layer, Dense) and layer.name in ("fc6", "fc7")
        found += [Dropout(0.5)] * hidden + [layer] * (not isinstance(layer, Dropout))
    return found


def by_pytorch(network: Network) -> list[Layer]:
    """The standard deviation that PyTorch's own modules of these shapes draw, by the layers' fan-in."""
    found: list[Layer] = []
    for layer, before, _ in network.walk():
        if isinstance(layer, Weighted):
            with torch.device("meta"):
                module = (
                    torch.nn.Conv2d(before[0], layer.units, layer.size, groups=layer.groups)
                    if isinstance(layer, Conv)
                    else torch.nn.Linear(math.prod(before), layer.units)
                )
            bound = 1 / math.sqrt(module.weight[0].numel())  # Kaiming's uniform bound with a = √5
            layer = replace(layer, init=pytest.approx(bound / math.sqrt(3)), bias=0.0)  # type: ignore[arg-type]
        found.append(layer)
    return found


SINGLE: dict[str, Callable[[Network], list[Layer]]] = {
    "α divided by n": each(divided),
    "norm after pooling": pooled_first,
    "dropout on pool5 and fc6": dropped_first,
    "no groups": each(ungrouped),
    "biases of 0": each(unbiased),
    "σ = .03 in conv3–5": each(wider),
    "PyTorch's default": by_pytorch,
}


@at_every_scale
def test_a_single_difference_is_that_one_and_no_other(protocol: Protocol) -> None:
    found = arms(protocol)
    paper = found["paper"].network
    assert set(found) <= {"paper", *NAMED, *SINGLE}
    assert protocol.smoke or set(found) == {"paper", *NAMED, *SINGLE}
    for name, change in SINGLE.items():
        if name in found:
            assert change(paper) == list(found[name].network.layers), name
            assert change(paper) != list(paper.layers)


def test_pytorch_s_bound_is_what_pytorch_draws() -> None:
    for module in (torch.nn.Conv2d(8, 64, 5, groups=2), torch.nn.Linear(400, 64)):
        bound = 1 / math.sqrt(module.weight[0].numel())
        assert 0.95 * bound < float(module.weight.detach().abs().max()) <= bound


@at_every_scale
def test_all_arms_are_trained_by_one_recipe(protocol: Protocol) -> None:
    """Nothing differs except the network: neither the weight decay in it nor what it sees."""
    first, *others = arms(protocol).values()
    for other in others:
        assert replace(other, network=first.network) == first
        assert other.network.input == first.network.input
        decays = {layer.decay for layer in other.network.layers if isinstance(layer, Weighted)}
        assert decays == {5e-4}


def gains(network: Network) -> Iterator[float]:
    """σ √(fan-in), by which a layer scales its input."""
    for layer, before, after in network.walk():
        if isinstance(layer, Weighted):
            positions = math.prod(after[1:])
            yield layer.init * math.sqrt(layer.multiply_adds(before) / (layer.units * positions))


def shape_of(layer: Layer) -> object:
    """A layer without what a narrower network on smaller images must change."""
    if isinstance(layer, Conv):
        return layer.name, layer.groups, layer.bias
    return (layer.name, layer.bias) if isinstance(layer, Dense) else layer


@every_named
@at_every_scale
def test_a_named_network_is_that_one_at_every_scale(protocol: Protocol, name: str) -> None:
    found, whole = arms(protocol), VARIANTS[name]
    if name not in found:
        assert protocol.smoke
        return
    here = found[name].network
    assert list(map(shape_of, here.layers)) == list(map(shape_of, whole.layers))
    assert list(gains(here))[:-1] == pytest.approx(list(gains(whole))[:-1], rel=0.02)  # maps are whole
    assert here.output == (10,)


@every_named
def test_on_photographs_a_named_network_has_its_own_layers_and_maps(name: str) -> None:
    """At full width: every size of the 1,000-class network, of which those for 227 pixels see 224 here."""
    here, whole = arms(REPRODUCTION.protocol("imagenette"))[name].network, VARIANTS[name]
    shapes = [[after for _, _, after in network.walk()] for network in (here, whole)]
    assert shapes[0][:-1] == shapes[1][:-1]
    assert here.input == (3, 224, 224)


@every_named
def test_the_proxy_has_the_same_parts_of_a_named_network_s_widths(name: str) -> None:
    here = arms(REPRODUCTION.protocol("cifar10-converged"))[name].network
    units = [[x.units for x in n.layers if isinstance(x, Conv)] for n in (here, VARIANTS[name])]
    papers = [x.units for x in VARIANTS["paper"].layers if isinstance(x, Conv)]
    for ours, theirs, of_paper, ours_of_paper in zip(*units, papers, MAPS, strict=True):
        assert abs(ours - ours_of_paper * theirs / of_paper) <= 0.5
    hidden = [x.units for x in here.layers if isinstance(x, Dense)]
    assert hidden == [1024, 1024, 10]


def test_the_norm_s_place_is_between_relu_and_pooling_in_the_paper() -> None:
    kinds = [
        type(layer) for layer in arms(REPRODUCTION.protocol("cifar10-converged"))["paper"].network.layers
    ]
    at = kinds.index(AcrossMaps)
    assert kinds[at - 1 : at + 2] == [Activate, AcrossMaps, Pool]
