"""When a run reached its target: between two evaluations, as recorded, and by a line through the last."""

from __future__ import annotations

from collections.abc import Callable
from statistics import linear_regression
from typing import TYPE_CHECKING

from harness.plans.experiment import Run
from harness.records.schema import CurveColumn, Measured

if TYPE_CHECKING:
    from harness.effects.statistics.time_to_event import Time

FITTED = 2.0  # epochs whose evaluations are fitted


def bracket(name: str) -> Callable[[Run], Time | None]:
    """The time recorded by a run, as the metrics `<name>_low` and `<name>_high`."""
    from harness.effects.statistics.time_to_event import Time  # brings scipy, which `list` can do without

    def measure(run: Run) -> Time | None:
        found = run.record.metrics
        whole = {Measured.REACHED, f"{name}_low", f"{name}_high"} <= found.keys()
        return Time(found[f"{name}_low"] or 0.0, found[f"{name}_high"]) if whole else None

    return measure


def fitted_crossing(run: Run, target: float) -> float | None:
    """The epoch at which a line through the sample errors of the last two epochs reaches the target.

    The first evaluation at or under a target is a lucky one: a run evaluated more often gets there sooner.
    The least-squares line uses all of the last evaluations. None if there are fewer than three, if the line
    rises, or if it reaches the target before training began.
    """
    looks = [(row.get(CurveColumn.EPOCH), row.get(CurveColumn.SAMPLE_ERROR)) for row in run.record.curve]
    seen = [(epoch, error) for epoch, error in looks if epoch is not None and error is not None]
    last = [(epoch, error) for epoch, error in seen if epoch > seen[-1][0] - FITTED] if seen else []
    if len(last) < 3:
        return None
    slope, height = linear_regression(*zip(*last, strict=True))
    crossing = (target - height) / slope if slope < 0 else 0.0
    return crossing if crossing > 0 else None
