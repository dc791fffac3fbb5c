"""Names at the ends of lines, moved apart as far as necessary."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.reporting.figures.drawing import traces

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE, SPACING = 8.5, 1.25  # points of a letter; a line's height in them
LETTERS = 19  # of a line
ROOM = 0.30  # of the figure's width, to the right of the axes
HARD = "\N{NO-BREAK SPACE}"
AWAY = 0.05  # of the axes' width between a line's end and its name


@dataclass(frozen=True)
class Label:
    """An arm's name, where its line ends, and its colour."""

    arm: str
    said: str
    at: tuple[float, float]
    colour: str

    @property
    def lines(self) -> list[str]:
        """The name as it is written; a hard space holds two words together."""
        return [line.replace(HARD, " ") for line in textwrap.wrap(self.said, LETTERS)] or [""]


def at_ends(figure: Figure, axes: Axes, labels: Sequence[Label]) -> None:
    """Writes each name beside the axes, with a thin line to the end of its curve."""
    (_, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    inches = axes.get_position().height * float(figure.get_size_inches()[1])
    line = SIZE * SPACING * (high - low) / (traces.POINTS * inches)
    sizes = [line * len(label.lines) for label in labels]
    places = apart([label.at[1] for label in labels], sizes, low, high)
    x = right + AWAY * (right - axes.get_xlim()[0])
    for label, y in zip(labels, places, strict=True):
        look: dict[str, Any] = {"color": label.colour, "linewidth": 0.7, "clip_on": False, "alpha": 0.7}
        (lead,) = axes.plot((label.at[0], x), (label.at[1], y), **look)
        words: dict[str, Any] = {"color": label.colour, "va": "center", "fontsize": SIZE, "linespacing": 1.05}
        said = axes.text(x, y, " " + "\n ".join(label.lines), fontweight="bold", **words)
        for part in (lead, said):
            traces.mark(part, label.arm)


def apart(wanted: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Middles as near as possible to those wanted, without overlap; between `low` and `high` if they fit."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    found = [0.0] * len(wanted)
    edge = low
    for i in order:
        found[i] = max(wanted[i], edge + sizes[i] / 2)
        edge = found[i] + sizes[i] / 2
    edge = max(high, low + sum(sizes))
    for i in reversed(order):
        found[i] = min(found[i], edge - sizes[i] / 2)
        edge = found[i] - sizes[i] / 2
    return found
