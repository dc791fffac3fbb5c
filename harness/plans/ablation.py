"""Ablations: arms that change one thing in the paper's recipe, trained alike and compared.

An arm is a change of the recipe as data; a scale turns it into a trial's settings. The arm that changes
nothing, the baseline, is the same trial in every ablation: one key, trained once. If a scale tunes, each arm
is trained at its own learning rate, and also at the shared rate if that differs, so that no verdict depends
on the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, Protocol

from harness.contract.formatting import count
from harness.contract.once import once
from harness.contract.trial import Trial
from harness.plans.arm_rates import AS_SHARED, Rates, Tuned, tune
from harness.plans.experiment import Lookup, Plan, Planned, Role
from harness.plans.experiment import Protocol as Declared
from harness.training.scheduled.recipe import Scheduled
from harness.training.schedules import Drops

MOST_BASELINES = 15  # seeds of the baseline that all claims share


@dataclass(frozen=True)
class Arm:
    """What an arm changes: the recipe, and options of its network and of its augmentation."""

    recipe: str = "paper"
    network: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Mapping[str, Any] = field(default_factory=dict)


BASELINE = Arm()
Arms = Mapping[str, Arm]


class Scale(Protocol):
    """What a protocol's settings provide: how an arm is trained at that scale."""

    @property
    def rates(self) -> Rates | None:
        """How each arm's learning rate is chosen; None: all use the schedule's."""

    @property
    def baselines(self) -> int:
        """Seeds of the baseline for each seed of another arm, up to `MOST_BASELINES`."""

    def settings(self, arm: Arm) -> Scheduled:
        """The settings of the arm's trials, at its schedule's rate."""
        ...


def training(
    protocol: Declared, arm: Arm, seed: int, factor: float = 1.0, held_out: int = 0
) -> Trial[Scheduled]:
    """The trial that trains an arm from a seed, at the scale's learning rates times a factor."""
    return protocol.trial(_settings(protocol.settings)(arm)(factor, held_out), seed)


@once
def _settings(scale: Scale) -> Callable[[Arm], Callable[[float, int], Scheduled]]:
    """Describes a network once per arm and scale, whatever its rates, as that takes a millisecond."""
    return once(lambda arm: cache(partial(_at, scale.settings(arm))))


def _at(shared: Scheduled, factor: float, held_out: int) -> Scheduled:
    """The settings with the rate times a factor; a tuning trial leaves no predictions for others."""
    chosen = replace(shared, held_out=held_out, predictions=False) if held_out else shared
    if factor == 1.0 or not isinstance(shared.schedule, Drops):
        return chosen
    return replace(chosen, schedule=replace(shared.schedule, rate=shared.schedule.rate * factor))


def tuned(protocol: Declared, arm: Arm, lookup: Lookup) -> Tuned:
    """The arm's own learning rate, as far as the records determine it."""
    scale: Scale = protocol.settings
    rates = scale.rates
    if rates is None:
        return AS_SHARED
    held_out = rates.held_out
    return tune(rates, lambda factor, seed: training(protocol, arm, seed, factor, held_out), lookup)


def baselines(protocol: Declared, seeds: int) -> int:
    """Seeds of the baseline if every other arm has `seeds`."""
    scale: Scale = protocol.settings
    return max(seeds, min(MOST_BASELINES, scale.baselines * seeds))


def plan_of(arms: Arms | Callable[[Declared], Arms]) -> Callable[[Declared, int, Lookup], Plan]:
    """The plan that tunes each arm's learning rate, and then trains every arm once per seed.

    Arms that depend on the protocol must be the same objects on every call.
    """

    def plan(protocol: Declared, seeds: int, lookup: Lookup) -> Plan:
        at_hand = arms(protocol) if callable(arms) else arms
        most = baselines(protocol, seeds)
        found = {name: tuned(protocol, arm, lookup) for name, arm in at_hand.items()}
        tuning = [Planned(trial, name, Role.TUNING) for name, of in found.items() for trial in of.trials]
        final = [
            Planned(trial, name, role)
            for seed in range(most)
            for name, arm in at_hand.items()
            if seed < seeds or arm == BASELINE
            for trial, role in _finals(protocol, arm, seed, found[name].factor)
        ]
        return Plan((*tuning, *final), to_come([n for n, of in found.items() if of.factor is None], seeds))

    return plan


def _finals(
    protocol: Declared, arm: Arm, seed: int, factor: float | None
) -> Iterator[tuple[Trial[Scheduled], Role]]:
    """An arm's trials from one seed: at its own rate, and at the shared one if that differs."""
    if factor is not None:
        yield training(protocol, arm, seed, factor), Role.FINAL
        if factor != 1.0:
            yield training(protocol, arm, seed), Role.SHARED_RATE


def to_come(untuned: Sequence[str], seeds: int) -> str:
    """What a plan cannot know until these arms have a learning rate."""
    each = " each" if len(untuned) > 1 else ""
    trials = count(seeds, "final trial")
    return f"the learning rate of {' and '.join(untuned)}, then {trials}{each}" if untuned else ""
