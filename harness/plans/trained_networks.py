"""Plans that first train networks and then measure them: a measurement waits for the records it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.contract.formatting import count
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
        found = [[record and record.status for record in map(lookup, group)] for group in groups]
        ready = [seed for seed, known in enumerate(found) if set(known) == {Status.OK}]
        lost = sum(Status.DIVERGED in known for known in found)  # never measured: the gates name them
        planned = [Planned(trial, ARM, Role.TRAINING) for trial in trained]
        planned += [Planned(Trial(settings(groups[seed]), seed), ARM, Role.FINAL) for seed in ready]
        return Plan((*tuning, *planned), _to_come(seeds - len(ready) - lost))

    return plan


def _to_come(missing: int) -> str:
    """What cannot be measured yet."""
    of = "a trained network" if missing == 1 else "trained networks"
    return f"{count(missing, 'measurement')} of {of}" if missing else ""
