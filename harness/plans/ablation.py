"""Ablations: arms that change one thing of the paper's recipe, trained alike and compared seed by seed.

An arm is a change of the recipe as data; a scale turns it into a trial's settings. The arm that changes
nothing is the same trial in every ablation: one key, trained once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.contract.once import once
from harness.contract.trial import Trial
from harness.plans.experiment import Lookup, Plan, Planned, Role
from harness.plans.experiment import Protocol as Declared
from harness.training.recipe import Scheduled


@dataclass(frozen=True)
class Arm:
    """What an arm changes: whose recipe, and options of its network and of its augmentation."""

    recipe: str = "paper"
    network: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Mapping[str, Any] = field(default_factory=dict)


BASELINE = Arm()


class Scale(Protocol):
    """What a protocol's settings answer: how an arm is trained at that scale."""

    def settings(self, arm: Arm) -> Scheduled:
        """The settings of the arm's trials."""
        ...


def training(protocol: Declared, arm: Arm, seed: int) -> Trial[Scheduled]:
    """The trial that trains an arm from a seed."""
    return protocol.trial(_settings(protocol.settings)(arm), seed)


@once
def _settings(scale: Scale) -> Callable[[Arm], Scheduled]:
    """A network is described once for each arm at a scale: that takes a millisecond."""
    return once(scale.settings)


def trainings(protocol: Declared, arm: Arm, seeds: int) -> list[Trial[Scheduled]]:
    """The trials that train an arm, one from each seed."""
    return [training(protocol, arm, seed) for seed in range(seeds)]


def plan_of(arms: Mapping[str, Arm]) -> Callable[[Declared, int, Lookup], Plan]:
    """The plan that trains every arm once for every seed, seed by seed."""

    def plan(protocol: Declared, seeds: int, lookup: Lookup) -> Plan:
        by_arm = {name: trainings(protocol, arm, seeds) for name, arm in arms.items()}
        return Plan(
            tuple(
                Planned(trials[seed], name, Role.FINAL)
                for seed in range(seeds)
                for name, trials in by_arm.items()
            )
        )

    return plan
