"""Time to make a training batch of 224 pixels from 256, which §4.1 calls free, as it runs beside the GPU.

python benchmarks/augment.py [--device cpu] [--threads 2] [--repeats 7] [--batch 128] [--clock cpu]

Images are random and resident; what an epoch draws is timed apart, for as many images as ImageNet has.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from benchmarks.lrn import CLOCKS, hardware, interleaved
from harness.data.augmentation import Augmented, Views, colour_basis, draw_crops, draw_shifts
from harness.data.images import Images
from harness.training.recipes import PAPER, SOURCE_2012

IMAGENET = 1_281_167


def works(device: torch.device, batch: int) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    pixels = torch.randint(256, (4 * batch, 256, 256, 3), dtype=torch.uint8)
    images = Images(pixels, torch.zeros(len(pixels), dtype=torch.int64))
    basis, mean, images = colour_basis(pixels), images.mean().to(device), images.to(device)
    order = torch.randperm(len(pixels))
    chosen = order[:batch].to(device)
    plain = replace(PAPER.augmentation, colour=None)
    made = {"crops and flips": plain, "paper": PAPER.augmentation, "source-2012": SOURCE_2012.augmentation}
    found: dict[str, Callable[[], object]] = {"centre": partial(Views(images, mean, plain).gather, chosen)}
    for name, how in made.items():
        batches = Augmented(images, mean, how, 0, basis)
        batches.begin(0, order)
        found[name] = partial(batches.gather, chosen)
    noise = PAPER.augmentation.colour
    assert noise is not None
    found["an epoch's crops"] = partial(draw_crops, plain, IMAGENET, 256, 256, 0, 0)
    found["an epoch's colours"] = partial(draw_shifts, noise, basis, IMAGENET, 0, 0)
    return found


def main() -> None:
    """Prints the table."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--clock", default="wall", choices=CLOCKS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{hardware(options.device)}; {options.clock} clock, batch {options.batch}\n")
    timed = works(torch.device(options.device), options.batch)
    print("| work | ms: median (least–most) | n |")
    print("|---|---:|---:|")
    for name, seconds in interleaved(timed, options.repeats, options.device, options.clock).items():
        ms = [1e3 * s for s in seconds]
        print(f"| {name} | {statistics.median(ms):.1f} ({min(ms):.1f}–{max(ms):.1f}) | {len(ms)} |")


if __name__ == "__main__":
    main()
