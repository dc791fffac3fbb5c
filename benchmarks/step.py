"""A training step of `paper` at batch 128: ours against the same network in stock modules, fp32 and NCHW.

python benchmarks/step.py [--device cpu] [--threads 2] [--repeats 5] [--batch 128] [--huge-pages] [--clock C]

A step is forward, cross-entropy, backward and an update by the same torch.optim.SGD. `stock` is what one
would write down from the paper: nn.Conv2d, nn.ReLU, nn.LocalResponseNorm, nn.MaxPool2d, nn.Dropout,
nn.Linear, eager, fp32, NCHW. Ours is `Net` in channels-last, in fp32 and in bf16 autocast, told apart in the
table because bf16 is other arithmetic. Before timing, both are shown to give the same logits from the same
weights in fp32.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
if "--huge-pages" in sys.argv:
    os.environ["THP_MEM_ALLOC_ENABLE"] = "1"  # read once, at the allocator's first use

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.lrn import CLOCKS, conditions, hardware, interleaved
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


def measure(device: str, batch: int, repeats: int, clock: str) -> dict[str, list[float]]:
    """Seconds a step, by way of running it."""
    description = alexnet()
    x = torch.randn(batch, *description.input, device=device)
    y = torch.randint(description.output[0], (batch,), device=device)
    last = x.contiguous(memory_format=torch.channels_last)

    def ours(bf16: bool) -> Callable[[], None]:
        net = Net(description).initialise(0).to(device)
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return step(net, last, y, bf16)

    works: dict[str, Callable[[], object]] = {
        "stock, fp32, NCHW": step(stock(description).to(device), x, y, False),
        "ours, fp32, channels-last": ours(False),
        "ours, bf16 autocast, channels-last": ours(True),
    }
    return interleaved(works, repeats, device, clock)


def main() -> None:
    """Prints the table."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--huge-pages", action="store_true")
    parser.add_argument("--clock", default="wall", choices=CLOCKS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{hardware(options.device)}; {conditions(options)}")
    print(f"largest difference of logits, same weights: {difference(options.device):.1e} of the largest\n")
    times = measure(options.device, options.batch, options.repeats, options.clock)
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
