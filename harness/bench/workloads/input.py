"""Images per second from photographs on disk to training batches: a pack against decoding in every epoch.

Both make the paper's batches (§2, §4.1: shorter side to 256, centre 256, random 224, flip, PCA noise, mean)
from the same photographs, in their own sizes if the data folders hold any, in whole epochs. Theirs is
torchvision's ImageFolder, its transforms and a DataLoader with the usual one worker per core. Ours is the
pipeline that trains, `Prefetched` over a pack; packing is timed separately.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from harness.bench import photographs
from harness.bench.ceilings import COPY, arrivals
from harness.bench.workload import (
    PAPER_BATCH,
    Asked,
    Player,
    Projection,
    Unit,
    Way,
    WayKind,
    Ways,
    Work,
    Workload,
    WorkloadResult,
)
from harness.contract.errors import DataError
from harness.contract.streams import generator
from harness.data import datasets
from harness.data.augmentation import ColourBasis
from harness.data.catalogue import training_images
from harness.data.inputs.prefetch import Prefetched
from harness.data.packing import prepare
from harness.records import environment
from harness.training.scheduled.recipes import PAPER

OURS, THEIRS = "a pack, prefetched", "ImageFolder and DataLoader"
IMAGES = 1200
AS = "imagenette"  # what the pack and the folder of made-up classes pose as
PACKED = "packed_images_per_second"


def plan(asked: Asked, workers: int | None = None) -> Ways:
    """Finds or makes photographs and packs them."""
    number = asked.images or IMAGES
    source = photographs.found(asked.data_dir)
    made = source or photographs.made_up(asked.folder / "made-up", min(96, number))
    folder = photographs.in_classes(made, asked.folder / "links", number)
    start, cores = time.perf_counter(), environment.cores()
    pack = prepare.prepare(AS, folder, asked.folder, cores)
    if pack is None:
        raise DataError("input: packing was interrupted; run the same command again")
    rate = (number + photographs.CLASSES) / (time.perf_counter() - start)
    device, workers = asked.device.torch, cores if workers is None else workers
    ours = Player(make_ours, (pack, device), threads=1)
    theirs = Player(make_theirs, (folder, pack, device, workers), threads=1)
    return Ways(
        (
            Way(OURS, WayKind.OURS, ours, COPY),
            Way(THEIRS, WayKind.STOCK, theirs, COPY),
            Way(COPY, WayKind.CEILING, ours),
        ),
        notes=(
            f"{photographs.sizes(made)}{'' if source else ', made up'}; epochs of {number}; {workers} "
            "DataLoader workers; the ceiling copies finished batches, to a GPU crops",
            f"packing: {rate:.0f} images/s, n = 1",
        ),
        facts={PACKED: rate},
    )


def make_ours(pack: Path, device: str) -> Mapping[str, Work]:
    """Epochs from the pack, and copies of a batch."""
    where = torch.device(device)
    mean, basis = datasets.mean_and_basis(AS, pack)
    images = datasets.load(AS, pack)
    source, numbers = Prefetched(images, mean.to(where), PAPER.augmentation, 0, basis), count()

    def epoch(batch: int) -> float:
        number = next(numbers)
        order = torch.randperm(len(images), generator=generator(0, "order", number))
        source.begin(number, order)
        return sum(len(inputs) for inputs, _ in source.each(order, batch))

    side = PAPER.augmentation.side
    return {OURS: epoch, COPY: arrivals(PAPER_BATCH, side, where)}


class Noise:
    """PCA colour noise and mean subtraction per image, as a transform, with the paper's amounts."""

    def __init__(self, mean: Tensor, basis: ColourBasis) -> None:
        """`mean` is float32 (256, 256, 3) on the 0–255 scale; its centre is subtracted."""
        self.mean = mean[16:240, 16:240].permute(2, 0, 1)
        colour = PAPER.augmentation.colour
        assert colour is not None
        self.sigma, self.spread = colour.sigma, basis.values * (colour.white / 255)
        self.vectors = basis.vectors

    def __call__(self, image: Tensor) -> Tensor:
        """Turns a uint8 crop (3, 224, 224) into an input."""
        shift = self.vectors @ (self.sigma * torch.randn(3, dtype=torch.float64) * self.spread)
        return image.float() - self.mean + shift.float()[:, None, None]


def make_theirs(folder: Path, pack: Path, device: str, workers: int) -> Mapping[str, Work]:
    """Epochs from the folder; mean and colours are the pack's."""
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    steps = [v2.Resize(256), v2.CenterCrop(256), v2.RandomCrop(224), v2.RandomHorizontalFlip()]
    noise = Noise(*datasets.mean_and_basis(AS, pack))
    where = torch.device(device)
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
        ImageFolder(str(folder / "train"), v2.Compose([*steps, v2.PILToTensor(), noise])),
        PAPER_BATCH,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=where.type == "cuda",
    )

    def epoch(batch: int) -> float:
        return sum(len(inputs.to(where, non_blocking=True)) for inputs, _ in loader)

    return {THEIRS: epoch}


def project(asked: Asked, result: WorkloadResult) -> tuple[Projection, ...]:
    """The time to pack ImageNet, and after how many epochs packing pays off."""
    ours, theirs = result.row(OURS), result.row(THEIRS)
    if ours is None or theirs is None:
        return ()
    each = 1 / result.facts[PACKED]
    saved = 1 / result.rate(theirs) - 1 / result.rate(ours)
    pays = f"pays after {each / saved:.1f} epochs" if saved > 0 else "never pays"
    images = training_images("imagenet")
    basis = f"{images:,} images at the measured rate of packing; it {pays} of training"
    return (Projection("packing ImageNet", images * each, basis),)


WORKLOAD = Workload("training batches from photographs", Unit.RATE, plan, project)
