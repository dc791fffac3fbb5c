"""The judged quantity, run by run: one row per arm, one dot per run, their mean as a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.contract.formatting import count, decimals, number, quantity
from harness.effects.from_runs import Measure, gap, metric
from harness.effects.step_times import STEP
from harness.paper.claims import Claim, Fit, Kind
from harness.plans.experiment import Evidence
from harness.records.schema import Measured
from harness.reporting.claims.sections import Section
from harness.reporting.figures.drawing import pictures
from harness.reporting.figures.drawing.axis import Axis, circle, line
from harness.reporting.figures.drawing.frame import ARMS, INK, MUTED, Drawing
from harness.verdicts.trained_enough import GAP, OUTCOME, OUTCOMES

WIDTH, MARGIN = 390.0, 10.0
TOP, ROW, BELOW = 22.0, 40.0, 34.0
MOST_DOTS = 200
UNITS: Mapping[str, str] = {"loss": "nats", "training loss": "nats", "area": "nats · epochs"}  # else percent


@dataclass(frozen=True)
class Quantity:
    """What is compared, its unit, and how it is read from a run: each reading has its own row."""

    name: str
    unit: str
    readings: Mapping[str, Measure]  # by what distinguishes them; a single one needs no name


@dataclass(frozen=True)
class ArmRow:
    """An arm's runs."""

    label: str
    values: tuple[float, ...]
    seeds: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Of the runs."""
        return fmean(self.values)


def judged(claim: Claim, name: str) -> Quantity | None:
    """What the effect of that name is computed from; None if that is not a number of a single run."""
    if claim.id in OWN:
        return OWN[claim.id]
    if name not in OUTCOMES and name != "top-1 error":
        return None
    if name == "gap":
        return Quantity("test − training error", "points", {"": gap})
    return Quantity(name, UNITS.get(name, "%"), {"": OUTCOMES.get(name, OUTCOME)})


OWN: Mapping[str, Quantity] = {
    "ten-view": Quantity(
        "top-1 error", "%",
        {"centre view": metric(Measured.CENTRE_TOP1), "ten views": metric(Measured.TEN_TOP1)},
    ),
    "ensemble": Quantity(
        "top-1 error", "%",
        {"one network": metric(Measured.SINGLE_TOP1), "average of five": metric(Measured.AVERAGE_TOP1)},
    ),
    "training-time": Quantity("throughput", "images/s", {"": metric(Measured.IMAGES_PER_SECOND)}),
    "augmentation-cost": Quantity("step time", "s", {"": STEP}),
}  # fmt: skip


def runs(name: str, section: Section, heading: str, caveat: str) -> list[Drawing]:
    """One drawing of the section's best evidence; empty if no run has the quantity."""
    claim, evidence, reproduction = section.claim, section.evidence, section.reproduction
    first = section.effects[0].metric if section.effects else claim.primary.name
    shown = judged(claim, first)
    rows = list(_rows(evidence, shown)) if shown and evidence else []
    if not shown or not rows:
        return []
    overfits = claim.fit is Fit.OVERFITTED and reproduction and reproduction.overfitting_arm
    least = GAP if overfits and first == "gap" else None
    paper = claim.primary.paper if claim.kind is Kind.LEVEL and not section.proxy else None
    return [_draw(name, rows, shown, heading, caveat, paper, least)]


def _rows(evidence: Evidence, shown: Quantity) -> Iterator[ArmRow]:
    for arm in evidence.arms:
        for reading, measure in shown.readings.items():
            found = [(v, run.seed) for run in evidence.final(arm) if (v := measure(run)) is not None]
            if found:
                yield ArmRow(reading or arm, tuple(v for v, _ in found), tuple(seed for _, seed in found))


def _draw(
    name: str,
    rows: Sequence[ArmRow],
    shown: Quantity,
    heading: str,
    caveat: str,
    paper: float | None,
    threshold: float | None,
) -> Drawing:
    points = [v for row in rows for v in row.values] + [x for x in (paper, threshold) if x is not None]
    axis = Axis.over(points, MARGIN, WIDTH - MARGIN)
    top = TOP + pictures.HEADING * len(pictures.wrapped(heading, WIDTH))
    bottom = top + ROW * len(rows)
    parts = [*pictures.heading(MARGIN, WIDTH, heading), *pictures.caveat(WIDTH, caveat)]
    parts += _reference(axis, paper, f"paper {quantity(paper or 0.0, shown.unit)}", top, bottom)
    parts += _reference(axis, threshold, f"{number(threshold or 0.0)}: minimum for overfitting", top, bottom)
    for i, row in enumerate(rows):
        parts += _row(row, axis, top + i * ROW, ARMS[i % len(ARMS)], shown.unit)
    parts += axis.drawn(bottom + 2, f"{shown.name}{f' ({shown.unit})' if shown.unit else ''}")
    title = f"{shown.name[:1].upper()}{shown.name[1:]}, run by run"
    said = "Each dot is a run; the line is their mean."
    return pictures.drawing(name, (WIDTH, bottom + BELOW), title, said, parts)


def _reference(axis: Axis, value: float | None, said: str, top: float, bottom: float) -> Iterator[str]:
    if value is None:
        return
    x = axis.at(value)
    rows = int((bottom - top) / ROW)
    for i in range(rows):  # not through the words
        yield line(
            (x, top + i * ROW + 16), (x, top + (i + 1) * ROW), f'stroke="{MUTED}" stroke-dasharray="3 3"'
        )
    side = "start" if x < WIDTH / 2 else "end"
    yield pictures.words(x, top - 4, said, MUTED, f'text-anchor="{side}"')


def _row(row: ArmRow, axis: Axis, top: float, colour: str, unit: str) -> Iterator[str]:
    """The arm's name and mean above its dots."""
    y, x = top + 26, axis.at(row.mean)
    yield pictures.words(MARGIN, top + 12, f"{row.label} ({count(len(row.values), 'run')})", INK)
    places = decimals(axis)
    mean = f"mean {quantity(row.mean, unit, None if places is None else places + 1)}"
    yield pictures.words(WIDTH - MARGIN, top + 12, mean, colour, 'text-anchor="end" font-weight="bold"')
    yield line((x, y - 8), (x, y + 8), f'stroke="{colour}" stroke-width="2.2"')
    for value, seed in list(zip(row.values, row.seeds, strict=True))[:MOST_DOTS]:
        dot = f'fill="none" stroke="{colour}" stroke-width="1.3"'
        title = f"<title>seed {seed}: {quantity(value, unit)}</title>"
        yield circle(axis.at(value), y, 3.2, dot).replace("/>", f">{title}</circle>")
