"""Epochs until a training first stops improving: the first plateau of its smoothed validation loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, geometric_mean
from typing import TYPE_CHECKING

from harness.contract.effect import Effect
from harness.effects.by_seed import paired
from harness.effects.from_runs import classes
from harness.effects.statistics.significance import DIRECTION
from harness.plans.experiment import Evidence, Run, Table
from harness.records.schema import CurveColumn

if TYPE_CHECKING:
    from harness.effects.statistics.time_to_event import Time

SMOOTHED = 3  # epochs averaged
PATIENCE = 5  # epochs without improvement that make a plateau
LEAST = 0.01  # of the loss: a smaller fall is no improvement
LEARNING = 0.9  # of chance's loss: above it nothing is learned yet, and standing still is no plateau
LEVELS = 12


def smoothed(run: Run) -> list[float]:
    """The run's validation loss by epoch, each the mean of itself and up to two before it."""
    losses = [row.get(CurveColumn.VALIDATION_LOSS) for row in run.record.curve]
    known = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    return [fmean(known[max(0, i + 1 - SMOOTHED) : i + 1]) for i in range(len(known))]


def plateau(run: Run) -> Time | None:
    """The run's first plateau, once it has begun to learn; None without a validation loss."""
    losses, count = smoothed(run), classes(run)
    return first_plateau(losses, math.log(count) if count else math.inf) if losses else None


def first_plateau(losses: Sequence[float], chance: float = math.inf) -> Time:
    """The epoch of the last improvement before the first plateau; censored there if there is none.

    An improvement is a loss at least 1 % below that of the last one. Five epochs without one are a plateau.
    The search begins when the loss is well below `chance`; if that never comes, the last epoch is censored.
    """
    from harness.effects.statistics.time_to_event import Time  # brings scipy, which `list` can do without

    learning = next((n for n, loss in enumerate(losses, 1) if loss < LEARNING * chance), None)
    if learning is None:
        return Time(float(len(losses)), None)
    best, at = float("inf"), 0
    for epoch, loss in enumerate(losses[learning - 1 :], start=learning):
        if loss <= best * (1 - LEAST):
            best, at = loss, epoch
        elif epoch - at >= PATIENCE:
            return Time(at - 1.0, float(at))
    return Time(float(at), None)


def ratio_of_plateaus(evidence: Evidence, slow: str, fast: str) -> tuple[Effect, ...]:
    """Epochs to the first plateau, one arm ÷ the other, paired by seed; empty without pairs."""
    from harness.effects.statistics import time_to_event

    slower, faster = paired(evidence, (slow, fast), plateau, dead=True)
    return (time_to_event.ratio_of_times("epochs", "×", slower, faster),) if slower else ()


def ratio_by_level(evidence: Evidence, slow: str, fast: str) -> Table:
    """The ratio of epochs at which both arms pass a validation loss, level by level.

    Only for levels that every run passes. Bounds are Student's on logarithms at 1 − .05 / levels
    (Bonferroni), so they hold simultaneously for all levels with 95 % probability.
    """
    from harness.effects.statistics import intervals

    slower, faster = paired(evidence, (slow, fast), lambda run: smoothed(run) or None, dead=True)
    rows: list[tuple[object, ...]] = []
    for level in _levels([*slower, *faster]):
        ratios = [_passing(a, level) / _passing(b, level) for a, b in zip(slower, faster, strict=True)]
        known = intervals.ends(intervals.student("", "×", ratios, log=True), 1 - (1 - DIRECTION) / LEVELS)
        bounds = (round(end, 3) for end in known) if known else (None, None)
        rows.append((round(level, 3), round(geometric_mean(ratios), 3), *bounds, len(ratios)))
    title = f"Epochs to a validation loss, {slow} ÷ {fast}"
    return Table(title, ("validation loss", "ratio", "from", "to", "pairs"), tuple(rows))


def _levels(runs: Sequence[Sequence[float]]) -> list[float]:
    """Levels from the highest loss that every run starts above to the lowest that every run goes below."""
    if not runs:
        return []
    high, low = min(run[0] for run in runs), max(min(run) for run in runs)
    step = (high - low) / LEVELS
    return [high - step * (i + 0.5) for i in range(LEVELS)] if step > 0 else []


def _passing(losses: Sequence[float], level: float) -> float:
    """The epoch, interpolated between two evaluations, at which the loss first reaches the level."""
    at = next(i for i, loss in enumerate(losses) if loss <= level)
    if at == 0:
        return 1.0
    before, after = losses[at - 1], losses[at]
    return at + (before - level) / (before - after)
