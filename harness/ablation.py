"""Ablations: arms that change one thing of the paper's recipe, trained alike and compared seed by seed.

An arm is a change of the recipe as data; a scale turns it into a trial's settings. The arm that changes
nothing is the same trial in every ablation: one key, trained once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.claims import Effect
from harness.experiments import Evidence, Lookup, Plan, Planned, Role, Run, Table
from harness.experiments import Protocol as Declared
from harness.training.recipe import Scheduled
from harness.trials import Precision, Status, Trial
from harness.validity import idle


@dataclass(frozen=True)
class Arm:
    """What an arm changes: whose recipe, and options of its network and of its augmentation."""

    recipe: str = "paper"
    network: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Mapping[str, Any] = field(default_factory=dict)


BASELINE = Arm()


class Scale(Protocol):
    """What a protocol's settings answer: how an arm is trained at that scale."""

    precision: Precision

    def settings(self, arm: Arm) -> Scheduled:
        """The settings of the arm's trials."""
        ...


def training(scale: Scale, arm: Arm, seed: int) -> Trial:
    """The trial that trains an arm from a seed."""
    return Trial(scale.settings(arm), seed, scale.precision)


def plan_of(arms: Mapping[str, Arm]) -> Callable[[Declared, int, Lookup], Plan]:
    """The plan that trains every arm once for every seed, seed by seed."""

    def plan(protocol: Declared, seeds: int, lookup: Lookup) -> Plan:
        return Plan(
            tuple(
                Planned(training(protocol.settings, arm, seed), name, Role.FINAL)
                for seed in range(seeds)
                for name, arm in arms.items()
            )
        )

    return plan


Measure = Callable[[Run], float | None]


def metric(name: str) -> Measure:
    """A metric of the run's record; None where the run has none, as one that diverged."""
    return lambda run: run.record.metrics.get(name) if run.record.status is Status.OK else None


def gap(run: Run) -> float | None:
    """Test error − training error in points, both by the centre view."""
    test, train = metric("centre_top1")(run), metric("train_top1")(run)
    return None if test is None or train is None else test - train


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
    from harness import stats  # brings scipy, which the list of claims can do without

    return stats.paired_difference(name, "points", *paired(evidence, (first, second), measure))


def falls(evidence: Evidence, without: str, with_it: str, what: str = "") -> tuple[Effect, Effect]:
    """By how much the ten-view errors fall from one arm to the other; `what` tells further pairs apart."""
    top1, top5 = (f"top-{k} error" + (f", {what}" if what else "") for k in (1, 5))
    return (
        difference(evidence, without, with_it, top1, metric("ten_top1")),
        difference(evidence, without, with_it, top5, metric("ten_top5")),
    )


COLUMNS = {
    "top-1, ten views, %": metric("ten_top1"),
    "top-5, ten views, %": metric("ten_top5"),
    "top-1, centre, %": metric("centre_top1"),
    "training top-1, %": metric("train_top1"),
    "gap, points": gap,
}


def arms_table(evidence: Evidence) -> Table:
    """Every arm's mean errors over its seeds, with n."""
    rows = []
    for arm in dict.fromkeys(run.arm for run in evidence.final()):
        runs = evidence.final(arm)
        values = [[v for run in runs if (v := measure(run)) is not None] for measure in COLUMNS.values()]
        means = (round(sum(v) / len(v), 2) if v else None for v in values)
        rows.append((arm, *means, f"{len(values[0])} of {len(runs)}"))
    return Table("Mean errors by arm", ("arm", *COLUMNS, "finished runs"), tuple(rows))


def levels(evidence: Evidence, arm: str, top1: str, top5: str) -> tuple[Effect, ...]:
    """Mean errors of one arm in percent, over seeds."""
    from harness import stats

    names = {"top-1 error": top1, "top-5 error": top5}
    return tuple(stats.level(n, "%", paired(evidence, (arm,), metric(m))[0]) for n, m in names.items())


def gains(
    evidence: Evidence, arm: str, before: tuple[str, str], after: tuple[str, str]
) -> tuple[Effect, ...]:
    """By how much top-1 and top-5 error fall from one metric of a run to another of the same run."""
    from harness import stats

    def values(name: str) -> list[float]:
        return paired(evidence, (arm,), metric(name))[0]

    pairs = zip(("top-1 error", "top-5 error"), before, after, strict=True)
    return tuple(stats.paired_difference(n, "points", values(a), values(b)) for n, a, b in pairs)
