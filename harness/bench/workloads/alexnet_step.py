"""A training step of `paper`, with its norms and dropout, beside the same network in stock modules.

Stock modules run with Python's defaults: eager, NCHW, fp32 on a CPU and autocast on a GPU. Ours is the step
that trainings take, by `Loop`, on one batch that is already on the device. The ceiling is the time that the
step's multiplications would take as products of large matrices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat

import torch
from torch import Tensor, nn

from harness.bench.ceilings import PRODUCTS, products
from harness.bench.stock import stock, training_step
from harness.bench.workload import (
    SMALLER,
    Asked,
    Player,
    Unit,
    Way,
    WayKind,
    Ways,
    Work,
    Workload,
)
from harness.contract.trial import Precision
from harness.models.alexnet import alexnet
from harness.models.description import Network
from harness.models.network import Net
from harness.records import environment
from harness.training.loop import Loop
from harness.training.scheduled.recipe import Recipe
from harness.training.scheduled.recipes import PAPER
from harness.training.update import Momentum2012, apply, groups

NETWORK = alexnet()
OURS, IN_FP32 = "this harness", "this harness, fp32"
STOCK, WITH_ALLOCATOR = "stock modules", "stock, our allocator"
TORCHVISION = "torchvision"


def plan(asked: Asked, network: Network = NETWORK, batches: tuple[int, ...] = SMALLER) -> Ways:
    """Ours (in bf16 and fp32), stock modules (with and without our allocator), torchvision, the products."""
    device, cores, bf16 = asked.device.torch, environment.cores(), asked.precision is Precision.BF16
    ours = Player(make_ours, (network, device, asked.precision), cores)
    plain = (network, device, bf16 and asked.device.cuda)
    usual = Player(make_stock, plain, cores, allocator=False, numerics=False)
    helped = Player(make_helped, plain, cores, numerics=False)
    ways = [Way(OURS, WayKind.OURS, ours, PRODUCTS)]
    ways += [Way(IN_FP32, WayKind.OURS, ours)] if bf16 else []
    # In another precision than the products, such as TF32 on a GPU, these are no ceiling.
    ceiling = PRODUCTS if bf16 == asked.device.cuda else ""
    ways += [Way(STOCK, WayKind.STOCK, usual, ceiling)]
    ways += [] if asked.device.cuda else [Way(WITH_ALLOCATOR, WayKind.STOCK, helped, ceiling)]
    ways += [Way(TORCHVISION, WayKind.STOCK, usual), Way(PRODUCTS, WayKind.CEILING, ours)]
    usually = "fp32, but TF32 in convolutions" if asked.device.cuda else "fp32"
    arithmetic = "bf16 autocast" if plain[-1] else usually
    return Ways(
        tuple(ways),
        batches,
        (
            f"ours in {asked.precision}, channels last; the other networks in {arithmetic}, NCHW",
            "torchvision's alexnet is another network: 64 maps in conv1, one group, no norms",
        ),
    )


class Same:
    """Always the same batch: a `BatchSource` that costs nothing."""

    def __init__(self, inputs: Tensor, labels: Tensor) -> None:
        """The batch, on the device that trains."""
        self.batch, self.mean = (inputs, labels), inputs

    def each(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batch, repeated for the number of batches requested."""
        return repeat(self.batch, math.ceil(len(order) / size))


def goes(device: torch.device) -> int:
    """Steps per run: on a GPU enough that none waits for the previous one."""
    return 10 if device.type == "cuda" else 1


def our_update(net: Net, how: Recipe = PAPER) -> Momentum2012:
    """The recipe's update rule at its first learning rate."""
    update = Momentum2012(groups(net, how.bias_rate_factor, how.bias_decay), how.momentum)
    apply(how.schedule.at(0, 0, []), update)
    return update


def our_step(network: Network, device: torch.device, precision: Precision) -> Work:
    """Steps by `Loop` on noise, for batches of any size."""
    net = Net(network).initialise(0).on(device)
    update, loops = our_update(net), dict[int, Loop]()

    def work(batch: int) -> float:
        if batch not in loops:
            inputs, labels = noise(network, device, batch)
            source = Same(inputs.contiguous(memory_format=torch.channels_last), labels)
            loops[batch] = Loop(net, update, source, precision, batch)
        images = goes(device) * batch
        loops[batch].train(torch.arange(images))
        return images

    return work


def stock_step(net: nn.Module, network: Network, device: torch.device, bf16: bool) -> Work:
    """Steps of stock modules on noise of the network's input size."""
    step: Callable[[Tensor, Tensor], None] = training_step(net.to(device), bf16, rate=0.01, decay=5e-4)
    batches: dict[int, tuple[Tensor, Tensor]] = {}

    def work(batch: int) -> float:
        if batch not in batches:
            batches[batch] = noise(network, device, batch)
        for _ in range(goes(device)):
            step(*batches[batch])
        return goes(device) * batch

    return work


def noise(network: Network, device: torch.device, batch: int) -> tuple[Tensor, Tensor]:
    """Inputs (batch, 3, side, side) and labels (batch,)."""
    inputs = torch.randn(batch, *network.input, device=device)
    return inputs, torch.randint(network.output[0], (batch,), device=device)


def make_ours(network: Network, device: str, precision: Precision) -> Mapping[str, Work]:
    """Our step in the given precision and in fp32, and the products."""
    where = torch.device(device)
    found = {OURS: our_step(network, where, precision)}
    if precision is not Precision.FP32:
        found[IN_FP32] = our_step(network, where, Precision.FP32)
    return {**found, PRODUCTS: products(network, where, precision)}


def make_stock(network: Network, device: str, bf16: bool) -> Mapping[str, Work]:
    """The same network, and torchvision's."""
    from torchvision.models import alexnet as another

    where = torch.device(device)
    return {
        STOCK: stock_step(stock(network), network, where, bf16),
        TORCHVISION: stock_step(another(), network, where, bf16),
    }


def make_helped(network: Network, device: str, bf16: bool) -> Mapping[str, Work]:
    """The same network, for a process with the workers' allocator settings."""
    return {WITH_ALLOCATOR: stock_step(stock(network), network, torch.device(device), bf16)}


WORKLOAD = Workload("a training step of the paper's network", Unit.TIME, plan)
