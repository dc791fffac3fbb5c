"""Many arms against one control: every arm's mean, and differences with simultaneous intervals.

The spread over seeds is pooled over all arms, as in Dunnett (1955). Where records say which test images were
wrong, the images' part is added to each difference's variance (`per_image.py`), and Dunnett's quantile is
used unchanged: it assumes less in common between the differences than images shared by all arms give them,
so the intervals are too wide rather than too narrow. Networks that learned nothing, or diverged, are counted
and left out: their errors say nothing about their arm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, cast

from harness.contract.effect import Interval
from harness.contract.formatting import number, p_value, span
from harness.effects.by_seed import counted
from harness.effects.from_runs import RunMetric
from harness.effects.statistics.significance import DIRECTION
from harness.plans.experiment import Evidence, Run, Table
from harness.training.scheduled.recipe import Scheduled

if TYPE_CHECKING:
    from harness.effects.statistics.two_way import ImagePart

Groups = Mapping[str, Sequence[tuple[Run, float]]]
COLUMNS = (
    "arm", "rate", "runs that learned", "mean", "95 % interval", "minus the first arm's",
    "simultaneous 95 % interval", "p, Dunnett",
)  # fmt: skip
NOTE = (
    "Each arm's mean and interval stand alone. The intervals of the differences, over {over}, hold "
    "simultaneously in 95 % of experiments; p is adjusted to match. Runs that diverged or learned nothing "
    "are left out."
)


@dataclass(frozen=True)
class DifferenceFromControl:
    """An arm's mean minus the control's; no interval if the spread is unknown."""

    estimate: float
    interval: Interval | None = None
    adjusted_p: float | None = None


def comparison(title: str, evidence: Evidence, measure: RunMetric) -> Table:
    """Every arm in the plan's order, the control first: its mean, and its difference from the control's."""
    arms = evidence.by_arm
    groups = {arm: counted(evidence, arm, measure) for arm in evidence.arms}
    found, over = differences(groups, measure)
    rows = tuple(_row(arm, arms[arm], groups[arm], measure, found.get(arm)) for arm in arms)
    return Table(title, COLUMNS, rows, NOTE.format(over=over) if found else "")


def differences(groups: Groups, measure: RunMetric) -> tuple[dict[str, DifferenceFromControl], str]:
    """Each arm's difference from the first, and what the intervals generalise over."""
    from harness.effects import per_image  # brings numpy, which `list` can do without

    first = next(iter(groups), "")
    known = {arm: found for arm, found in groups.items() if found}
    if first not in known or len(known) < 2:
        return {}, ""
    control = known.pop(first)
    parts = {
        arm: per_image.image_part([_runs(own), _runs(control)], measure.signs) for arm, own in known.items()
    }
    lacking = next((why for _, why in parts.values() if why), "")
    images = [None if lacking else part for part, _ in parts.values()]
    found = _all_at_once(_values(control), [_values(own) for own in known.values()], images)
    over = f"seeds alone, as {lacking}" if lacking else "seeds and test images"
    return dict(zip(known, found, strict=True)), over


def _all_at_once(
    control: list[float], arms: Sequence[list[float]], images: Sequence[ImagePart | None]
) -> list[DifferenceFromControl]:
    """The differences of the arms' means from the control's."""
    from harness.effects.statistics import dunnett

    estimates = [fmean(arm) - fmean(control) for arm in arms]
    counts = tuple(len(values) for values in (control, *arms))
    df = sum(counts) - len(counts)
    squares = sum((value - fmean(values)) ** 2 for values in (control, *arms) for value in values)
    if not df or not squares:
        return [DifferenceFromControl(estimate) for estimate in estimates]
    seeds = [squares / df * (1 / len(control) + 1 / len(arm)) for arm in arms]
    whole = [part.joined(own, df)[0] if part else own for part, own in zip(images, seeds, strict=True)]
    most = dunnett.critical(counts, df)
    return [_difference(e, math.sqrt(v), most, counts, df) for e, v in zip(estimates, whole, strict=True)]


def _difference(
    estimate: float, error: float, most: float, counts: Sequence[int], df: int
) -> DifferenceFromControl:
    from harness.effects.statistics import dunnett

    interval = Interval(estimate - most * error, estimate + most * error, DIRECTION)
    return DifferenceFromControl(estimate, interval, dunnett.beyond(estimate / error, counts, df))


def _row(
    arm: str,
    runs: Sequence[Run],
    known: Sequence[tuple[Run, float]],
    measure: RunMetric,
    less: DifferenceFromControl | None,
) -> tuple[object, ...]:
    from harness.effects import per_image
    from harness.effects.statistics import intervals

    images, _ = per_image.image_part([_runs(known)], measure.signs)
    own = intervals.level("", "", _values(known), images)
    mean = None if own.estimate is None else number(own.estimate)
    return arm, rate(runs), f"{len(known)} of {len(runs)}", mean, span(own.ci95), *_against(less)


def _against(less: DifferenceFromControl | None) -> tuple[str | None, str | None, str | None]:
    if less is None:
        return None, None, None
    p = None if less.adjusted_p is None else p_value(less.adjusted_p)
    return number(less.estimate), span(less.interval), p


def rate(runs: Sequence[Run]) -> float:
    """The initial learning rate of an arm's runs."""
    settings = cast(Scheduled, runs[0].planned.trial.settings)
    return settings.schedule.at(0, 0, ()).rate


def _runs(found: Sequence[tuple[Run, float]]) -> list[Run]:
    return [run for run, _ in found]


def _values(found: Sequence[tuple[Run, float]]) -> list[float]:
    return [value for _, value in found]
