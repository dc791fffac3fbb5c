"""Figure 3's counterpart: the first layer's kernels of one network, column by column."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from harness.plans.experiment import Evidence
from harness.reporting.figures import pictures
from harness.reporting.figures.frame import INK, MUTED, Drawing

WIDTH, MARGIN, GAP = 390.0, 8.0, 2.0
MOST_IN_A_ROW = 16  # as in the paper's figure
LARGEST_CELL = 31.0


@dataclass(frozen=True)
class KernelPicture:
    """One network's kernels as a record holds them: each 3 × side × side numbers, channel by channel."""

    seed: int
    side: int
    columns: tuple[tuple[Sequence[float], ...], ...]
    chroma: tuple[float | None, ...]  # mean of each column

    @property
    def in_a_row(self) -> int:
        """Kernels in a row: as few rows as the paper's width allows, evenly filled."""
        count = max(map(len, self.columns))
        return math.ceil(count / math.ceil(count / MOST_IN_A_ROW))

    @property
    def cell(self) -> float:
        """Side of a kernel's picture with the gap behind it."""
        return min(LARGEST_CELL, (WIDTH - 2 * MARGIN + GAP) / self.in_a_row)


def kernels(name: str, evidence: Evidence, caveat: str) -> list[Drawing]:
    """The kernels of the first network that a record shows; nothing where none does."""
    found = (read(run.record.details, run.seed) for run in evidence.final())
    first = next((one for one in found if one), None)
    return [draw(name, first, caveat)] if first else []


def read(details: Mapping[str, Any], seed: int) -> KernelPicture | None:
    """What a record's details show, None where they are not what they should be."""
    maps, side, chroma = details.get("kernels") or (), details.get("side"), details.get("chroma") or ()
    if not maps or not side or any(len(one) != 3 * side * side for one in maps):
        return None
    size = math.ceil(len(maps) / (details.get("columns") or 1))
    cuts = [slice(i, i + size) for i in range(0, len(maps), size)]
    means = tuple(fmean(chroma[cut]) if chroma[cut] else None for cut in cuts)
    return KernelPicture(seed, side, tuple(tuple(maps[cut]) for cut in cuts), means)


def draw(name: str, found: KernelPicture, caveat: str) -> Drawing:
    """Every column's kernels in their own order below its name and mean chroma."""
    parts, y = pictures.caveat(WIDTH, caveat), pictures.HEADER if caveat else 4.0
    for number, column in enumerate(found.columns):
        parts += _column(found, number, y)
        y += 20 + found.cell * math.ceil(len(column) / found.in_a_row)
    title = f"The first layer's kernels, network of seed {found.seed}"
    return pictures.drawing(name, (WIDTH, y + 4), title, describe(found), parts)


def _column(found: KernelPicture, number: int, top: float) -> Iterator[str]:
    kernels, mean = found.columns[number], found.chroma[number]
    label = f"column {number + 1}" if len(found.columns) > 1 else "all kernels"
    yield pictures.words(MARGIN, top + 12, label, INK, 'font-weight="bold"')
    chroma = "" if mean is None else f", mean chroma {mean:.3f}"
    said = f"{len(kernels)} kernels of {found.side}×{found.side}{chroma}"
    yield pictures.words(WIDTH - MARGIN, top + 12, said, MUTED, 'text-anchor="end"')
    for i, kernel in enumerate(kernels):
        row, place = divmod(i, found.in_a_row)
        x, y = MARGIN + place * found.cell, top + 18 + row * found.cell
        picture = pictures.png(found.side, pixels(kernel, found.side))
        yield pictures.image(round(x, 2), round(y, 2), round(found.cell - GAP, 2), picture)


def pixels(kernel: Sequence[float], side: int) -> bytes:
    """The kernel as RGB, its least number black and its largest white; one without contrast is grey."""
    low, high = min(kernel), max(kernel)
    if low == high or not all(map(math.isfinite, kernel)):
        return bytes([128]) * len(kernel)
    scaled = [round(255 * (value - low) / (high - low)) for value in kernel]
    area = side * side
    return bytes(scaled[channel * area + i] for i in range(area) for channel in range(3))


def describe(found: KernelPicture) -> str:
    """How the picture is to be read."""
    means = [f"column {i + 1} {mean:.3f}" for i, mean in enumerate(found.chroma) if mean is not None]
    chroma = f" (mean: {', '.join(means)})" if means else ""
    return (
        "Each kernel is scaled to its own range and stands in the network's order; red, green and blue are "
        "what it weighs of each, and grey sees no colour. Chroma is the share of a kernel's energy off the "
        f"grey axis{chroma}. In the paper's Figure 3 the 48 kernels of GPU 1 stand above, mostly "
        "colour-blind, and the 48 of GPU 2 below, mostly coloured: which column is which is chance."
    )
