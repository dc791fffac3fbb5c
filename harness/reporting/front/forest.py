"""All claims that have a size in one forest plot: 0 is no effect, 1 is the paper's figure, whatever the unit.

The HTML page shows it as a table with a strip for each row, so that rows can be read, sorted and filtered; in
Markdown it is one picture. Both are made from the same rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.contract.effect import Effect
from harness.paper.claims import Claim, Kind, Metric
from harness.reporting.claims.phrases import paper
from harness.reporting.claims.sections import Section
from harness.reporting.figures.drawing.frame import BAND, FRAME, INK, MUTED, PAPER, Drawing
from harness.reporting.figures.drawing.pictures import box, drawing, words
from harness.reporting.front.overview import Line, ours
from harness.verdicts.verdict import Outcome

LOW, HIGH = -2.5, 3.5  # the furthest ends of the scale: an arrow marks what lies beyond
MARGIN = 0.12  # of the scale, on either side of what is drawn
COLOURS: Mapping[Outcome, str] = {  # of the picture; the HTML page has its own, by the same names
    Outcome.REPRODUCED: "#0c5632",
    Outcome.DIRECTIONAL: "#0b477b",
    Outcome.NOT_REPRODUCED: "#8a1c10",
    Outcome.INVALID: "#8a1c10",
    Outcome.INCONCLUSIVE: "#7a5600",
}
NO_EFFECT, AS_PAPER = "no effect", "paper"
BEYOND = ("◂ opposite direction", "stronger than the paper ▸")
READING = (
    "Each row is scaled so that 0 is no effect and 1 is the paper's figure; ratios have a logarithmic "
    "scale. Bar: 95 % interval, with an arrow where it continues. Filled: the paper's setting; hollow: a "
    "smaller scale, which shows a direction at most. Shaded: the band that counts as the paper's figure; "
    "dashed where it does not apply."
)


@dataclass(frozen=True)
class Window:
    """The part of the common scale that is shown, wide enough for 0 and 1."""

    low: float = LOW
    high: float = HIGH

    @classmethod
    def around(cls, found: Iterable[Marks]) -> Window:
        """The window in which all marks are seen, no wider than from LOW to HIGH."""
        places = [place for marks in found for place in (marks.dot, *(marks.bar or ()), *(marks.band or ()))]
        known = [min(max(place, LOW), HIGH) for place in (*places, 0.0, 1.0) if place is not None]
        margin = MARGIN * (max(known) - min(known))
        return cls(max(min(known) - margin, LOW), min(max(known) + margin, HIGH))

    def share(self, place: float) -> float:
        """Where a place on the scale lies, in percent of the strip's width."""
        inside = min(max(place, self.low), self.high)
        return round(100 * (inside - self.low) / (self.high - self.low), 2)

    def both(self, ends: tuple[float, float] | None) -> tuple[float, float] | None:
        """Where two ends lie."""
        return None if ends is None else (self.share(ends[0]), self.share(ends[1]))


@dataclass(frozen=True)
class Marks:
    """What is drawn in a row, each place on the common scale."""

    dot: float | None
    bar: tuple[float, float] | None
    band: tuple[float, float] | None
    filled: bool  # at the paper's setting, where the band applies

    def within(self, window: Window) -> Strip:
        """The marks as they are seen through the window."""
        seen = self.dot is not None and window.low <= self.dot <= window.high
        low, high = self.bar or (self.dot or 0.0, self.dot or 0.0)
        return Strip(
            window.share(0),
            window.share(1),
            window.share(self.dot) if seen and self.dot is not None else None,
            window.both(self.bar),
            (low < window.low, high > window.high),
            window.both(self.band),
            self.filled,
        )


@dataclass(frozen=True)
class Strip:
    """A row's marks, each place a share of the strip's width in percent."""

    none: float  # no effect
    paper: float  # the paper's figure
    dot: float | None
    bar: tuple[float, float] | None
    arrows: tuple[bool, bool]  # whether the bar continues to the left, and to the right
    band: tuple[float, float] | None
    filled: bool  # at the paper's setting, where the band applies


@dataclass(frozen=True)
class ForestRow:
    """A claim's line with its marks; without them if it has no size to scale by."""

    line: Line
    strip: Strip | None

    @property
    def section(self) -> Section:
        """The line's section."""
        return self.line.section

    @property
    def paper(self) -> str:
        """The paper's figure for what is judged."""
        return paper(self.section)


def rows(lines: Iterable[Line]) -> list[ForestRow]:
    """A row for every line, all on one scale."""
    found = [(line, marks_of(line.section)) for line in lines]
    window = Window.around(drawn for _, drawn in found if drawn)
    return [ForestRow(line, drawn.within(window) if drawn else None) for line, drawn in found]


def marks_of(section: Section) -> Marks | None:
    """The marks of the judged effect; None for smoke runs, and if there is no size to scale by."""
    effect = next(iter(section.effects), None)
    metric = section.claim.metric(effect.metric) if effect else None
    if section.smoke or effect is None or metric is None or not scalable(section.claim, metric):
        return None
    scale = CommonScale(section.claim, metric)
    ends = scale.span(_interval(effect))
    point = None if effect.estimate is None else scale.place(effect.estimate)
    if ends is None and (point is None or not math.isfinite(point)):
        return None
    band = scale.span((metric.band.low, metric.band.high) if metric.band else None)
    return Marks(None if point is None or math.isnan(point) else point, ends, band, not section.proxy)


