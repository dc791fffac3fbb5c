"""How fast training begins: the area between chance's loss and the training loss, in nats times epochs."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import fmean

from harness.contract.effect import Effect
from harness.effects.by_seed import paired
from harness.effects.from_runs import classes
from harness.plans.experiment import Evidence, Run, Table
from harness.records.schema import CurveColumn


def area(run: Run) -> float | None:
    """∫ (ln classes − training loss) over all epochs of the run's curve, by trapezoids from chance at 0."""
    count = classes(run)
    rows = [(row.get(CurveColumn.EPOCH), row.get(CurveColumn.TRAIN_LOSS)) for row in run.record.curve]
    if count is None or not rows or not all(_finite(x) and _finite(y) for x, y in rows):
        return None
    chance = math.log(count)
    points = [(0.0, 0.0), *((float(x or 0.0), chance - float(y or 0.0)) for x, y in rows)]
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(points))


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def ratio_of_areas(evidence: Evidence, first: str, second: str, name: str) -> Effect:
    """First arm's area ÷ the second's, paired by seed; without a positive area there is no ratio."""
    from harness.effects.statistics import intervals

    found = paired(evidence, (first, second), area, dead=True)
    pairs = [(a, b) for a, b in zip(*found, strict=True) if a > 0 and b > 0]
    if not pairs:
        return Effect(name, "×", 0, None, None, None, note="no pair of runs has two areas above 0")
    above, below = zip(*pairs, strict=True)
    return intervals.paired_ratio(name, "×", above, below)


def areas_table(evidence: Evidence) -> Table:
    """Every arm's mean area, and how many of its runs did not stay below chance's loss on average."""
    rows = []
    for arm, runs in evidence.by_arm.items():
        areas = [a for run in runs if (a := area(run)) is not None]
        mean = round(fmean(areas), 4) if areas else None
        rows.append((arm, mean, sum(a <= 0 for a in areas), len(areas)))
    columns = ("arm", "mean area, nats · epochs", "runs not above 0", "runs")
    return Table("Area between chance's loss and the training loss", columns, tuple(rows))
