"""Effects that no verdict rests on, in one drawing: a line each, in one unit on one axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.contract.effect import Effect
from harness.contract.formatting import number, span
from harness.paper.claims import Claim
from harness.reporting.figures.frame import ARMS, INK, MUTED, PAPER, Drawing, frame, svg
from harness.reporting.wording import estimate, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE, AXIS, HEAD = 0.42, 0.55, 0.4  # inches: an effect, an axis below a unit's effects, the heading


def secondary(claim: Claim, effects: Sequence[Effect], caveat: str, name: str) -> Drawing:
    """The effects, grouped by unit, each group on an axis of its own."""
    groups = [[e for e in effects if e.unit == unit] for unit in dict.fromkeys(e.unit for e in effects)]
    height = HEAD + sum(LINE * len(group) + AXIS for group in groups)
    with frame(height, "Secondary effects: not judged", caveat) as figure:
        top = height - HEAD
        for group in groups:
            place = (0.04, (top - LINE * len(group)) / height, 0.62, LINE * len(group) / height)
            _draw(figure.add_axes(place), group, claim)
            top -= LINE * len(group) + AXIS
        said = describe(effects)
        return Drawing(name, svg(figure, name, f"{claim.id}: secondary effects", said), said)


def _draw(axes: Axes, group: Sequence[Effect], claim: Claim) -> None:
    unit = group[0].unit
    comparable = claim.null is not None and unit == claim.primary.unit
    points = [p for e in group for p in _points(e)] or [0.0]
    points += [claim.null or 0.0] if comparable else []
    room = 0.06 * (max(points) - min(points)) or 1.0
    axes.set_xlim(min(points) - room, max(points) + room)
    axes.set_ylim(len(group) - 0.4, -0.6)
    if comparable and claim.null is not None:
        axes.axvline(claim.null, color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
    for y, effect in enumerate(group):
        _mark(axes, y, effect)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xlabel(unit)
    axes.xaxis.set_major_formatter(lambda x, _: number(round(x, 9)))


def _points(effect: Effect) -> list[float]:
    ends = (effect.ci95.low, effect.ci95.high) if effect.ci95 else ()
    found = (*effect.values, *ends, effect.estimate, effect.lower_bound)
    return [x for x in found if x is not None and math.isfinite(x)]


def _mark(axes: Axes, y: float, effect: Effect) -> None:
    """The name above, then every seed as a ring, both intervals, the estimate and its figures."""
    place = axes.get_yaxis_transform()
    look: dict[str, Any] = {"va": "center", "color": INK, "fontsize": 8.5, "zorder": 4}
    ground = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8}  # no line runs through the name
    axes.text(0, y - 0.34, words(effect.metric), transform=place, bbox=ground, **look)
    axes.text(1.03, y, _figures(effect), transform=place, va="center")
    low, high = axes.get_xlim()
    for interval, width in ((effect.ci95, 1.2), (effect.ci90, 3.5)):
        if interval:
            ends = [max(interval.low, low), min(interval.high, high)]
            axes.plot(ends, [y, y], color=MUTED, linewidth=width, solid_capstyle="butt")
    axes.plot(
        effect.values, [y] * len(effect.values), "o", color=ARMS[0], markersize=4, markerfacecolor="none"
    )
    if effect.estimate is not None:
        axes.plot(effect.estimate, y, "o", color=MUTED, markersize=6)


def _figures(effect: Effect) -> str:
    value = estimate(effect) if effect.estimate is None else number(effect.estimate)
    return f"{value} {span(effect.ci95)}" if effect.ci95 else value


def describe(effects: Sequence[Effect]) -> str:
    """What is drawn, in words."""
    said = (f"{words(e.metric)}: {_said(e)}" for e in effects)
    return (
        "No verdict rests on these. Rings are seeds, the thick bar is the 90 % interval, the thin one the "
        f"95 %. {'; '.join(said)}."
    )


def _said(effect: Effect) -> str:
    return f"{estimate(effect)} {span(effect.ci95)}" if effect.ci95 else estimate(effect)
