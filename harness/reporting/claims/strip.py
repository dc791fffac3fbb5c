"""One interval per protocol on one axis, with the paper's figure, the authors' log and others' results."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.contract.effect import Effect, Interval
from harness.contract.formatting import count, interval, quantity
from harness.paper.claims import Claim, Kind, Metric, null_name
from harness.paper.others import differences
from harness.reporting.claims.phrases import look
from harness.reporting.claims.sections import Section
from harness.reporting.figures.drawing import pictures
from harness.reporting.figures.drawing.axis import Axis, circle, diamond, line
from harness.reporting.figures.drawing.frame import ARMS, BAND, INK, MUTED, PAPER, Drawing
from harness.reporting.wording import estimate, words
from harness.verdicts.verdict import Outcome

WIDTH, MARGIN = 340.0, 10.0
TOP, ROW, BELOW = 30.0, 31.0, 34.0  # heights above the rows, of a row, and below them
MOST_ROWS = 8
APART, EDGE = 80.0, 50.0  # between two names above, and between a name and an end of the drawing
LETTER = 5.5  # the width of a letter above
STARTS, ENDS = 'text-anchor="start"', 'text-anchor="end"'  # of a name that begins or ends at its line
SMALL = 4.6  # the width of a letter of a row's label
REACH = 3.0  # an interval is cut off beyond this many spans of what must be visible
COLOURS: Mapping[Outcome, str] = {
    Outcome.REPRODUCED: ARMS[2],
    Outcome.DIRECTIONAL: ARMS[0],
    Outcome.NOT_REPRODUCED: ARMS[1],
    Outcome.INCONCLUSIVE: ARMS[4],
    Outcome.REPORTED: ARMS[3],
}

DIRECTION = "Hollow: run at a smaller scale, which shows a direction only."
INCOMPARABLE = "Hollow: not at the paper's scale, not comparable."


@dataclass(frozen=True)
class ExperimentRow:
    """One experiment's estimate of the claim's primary effect."""

    label: str
    effect: Effect
    ci95: Interval | None  # the judged one
    outcome: Outcome
    proxy: bool


@dataclass(frozen=True)
class Other:
    """A figure that was found elsewhere, in the claim's unit."""

    label: str
    value: float


def strip(name: str, sections: Sequence[Section], caveat: str) -> Drawing | None:
    """A drawing of a claim's sections, the best evidence first; None without an estimate, and for counts.

    A level measured at another scale is no estimate of the paper's figure, and has no place on its axis.
    """
    claim, first = sections[0].claim, next(iter(sections[0].effects), None)
    if first is None or claim.kind is Kind.EXACT:
        return None
    metric = claim.metric(first.metric) or Metric(first.metric, first.unit)
    level = claim.kind is Kind.LEVEL
    rows = [row for section in sections if (row := _row(section, metric)) and not (level and row.proxy)]
    if not rows:
        return None
    known = others(claim) if metric is claim.primary else []
    return _draw(name, Shown(claim, metric, rows[:MOST_ROWS], known, len(rows[MOST_ROWS:])), caveat)


def _row(section: Section, metric: Metric) -> ExperimentRow | None:
    """The section's row; None for smoke runs, and without an estimate."""
    effect = next((effect for effect in section.effects if effect.metric == metric.name), None)
    if section.smoke or effect is None or not effect.n or _point(effect) is None:
        return None
    ci95 = effect.ci95
    proxy = section.proxy and section.claim.paper_scale is not None
    label = f"{section.scale}, n = {effect.n}{look(section)}"
    return ExperimentRow(label, effect, ci95, section.verdict.outcome, proxy)


def _point(effect: Effect) -> float | None:
    return effect.lower_bound if effect.estimate is None else effect.estimate


def others(claim: Claim) -> list[Other]:
    """What the authors' run log and later studies found for the claim's primary metric."""
    log = claim.primary.logged_2012
    logged = [] if log is None else [Other("the authors' run log", log)]
    return [*logged, *(Other(*one) for one in differences(claim.id))]


