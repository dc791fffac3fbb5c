"""The two columns, in two processes or in one, against the one network that they are cut from."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from harness.contract.errors import BadValue, HarnessError
from harness.contract.ranks import Group, Rank, launch
from harness.contract.streams import generator
from harness.models.alexnet import AlexNet, alexnet
from harness.models.columns import Both, Column, check
from harness.models.description import Conv, Dense, Local, Network
from harness.models.exchange import Swap
from harness.models.layers.dropout import reseed
from harness.models.network import Net
from harness.training.update import for_network

pytestmark = pytest.mark.usefixtures("rank_server")
CLOSE = 1e-5  # relative
SIDE, CLASSES, IMAGES, UPDATES = 67, 10, 4, 10
SMALL: dict[str, Any] = {"side": SIDE, "width": 1 / 16, "classes": CLASSES}
NETWORKS = {
    "paper": alexnet("paper", **SMALL),
    "source-2012": alexnet("source-2012", **SMALL),
    "variant": alexnet("paper", **SMALL, dropout_first=True, inverted=True, without=("conv3", "fc7")),
}
SEED = 3


def batch(step: int) -> tuple[Tensor, Tensor]:
    stream = generator(SEED, "batch", step)
    inputs = 40 * torch.randn(IMAGES, 3, SIDE, SIDE, generator=stream)
    labels = torch.randint(CLASSES, (IMAGES,), generator=stream)
    return inputs.contiguous(memory_format=torch.channels_last), labels


def strengthened(network: Network) -> Network:
    """The same with weights large enough that the gradients of all layers matter."""
    layers = tuple(replace(x, init=0.05) if isinstance(x, Conv | Dense) else x for x in network.layers)
    return replace(network, layers=layers)


def backward(net: Net, step: int) -> tuple[Tensor, Tensor]:
    inputs, labels = batch(step)
    reseed(net, generator(SEED, "dropout", step))
    logits = net(inputs)
    loss = functional.cross_entropy(logits, labels)
    loss.backward()
    return logits.detach().clone(), loss.detach().clone()


def parts(net: Net, of: str) -> dict[str, Tensor]:
    """Weights, or gradients, by layer, weight first; those of both columns if they share a process."""
    found: dict[str, list[Tensor]] = {}
    for layer, weight, bias in net.weighted():
        for kind, p in (("weight", weight), ("bias", bias)):
            value = p.grad if of == "grad" else p
            assert value is not None
            found.setdefault(f"{layer.name} {kind}", []).append(value.detach().clone().contiguous())
    return {name: torch.cat(halves) for name, halves in found.items()}


def train(net: Net) -> dict[str, Any]:
    """Logits and gradients of the first batch, logits in testing, and all weights after ten updates."""
    net.train()
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    update = for_network(net, 0.01, 2.0, 0.9)
    logits, _ = backward(net, 0)
    told: dict[str, Any] = {"logits": logits, "grad": parts(net, "grad")}
    losses = []
    for step in range(UPDATES):
        update.forget_gradients()
        losses.append(backward(net, step)[1])
        update.step()
    told |= {"losses": torch.stack(losses), "weights": parts(net, "weights")}
    net.eval()
    with torch.no_grad():
        told["tested"] = net(batch(99)[0])
    return told


def in_two(rank: Rank) -> dict[str, Any]:
    """What each of two processes finds, by network; tensors as bytes, which outlive their process."""
    found: dict[str, Any] = {}
    for name, network in NETWORKS.items():
        column = Column(strengthened(network), Swap()).initialise(SEED)
        start = parts(column, "weights")
        found[name] = train(column) | {"start": start, "sent": column.swap.sent}
    found["half precision"] = half_precision(Column(strengthened(NETWORKS["paper"]), Swap()))
    return {"side": rank.index, "found": packed(found)}


def half_precision(column: Column) -> Tensor:
    column.initialise(SEED).eval()
    with torch.autocast("cpu", torch.bfloat16):
        logits: Tensor = column(batch(0)[0])
    logits.float().square().mean().backward()
    assert column.swap.sent > 0
    return logits.detach().float()


def packed(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def three(rank: Rank) -> None:
    Swap()


@pytest.fixture(scope="module")
def columns() -> list[dict[str, Any]]:
    answers = launch(in_two, Group(2))
    assert [a["side"] for a in answers] == [0, 1]
    return [torch.load(io.BytesIO(a["found"])) for a in answers]


@pytest.fixture(scope="module")
def whole() -> dict[str, dict[str, Any]]:
    torch.set_num_threads(1)
    return {name: train(Net(strengthened(n)).initialise(SEED)) for name, n in NETWORKS.items()}


def distance(a: Tensor, b: Tensor) -> float:
    """Largest difference relative to the largest value."""
    return float((a - b).abs().max() / b.abs().max())


every = pytest.mark.parametrize("name", NETWORKS)


@every
def test_two_processes_are_one_network(
    columns: list[dict[str, Any]], whole: dict[str, dict[str, Any]], name: str
) -> None:
    """Logits in training and testing, every gradient, and all weights after ten updates."""
    one, two = whole[name], [found[name] for found in columns]
    for column in two:
        for what in ("logits", "tested", "losses"):
            assert distance(column[what], one[what]) < CLOSE
    for what in ("grad", "weights"):
        for layer, value in one[what].items():
            joined = torch.cat([column[what][layer] for column in two])
            assert distance(joined, value) < CLOSE, (what, layer)
    assert all(value.abs().max() > 1e-6 for value in one["grad"].values())


@every
def test_each_column_starts_with_its_half_of_the_weights(columns: list[dict[str, Any]], name: str) -> None:
    net = Net(strengthened(NETWORKS[name])).initialise(SEED)
    for side, found in enumerate(columns):
        for key, value in parts(net, "weights").items():
            assert torch.equal(found[name]["start"][key], value.chunk(2)[side])


@every
def test_bytes_sent_are_those_of_the_halves(columns: list[dict[str, Any]], name: str) -> None:
    """Forward and backward at each layer that sees both columns; the halves of the logits forward alone."""
    network = NETWORKS[name]
    seen = [
        torch.Size(before).numel() // 2
        for layer, before, _ in network.walk()
        if isinstance(layer, Dense)
        or (isinstance(layer, Conv) and layer.groups == 1 and layer.name != "conv1")
    ]
    steps = UPDATES + 1
    training = 4 * IMAGES * steps * (2 * sum(seen) + CLASSES // 2)
    testing = 4 * IMAGES * (sum(seen) + CLASSES // 2)
    assert [found[name]["sent"] for found in columns] == [training + testing] * 2


def test_half_precision_comes_near(columns: list[dict[str, Any]]) -> None:
    net = Net(strengthened(NETWORKS["paper"])).initialise(SEED).eval()
    with torch.no_grad():
        wanted = net(batch(0)[0])
    for found in columns:
        assert distance(found["half precision"], wanted) < 0.05


@every
def test_both_columns_in_one_process_are_the_network(whole: dict[str, dict[str, Any]], name: str) -> None:
    one, both = whole[name], train(Both(strengthened(NETWORKS[name])).initialise(SEED))
    for what in ("logits", "tested", "losses"):
        assert distance(both[what], one[what]) < CLOSE
    for what in ("grad", "weights"):
        assert all(distance(both[what][layer], value) < CLOSE for layer, value in one[what].items())


def test_three_processes_are_refused() -> None:
    with pytest.raises(HarnessError, match="two columns run in 2 processes, one each, and 3 were started"):
        launch(three, Group(3))


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (alexnet("one-gpu"), "'one-gpu' has no columns: none of its convolutions has two groups"),
        (alexnet("caffe"), "'caffe' normalises across its columns"),
        (alexnet("paper", classes=5), "'paper' has 5 units in fc8: two equal columns need an even number"),
        (
            AlexNet("thirds", columns=3, norm1=(), norm2=(), maps=(96, 255, 384, 384, 255)).describe(),
            "no columns",
        ),
    ],
)
def test_networks_that_do_not_fall_into_two(network: Network, why: str) -> None:
    with pytest.raises(BadValue, match=why):
        check(network)


def test_more_groups_are_refused() -> None:
    network = alexnet("paper")
    four = tuple(replace(x, groups=4) if getattr(x, "name", "") == "conv4" else x for x in network.layers)
    with pytest.raises(BadValue, match="conv4 has neither one group nor two"):
        check(replace(network, layers=four))


def test_a_locally_connected_layer_is_refused_for_what_it_is() -> None:
    network = alexnet("paper")
    local = tuple(Local("conv4", 384, 3) if getattr(x, "name", "") == "conv4" else x for x in network.layers)
    with pytest.raises(BadValue, match="conv4 is locally connected"):
        check(replace(network, layers=local))
