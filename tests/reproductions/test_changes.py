"""What each ablation removes or changes: the named kind of layer or number, and nothing else."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest
import torch

import reproductions
from harness.models.description import AcrossMaps, Dropout, Layer, Network, Pool, Weighted, WithinMap
from harness.models.layers import lrn
from harness.models.network import Net
from harness.plans.experiment import Protocol, Role
from harness.plans.protocols import IMAGENET, ON_ACCURACY, ON_OVERFITTING, SMOKE
from harness.verdicts.validity import flatten
from tests.fakes.evidence.trials import record_for

NORMS = (AcrossMaps, WithinMap)
at_every_scale = pytest.mark.parametrize("protocol", ON_ACCURACY, ids=lambda protocol: protocol.name)
where_it_overfits = pytest.mark.parametrize("protocol", ON_OVERFITTING, ids=lambda protocol: protocol.name)


def declared(reproduction: str, protocol: Protocol) -> list[Any]:
    """Settings of each arm, in the order in which the arms are declared."""
    found = reproductions.named(reproduction)
    own = next(
        (p for p in found.protocols if p.name == protocol.name), protocol
    )  # it may be made from that one
    plan = found.plan(
        own, 1, lambda trial: record_for(trial, ten_top1=50.0)
    )  # no rate is better than another
    final = {p.arm: p.trial.settings for p in reversed(plan.trials) if p.role is Role.FINAL}
    return [final[arm] for arm in dict.fromkeys(p.arm for p in plan.trials)]


def built(network: Network) -> list[str]:
    """Every module of the built network with the shapes of its parameters; nothing is allocated."""
    with torch.device("meta"):
        modules = Net(network).layers
    return [f"{module} {[tuple(p.shape) for p in module.parameters()]}" for module in modules]


def without(network: Network, kinds: tuple[type[Layer], ...]) -> tuple[tuple[Layer, ...], list[str]]:
    """What is left of a network, as described and as built, without the layers of some kinds."""
    left = [i for i, layer in enumerate(network.layers) if not isinstance(layer, kinds)]
    modules = built(network)
    return tuple(network.layers[i] for i in left), [modules[i] for i in left]


def only_the_network_differs(one: Any, other: Any) -> bool:
    return bool(replace(one, network=other.network) == other)


def lost(
    reproduction: str, protocol: Protocol, kinds: tuple[type[Layer], ...], arms: tuple[int, int]
) -> None:
    """Asserts that the second arm is the first without all its layers of some kinds, and that it had any."""
    whole, less = (declared(reproduction, protocol)[arm] for arm in arms)
    assert only_the_network_differs(whole, less)
    assert len(whole.network.layers) > len(less.network.layers)
    assert without(whole.network, kinds) == (less.network.layers, built(less.network))
    assert whole.network.input == less.network.input


@at_every_scale
def test_lrn_removes_norms_and_nothing_else(protocol: Protocol) -> None:
    paper, _, _, source, _, _, spatial = declared("lrn", protocol)
    lost("lrn", protocol, NORMS, (0, 2))
    lost("lrn", protocol, NORMS, (3, 5))
    lost("lrn", protocol, (AcrossMaps,), (3, 6))
    kinds = [[type(x) for x in s.network.layers if isinstance(x, NORMS)] for s in (paper, source, spatial)]
    assert kinds == [[AcrossMaps] * 2, [AcrossMaps, AcrossMaps, WithinMap], [WithinMap]]


@at_every_scale
def test_the_constant_in_a_norm_s_place_is_the_norm_of_nothing(protocol: Protocol) -> None:
    """The same networks except for α, which is 0: k^−β for any input, .595 in the text's."""
    paper, still, _, source, source_still, *_ = declared("lrn", protocol)
    for whole, constant in ((paper, still), (source, source_still)):
        assert only_the_network_differs(whole, constant)
        stilled = (replace(x, alpha=0.0) if isinstance(x, NORMS) else x for x in whole.network.layers)
        assert tuple(stilled) == constant.network.layers
    norm = next(x for x in still.network.layers if isinstance(x, AcrossMaps))
    x = torch.randn(2, 8, 3, 3, dtype=torch.float64)
    assert torch.allclose(lrn.reference(x, norm), x * 2**-0.75)