@dataclass(frozen=True)
class Shown:
    """Everything drawn: the metric's rows, what others found for it, and how many rows do not fit."""

    claim: Claim
    metric: Metric
    rows: Sequence[ExperimentRow]
    known: Sequence[Other]
    left_out: int

    @property
    def at_scale(self) -> bool:
        """Whether any row is at the paper's scale, the only one where a band applies."""
        return self.metric.band is not None and not all(row.proxy for row in self.rows)

    @property
    def bottom(self) -> float:
        """Where the rows end."""
        return TOP + ROW * (len(self.rows) + len(self.known))


def _draw(name: str, shown: Shown, caveat: str) -> Drawing:
    axis, metric = _axis(shown), shown.metric
    parts = [*_references(shown, axis)]
    for i, row in enumerate(shown.rows):
        parts += _interval(row, axis, TOP + i * ROW, metric)
    for i, other in enumerate(shown.known, len(shown.rows)):
        parts += _other(other, axis, TOP + i * ROW, metric.unit)
    unit = f" ({metric.unit})" if metric.unit else ""
    parts += axis.drawn(shown.bottom + 2, f"{words(metric.name)}{unit}")
    parts += pictures.caveat(WIDTH, caveat)
    title = f"By protocol: {words(metric.name)}"
    return pictures.drawing(name, (WIDTH, shown.bottom + BELOW), title, describe(shown), parts)


def _axis(shown: Shown) -> Axis:
    """An axis with every estimate and reference, and as much of the intervals as keeps those legible."""
    metric, null = shown.metric, shown.claim.null
    band = (metric.band.low, metric.band.high) if metric.band and shown.at_scale else ()
    points = [p for row in shown.rows if (p := _point(row.effect)) is not None]
    points += [x for x in (null, metric.paper, *band) if x is not None and math.isfinite(x)]
    points += [other.value for other in shown.known]
    log = null == 1 and min(points) > 0
    bars = (row.ci95 for row in shown.rows if row.ci95)
    ends = [end for ci95 in bars for end in (ci95.low, ci95.high) if math.isfinite(end)]
    return Axis.over([*points, *_near(points, ends, log)], MARGIN, WIDTH - MARGIN, log)


def _near(points: Sequence[float], ends: Sequence[float], log: bool) -> list[float]:
    """The ends of intervals, cut off where they would squeeze the points together."""
    scaled = [math.log(p) if log else p for p in points]
    reach = REACH * (max(scaled) - min(scaled))
    if not reach:
        return [e for e in ends if e > 0 or not log]
    low, high = min(scaled) - reach, max(scaled) + reach
    if log:
        low, high = math.exp(low), math.exp(high)
    return [min(max(end, low), high) for end in ends]


def _references(shown: Shown, axis: Axis) -> Iterator[str]:
    """The paper's figure as a solid line and no effect as a dashed one, each named above."""
    metric, null = shown.metric, shown.claim.null
    paper = "" if metric.paper is None else f"paper {quantity(metric.paper, metric.unit)}"
    none = "" if null is None else null_name(shown.claim)
    lines: list[tuple[float | None, str, str, str]]
    lines = [(metric.paper, paper, INK, ""), (null, none, MUTED, ' stroke-dasharray="3 3"')]
    if null is not None and null == metric.paper:
        lines = [(null, f"{none}, {paper}", INK, "")]
    held = [(x, line) for line in lines if (x := line[0]) is not None and axis.holds(x)]
    drawn = [(axis.at(x), said, colour, dash) for x, (_, said, colour, dash) in held]
    for x, _, colour, dash in drawn:
        for top in range(int(TOP), int(shown.bottom), int(ROW)):  # not through the words
            yield line((x, top + 12), (x, top + ROW - 1), f'stroke="{colour}"{dash}')
    yield from _names([(x, said, colour) for x, said, colour, _ in sorted(drawn)])


