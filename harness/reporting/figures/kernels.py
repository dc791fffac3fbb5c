"""Figure 3's counterpart: the first layer's kernels of every network, a column beside the other."""

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

WIDTH, MARGIN, LABEL = 720.0, 8.0, 118.0  # LABEL: what a network's name takes at the left
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
        """Kernels of a column in a row: as few rows as the width allows, evenly filled."""
        count = max(map(len, self.columns))
        return math.ceil(count / math.ceil(count * len(self.columns) / MOST_IN_A_ROW))

    @property
    def cell(self) -> float:
        """Side of a kernel's picture with the gap behind it."""
        columns = len(self.columns)
        room = WIDTH - LABEL - MARGIN - BETWEEN * (columns - 1)
        return min(LARGEST_CELL, room / (columns * self.in_a_row))

    @property
    def height(self) -> float:
        """What the network takes, with the gap behind it."""
        return self.cell * math.ceil(max(map(len, self.columns)) / self.in_a_row) + ROW_GAP + 11


def kernels(name: str, evidence: Evidence, heading: str, caveat: str) -> list[Drawing]:
    """The kernels of every network that a record shows, in one drawing; nothing where none does."""
    found = [one for run in evidence.final() if (one := of(run))]
    return [draw(name, found, heading, caveat)] if found else []


def of(run: Run) -> KernelPicture | None:
    """The run's kernels, None where its record does not show them."""
    return read(run.record.details, run.seed, metric(Measured.PERMUTATION_P)(run))


def read(details: Mapping[str, Any], seed: int, p: float | None = None) -> KernelPicture | None:
    """What a record's details show, None where they are not what they should be."""
    maps, side, chroma = details.get("kernels") or (), details.get("side"), details.get("chroma") or ()
    if not maps or not side or any(len(one) != 3 * side * side for one in maps):
        return None
    size = math.ceil(len(maps) / (details.get("columns") or 1))
    cuts = [slice(i, i + size) for i in range(0, len(maps), size)]
    means = [(tuple(maps[cut]), fmean(chroma[cut]) if chroma[cut] else None) for cut in cuts]
    means.sort(key=lambda one: one[1] or 0.0)
    return KernelPicture(seed, side, tuple(m for m, _ in means), tuple(c for _, c in means), p)


def draw(name: str, found: Sequence[KernelPicture], heading: str, caveat: str) -> Drawing:
    """A network a strip: its columns side by side, each below its mean chroma."""
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
    """The kernel as RGB, its least number black and its largest white; one without contrast is grey."""
    low, high = min(kernel), max(kernel)
    if low == high or not all(map(math.isfinite, kernel)):
        return bytes([128]) * len(kernel)
    scaled = [round(255 * (value - low) / (high - low)) for value in kernel]
    area = side * side
    return bytes(scaled[channel * area + i] for i in range(area) for channel in range(3))


def describe(found: Sequence[KernelPicture]) -> str:
    """How the picture is to be read."""
    columns = len(found[0].columns) > 1
    right = " The more colourful column stands at the right: which one it is, is chance." if columns else ""
    return (
        "A strip a network. Each kernel is scaled to its own range; grey sees no colour. Chroma is the share "
        f"of a kernel's energy off the grey axis.{right} In the paper's Figure 3 one column's 48 kernels are "
        "mostly colour-blind and the other's mostly coloured."
    )
