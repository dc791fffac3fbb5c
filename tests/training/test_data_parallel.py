"""Several processes that train one network, against the whole batch in a loop written out in float64."""

from __future__ import annotations

import io
import warnings
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from harness.contract.errors import BadValue
from harness.contract.ranks import Group, Rank, launch
from harness.contract.streams import generator
from harness.contract.trial import Precision
from harness.data.images import Batches, Images
from harness.models.alexnet import alexnet
from harness.models.cifar10 import nineteen
from harness.models.description import Network, Weighted
from harness.models.layers.dropout import reseed
from harness.models.modern import BatchNorm, normalised
from harness.models.network import Net
from harness.training.data_parallel import Ranks
from harness.training.loop import Loop
from harness.training.schedules import Setting
from harness.training.update import Momentum2012, apply, groups

pytestmark = pytest.mark.usefixtures("rank_server")
SEED, BATCH, IMAGES, MOMENTUM, BIAS_FACTOR = 3, 8, 20, 0.9, 2.0  # the last batch of a part is half a batch
RATE = 0.01
FROZEN = ((), ("conv1",), ("conv1", "conv2"), ())  # in each part: one more layer is frozen, then none


def strengthened(network: Network) -> Network:
    """The same with weights large enough that the gradients of all layers matter."""
    layers = tuple(replace(x, init=0.1) if isinstance(x, Weighted) else x for x in network.layers)
    return replace(network, layers=layers)


SMALL: dict[str, Any] = {"side": 67, "classes": 10, "hidden": 32}
SEVERAL_BUCKETS, INTERRUPTED = "with dropout", "interrupted"  # 2 MB of gradients
NETWORKS = {
    SEVERAL_BUCKETS: strengthened(alexnet("paper", **SMALL | {"hidden": 640}, maps=(8, 16, 16, 16, 16))),
    "one map a column": strengthened(alexnet("paper", **SMALL, maps=(2, 4, 2, 4, 4))),
    "batch normalisation": strengthened(normalised(nineteen())),
}


def images(network: Network) -> Images:
    stream, side = generator(SEED, "noise"), network.input[1]
    pixels = torch.randint(256, (IMAGES, side, side, 3), generator=stream, dtype=torch.uint8)
    return Images(pixels, torch.randint(10, (IMAGES,), generator=stream))


def order(part: int) -> Tensor:
    return torch.randperm(IMAGES, generator=generator(SEED, "order", part))


def begun(network: Network, ranks: Ranks) -> Loop:
    net, some = Net(network).initialise(SEED).on(torch.device("cpu")), images(network)
    update = Momentum2012(groups(net, BIAS_FACTOR, bias_decay=False), momentum=MOMENTUM)
    return Loop(net, update, Batches(some, some.mean()), Precision.FP32, ranks.part(BATCH), ranks)


def trained(network: Network, ranks: Ranks, interrupted: bool = False) -> dict[str, Any]:
    """What one process ends with: losses of the parts, and the state after each."""
    loop = begun(network, ranks)
    found: dict[str, Any] = {"losses": [], "errors": [], "states": []}
    for part, frozen in enumerate(FROZEN):
        apply(Setting(RATE, RATE, frozen=frozen), loop.update)
        reseed(loop.net, generator(SEED, "dropout", part), ranks.rank, ranks.world)
        loss, error = loop.train(ranks.share(order(part), BATCH))
        state = deepcopy(loop.state())
        found["losses"].append(loss)
        found["errors"].append(error)
        found["states"].append(state["net"])
        if interrupted:
            loop = begun(network, ranks)
            loop.restore(state)
    return found | {"images": loop.images}


def check_joined(ranks: Ranks) -> None:
    """Every rank gets the whole of what each has a stretch of, even with fewer items than ranks."""
    for count in (0, 1, 7, 64):
        whole = torch.arange(2.0 * count).view(count, 2)
        assert torch.equal(ranks.joined(whole[ranks.stretch(count)], count), whole)


def rank_of_several(rank: Rank) -> bytes:
    """All networks, with warnings as errors; tensors as bytes, which outlive their process."""
    warnings.simplefilter("error")
    ranks, file = Ranks(rank.index, rank.count), io.BytesIO()
    check_joined(ranks)
    found = {name: trained(network, ranks) for name, network in NETWORKS.items()}
    torch.save(found | {INTERRUPTED: trained(NETWORKS[SEVERAL_BUCKETS], ranks, True)}, file)
    return file.getvalue()


