"""Plans that first train networks and then measure them: a measurement waits for the records it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.contract.trial import Settings, Status, Trial
from harness.plans.ablation import BASELINE, Arm, to_come, training, tuned
from harness.plans.experiment import Lookup, Plan, Planned, Protocol, Role
from harness.training.scheduled.recipe import Scheduled

ARM = "paper"


def plan_of(
    settings: Callable[[Sequence[Trial[Scheduled]]], Settings],
    networks: Callable[[Protocol], int] = lambda protocol: 1,
    of: Callable[[Protocol], Arm] = lambda protocol: BASELINE,
) -> Callable[[Protocol, int, Lookup], Plan]:
    """Measures networks at their own learning rate, in groups of `networks`: none is in two measurements."""

    def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
        size, arm = networks(protocol), of(protocol)
        rate = tuned(protocol, arm, lookup)
        tuning = tuple(Planned(trial, ARM, Role.TUNING) for trial in rate.trials)
        if rate.factor is None:
            return Plan(tuning, to_come(["the network"], seeds))
        trained = [training(protocol, arm, seed, rate.factor) for seed in range(seeds * size)]
        groups = [trained[i * size : (i + 1) * size] for i in range(seeds)]
        ready = [(seed, group) for seed, group in enumerate(groups) if all(map(_ok, map(lookup, group)))]
        planned = [Planned(trial, ARM, Role.TRAINING) for trial in trained]
        planned += [Planned(Trial(settings(group), seed), ARM, Role.FINAL) for seed, group in ready]
        return Plan((*tuning, *planned), _to_come(trained, seeds - len(ready), lookup))

    return plan


def _to_come(trained: Sequence[Trial], missing: int, lookup: Lookup) -> str:
    """What cannot be measured yet, and why if it never can be."""
    if not missing:
        return ""
    records = [record for record in map(lookup, trained) if record is not None]
    lost = [record.key for record in records if record.status is Status.DIVERGED]
    what = "1 measurement of a trained network"
    what = what if missing == 1 else f"{missing} measurements of trained networks"
    return f"{what}, which cannot be made as training diverged ({', '.join(lost)})" if lost else what


def _ok(record: Any) -> bool:
    return record is not None and record.status is Status.OK
