"""The one pairing of arms, by seed, and the differences and levels that are computed over it.

Arms share seeds: runs of one seed start from the same weights and see the same images in the same order, and
in timing experiments they belong to the same block. What is compared is always two runs of one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.contract.effect import Effect
from harness.effects.from_runs import Measure, idle, metric
from harness.plans.experiment import Evidence, Run
from harness.records.schema import Measured

T = TypeVar("T")


def paired(
    evidence: Evidence, arms: Sequence[str], measure: Callable[[Run], T | None], dead: bool = False
) -> list[list[T]]:
    """Each arm's values over the seeds for which all of the arms have one, by seed.

    Networks that learned nothing are left out, unless `dead` says that to learn nothing is a result too.
    """
    left_out = set() if dead else {run.record.key for run in idle(evidence)}

    def values(arm: str) -> dict[int, T]:
        counted = (run for run in evidence.final(arm) if run.record.key not in left_out)
        measured = ((run.seed, measure(run)) for run in counted)
        return {seed: value for seed, value in measured if value is not None}

    found = [values(arm) for arm in arms]
    shared = sorted(set.intersection(*map(set, found))) if found else []
    return [[by_seed[seed] for seed in shared] for by_seed in found]


def difference(evidence: Evidence, first: str, second: str, name: str, measure: Measure) -> Effect:
    """First arm − second arm in points, paired by seed."""
    from harness.effects import intervals  # brings scipy, which the list of claims can do without

    return intervals.paired_difference(name, "points", *paired(evidence, (first, second), measure))


def falls(evidence: Evidence, without: str, with_it: str, what: str = "") -> tuple[Effect, Effect]:
    """By how much the ten-view errors fall from one arm to the other; `what` distinguishes further pairs."""
    top1, top5 = (f"top-{k} error" + (f", {what}" if what else "") for k in (1, 5))
    return (
        difference(evidence, without, with_it, top1, metric(Measured.TEN_TOP1)),
        difference(evidence, without, with_it, top5, metric(Measured.TEN_TOP5)),
    )


def gains(
    evidence: Evidence, arm: str, before: tuple[Measured, Measured], after: tuple[Measured, Measured]
) -> tuple[Effect, ...]:
    """By how much top-1 and top-5 error fall from one metric of a run to another of the same run."""
    from harness.effects import intervals

    pairs = zip(("top-1 error", "top-5 error"), before, after, strict=True)
    return tuple(
        intervals.paired_difference(n, "points", alone(evidence, arm, a), alone(evidence, arm, b))
        for n, a, b in pairs
    )


def levels(evidence: Evidence, arm: str, top1: Measured, top5: Measured) -> tuple[Effect, ...]:
    """Mean errors of one arm in percent, over seeds."""
    from harness.effects import intervals

    names = {"top-1 error": top1, "top-5 error": top5}
    return tuple(intervals.level(name, "%", alone(evidence, arm, m)) for name, m in names.items())


def alone(evidence: Evidence, arm: str, name: Measured) -> list[float]:
    """One arm's values of a metric, by seed."""
    return paired(evidence, (arm,), metric(name))[0]
