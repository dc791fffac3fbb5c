"""Effects as a forest plot: the paper's figure, every seed, the estimate with its intervals, the band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.contract.effect import Effect
from harness.contract.formatting import Range, number, span
from harness.paper.claims import Band, Claim
from harness.reporting.figures.frame import ARMS, BAND, INK, MUTED, Drawing, frame, svg
from harness.reporting.wording import estimate, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_DOTS = 200
LINE, AXIS = 0.27, 0.55  # inches: a row of marks, and what an axis takes below them
# Mantissas of round ticks on a logarithmic axis, from coarse to fine.
MANTISSAS = (
    (1.0,),
    (1, 3),
    (1, 2, 5),
    (1, 2, 3, 4, 6, 8),
    (1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
)


@dataclass(frozen=True)
class EffectAxis:
    """One effect's axis: what it must hold, and whether it is logarithmic."""

    effect: Effect
    band: Band | None
    null: float | None
    paper: float | None
    logged: float | None
    log: bool
    secondary: bool  # no verdict rests on it
    shared: tuple[float, ...] = ()  # the points of all effects drawn on the same scale

    @property
    def points(self) -> list[float]:
        """Every finite number that must be seen."""
        e = self.effect
        ends = [end for i in (e.ci95, e.ci90) if i for end in (i.low, i.high)]
        band = [self.band.low, self.band.high] if self.band else []
        rest = [self.null, self.paper, self.logged, e.estimate, e.lower_bound]
        found = [x for x in (*e.values, *ends, *band, *rest) if x is not None and math.isfinite(x)]
        return [x for x in found if x > 0] if self.log else found

    @property
    def limits(self) -> tuple[float, float]:
        """The axis' ends, a little beyond the points."""
        points = [*self.points, *self.shared]
        low, high = min(points), max(points)
        if self.log:
            room = (high / low) ** 0.06 if high > low else 1.2
            return low / room, high * room
        room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
        return low - room, high + room


def scale(claim: Claim, effect: Effect) -> EffectAxis:
    """The axis of one effect; the null belongs to every effect of a claim, the rest to its metric."""
    metric = claim.metric(effect.metric)
    known = (metric.band, metric.paper, metric.logged_2012) if metric else (None, None, None)
    positive = all(x > 0 for x in effect.values) and (effect.estimate or 1) > 0
    log = positive and claim.null == 1
    secondary = not claim.rests_on(effect.metric)
    return EffectAxis(effect, known[0], claim.null, known[1], known[2], log, secondary)


def intervals(claim: Claim, effects: Sequence[Effect], caveat: str, name: str) -> Drawing:
    """One drawing with an axis for each effect."""
    scales = [s for s in (scale(claim, e) for e in effects) if s.points]
    scales = [replace(s, shared=_shared(s, scales)) for s in scales]
    below, height = 0.0, sum(map(_height, scales)) + (0.3 if caveat else 0.1)
    with frame(height, "", caveat) as figure:
        for one in reversed(scales):
            place = ((below + AXIS - 0.08) / height, (_height(one) - AXIS) / height)
            _draw(figure.add_axes((0.14, place[0], 0.58, place[1])), one)
            below += _height(one)
        said = describe(scales)
        return Drawing(name, svg(figure, name, f"{claim.id}: effects", said), f"{said} {_legend(scales)}")


def _height(one: EffectAxis) -> float:
    return AXIS + LINE * len(_rows(one))


def _shared(one: EffectAxis, scales: Sequence[EffectAxis]) -> tuple[float, ...]:
    """What axes in one unit must hold together, where they have a null to be compared by."""
    if one.null is None:
        return ()
    alike = (s for s in scales if (s.effect.unit, s.log) == (one.effect.unit, one.log))
    return tuple(point for s in alike for point in s.points)


