"""Described networks against PyTorch's own shapes, and locally connected layers against an explicit loop."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from harness.models.cifar10 import NETWORKS, bare, nineteen, thirteen
from harness.models.description import Conv, Function, Local, Network, Pool, Pooling, Weighted
from harness.models.layers.local import LocallyConnected
from harness.models.network import Net


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("function", Function)
def test_described_shapes_and_parameters_are_the_real_ones(name: str, function: Function) -> None:
    network = NETWORKS[name](function)
    net = Net(network)
    x = torch.randn(2, *network.input)
    for (layer, before, after), module in zip(network.walk(), net.layers, strict=True):
        assert x.shape[1:] == before
        x = module(x)
        assert x.shape[1:] == after, layer
    assert network.output == (10,)
    assert network.parameters == sum(p.numel() for p in net.parameters())


def test_the_networks_have_the_released_sizes() -> None:
    """32·(75+1) + 32·(800+1) + 64·(800+1) + 10·(1024+1), and the same by hand for 13pct at 24×24."""
    assert nineteen().parameters == 2_432 + 25_632 + 51_264 + 10_250
    assert thirteen().parameters == 4_864 + 102_464 + 36 * 32 * 577 + 36 * 32 * 289 + 11_530


def test_the_two_arms_differ_in_the_nonlinearity_alone() -> None:
    relu, tanh = nineteen(Function.RELU), nineteen(Function.TANH)
    assert [a for a, b in zip(relu.layers, tanh.layers, strict=True) if a != b] == [
        a for a in relu.layers if "function" in vars(a)
    ]


def test_without_decay_nothing_else_changes() -> None:
    assert all(layer.decay == 0 for layer in bare(nineteen()).layers if isinstance(layer, Weighted))
    assert bare(bare(nineteen())) == bare(nineteen())
    assert [type(a) for a in bare(nineteen()).layers] == [type(a) for a in nineteen().layers]


@given(
    st.integers(4, 40),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(Pooling),
)
@settings(max_examples=150, deadline=None)
def test_pooling_sizes(side: int, size: int, stride: int, padding: int, ceil: bool, kind: Pooling) -> None:
    assume(size <= side and padding <= size // 2)
    pool = Pool(kind, size, stride, ceil, padding)
    net = Net(Network("pool", (2, side, side), (pool,)))
    assert net(torch.randn(1, 2, side, side)).shape[1:] == pool.output((2, side, side))


def test_average_pooling_divides_by_the_pixels_that_exist() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4)
    out = Net(Network("pool", (1, 4, 4), (Pool(Pooling.AVERAGE),)))(x)
    rows = [(0, 3), (2, 4)]
    expected = [x[0, 0, a:b, c:d].mean().item() for a, b in rows for c, d in rows]
    assert out.flatten().tolist() == pytest.approx(expected)


@given(
    st.integers(3, 9),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(1, 3),
    st.integers(1, 2),
)
@settings(deadline=None)
def test_strided_padded_grouped_convolutions(
    side: int, maps: int, size: int, padding: int, stride: int, groups: int
) -> None:
    conv = Conv(
        "c", 2 * groups, size=size, stride=stride, padding=padding, padding_after=padding + 1, groups=groups
    )
    network = Network("conv", (maps * groups, side, side), (conv,))
    net = Net(network)
    assert net(torch.randn(1, maps * groups, side, side)).shape[1:] == network.output
    assert network.parameters == sum(p.numel() for p in net.parameters())


def test_locally_connected_against_a_loop() -> None:
    layer = Local("l", 3, size=3, padding=1)
    module = LocallyConnected(layer, (2, 5, 4)).double()
    nn.init.normal_(module.weight)
    nn.init.normal_(module.bias)
    x = torch.randn(2, 2, 5, 4, dtype=torch.float64)
    padded = nn.functional.pad(x, (1, 1, 1, 1))
    out = module(x)
    for n in range(2):
        for row in range(5):
            for column in range(4):
                place = row * 4 + column
                patch = padded[n, :, row : row + 3, column : column + 3].permute(1, 2, 0).reshape(-1)
                expected = patch @ module.weight[place] + module.bias[place, 0]
                assert torch.allclose(out[n, :, row, column], expected)


def test_locally_connected_with_equal_kernels_is_a_convolution() -> None:
    layer = Local("l", 3, size=3, padding=1)
    module = LocallyConnected(layer, (2, 6, 6)).double()
    conv = nn.Conv2d(2, 3, 3, padding=1).double()
    with torch.no_grad():
        module.weight.copy_(conv.weight.permute(2, 3, 1, 0).reshape(-1, 3).expand_as(module.weight))
        module.bias.copy_(conv.bias.expand_as(module.bias))  # type: ignore[union-attr]
    x = torch.randn(4, 2, 6, 6, dtype=torch.float64)
    assert torch.allclose(module(x), conv(x))


def test_locally_connected_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="stride 1"):
        LocallyConnected(Local("l", 3, stride=2), (2, 6, 6))


@pytest.mark.parametrize("name", NETWORKS)
def test_initialisation(name: str) -> None:
    network = NETWORKS[name](Function.RELU)
    first, again, other = (Net(network).initialise(seed) for seed in (0, 0, 1))
    for (layer, weight, bias), (_, same, _), (_, different, _) in zip(
        first.weighted(), again.weighted(), other.weighted(), strict=True
    ):
        assert torch.equal(weight, same)
        assert not torch.equal(weight, different)
        assert weight.std().item() == pytest.approx(layer.init, rel=0.1)
        assert (bias == layer.bias).all()


def test_arms_start_from_the_same_weights() -> None:
    relu, tanh = (Net(nineteen(function)).initialise(3) for function in (Function.RELU, Function.TANH))
    assert all(torch.equal(a, b) for a, b in zip(relu.parameters(), tanh.parameters(), strict=True))


def test_channels_last_gives_the_same_logits() -> None:
    net = Net(thirteen()).initialise(0)
    x = torch.randn(2, 3, 24, 24)
    plain = net(x)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert torch.allclose(net(x.to(memory_format=torch.channels_last)), plain, atol=1e-5)
