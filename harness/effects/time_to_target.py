"""Epochs until a curve first reaches a level, in records of whole trainings; never reached: censored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contract.effect import Effect
from harness.plans.experiment import Evidence, Run, Table

if TYPE_CHECKING:
    from harness.effects.time_to_event import Time


def time_to(run: Run, column: str, level: float) -> Time:
    """The part of an epoch in which the curve's column first is at or under the level."""
    from harness.effects.time_to_event import Time  # brings scipy, which the list of claims can do without

    before = 0.0
    for row in run.record.curve:
        value, epoch = row.get(column), float(row.get("epoch") or 0.0)
        if value is not None and value <= level:
            return Time(before, epoch)
        before = epoch
    return Time(before, None)


def ratio_to_target(
    evidence: Evidence, slow: str, fast: str, column: str, level: float, name: str = "epochs"
) -> tuple[Effect, ...]:
    """Epochs to the level, one arm ÷ the other, paired by seed; nothing without pairs."""
    from harness.effects import time_to_event

    arms = [{run.seed: run for run in evidence.final(arm) if run.record.curve} for arm in (slow, fast)]
    seeds = sorted(set.intersection(*map(set, arms)))
    if not seeds:
        return ()
    slower, faster = ([time_to(arm[seed], column, level) for seed in seeds] for arm in arms)
    return (time_to_event.ratio_of_times(name, "×", slower, faster),)


def targets_table(evidence: Evidence, column: str, level: float) -> Table:
    """How many runs of each arm reached the level, and when."""
    rows = []
    for arm in dict.fromkeys(run.arm for run in evidence.final()):
        times = [time_to(run, column, level) for run in evidence.final(arm) if run.record.curve]
        reached = [t.point for t in times if not t.censored]
        mean = round(sum(reached) / len(reached), 3) if reached else None
        rows.append((arm, f"{len(reached)} of {len(times)}", mean))
    what = column.replace("_", "ing ", 1)
    return Table(
        f"Epochs to a {what} of {level:g}", ("arm", "reached it", "mean of those, epochs"), tuple(rows)
    )