def _draw(axes: Axes, one: EffectAxis) -> None:
    axes.set_xscale("log" if one.log else "linear")
    axes.set_xlim(*one.limits)
    _ticks(axes, one)
    if one.band:
        axes.axvspan(*_clipped(one.band, one), color=BAND, linewidth=0)
    if one.null is not None:
        axes.axvline(one.null, color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
    rows = list(reversed(_rows(one)))
    for y, (kind, _) in enumerate(rows):
        _mark(axes, y, kind, one)
    _labels(axes, rows, one)


def _ticks(axes: Axes, one: EffectAxis) -> None:
    from matplotlib.ticker import MaxNLocator

    ticks = _round_ticks(*one.limits) if one.log else []
    if len(ticks) > 2:
        axes.set_xticks(ticks)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(lambda x, _: number(round(x, 9)))


def _round_ticks(low: float, high: float) -> list[float]:
    """Round numbers between the ends, of the coarsest kind that gives at least four."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for mantissas in MANTISSAS:
        found = [m * 10.0**d for d in decades for m in mantissas if low <= m * 10.0**d <= high]
        if len(found) >= 4:
            break
    return found[:: math.ceil(len(found) / 9)] if found else []


def _rows(one: EffectAxis) -> list[tuple[str, str]]:
    """What is drawn, from top to bottom, with the figure printed beside it."""
    e, rows = one.effect, []
    if one.paper is not None:
        rows.append(("paper", number(one.paper)))
    if one.logged is not None:
        rows.append(("2012 run", number(one.logged)))
    if e.values:
        rows.append(("each seed" if e.n == len(e.values) else "values", f"n = {len(e.values)}"))
    return (
        [*rows, ("estimate", _estimate(e))] if e.estimate is not None or e.lower_bound is not None else rows
    )


def _estimate(e: Effect) -> str:
    if e.estimate is None:
        return f"≥ {number(e.lower_bound or 0.0)}, {e.censored} censored"
    return f"{number(e.estimate)} {span(e.ci95)}" if e.ci95 else number(e.estimate)


def _mark(axes: Axes, y: float, kind: str, one: EffectAxis) -> None:
    values = one.effect.values
    if kind == "paper":
        axes.plot(one.paper or 0.0, y, "D", color=INK, markersize=5.5)
    elif kind == "2012 run":
        axes.plot(one.logged or 0.0, y, "s", color=MUTED, markersize=5)
    elif kind == "estimate":
        _mark_estimate(axes, y, one)
    else:
        shown = sorted(values)[:: math.ceil(len(values) / MOST_DOTS)]
        axes.plot(shown, [y] * len(shown), "o", color=ARMS[0], markersize=5, markerfacecolor="none")


def _mark_estimate(axes: Axes, y: float, one: EffectAxis) -> None:
    e = one.effect
    for interval, width in ((e.ci95, 1.4), (e.ci90, 4.5)):
        if interval:
            axes.plot(_clipped(interval, one), [y, y], color=ARMS[0], linewidth=width, solid_capstyle="butt")
    if e.estimate is not None:
        axes.plot(e.estimate, y, "o", color=ARMS[0], markersize=7)
    elif e.lower_bound is not None:
        axes.plot([e.lower_bound, one.limits[1]], [y, y], color=ARMS[0], linewidth=1.4)
        axes.plot([e.lower_bound, one.limits[1]], [y, y], ">", color=ARMS[0], markersize=6, clip_on=False)


def _clipped(interval: Range, one: EffectAxis) -> list[float]:
    """The part of an interval or a band that the axis holds, as infinite ends are not drawn."""
    low, high = one.limits
    return [max(interval.low, low), min(interval.high, high)]


def _labels(axes: Axes, rows: Sequence[tuple[str, str]], one: EffectAxis) -> None:
    effect = one.effect
    axes.set_yticks(range(len(rows)), [kind for kind, _ in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.tick_params(axis="y", left=False, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    judged = "; secondary, not judged" if one.secondary else ""
    axes.set_xlabel(f"{words(effect.metric)}{f' ({effect.unit})' if effect.unit else ''}{judged}")
    for y, (_, value) in enumerate(rows):
        axes.text(1.03, y, value, transform=axes.get_yaxis_transform(), va="center")


def describe(scales: Sequence[EffectAxis]) -> str:
    """What the drawing shows, in words."""
    return " ".join(_said(one) for one in scales)


def _said(one: EffectAxis) -> str:
    e = one.effect
    interval = f", 95 % interval {span(e.ci95)}" if e.ci95 else ""
    paper = f"; paper {number(one.paper)}" if one.paper is not None else ""
    judged = "; secondary, not judged" if one.secondary else ""
    return f"{words(e.metric).capitalize()}: {estimate(e)}{interval}{paper}{judged}."


def _legend(scales: Sequence[EffectAxis]) -> str:
    parts = ["The thick bar is the 90 % interval, the thin one the 95 %"]
    parts += ["the shaded band counts as the paper's figure"] * any(s.band for s in scales)
    parts += ["the dashed line is no effect"] * any(s.null is not None for s in scales)
    return "; ".join(parts) + "."