def scalable(claim: Claim, metric: Metric) -> bool:
    """Whether the paper gives a size that differs from a point of no effect."""
    if claim.null is None or metric.paper is None or metric.paper == claim.null:
        return False
    return claim.kind is not Kind.RATIO or min(claim.null, metric.paper) > 0


@dataclass(frozen=True)
class CommonScale:
    """Maps a claim's unit to the common scale."""

    claim: Claim
    metric: Metric

    def place(self, value: float) -> float:
        """0 at no effect, 1 at the paper's figure."""
        null, paper = self.claim.null, self.metric.paper
        assert null is not None
        assert paper is not None
        if self.claim.kind is not Kind.RATIO:
            return (value - null) / (paper - null)
        towards = math.log(paper / null)
        return math.log(value / null) / towards if value > 0 else math.copysign(math.inf, -towards)

    def span(self, ends: tuple[float, float] | None) -> tuple[float, float] | None:
        """Both ends in order on the scale; None if one is NaN."""
        if ends is None or any(map(math.isnan, ends)):
            return None
        low, high = sorted(map(self.place, ends))
        return low, high


def _interval(effect: Effect) -> tuple[float, float] | None:
    if effect.ci95 is not None:
        return effect.ci95.low, effect.ci95.high
    return None if effect.lower_bound is None else (effect.lower_bound, math.inf)


ROW, TOP, LEFT, PLOT, WIDTH = 26.0, 34.0, 300.0, 330.0, 900.0  # of the picture, in points; at least so wide
LETTER = 5.2  # the width of a letter


def picture(name: str, found: Sequence[ForestRow]) -> Drawing | None:
    """The rows with marks as one picture; None if there are none."""
    drawn = [row for row in found if row.strip]
    if not drawn:
        return None
    height, width = TOP + ROW * len(drawn) + 26, max(WIDTH, *map(_wide, drawn))
    first = drawn[0].strip
    assert first is not None
    parts = [box(0, 0, width, height, f'fill="{PAPER}"'), *_frame(height, width, first)]
    for number, row in enumerate(drawn):
        parts += _row(TOP + ROW * (number + 0.5), row, width)
    return drawing(name, (width, height), "Every claim that has a size", READING, parts, wide=True)


def _x(percent: float) -> float:
    return LEFT + PLOT * percent / 100


def _wide(row: ForestRow) -> float:
    """The width at which a row's verdict begins behind its figures."""
    return LEFT + PLOT + 50 + LETTER * len(_figures(row) + row.section.verdict.headline)


def _figures(row: ForestRow) -> str:
    found = next(iter(ours(row.section)), None)
    return f"{found.value} {found.rest}" if found else ""


def _frame(height: float, width: float, at: Strip) -> Iterator[str]:
    bottom = height - 24
    lines = (
        (at.none, NO_EFFECT, 'stroke-dasharray="3 3"', "end"),
        (at.paper, AS_PAPER, "", "start"),
    )
    for place, label, dash, anchor in lines:
        x = _x(place)
        yield _line(x, TOP - 6, x, bottom, f'stroke="{MUTED}" {dash}')
        yield words(x, TOP - 12, label, MUTED, f'text-anchor="{anchor}"')
    yield words(LEFT, height - 8, BEYOND[0], MUTED)
    yield words(LEFT + PLOT, height - 8, BEYOND[1], MUTED, 'text-anchor="end"')
    yield words(LEFT + PLOT + 20, TOP - 12, "ours, 95 % interval", MUTED)
    yield words(width - 10, TOP - 12, "verdict", MUTED, 'text-anchor="end"')


def _row(y: float, row: ForestRow, width: float) -> Iterator[str]:
    section, marks = row.section, row.strip
    assert marks is not None
    colour = COLOURS.get(section.verdict.outcome, MUTED)
    yield words(10, y + 3, row.line.label, INK if row.line.first else MUTED)
    if marks.band:
        low, high = map(_x, marks.band)
        look = f'fill="{BAND}"' if marks.filled else f'fill="none" stroke="{FRAME}" stroke-dasharray="2 2"'
        yield box(low, y - 7, high - low, 14, look)
    yield from _bar(y, marks, colour)
    if marks.dot is not None:
        fill = colour if marks.filled else PAPER
        yield f'<circle cx="{_x(marks.dot):g}" cy="{y:g}" r="4" fill="{fill}" stroke="{colour}"/>'
    yield words(LEFT + PLOT + 20, y + 3, _figures(row), INK)
    yield words(width - 10, y + 3, section.verdict.headline, colour, 'text-anchor="end" font-weight="bold"')


def _bar(y: float, marks: Strip, colour: str) -> Iterator[str]:
    if marks.bar:
        low, high = map(_x, marks.bar)
        yield _line(low, y, high, y, f'stroke="{colour}" stroke-width="2"')
    for goes_on, x, side in zip(marks.arrows, (LEFT, LEFT + PLOT), (1, -1), strict=True):
        if goes_on:
            yield f'<path d="M{x:g} {y:g}l{7 * side} -4v8z" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, look: str) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" {look}/>'
