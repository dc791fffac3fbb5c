"""Dropout of 2012 and inverted dropout: equal in expectation, and drawn from the given stream."""

from __future__ import annotations

import math

import pytest
import torch

from harness.contract.streams import generator
from harness.models.alexnet import alexnet
from harness.models.description import Conv, Dropout
from harness.models.layers.dropout import DropoutUnits, build, reseed
from harness.models.network import Net


def layer(rate: float = 0.5, inverted: bool = False, stream: int = 0) -> DropoutUnits:
    module = build(Dropout(rate, inverted), (8,))
    assert isinstance(module, DropoutUnits)
    module.generator = generator(stream, "dropout", 0)
    return module


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_both_are_equal_in_expectation(rate: float) -> None:
    """In testing each gives its own training mean: that of 2012 exactly (1 − rate) x, inverted exactly x.

    With the same mask, the two differ by the constant factor 1 − rate in every draw, in training and in
    testing, so a next layer whose weights are multiplied by it cannot tell them apart.
    """
    x = torch.randn(64)
    old, new = layer(rate), layer(rate, inverted=True)
    a, b = old(x), new(x)
    torch.testing.assert_close(a, b * (1 - rate))
    torch.testing.assert_close(old.eval()(x), new.eval()(x) * (1 - rate))
    assert torch.equal(new(x), x)


@pytest.mark.parametrize("inverted", [False, True])
def test_the_training_mean_is_the_test_value(inverted: bool) -> None:
    n, rate = 40_000, 0.3
    module, x = layer(rate, inverted), torch.tensor([1.0, -2.0, 0.5])
    mean = module(x.expand(n, 3)).mean(0)
    sd = x.abs() * math.sqrt(rate * (1 - rate) / n) / (1 - rate if inverted else 1)
    assert ((mean - module.eval()(x)).abs() < 4.5 * sd).all()


def test_the_mask_is_the_stream_s_alone() -> None:
    x = torch.ones(2, 6, 4, 4)
    plain = layer()(x)
    assert torch.equal(layer()(x), plain)
    assert torch.equal(layer()(x.contiguous(memory_format=torch.channels_last)), plain)
    assert torch.equal(layer()(x.bfloat16()).float(), plain)
    assert not torch.equal(layer(stream=1)(x), plain)


def test_gradients_pass_where_numbers_do() -> None:
    x = torch.ones(1000, requires_grad=True)
    y = layer(inverted=True)(x)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, y.detach())
    assert set(x.grad.tolist()) == {0.0, 2.0}


def test_reseed_reaches_every_layer_and_makes_steps_repeatable() -> None:
    net = Net(alexnet(side=63, width=0.1, classes=4)).initialise(0)
    x = torch.randn(2, 3, 63, 63)
    logits = []
    for step in (7, 7, 8):
        reseed(net, generator(0, "dropout", step))
        logits.append(net(x))
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])
    reseed(net, None)
    assert all(m.generator is None for m in net.modules() if isinstance(m, DropoutUnits))


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="not in"):
        build(Dropout(1.0), (8,))
    with pytest.raises(TypeError, match="cannot build Conv"):
        build(Conv("c", 3), (8,))