@pytest.mark.parametrize("name", ["smoke", "cifar10", "cifar10-short"])
def test_lrn_on_cifar_removes_norms_and_nothing_else(name: str) -> None:
    protocol = reproductions.named("lrn-cifar").protocol(name)
    lost("lrn-cifar", protocol, NORMS, (1, 0))


@where_it_overfits
def test_dropout_removes_dropout_and_nothing_else(protocol: Protocol) -> None:
    for name in ("dropout", "dropout-iterations") if protocol.name != "cifar10-scarce" else ("dropout",):
        lost(name, protocol, (Dropout,), (0, 1))
    rates = [x.rate for x in declared("dropout", protocol)[0].network.layers if isinstance(x, Dropout)]
    assert rates == [0.5, 0.5]


def shorter(network: Network, name: str) -> tuple[Layer, ...]:
    """The layers without the named one and what follows it up to the next pooling or weights."""
    left, removing = [], False
    for layer in network.layers:
        if isinstance(layer, Weighted | Pool):
            removing = isinstance(layer, Weighted) and layer.name == name
        if not removing:
            left.append(layer)
    return tuple(left)


def sides(network: Network) -> list[int]:
    """Width of the maps at each pooling."""
    return [after[1] for layer, _, after in network.walk() if isinstance(layer, Pool)]


def fed_to_fc6(network: Network) -> tuple[int, ...]:
    """The shape of the first dense layer's input."""
    return next(before for layer, before, _ in network.walk() if getattr(layer, "name", "") == "fc6")


@at_every_scale
def test_depth_removes_one_convolution_with_its_nonlinearity_and_norm(protocol: Protocol) -> None:
    whole, *shortened = declared("depth", protocol)
    for name, less in zip(("conv2", "conv3", "conv4", "conv5"), shortened, strict=True):
        assert only_the_network_differs(whole, less)
        layers = shorter(whole.network, name)
        if name == "conv5":  # conv4 then feeds fc6 and has as many maps
            fed, last = (weighted(whole.network)[layer] for layer in ("conv4", "conv5"))
            layers = tuple(replace(x, units=last.units) if x == fed else x for x in layers)
        assert less.network.layers == layers
        assert fed_to_fc6(less.network) == fed_to_fc6(whole.network)
        assert sides(less.network) == sides(whole.network)
        gone = set(built(whole.network)) - set(built(less.network))
        assert all(re.match("Conv2d|ResponseNorm|FlatLinear", module) for module in gone)


@at_every_scale
def test_pooling_windows_overlap_or_not_at_equal_sizes(protocol: Protocol) -> None:
    overlapping, apart = declared("overlapping-pooling", protocol)
    assert only_the_network_differs(overlapping, apart)
    walks = [list(s.network.walk()) for s in (overlapping, apart)]
    for (one, *shapes), (other, *same) in zip(*walks, strict=True):
        assert shapes == same
        if isinstance(one, Pool):
            assert isinstance(other, Pool)
            assert (one.size, one.stride, other.size, other.stride) == (3, 2, 2, 2)
        else:
            assert one == other
    assert sides(overlapping.network) in ([27, 13, 6], [12, 6, 3])


def test_pooled_sizes_are_the_same_when_images_go_through() -> None:
    for settings_ in declared("overlapping-pooling", SMOKE):
        x = torch.zeros(1, *settings_.network.input)
        for module, (_, _, after) in zip(
            Net(settings_.network).layers, settings_.network.walk(), strict=True
        ):
            x = module(x)
            assert x.shape[1:] == after


def weighted(network: Network) -> dict[str, Any]:
    return {layer.name: layer for layer in network.layers if isinstance(layer, Weighted)}