def _names(lines: Sequence[tuple[float, str, str]]) -> Iterator[str]:
    """The names of lines from left to right, each near its line: on the drawing, and off the others."""
    places = [x for x, *_ in lines]
    anchors = [_anchor(x, next((y for y in places if 0 < abs(y - x) < APART), x)) for x in places]
    wide = [LETTER * len(said) for _, said, _ in lines]
    before = [{STARTS: 0.0, ENDS: w}.get(a, w / 2) for a, w in zip(anchors, wide, strict=True)]
    begins = [x - b for x, b in zip(places, before, strict=True)]
    for i in range(len(lines)):
        begins[i] = max(begins[i], begins[i - 1] + wide[i - 1] if i else 0.0)
    for i in reversed(range(len(lines))):
        begins[i] = min(begins[i], (begins[i + 1] if i + 1 < len(lines) else WIDTH) - wide[i])
    for i, (_, said, colour) in enumerate(lines):
        yield pictures.words(begins[i] + before[i], TOP - 10, said, colour, anchors[i])


def _anchor(x: float, beside: float) -> str:
    """The anchor that keeps a name on the drawing and off the other name."""
    if x > WIDTH - EDGE:
        return ENDS
    return STARTS if x < EDGE or x > beside else ENDS if x < beside else 'text-anchor="middle"'


def _interval(row: ExperimentRow, axis: Axis, top: float, metric: Metric) -> Iterator[str]:
    """The label and the figures above, the bar below: filled at the paper's setting, hollow at a proxy."""
    y, colour = top + 20, COLOURS.get(row.outcome, MUTED)
    if metric.band and not row.proxy:
        low, high = axis.at(metric.band.low), axis.at(metric.band.high)
        yield pictures.box(low, y - 6, high - low, 12, f'fill="{BAND}"')
    yield from _labels(row.label, _figures(row), top, colour)
    if row.ci95:
        yield from _bar(row.ci95, axis, y, colour)
    elif row.effect.estimate is None:
        yield from _bar(Interval(row.effect.lower_bound or axis.low, math.inf, 0.95), axis, y, colour)
    point = _point(row.effect)
    if point is not None:
        fill = PAPER if row.proxy else colour
        yield circle(axis.at(point), y, 4, f'fill="{fill}" stroke="{colour}" stroke-width="1.8"')


def _figures(row: ExperimentRow) -> str:
    return f"{estimate(row.effect)} {interval(row.ci95)}" if row.ci95 else estimate(row.effect)


def _labels(label: str, figures: str, top: float, colour: str) -> Iterator[str]:
    """Both on one line; a label too long for that is set more narrowly."""
    room = WIDTH - 2 * MARGIN - LETTER * (len(figures) + 1)
    narrow = f' textLength="{room:g}" lengthAdjust="spacingAndGlyphs"' if SMALL * len(label) > room else ""
    yield pictures.words(MARGIN, top + 9, label, MUTED, f'font-size="8.5"{narrow}')
    yield pictures.words(WIDTH - MARGIN, top + 9, figures, colour, 'text-anchor="end" font-weight="bold"')


def _bar(ends: Interval, axis: Axis, y: float, colour: str) -> Iterator[str]:
    """A bar, with an arrow where it continues beyond the axis."""
    low, high = axis.at(ends.low), axis.at(ends.high)
    yield line((low, y), (high, y), f'stroke="{colour}" stroke-width="2.4"')
    for end, x, way in ((ends.low, low, -1), (ends.high, high, 1)):
        if not axis.holds(end):
            yield f'<path d="M{x + 3 * way:g},{y:g} l{-7 * way},-4 v8 z" fill="{colour}"/>'


def _other(other: Other, axis: Axis, top: float, unit: str) -> Iterator[str]:
    yield from _labels(other.label, quantity(other.value, unit), top, MUTED)
    yield diamond(axis.at(other.value), top + 20, MUTED)


def describe(shown: Shown) -> str:
    """How to read the drawing."""
    return " ".join(_described(shown))


def _described(shown: Shown) -> Iterator[str]:
    yield "Bars are 95 % confidence intervals."
    if smaller := {row.outcome for row in shown.rows if row.proxy}:
        yield INCOMPARABLE if smaller == {Outcome.REPORTED} else DIRECTION
    if shown.at_scale:
        yield "Shaded: what counts as the paper's figure, by this project's policy."
    if shown.known:
        yield "Diamonds: single runs by others."
    if shown.left_out:
        are = "is" if shown.left_out == 1 else "are"
        yield f"{count(shown.left_out, 'more experiment')} {are} in the table below."