@dataclass(frozen=True)
class ByHand:
    """The same training, by the mean gradients of whole batches in float64, with the update written out."""

    network: Network
    world: int

    def states(self) -> tuple[list[float], list[dict[str, Tensor]]]:
        net = Net(self.network).initialise(SEED).double().train()
        kinds = {
            p: (x.name, x.decay if p is w else 0.0, p is b) for x, w, b in net.weighted() for p in (w, b)
        }
        speed = {p: torch.zeros_like(p) for p in kinds}
        losses, states = [], []
        for part, frozen in enumerate(FROZEN):
            reseed(net, generator(SEED, "dropout", part))
            weighed = []
            for batch in torch.split(order(part), BATCH):
                loss = self.loss(net, batch)
                gradients = dict(zip(kinds, torch.autograd.grad(loss, list(kinds)), strict=True))
                weighed.append(len(batch) * loss.item())
                for p, (layer, decay, bias) in kinds.items():
                    if layer not in frozen:
                        rate = RATE * (BIAS_FACTOR if bias else 1)
                        with torch.no_grad():
                            speed[p].mul_(MOMENTUM).sub_(rate * (decay * p + gradients[p]))
                            p += speed[p]
            losses.append(sum(weighed) / IMAGES)
            states.append({name: value.clone() for name, value in net.state_dict().items()})
        return losses, states

    def loss(self, net: Net, batch: Tensor) -> Tensor:
        """Mean cross-entropy; batch normalisation sees each rank's images and keeps the first rank's."""
        some = images(self.network)
        inputs = (some.pixels.double() - some.mean().double())[batch].permute(0, 3, 1, 2)
        if not any(isinstance(layer, BatchNorm) for layer in self.network.layers):
            return functional.cross_entropy(net(inputs), some.labels[batch])
        first, *others = zip(inputs.chunk(self.world), some.labels[batch].chunk(self.world), strict=True)
        forgotten = {name: buffer.clone() for name, buffer in net.named_buffers()}
        losses = [functional.cross_entropy(functional_call(net, forgotten, x), y) for x, y in others]
        return torch.stack([functional.cross_entropy(net(first[0]), first[1]), *losses]).mean()


@pytest.fixture(scope="module", params=[2, 4])
def ranks(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return [torch.load(io.BytesIO(told)) for told in launch(rank_of_several, Group(request.param))]


every = pytest.mark.parametrize("name", NETWORKS)


@every
def test_ranks_train_as_the_whole_batch_would(ranks: list[dict[str, Any]], name: str) -> None:
    losses, states = ByHand(NETWORKS[name], len(ranks)).states()
    found = ranks[0][name]
    assert found["losses"] == pytest.approx(losses, rel=1e-4)
    for ours, theirs in zip(found["states"], states, strict=True):
        assert list(ours) == list(theirs)  # a network's own names
        for key, value in theirs.items():
            assert torch.allclose(ours[key].double(), value.double(), rtol=1e-3, atol=1e-5), key
    assert found["images"] == IMAGES * len(FROZEN)


@every
def test_ranks_agree_bit_for_bit(ranks: list[dict[str, Any]], name: str) -> None:
    """Running statistics of batch normalisation included: all ranks judge the same network."""
    first, *others = (found[name] for found in ranks)
    for other in others:
        assert (other["losses"], other["errors"]) == (first["losses"], first["errors"])
        for ours, theirs in zip(first["states"], other["states"], strict=True):
            assert all(torch.equal(value, theirs[key]) for key, value in ours.items())


@every
def test_a_frozen_layer_stands_still_and_goes_on(ranks: list[dict[str, Any]], name: str) -> None:
    states = ranks[0][name]["states"]
    kernels = [key for key in states[0] if key.endswith("weight")][:2]  # conv1's and conv2's

    def moves(part: int) -> list[bool]:
        return [not torch.equal(states[part - 1][key], states[part][key]) for key in kernels]

    assert [moves(part) for part in (1, 2, 3)] == [[False, True], [False, False], [True, True]]


def test_interrupted_after_every_part_they_are_the_same_bit_for_bit(ranks: list[dict[str, Any]]) -> None:
    whole, broken = (ranks[0][name] for name in (SEVERAL_BUCKETS, INTERRUPTED))
    assert broken["losses"] == whole["losses"]
    for ours, theirs in zip(broken["states"], whole["states"], strict=True):
        assert all(torch.equal(value, theirs[key]) for key, value in ours.items())


def test_a_batch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(BadValue, match="a batch of 128 does not divide among 3 processes"):
        Ranks(0, 3).part(128)


def test_ranks_share_every_batch_without_overlap() -> None:
    order = torch.randperm(322)
    shares = [Ranks(r, 2).share(order, 128) for r in range(2)]
    assert [len(s) for s in shares] == [161, 161]
    for whole, *parts in zip(torch.split(order, 128), *(torch.split(s, 64) for s in shares), strict=True):
        assert torch.equal(torch.cat(parts), whole)
