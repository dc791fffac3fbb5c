"""Images per second of the whole machine: trainings of Figure 1's network beside a textbook script.

The textbook way is one process with every core: torchvision's data set with transforms to tensors and mean
removal, DataLoader, stock modules, eager fp32 in NCHW. Ours is one single-threaded process per core (on a
GPU: up to four in all, and also one alone), each with its own trial, as the engine runs them. Start-up and
data loading are excluded on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from harness.bench.ceilings import PRODUCTS, products
from harness.bench.stock import stock, training_step
from harness.bench.workload import PAPER_BATCH, Asked, Player, Unit, Way, WayKind, Ways, Work, Workload
from harness.contract.trial import Precision
from harness.data import sources
from harness.data.images import Batches, load
from harness.models.cifar10 import bare, nineteen
from harness.models.network import Net
from harness.records import environment
from harness.training.loop import Loop
from harness.training.update import for_network

OURS, ALONE, TEXTBOOK = "this harness", "one trial alone", "textbook script"
NETWORK = bare(nineteen())


def plan(asked: Asked, workers: int | None = None) -> Ways:
    """Ours, the textbook script with and without loading processes (one per core), and the products.

    On a GPU that trials share, also one of ours alone, which says whether sharing pays.
    """
    source = sources.find("cifar10", asked.data_dir)
    place = source.place.resolve() if source and source.place else None
    device, cores = asked.device.torch, environment.cores()
    workers = cores if workers is None else workers
    ours = Player(make_ours, (place, device), threads=1, copies=asked.workers)
    plain = Player(make_textbook, (place, device, workers), cores, allocator=False, numerics=False)
    trials = f"{asked.workers} single-threaded trials in parallel, resident batches"
    shared = asked.device.cuda and ours.copies > 1
    alone = Way(ALONE, WayKind.PART, replace(ours, copies=1), PRODUCTS, many_steps=True)
    ceiling = "" if asked.device.cuda else PRODUCTS  # in TF32, products in fp32 are none
    data = "CIFAR-10" if place else "the procedural stand-in, since no CIFAR-10 was found,"
    return Ways(
        (
            Way(OURS, WayKind.OURS, ours, PRODUCTS, many_steps=True),
            *((alone,) if shared else ()),
            Way(TEXTBOOK, WayKind.STOCK, plain, ceiling, lead=1, many_steps=True),
            Way(_with(workers), WayKind.STOCK, plain, ceiling, lead=1, many_steps=True),
            Way(PRODUCTS, WayKind.CEILING, ours),
        ),
        notes=(
            f"{OURS}: {trials}; {TEXTBOOK}: loads in the process, or by DataLoader workers, all cores",
            f"network 19pct (ReLU) on {data} batch {PAPER_BATCH}, fp32; the textbook script has torch's own "
            "defaults, which on a GPU allow TF32 in convolutions",
        ),
    )


def steps(device: torch.device) -> int:
    """Steps per run; on a GPU as many as between two evaluations, since the end of a run waits for it."""
    return 100 if device.type == "cuda" else 5


def _with(workers: int) -> str:
    return f"textbook, {workers} worker{'' if workers == 1 else 's'}"


def make_ours(place: Path | None, device: str) -> Mapping[str, Work]:
    """A trial, and the matrix products with the same number of threads."""
    where = torch.device(device)
    data = load("cifar10", place)
    net = Net(NETWORK).initialise(0).on(where)
    source = Batches(data.to(where), data.mean().to(where))
    loop = Loop(net, for_network(net, 0.001, 2.0, 0.9), source, Precision.FP32, PAPER_BATCH)
    order = torch.randperm(len(data))

    def work(batch: int) -> float:
        some = order[: min(steps(where), len(order) // batch) * batch]  # whole batches alone are in the graph
        loop.train(some)
        return len(some)

    return {OURS: work, ALONE: work, PRODUCTS: products(NETWORK, where, Precision.FP32)}


def make_textbook(place: Path | None, device: str, workers: int) -> Mapping[str, Work]:
    """The script twice: loading in the process, and by workers."""
    data = textbook_data(place)
    return {
        TEXTBOOK: _script(data, torch.device(device), 0),
        _with(workers): _script(data, torch.device(device), workers),
    }


def textbook_data(place: Path | None) -> Dataset[tuple[Tensor, int]]:
    """Torchvision's CIFAR-10 in `place`, or the stand-in in the same form; as tensors less the mean."""
    from torchvision import datasets, transforms

    images = load("cifar10", place)
    mean = tuple(images.mean().mean((0, 1)).div(255).tolist())
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(mean, (1 / 255, 1 / 255, 1 / 255))]
    )
    if place is not None:
        return datasets.CIFAR10(str(place.parent), train=True, transform=transform)  # type: ignore[no-any-return]
    return Pictures(images.pixels, images.labels, transform)


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images one by one through PIL and transforms, like torchvision's data sets."""

    def __init__(self, pixels: Tensor, labels: Tensor, transform: Any) -> None:
        """`pixels` uint8 (N, height, width, 3)."""
        self.pixels, self.labels, self.transform = pixels.numpy(), labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


def _script(data: Dataset[tuple[Tensor, int]], device: torch.device, workers: int) -> Work:
    net = stock(NETWORK).to(device)
    step = training_step(net, bf16=False, rate=0.001, decay=0.0)
    batches = _endless(data, device, workers)

    def work(batch: int) -> float:
        done = 0
        for _ in range(steps(device)):
            inputs, labels = next(batches)
            step(inputs.to(device, non_blocking=True), labels.to(device, non_blocking=True))
            done += len(labels)
        return done

    return work


def _endless(
    data: Dataset[tuple[Tensor, int]], device: torch.device, workers: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of epoch after epoch."""
    pinned = device.type == "cuda"
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
        data,  # type: ignore[arg-type]
        PAPER_BATCH,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        drop_last=True,
        pin_memory=pinned,
    )
    while True:
        yield from loader


WORKLOAD = Workload("Figure 1's network, the whole machine", Unit.RATE, plan, precision=Precision.FP32)
