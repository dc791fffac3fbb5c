"""Images per second of the whole machine: this harness beside a textbook PyTorch script, in one run.

    python -m benchmarks.cifar_training [--repeats 5]

Both train the same network (`19pct`, ReLU) on the same real CIFAR-10 images with the same batch size and
update. The textbook way: `torchvision` data set with transforms to tensors and mean removal, `DataLoader`,
eager fp32 in NCHW, one process that uses every core. Ours: resident tensors, gathered batches, channels
last, fp32, one single-threaded process a core with the engine's allocator settings. The two take turns, so
that a machine that drifts is fair to both; the ratio is of neighbours. Start-up and the loading of the data
are counted on neither side.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median

import torch
from tabulate import tabulate
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from harness.contract.trial import Precision
from harness.data import sources
from harness.data.images import Batches, load
from harness.engines.local import ALLOCATOR
from harness.models.cifar10 import bare, nineteen
from harness.models.network import Net
from harness.records import environment
from harness.training.loop import Loop
from harness.training.update import for_network

IMAGES = 25_600
BATCH = 128


def textbook(root: Path, workers: int) -> float:
    """Images per second of a plain script; `workers` processes of the DataLoader, 0 for none."""
    torch.set_num_threads(os.cpu_count() or 1)
    mean = tuple(load("cifar10", root).pixels.float().mean((0, 1, 2)).div(255).tolist())
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(mean, (1 / 255, 1 / 255, 1 / 255))]
    )
    data = datasets.CIFAR10(str(root.parent), train=True, transform=transform)
    loader = DataLoader(data, BATCH, shuffle=True, num_workers=workers, drop_last=True)
    net = nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2), nn.MaxPool2d(3, 2, ceil_mode=True), nn.ReLU(),
        nn.Conv2d(32, 32, 5, padding=2), nn.ReLU(), nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Flatten(), nn.Linear(1024, 10),
    )  # fmt: skip
    sgd = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
    seen, start = 0, 0.0
    for step, (inputs, labels) in enumerate(loader):
        if step == 5:  # workers are up, caches are warm
            start = time.perf_counter()
        sgd.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()  # type: ignore[no-untyped-call]
        sgd.step()
        seen += BATCH if step >= 5 else 0
        if seen >= IMAGES:
            break
    return seen / (time.perf_counter() - start)


def ours(root: Path) -> float:
    """Images per second of all cores together, each with a trial of its own."""
    os.environ.update(ALLOCATOR)  # as the engine does for its workers; this process read its own at its start
    context = multiprocessing.get_context("spawn")
    count = len(os.sched_getaffinity(0))
    ready, queue = context.Barrier(count), context.SimpleQueue()
    processes = [context.Process(target=_trial, args=(root, seed, ready, queue)) for seed in range(count)]
    for process in processes:
        process.start()
    spans: list[tuple[float, float]] = [queue.get() for _ in processes]
    for process in processes:
        process.join()
    return count * IMAGES / (max(end for _, end in spans) - min(start for start, _ in spans))


def _trial(
    root: Path, seed: int, ready: Barrier, queue: multiprocessing.SimpleQueue[tuple[float, float]]
) -> None:
    torch.set_num_threads(1)
    images = load("cifar10", root)
    net = Net(bare(nineteen())).initialise(seed).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loop = Loop(net, for_network(net, 0.001, 2.0, 0.9), Batches(images, images.mean()), Precision.FP32, BATCH)
    order = torch.randperm(len(images))
    loop.train(order[: 5 * BATCH])
    ready.wait()
    start = time.perf_counter()
    loop.train(order[:IMAGES])
    queue.put((start, time.perf_counter()))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data-dir", type=Path, default=None)
    options = parser.parse_args()
    source = sources.find("cifar10", options.data_dir)
    if source is None or source.place is None:
        raise SystemExit(sources.missing("cifar10", options.data_dir))
    cores = len(os.sched_getaffinity(0))
    ways = {"textbook, loading in the process": 0, f"textbook, {cores} DataLoader workers": cores}
    speeds: dict[str, list[float]] = {name: [] for name in (*ways, "ours")}
    for _ in range(options.repeats):
        for name, workers in ways.items():
            speeds[name].append(textbook(source.place, workers))
        speeds["ours"].append(ours(source.place))
    rows = []
    for name, found in speeds.items():
        ratios = [a / b for a, b in zip(speeds["ours"], found, strict=True)]
        rows.append((name, median(found), min(found), max(found), median(ratios), min(ratios), max(ratios)))
    machine = f"{environment.cpu_name()}, {cores} cores, torch {torch.__version__}"
    print(f"{machine}, n = {options.repeats}, whole machine")
    headers = ("way", "images/s, median", "min", "max", "ours ÷ this, median", "min", "max")
    print(tabulate(rows, headers, tablefmt="github", floatfmt=("", ".0f", ".0f", ".0f", ".2f", ".2f", ".2f")))


if __name__ == "__main__":
    main()
