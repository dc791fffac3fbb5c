"""Figure 3's counterpart: the first layer's kernels of every network, one column beside the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from harness.contract.formatting import p_value
from harness.effects.from_runs import metric
from harness.plans.experiment import Evidence, Run
from harness.records.schema import Measured
from harness.reporting.figures.drawing import pictures
from harness.reporting.figures.drawing.frame import INK, MUTED, Drawing

WIDTH, MARGIN, LABEL = 720.0, 8.0, 118.0  # LABEL: the width of a network's name at the left
BETWEEN, GAP, ROW_GAP = 18.0, 1.5, 9.0  # columns, kernels, networks
MOST_IN_A_ROW = 24
LARGEST_CELL = 24.0


@dataclass(frozen=True)
class KernelPicture:
    """One network's kernels as a record holds them: each 3 × side × side numbers, channel by channel."""

    seed: int
    side: int
    columns: tuple[tuple[Sequence[float], ...], ...]  # the least colourful first
    chroma: tuple[float | None, ...]  # mean of each column
    p: float | None = None  # of random splits of the same kernels

    @property
    def in_a_row(self) -> int:
        """Kernels per row of a column: as few rows as the width allows, evenly filled."""
        count = max(map(len, self.columns))
        return math.ceil(count / math.ceil(count * len(self.columns) / MOST_IN_A_ROW))

    @property
    def cell(self) -> float:
        """Side of a kernel's picture, with the gap after it."""
        columns = len(self.columns)
        room = WIDTH - LABEL - MARGIN - BETWEEN * (columns - 1)
        return min(LARGEST_CELL, room / (columns * self.in_a_row))

    @property
    def height(self) -> float:
        """The network's height, with the gap after it."""
        return self.cell * math.ceil(max(map(len, self.columns)) / self.in_a_row) + ROW_GAP + 11


def kernels(name: str, evidence: Evidence, heading: str, caveat: str) -> list[Drawing]:
    """The kernels of every network that a record shows, in one drawing; empty if none does."""
    found = [one for run in evidence.final() if (one := of(run))]
    return [draw(name, found, heading, caveat)] if found else []


def of(run: Run) -> KernelPicture | None:
    """The run's kernels, None if its record does not show them."""
    return read(run.record.details, run.seed, metric(Measured.PERMUTATION_P)(run))


def read(details: Mapping[str, Any], seed: int, p: float | None = None) -> KernelPicture | None:
    """The kernels in a record's details, None if these are malformed."""
    maps, side, chroma = details.get("kernels") or (), details.get("side"), details.get("chroma") or ()
    if not maps or not side or any(len(one) != 3 * side * side for one in maps):
        return None
    size = math.ceil(len(maps) / (details.get("columns") or 1))
    cuts = [slice(i, i + size) for i in range(0, len(maps), size)]
    means = [(tuple(maps[cut]), fmean(chroma[cut]) if chroma[cut] else None) for cut in cuts]
    means.sort(key=lambda one: one[1] or 0.0)
    return KernelPicture(seed, side, tuple(m for m, _ in means), tuple(c for _, c in means), p)


def draw(name: str, found: Sequence[KernelPicture], heading: str, caveat: str) -> Drawing:
    """One strip per network: its columns side by side, each below its mean chroma."""
    y = 6.0 + pictures.HEADING * len(pictures.wrapped(heading, WIDTH))
    parts = [*pictures.heading(MARGIN, WIDTH, heading), *pictures.caveat(WIDTH, caveat)]
    for one in found:
        parts += _network(one, y)
        y += one.height
    title = f"The first layer's kernels of {len(found)} {'network' if len(found) == 1 else 'networks'}"
    return pictures.drawing(name, (WIDTH, y + 4), title, describe(found), parts, True)


def _network(found: KernelPicture, top: float) -> Iterator[str]:
    yield pictures.words(MARGIN, top + 22, f"network {found.seed}", INK, 'font-weight="bold"')
    if found.p is not None:
        yield pictures.words(MARGIN, top + 33, f"permutation p {p_value(found.p)}", MUTED)
    wide = found.cell * found.in_a_row + BETWEEN
    for number, (column, mean) in enumerate(zip(found.columns, found.chroma, strict=True)):
        left = LABEL + number * wide
        said = "" if mean is None else f"mean chroma {mean:.3f}"
        yield pictures.words(left, top + 9, said, MUTED)
        yield from _column(column, found, left, top + 12)


def _column(
    column: Sequence[Sequence[float]], found: KernelPicture, left: float, top: float
) -> Iterator[str]:
    """A column's kernels as one picture, so that a network of ninety-six is two pictures."""
    rows = math.ceil(len(column) / found.in_a_row)
    width, height = found.in_a_row * (found.side + 1) - 1, rows * (found.side + 1) - 1
    sheet = pictures.sheet(width, height, _placed(column, found))
    scale = found.cell / (found.side + 1)
    yield pictures.picture((left, top), (width * scale, height * scale), sheet)


def _placed(column: Sequence[Sequence[float]], found: KernelPicture) -> Iterator[tuple[int, int, int, bytes]]:
    """Each kernel's place on the sheet in pixels, its side, and its pixels."""
    for i, kernel in enumerate(column):
        row, place = divmod(i, found.in_a_row)
        yield place * (found.side + 1), row * (found.side + 1), found.side, pixels(kernel, found.side)


def pixels(kernel: Sequence[float], side: int) -> bytes:
    """The kernel as RGB, its smallest number black and its largest white; grey if it has no contrast."""
    low, high = min(kernel), max(kernel)
    if low == high or not all(map(math.isfinite, kernel)):
        return bytes([128]) * len(kernel)
    scaled = [round(255 * (value - low) / (high - low)) for value in kernel]
    area = side * side
    return bytes(scaled[channel * area + i] for i in range(area) for channel in range(3))


def describe(found: Sequence[KernelPicture]) -> str:
    """How to read the picture."""
    columns = len(found[0].columns) > 1
    right = " The more colourful column is on the right; which one that is, is chance." if columns else ""
    return (
        "One strip per network. Each kernel is scaled to its own range; grey ones see no colour. Chroma is "
        f"the share of a kernel's energy off the grey axis.{right} In the paper's Figure 3 one column's 48 "
        "kernels are mostly colour-blind and the other's mostly coloured."
    )
