"""The family of AlexNets: counts and sizes as published, and as the built modules have them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from itertools import pairwise

import pytest
import torch

from harness.contract.errors import BadValue, UnknownName
from harness.models.alexnet import APART, RECIPES, VARIANTS, AlexNet, alexnet
from harness.models.description import (
    AcrossMaps,
    Activate,
    Conv,
    Dense,
    Dropout,
    Function,
    Network,
    Pool,
    Weighted,
    WithinMap,
)
from harness.models.layer_table import columns, neurons, rows, text
from harness.models.network import Net

PARAMETERS = {
    "paper": 60_965_224,
    "source-2012": 60_965_224,
    "one-gpu": 59_798_312,
    "ungrouped": 62_378_344,
    "caffe": 60_965_224,
    "caffenet": 60_965_224,
    "torchvision": 61_100_840,
    "cuda-convnet2": 61_100_840,
    "dansuh17": 62_378_344,
}


def weighted(network: Network) -> dict[str, Weighted]:
    return {layer.name: layer for layer in network.layers if isinstance(layer, Weighted)}


def kinds(network: Network) -> list[str]:
    return [layer.name if isinstance(layer, Weighted) else type(layer).__name__ for layer in network.layers]


@pytest.mark.parametrize("name", VARIANTS)
def test_parameters(name: str) -> None:
    assert VARIANTS[name].parameters == PARAMETERS[name]


def test_neurons_and_sizes_of_the_paper() -> None:
    sizes = {r.layer: r.output for r in rows(VARIANTS["paper"]) if r.layer}
    assert sizes == {
        "conv1": (96, 55, 55),
        "conv2": (256, 27, 27),
        "conv3": (384, 13, 13),
        "conv4": (384, 13, 13),
        "conv5": (256, 13, 13),
        "fc6": (4096,),
        "fc7": (4096,),
        "fc8": (1000,),
    }
    pooled = [after for layer, _, after in VARIANTS["paper"].walk() if isinstance(layer, Pool)]
    assert pooled == [(96, 27, 27), (256, 13, 13), (256, 6, 6)]
    assert (
        neurons(VARIANTS["paper"])
        == 290_400 + 186_624 + 64_896 + 64_896 + 43_264 + 4096 + 4096 + 1000
        == 659_272
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_the_arithmetic_is_the_built_network_s(name: str) -> None:
    """Shapes of every layer, parameters by layer, and multiply-adds from the real weights and outputs."""
    network = VARIANTS[name]
    with torch.device("meta"):
        net = Net(network)
        x = torch.empty(1, *network.input)
    for (layer, before, after), module in zip(network.walk(), net.layers, strict=True):
        assert x.shape[1:] == before
        # Normalisation and dropout do not change shapes, as their own tests show.
        x = x if isinstance(layer, AcrossMaps | WithinMap | Dropout) else module(x)
        assert x.shape[1:] == after
        assert layer.parameters(before) == sum(p.numel() for p in module.parameters())
        if isinstance(layer, Weighted):
            weight = next(p for n, p in module.named_parameters() if n.endswith("weight"))
            places = 1 if isinstance(layer, Dense) else after[1] * after[2]
            assert layer.multiply_adds(before) == weight.numel() * places
    assert network.output == (1000,)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_small_sibling_of_each_runs_forward_and_backward(name: str) -> None:
    network = alexnet(name, side=67, width=0.05, classes=5)
    net = Net(network).initialise(0)
    x = torch.randn(2, *network.input).contiguous(memory_format=torch.channels_last)
    logits = net(x)
    logits.square().mean().backward()
    assert logits.shape == (2, 5)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_orders_of_the_layers() -> None:
    paper, source, caffenet = (kinds(VARIANTS[n]) for n in ("paper", "source-2012", "caffenet"))
    assert paper[:8] == ["conv1", "Activate", "AcrossMaps", "Pool", "conv2", "Activate", "AcrossMaps", "Pool"]
    assert source[:4] == ["conv1", "AcrossMaps", "Pool", "Activate"]
    assert source[4:9] == ["conv2", "Activate", "AcrossMaps", "WithinMap", "Pool"]
    assert caffenet[:8] == [
        "conv1",
        "Activate",
        "Pool",
        "AcrossMaps",
        "conv2",
        "Activate",
        "Pool",
        "AcrossMaps",
    ]
    assert paper[-7:] == ["fc6", "Activate", "Dropout", "fc7", "Activate", "Dropout", "fc8"]
    assert kinds(VARIANTS["torchvision"])[-7:] == [
        "Dropout",
        "fc6",
        "Activate",
        "Dropout",
        "fc7",
        "Activate",
        "fc8",
    ]


def test_columns() -> None:
    groups = {n: v.groups for n, v in weighted(VARIANTS["paper"]).items() if isinstance(v, Conv)}
    assert groups == {"conv1": 1, "conv2": 2, "conv3": 1, "conv4": 2, "conv5": 2}
    assert all(n.groups == 2 for n in VARIANTS["paper"].layers if isinstance(n, AcrossMaps))
    for name in ("one-gpu", "ungrouped", "torchvision", "cuda-convnet2", "dansuh17"):
        assert all(getattr(layer, "groups", 1) == 1 for layer in VARIANTS[name].layers)


def test_starting_values() -> None:
    paper, source = (weighted(VARIANTS[n]).values() for n in ("paper", "source-2012"))
    assert {layer.init for layer in paper} == {0.01}
    assert [layer.bias for layer in paper] == [0, 1, 0, 1, 1, 1, 1, 0]
    assert [layer.init for layer in source] == [0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01]
    assert [layer.bias for layer in weighted(VARIANTS["caffe"]).values()] == [
        0,
        0.1,
        0,
        0.1,
        0.1,
        0.1,
        0.1,
        0,
    ]
    torchvision = weighted(VARIANTS["torchvision"])
    bound = torch.nn.Linear(9216, 4096, device="meta").in_features ** -0.5  # U(−bound, bound)
    assert torchvision["fc6"].init == pytest.approx(bound / 3**0.5)


def test_the_source_divides_alpha_and_has_a_norm_more() -> None:
    norms = [layer for layer in VARIANTS["source-2012"].layers if isinstance(layer, AcrossMaps | WithinMap)]
    assert [n.divided for n in norms] == [True, True, True]
    assert norms[2] == WithinMap(size=5, alpha=1e-3, beta=0.75, k=1.0)
    assert norms[0].alpha / norms[0].size == pytest.approx(2e-5)


def test_pooling_apart_keeps_every_size() -> None:
    for side in (64, 96, 128, 160, 224, 227):
        shapes = [[after for _, _, after in alexnet(side=side, **kw).walk()] for kw in ({}, {"pool": APART})]
        assert shapes[0] == shapes[1]


def test_each_norm_stands_alone() -> None:
    assert [
        kinds(alexnet(**kw)).count("AcrossMaps")
        for kw in ({"norm1": ()}, {"norm2": ()}, {"norm1": (), "norm2": ()})
    ] == [1, 1, 0]


def test_activation_dropout_and_classes() -> None:
    network = alexnet(function=Function.TANH, dropout=0.0, classes=10)
    assert {layer.function for layer in network.layers if isinstance(layer, Activate)} == {Function.TANH}
    assert "Dropout" not in kinds(network)
    assert network.output == (10,)


@pytest.mark.parametrize("name", ["conv2", "conv3", "conv4", "conv5", "fc6", "fc7"])
def test_a_layer_removed(name: str) -> None:
    network = alexnet(without=(name,), side=67, width=0.05)
    whole = alexnet(side=67, width=0.05)
    assert list(weighted(network)) == [n for n in weighted(whole) if n != name]
    assert kinds(network).count("Pool") == 3
    assert kinds(network).count("Activate") == 6
    assert Net(network)(torch.randn(1, 3, 67, 67)).shape == (1, 1000)


def test_widths_divide_into_columns() -> None:
    for width in (0.01, 0.03, 0.33, 1.5):
        network = alexnet(width=width)
        assert all(layer.units % 2 == 0 for layer in network.layers if isinstance(layer, Conv))
    assert [a.parameters < b.parameters for a, b in pairwise(alexnet(width=w) for w in (0.1, 0.5, 1.0))] == [
        True
    ] * 2


def test_bad_options() -> None:
    with pytest.raises(BadValue, match="an input of 32 pixels leaves nothing at conv5"):
        alexnet(side=32)
    with pytest.raises(UnknownName, match=r"unknown network 'papers' \(nearest: paper"):
        alexnet("papers")
    with pytest.raises(UnknownName, match="unknown network option 'droput'"):
        alexnet(droput=0.1)
    with pytest.raises(UnknownName, match="unknown layer to remove 'conv1'"):
        alexnet(without=("conv1",))


def test_recipes_differ_in_fields_that_exist() -> None:
    assert set(RECIPES) == set(VARIANTS) == set(PARAMETERS)
    assert {f.name for f in fields(AlexNet)} >= {
        "function",
        "norm1",
        "norm2",
        "pool",
        "dropout",
        "without",
        "side",
    }


def test_the_table_adds_up() -> None:
    found = rows(VARIANTS["paper"])
    assert sum(r.parameters for r in found) == 60_965_224
    assert sum(r.share for r in found) == pytest.approx(100)
    assert sum(r.multiply_adds for r in found) == VARIANTS["paper"].multiply_adds
    assert columns()[:3] == ("layer", "what", "output")
    printed = text(VARIANTS["paper"])
    for part in (
        "96×55×55",
        "290,400",
        "37,752,832",
        "60,965,224",
        "659,272",
        "1.45 %",
        "padding 0 before, 3 after",
    ):
        assert part in printed
    assert len({len(line) for line in printed.splitlines() if line.startswith(("conv", "fc", "total"))}) == 1


def test_descriptions_need_no_torch() -> None:
    code = "import sys, harness.models.alexnet, harness.models.layer_table; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
