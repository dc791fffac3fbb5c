"""A training step of `paper` at batch 128: ours against the same network in stock modules, fp32 and NCHW.

python benchmarks/step.py [--device cpu] [--threads 2] [--repeats 5] [--batch 128]

A step is forward, cross-entropy, backward and an update by the same torch.optim.SGD. `stock` is what one
would write down from the paper: nn.Conv2d, nn.ReLU, nn.LocalResponseNorm, nn.MaxPool2d, nn.Dropout,
nn.Linear, eager, fp32, NCHW, started as one starts Python. Ours is `Net` in channels-last as the engine's
workers run it, with their allocator settings (`harness.engines.local`), in fp32 and in bf16 autocast. How
much of the difference the allocator makes is shown by stock modules under the same settings. Every repeat of
every way is a process of its own, in turn. Before timing, both networks are shown to give the same logits
from the same weights in fp32.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.lrn import CLOCKS, hardware, interleaved
from harness.engines.local import ALLOCATOR
from harness.models.alexnet import alexnet
from harness.models.description import (
    AcrossMaps,
    Activate,
    Conv,
    Dense,
    Dropout,
    Layer,
    Network,
    Pool,
    Shape,
)
from harness.models.network import Net


class ColumnNorm(nn.LocalResponseNorm):
    """PyTorch's layer on the maps of each column; in NCHW that costs nothing more."""

    def __init__(self, layer: AcrossMaps) -> None:
        """Multiplies α by n, because PyTorch divides by it and the paper does not."""
        super().__init__(layer.size, layer.alpha * layer.size, layer.beta, layer.k)
        self.groups = layer.groups

    def forward(self, x: Tensor) -> Tensor:
        """(N, maps, height, width) to the same."""
        columns = x.view(x.shape[0] * self.groups, -1, *x.shape[2:])
        return super().forward(columns).view(x.shape)


def stock(description: Network) -> nn.Sequential:
    """The network in PyTorch's own modules."""
    modules: list[nn.Module] = []
    for layer, before, _ in description.walk():
        modules += _stock(layer, before)
    return nn.Sequential(*modules)


def _stock(layer: Layer, before: Shape) -> Iterator[nn.Module]:
    match layer:
        case Conv():
            first, last = layer.margins
            if first != last:
                yield nn.ZeroPad2d((first, last, first, last))
            padding = first if first == last else 0
            yield nn.Conv2d(before[0], layer.units, layer.size, layer.stride, padding, groups=layer.groups)
        case Dense():
            if len(before) > 1:
                yield nn.Flatten()
            yield nn.Linear(before[0] if len(before) == 1 else before[0] * before[1] * before[2], layer.units)
        case Activate():
            yield nn.ReLU()
        case AcrossMaps():
            yield ColumnNorm(layer)
        case Pool():
            yield nn.MaxPool2d(layer.size, layer.stride, ceil_mode=layer.ceil)
        case Dropout():
            yield nn.Dropout(layer.rate)
        case _:
            raise TypeError(f"no stock module for {layer}")


def same_weights(net: Net, plain: nn.Module) -> None:
    """Copies the weights of `net` into the stock network, in their order."""
    with torch.no_grad():
        for source, target in zip(net.parameters(), plain.parameters(), strict=True):
            target.copy_(source)


def difference(device: str) -> float:
    """Largest difference of the two networks' logits, against the largest logit, in fp32 without dropout."""
    description = alexnet(dropout=0.0)
    net, plain = Net(description).initialise(0).to(device), stock(description).to(device)
    same_weights(net, plain)
    x = torch.randn(2, *description.input, device=device)
    with torch.no_grad():
        ours, theirs = net(x), plain(x)
    return float((ours - theirs).abs().max() / theirs.abs().max())


def step(net: nn.Module, x: Tensor, y: Tensor, bf16: bool) -> Callable[[], None]:
    """One training step as a function."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

    def work() -> None:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
            loss = functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()

    return work


def stock_step(device: str, batch: int) -> Callable[[], None]:
    """A step of the network in stock modules."""
    description = alexnet()
    x, y = batch_of(description, device, batch)
    return step(stock(description).to(device), x, y, False)


def our_step(device: str, batch: int, bf16: bool) -> Callable[[], None]:
    """A step of `Net`."""
    description = alexnet()
    x, y = batch_of(description, device, batch)
    net = Net(description).initialise(0).to(device)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return step(net, x.contiguous(memory_format=torch.channels_last), y, bf16)


def batch_of(description: Network, device: str, batch: int) -> tuple[Tensor, Tensor]:
    """Made-up images and labels."""
    x = torch.randn(batch, *description.input, device=device)
    return x, torch.randint(description.output[0], (batch,), device=device)


WAYS = {
    "stock, fp32, NCHW": (stock_step, False),
    "stock, fp32, NCHW, the workers' allocator": (stock_step, True),
    "ours, fp32, channels-last": (lambda device, batch: our_step(device, batch, False), True),
    "ours, bf16 autocast, channels-last": (lambda device, batch: our_step(device, batch, True), True),
}
STEPS = 3  # timed in one process, after one that is not


def time_one(way: str, options: argparse.Namespace) -> float:
    """Median seconds of a step, in this process."""
    work = WAYS[way][0](options.device, options.batch)
    times = interleaved({way: work}, STEPS, options.device, options.clock)
    return statistics.median(times[way])


def in_a_process(way: str, options: argparse.Namespace) -> float:
    """The same in a process of its own, with the allocator's settings that belong to the way."""
    settings = ALLOCATOR if WAYS[way][1] else {}
    given = ("device", "threads", "batch", "clock")
    arguments = [text for name in given for text in (f"--{name}", str(getattr(options, name)))]
    command = [sys.executable, __file__, "--way", way, *arguments]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Prints the table."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--clock", default="wall", choices=CLOCKS)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.way:
        print(time_one(options.way, options))
        return
    print(f"{hardware(options.device)}; {options.clock} clock, batch {options.batch}")
    print(f"largest difference of logits, same weights: {difference(options.device):.1e} of the largest\n")
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(options.repeats):
        for way, found in times.items():
            found.append(in_a_process(way, options))
    print("| step | ms: median (least–most) | images/s | stock ÷ this | n |")
    print("|---|---:|---:|---:|---:|")
    base = next(iter(times.values()))
    for name, seconds in times.items():
        ratios = [a / b for a, b in zip(base, seconds, strict=True)]
        middle = statistics.median(seconds)
        print(
            f"| {name} | {1e3 * middle:.0f} ({1e3 * min(seconds):.0f}–{1e3 * max(seconds):.0f}) "
            f"| {options.batch / middle:.0f} | {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f}–{max(ratios):.2f}) | {options.repeats} |"
        )


if __name__ == "__main__":
    main()
