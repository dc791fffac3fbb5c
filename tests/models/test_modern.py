"""Initialisation and normalisation that came after the paper, against PyTorch's own."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from harness.models.cifar10 import bare, nineteen
from harness.models.description import Activate, Conv, Function, Network, Weighted
from harness.models.modern import BatchNorm, fitted, normalised
from harness.models.network import Net


@pytest.mark.parametrize("function", list(Function))
def test_spreads_are_those_of_pytorchs_initialisers(function: Function) -> None:
    description = fitted(nineteen(function))
    for layer, weight, _ in Net(description).weighted():
        draw = (
            torch.empty(4096, *weight.shape[1:]) if function is Function.RELU else torch.empty(weight.shape)
        )
        torch.manual_seed(0)
        if function is Function.RELU:
            nn.init.kaiming_normal_(draw)
        else:
            nn.init.xavier_normal_(draw)
        assert layer.init == pytest.approx(float(draw.std()), rel=0.05)


def test_nothing_else_is_changed() -> None:
    before, after = bare(nineteen()), fitted(bare(nineteen()))
    strip = lambda n: [replace(x, init=0.0) if isinstance(x, Weighted) else x for x in n.layers]  # noqa: E731
    assert strip(before) == strip(after)


def test_a_norm_stands_before_every_nonlinearity() -> None:
    layers = normalised(nineteen()).layers
    before = [layers[i - 1] for i, layer in enumerate(layers) if isinstance(layer, Activate)]
    assert before
    assert all(isinstance(layer, BatchNorm) for layer in before)
    assert [x for x in layers if not isinstance(x, BatchNorm)] == list(nineteen().layers)


def test_normalised_maps_have_mean_nought_and_variance_one() -> None:
    description = Network("one", (3, 6, 6), (Conv("conv1", 4, init=0.1, bias=2.0, size=3), BatchNorm()))
    net = Net(description).initialise(0).train()
    maps = net(torch.randn(50, 3, 6, 6))
    assert torch.allclose(maps.mean((0, 2, 3)), torch.zeros(4), atol=1e-5)
    assert torch.allclose(maps.var((0, 2, 3), unbiased=False), torch.ones(4), atol=1e-2)
    assert len(list(net.parameters())) == 2