@at_every_scale
def test_two_gpu_error_halves_the_first_four_convolutions_and_joins_the_columns(protocol: Protocol) -> None:
    two, one, wide, apart = declared("two-gpu-error", protocol)
    assert only_the_network_differs(two, wide)
    within = 0.01 if protocol.smoke else 0.001
    assert wide.network.parameters == pytest.approx(two.network.parameters, rel=within)
    assert {x.groups for x in wide.network.layers if hasattr(x, "groups")} == {1}
    assert only_the_network_differs(two, one)
    assert only_the_network_differs(two, apart)
    halves = {
        n: (a.units, b.units)
        for (n, a), b in zip(weighted(two.network).items(), weighted(one.network).values(), strict=True)
    }
    assert all(a == 2 * b for n, (a, b) in halves.items() if n in ("conv1", "conv2", "conv3", "conv4"))
    assert all(a == b for n, (a, b) in halves.items() if n in ("conv5", "fc6", "fc7", "fc8"))
    assert {x.groups for x in one.network.layers if hasattr(x, "groups")} == {1}
    changed = [(a, b) for a, b in zip(two.network.layers, apart.network.layers, strict=True) if a != b]
    assert [(a.name, a.groups, b.groups) for a, b in changed] == [("conv3", 1, 2)]


@where_it_overfits
def test_weight_decay_is_taken_from_every_layer(protocol: Protocol) -> None:
    """ε λ T / (1 − μ) is the paper's, for T updates in the first stage, if the scale is that of a proxy."""
    decay, none, more = declared("weight-decay", protocol)
    layers = decay.network.layers
    (own,) = {x.decay for x in weighted(decay.network).values()}
    for other, factor in ((none, 0.0), (more, 4.0)):
        assert only_the_network_differs(decay, other)
        changed = (replace(x, decay=factor * x.decay) if isinstance(x, Weighted) else x for x in layers)
        assert tuple(changed) == other.network.layers
    if protocol in (SMOKE, IMAGENET):
        assert own == 5e-4
        return
    images = {"cifar10-scarce": 5_000, "imagenette-short": 2_400, "imagenette": 9_469}[protocol.name]
    updates = decay.schedule.epochs[0] * math.ceil(images / decay.batch_size)
    assert decay.schedule.rate * own * updates / (1 - decay.momentum) == pytest.approx(11, rel=0.05)


early = pytest.mark.parametrize(
    "protocol", reproductions.named("bias-init").protocols, ids=lambda protocol: protocol.name
)


@early
def test_biases_are_one_where_the_paper_says_or_nowhere(protocol: Protocol) -> None:
    ones, zeros, wide_ones, wide_zeros = declared("bias-init", protocol)
    assert {x.bias for x in weighted(wide_zeros.network).values()} == {0.0}
    assert [x.bias for x in weighted(wide_ones.network).values()] == [
        x.bias for x in weighted(ones.network).values()
    ]
    assert only_the_network_differs(ones, zeros)
    assert {n for n, x in weighted(ones.network).items() if x.bias == 1} == {
        "conv2", "conv4", "conv5", "fc6", "fc7",
    }  # fmt: skip
    stripped = (replace(x, bias=0.0) if isinstance(x, Weighted) else x for x in ones.network.layers)
    assert tuple(stripped) == zeros.network.layers


@early
def test_the_source_s_spread_is_three_times_as_large_in_three_layers(protocol: Protocol) -> None:
    paper, _, source, _ = declared("bias-init", protocol)
    ratios = {n: weighted(source.network)[n].init / x.init for n, x in weighted(paper.network).items()}
    wanted = {n: 3.0 if n in ("conv3", "conv4", "conv5") else 1.0 for n in ratios}
    assert ratios == pytest.approx(wanted)


def changes(reproduction: str, protocol: Protocol, arm: int) -> set[str]:
    first, *others = declared(reproduction, protocol)
    before, after = (dict(flatten(vars(s.augmentation))) for s in (first, others[arm - 1]))
    assert replace(first, augmentation=others[arm - 1].augmentation) == others[arm - 1]
    return {name for name in before if before[name] != after[name]}


@where_it_overfits
def test_augmentation_is_all_that_its_experiments_change(protocol: Protocol) -> None:
    assert changes("crop-flip", protocol, 1) == {"crops", "flips"}
    assert changes("colour-augmentation", protocol, 1) == {"colour"}
    assert changes("colour-augmentation", protocol, 2) == {"colour"}


def test_a_layer_s_company_is_told_from_its_neighbours() -> None:
    """`shorter` itself: nonlinearity and norm go, pooling and the next layer stay."""
    left = shorter(declared("depth", SMOKE)[0].network, "conv2")
    kinds = [getattr(x, "name", type(x).__name__) for x in left]
    assert kinds[:7] == ["conv1", "Activate", "AcrossMaps", "Pool", "Pool", "conv3", "Activate"]
