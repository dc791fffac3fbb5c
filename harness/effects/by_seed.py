"""Differences and levels over seeds, paired by seed."""

from __future__ import annotations

from collections.abc import Sequence

from harness.contract.effect import Effect
from harness.effects.from_runs import Measure, idle, metric
from harness.plans.experiment import Evidence


def paired(evidence: Evidence, arms: Sequence[str], measure: Measure) -> list[list[float]]:
    """Each arm's values over the seeds for which all of the arms have one, dead networks left out."""
    dead = {run.record.key for run in idle(evidence)}
    found = [
        {r.seed: v for r in evidence.final(a) if r.record.key not in dead and (v := measure(r)) is not None}
        for a in arms
    ]
    shared = sorted(set.intersection(*map(set, found))) if found else []
    return [[values[seed] for seed in shared] for values in found]


def difference(evidence: Evidence, first: str, second: str, name: str, measure: Measure) -> Effect:
    """First arm − second arm in points, paired by seed."""
    from harness.effects import intervals  # brings scipy, which the list of claims can do without

    return intervals.paired_difference(name, "points", *paired(evidence, (first, second), measure))


def falls(evidence: Evidence, without: str, with_it: str, what: str = "") -> tuple[Effect, Effect]:
    """By how much the ten-view errors fall from one arm to the other; `what` tells further pairs apart."""
    top1, top5 = (f"top-{k} error" + (f", {what}" if what else "") for k in (1, 5))
    return (
        difference(evidence, without, with_it, top1, metric("ten_top1")),
        difference(evidence, without, with_it, top5, metric("ten_top5")),
    )


def levels(evidence: Evidence, arm: str, top1: str, top5: str) -> tuple[Effect, ...]:
    """Mean errors of one arm in percent, over seeds."""
    from harness.effects import intervals

    names = {"top-1 error": top1, "top-5 error": top5}
    return tuple(intervals.level(n, "%", paired(evidence, (arm,), metric(m))[0]) for n, m in names.items())


def gains(
    evidence: Evidence, arm: str, before: tuple[str, str], after: tuple[str, str]
) -> tuple[Effect, ...]:
    """By how much top-1 and top-5 error fall from one metric of a run to another of the same run."""
    from harness.effects import intervals

    def values(name: str) -> list[float]:
        return paired(evidence, (arm,), metric(name))[0]

    pairs = zip(("top-1 error", "top-5 error"), before, after, strict=True)
    return tuple(intervals.paired_difference(n, "points", values(a), values(b)) for n, a, b in pairs)
