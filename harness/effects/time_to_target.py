"""Epochs, or seconds, until a run first reached a level; a run that never did is censored."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean
from typing import TYPE_CHECKING

from harness.contract.effect import Effect
from harness.contract.formatting import number
from harness.effects.by_seed import paired
from harness.plans.experiment import Evidence, Run, Table
from harness.records.schema import CurveColumn, Measured

if TYPE_CHECKING:
    from harness.effects.time_to_event import Time


def bracket(name: str) -> Callable[[Run], Time | None]:
    """The time that a run measured itself, as the metrics `<name>_low` and `<name>_high`."""
    from harness.effects.time_to_event import Time  # brings scipy, which the list of claims can do without

    def measure(run: Run) -> Time | None:
        found = run.record.metrics
        return Time(found[f"{name}_low"] or 0.0, found[f"{name}_high"]) if Measured.REACHED in found else None

    return measure


def time_to(run: Run, column: CurveColumn, level: float) -> Time:
    """The part of an epoch in which the curve's column first is at or under the level."""
    from harness.effects.time_to_event import Time

    before = 0.0
    for row in run.record.curve:
        value, epoch = row.get(column), float(row.get("epoch") or 0.0)
        if value is not None and value <= level:
            return Time(before, epoch)
        before = epoch
    return Time(before, None)


def ratio_to_target(
    evidence: Evidence, slow: str, fast: str, column: CurveColumn, level: float, name: str = "epochs"
) -> tuple[Effect, ...]:
    """Epochs to the level, one arm ÷ the other, paired by seed; nothing without pairs."""
    from harness.effects import time_to_event

    def measure(run: Run) -> Time | None:
        return time_to(run, column, level) if run.record.curve else None

    slower, faster = paired(evidence, (slow, fast), measure, dead=True)
    return (time_to_event.ratio_of_times(name, "×", slower, faster),) if slower else ()


def targets_table(evidence: Evidence, column: CurveColumn, level: float) -> Table:
    """How many runs of each arm reached the level, and when."""
    rows = []
    for arm in dict.fromkeys(run.arm for run in evidence.final()):
        times = [time_to(run, column, level) for run in evidence.final(arm) if run.record.curve]
        reached = [t.point for t in times if not t.censored]
        mean = round(fmean(reached), 3) if reached else None
        rows.append((arm, f"{len(reached)} of {len(times)}", mean))
    title = f"Epochs to a {column.replace('_', 'ing ', 1)} of {number(level)}"
    return Table(title, ("arm", "reached it", "mean of those, epochs"), tuple(rows))
