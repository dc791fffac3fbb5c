"""Images a second from photographs on the disk to training batches: a pack against decoding every epoch.

python benchmarks/input.py --source DIR [--threads 2] [--images 1200] [--batch 128] [--repeats 5]
                           [--seconds 3] [--out FILE]

DIR holds imagenette, train/<class>/ and val/<class>/, or photographs of any size and nothing else: these are
taken as often as gives `--images`, their labels made up. How large they are matters to the decoding side
only. Both sides make the paper's batches (§2, §4.1: shorter side to 256, centre 256, random 224, flip, PCA
noise, mean) on the CPU, of the same images, in interleaved rounds of whole epochs that last `--seconds` at
least, since an epoch of so few images is mostly start. Theirs is torchvision's ImageFolder, its transforms
and a DataLoader with a worker a core, as is usual. Ours is `Prefetched` over a pack. Both have the allocator
settings of a trial, and packing is timed apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count as counting
from itertools import cycle
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness.engines.local import ALLOCATOR

if any(name not in os.environ for name in ALLOCATOR):  # the allocator reads them once, at the start
    os.execve(sys.executable, [sys.executable, *sys.argv], {**ALLOCATOR, **os.environ})

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from benchmarks.lrn import hardware
from harness.contract.streams import generator
from harness.data import datasets
from harness.data.augmentation import ColourBasis
from harness.data.images import Images
from harness.data.inputs.prefetch import Prefetched
from harness.data.packing import prepare
from harness.training.recipes import PAPER

Epoch = Callable[[int], Iterator[tuple[Tensor, Tensor]]]


class Noise:
    """PCA colour noise and the mean, image by image, as a transform; the paper's amounts."""

    def __init__(self, mean: Tensor, basis: ColourBasis) -> None:
        """`mean` is float32 (256, 256, 3) on the 0–255 scale; here its centre is subtracted."""
        self.mean = mean[16:240, 16:240].permute(2, 0, 1)
        colour = PAPER.augmentation.colour
        assert colour is not None
        self.sigma, self.spread = colour.sigma, basis.values * (colour.white / 255)
        self.vectors = basis.vectors

    def __call__(self, image: Tensor) -> Tensor:
        """A crop uint8 (3, 224, 224) as input."""
        shift = self.vectors @ (self.sigma * torch.randn(3, dtype=torch.float64) * self.spread)
        return image.float() - self.mean + shift.float()[:, None, None]


def theirs(source: Path, options: argparse.Namespace, mean: Tensor, basis: ColourBasis) -> Epoch:
    """ImageFolder, transforms and DataLoader."""
    steps = [v2.Resize(256), v2.CenterCrop(256), v2.RandomCrop(224), v2.RandomHorizontalFlip()]
    found = ImageFolder(str(source / "train"), v2.Compose([*steps, v2.PILToTensor(), Noise(mean, basis)]))
    images = Subset(found, torch.randperm(len(found))[: options.images].tolist())
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
        images, options.batch, shuffle=True, num_workers=options.threads, persistent_workers=True
    )
    return lambda epoch: iter(loader)


def ours(images: Images, options: argparse.Namespace, mean: Tensor, basis: ColourBasis) -> Epoch:
    """The pack."""
    batches = Prefetched(images, mean, PAPER.augmentation, 0, basis)

    def epoch(number: int) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(images), generator=generator(0, "order", number))[: options.images]
        batches.begin(number, order)
        return batches.each(order, options.batch)

    return epoch


def rate(epoch: Epoch, numbers: Iterator[int], seconds: float) -> float:
    """Images a second over as many epochs as last `seconds` or longer."""
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for inputs, _ in epoch(next(numbers)):
            count += len(inputs)
    return count / (time.perf_counter() - start)


def sorted_in(photographs: Path, folder: Path, images: int) -> Path:
    """Folders of ten made-up classes that hold links to the photographs: `images` of them, and each once."""
    found = sorted(photographs.resolve().iterdir())
    if not found or not all(path.is_file() for path in found):
        raise SystemExit(f"{photographs} holds neither train/<class>/ and val/<class>/ nor only photographs")
    for split, count in (("train", images), ("val", len(found))):
        for index, path in zip(range(count), cycle(found), strict=False):
            place = folder / split / f"class{index % 10}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{index:06}{path.suffix}").symlink_to(path)
    return folder


def packed(source: Path, out: Path, options: argparse.Namespace) -> tuple[float, int]:
    """Seconds that packing takes, and how many images that is."""
    start = time.perf_counter()
    prepare.prepare("imagenette", source, out, options.threads)
    seconds = time.perf_counter() - start
    return seconds, sum(len(datasets.split("imagenette", out, name)) for name in ("train", "val"))


def measure(options: argparse.Namespace, out: Path) -> dict[str, Any]:
    """Rates of both sides, in turn, after a round that is not counted."""
    folders = any((options.source / name / "train").is_dir() for name in (".", "imagenette"))
    source = options.source if folders else sorted_in(options.source, out / "links", options.images)
    seconds, count = packed(source, out, options)
    mean, basis = datasets.mean_and_basis("imagenette", out)
    place = prepare.inside("imagenette", source)
    sides = {
        "ImageFolder and DataLoader": theirs(place, options, mean, basis),
        "pack": ours(datasets.load("imagenette", out), options, mean, basis),
    }
    numbers = counting()
    for epoch in sides.values():
        rate(epoch, numbers, options.seconds)
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.repeats):
        for name, epoch in sides.items():
            rates[name].append(rate(epoch, numbers, options.seconds))
    return {"rates": rates, "packing_seconds": seconds, "packed_images": count}


def summary(found: dict[str, Any]) -> dict[str, float]:
    """The ratio in every round, and after how many epochs packing has paid."""
    slow, fast = found["rates"].values()
    ratios = [b / a for a, b in zip(slow, fast, strict=True)]
    saved = 1 / statistics.median(slow) - 1 / statistics.median(fast)  # seconds an image and epoch
    packing_each = found["packing_seconds"] / found["packed_images"]
    return {
        "ratio_median": statistics.median(ratios),
        "ratio_least": min(ratios),
        "packing_images_per_second": 1 / packing_each,
        "pays_after_epochs": packing_each / saved if saved > 0 else float("inf"),
    }


def main() -> None:
    """Prints the table."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, Path(folder))
    shown = summary(found)
    print(f"{hardware('cpu')}; {options.threads} processes or threads, batch {options.batch}\n")
    print("| input | images/s: median (least–most) | n |")
    print("|---|---:|---:|")
    for name, rates in found["rates"].items():
        middle, least, most = statistics.median(rates), min(rates), max(rates)
        print(f"| {name} | {middle:.0f} ({least:.0f}–{most:.0f}) | {len(rates)} |")
    print(f"\nThe pack is {shown['ratio_median']:.1f} times as fast (least {shown['ratio_least']:.1f}).")
    print(f"Packing: {shown['packing_images_per_second']:.0f} images/s; ", end="")
    print(f"it has paid after {shown['pays_after_epochs']:.1f} epochs.")
    if options.out:
        options.out.write_text(json.dumps({**found, **shown}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
