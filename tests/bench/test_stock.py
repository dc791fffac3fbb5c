"""Stock modules compute what ours do; the ceilings count what a step must do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.bench.ceilings import copies, products, step_multiply_adds
from harness.bench.stock import ColumnNorm, stock, training_step
from harness.bench.workloads import lrn
from harness.bench.workloads.cifar_trial import NETWORK
from harness.contract.trial import Precision
from harness.models.alexnet import alexnet
from harness.models.description import AcrossMaps, Conv, Dense, Network
from harness.models.layers.lrn import normalise
from harness.models.network import Net

SMALL = alexnet(side=67, width=1 / 8, classes=10, dropout=0.0)


@pytest.mark.parametrize("network", [SMALL, NETWORK], ids=["paper", "19pct"])
def test_the_stock_network_gives_the_same_logits_and_gradients(network: Network) -> None:
    net = Net(network).initialise(0)
    with torch.no_grad():
        for _, weight, _ in net.weighted():
            weight.mul_(0.05 / weight.std())
    plain = stock(network)
    with torch.no_grad():
        for source, target in zip(net.parameters(), plain.parameters(), strict=True):
            target.copy_(source)
    x = torch.randn(4, *network.input)
    torch.testing.assert_close(plain(x), net(x), rtol=1e-4, atol=1e-5)
    for module in (net, plain):
        nn.functional.cross_entropy(module(x), torch.arange(4)).backward()
    for ours, theirs in zip(net.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(theirs.grad, ours.grad, rtol=1e-3, atol=1e-5)


def test_the_stock_network_of_the_paper_has_as_many_parameters() -> None:
    """60,965,224 by hand: kernels, weights and biases of eight layers in two columns."""
    with torch.device("meta"):
        plain = stock(alexnet())
    assert sum(p.numel() for p in plain.parameters()) == alexnet().parameters == 60_965_224


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_the_norm_that_is_timed_is_pytorchs(memory: torch.memory_format) -> None:
    x = (30 * torch.randn(2, 96, 7, 7)).contiguous(memory_format=memory)
    theirs = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)
    torch.testing.assert_close(ColumnNorm(lrn.LAYER)(x), theirs(x))
    torch.testing.assert_close(normalise(x, lrn.LAYER), theirs(x))
    assert lrn.through(theirs, x.bfloat16()).dtype == torch.bfloat16


def test_a_norm_within_columns_is_the_papers() -> None:
    layer = AcrossMaps(groups=2)
    x = 30 * torch.randn(2, 8, 3, 3)
    torch.testing.assert_close(ColumnNorm(layer)(x), normalise(x, layer))


def test_plain_steps_are_the_textbooks() -> None:
    """Two weights that are the logits: the gradient for class 0 is their softmax − (1, 0)."""
    w, v = torch.tensor([0.25, -0.5]), torch.zeros(2)
    net = nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        net.weight.copy_(w[:, None])
    step = training_step(net, False, rate=0.1, decay=0.5)
    for _ in range(2):
        step(torch.ones(1, 1), torch.zeros(1, dtype=torch.int64))
        v = 0.9 * v + w.exp() / w.exp().sum() - torch.tensor([1.0, 0.0]) + 0.5 * w
        w = w - 0.1 * v
    torch.testing.assert_close(net.weight.flatten(), w)


def test_a_steps_multiplications() -> None:
    """Two kernels see 2 + 3 + 3 + 2 rows and columns; 32·5 more; no gradient of the input is needed."""
    network = Network("x", (1, 4, 4), (Conv("a", 2, size=3, padding=1), Dense("b", 5)))
    assert step_multiply_adds(network) == 2 * (2 * 10 * 10) + 3 * 160


def test_ceilings_count_images() -> None:
    network = Network("x", (10,), (Dense("a", 10),))  # 100 forward, 100 for the weights
    square, conv = 8000 / 200, 16 * torch.get_num_threads() * 28**2 * 128**2 * 9 / 200
    assert products(network, torch.device("cpu"), Precision.FP32, side=20)(128) in (square, conv)
    assert copies(torch.randn(4, 3), 3)(2) == 2
