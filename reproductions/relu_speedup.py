"""ReLU against tanh: epochs to 25 % training error on CIFAR-10 (§3.1, Figure 1: about six times).

./repro.py run relu-speedup --protocol cifar10
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from harness.experiments import Lookup, Plan, Planned, Protocol, Role
from harness.models.cifar import NETWORKS, bare
from harness.models.description import Function
from harness.training.settings import ToTarget
from harness.trials import Precision, Trial
from harness.tuning import Race, tune

ARMS = {"tanh": Function.TANH, "relu": Function.RELU}  # the slower first: it should not be left for last


GRID = Race(rates=(0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032), budgets=(2, 6, 100), seeds=(1001,))


@dataclass(frozen=True)
class Scale:
    """What a protocol fixes: the network, the images, the target, and how the learning rate is chosen."""

    network: str = "19pct"
    images: int = 50_000
    crop: int | None = None
    target: float = 0.25
    watch_from: float = 0.35
    max_epochs: int = 100
    race: Race = GRID
    precision: Precision = Precision.FP32

    def trial(self, function: Function, rate: float, seed: int, budget: int) -> Trial:
        """One training of the network, from one seed at one rate, for at most `budget` epochs."""
        settings = ToTarget(
            network=bare(NETWORKS[self.network](function)),
            rate=rate,
            max_epochs=budget,
            images=self.images,
            crop=self.crop,
            target=self.target,
            watch_from=self.watch_from,
        )
        return Trial(settings, seed, self.precision)


def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
    """Tuning for each arm, then as many final trials an arm as seeds, at the rate that won."""
    scale: Scale = protocol.settings
    trials: list[Planned] = []
    waiting: list[str] = []
    for arm, function in ARMS.items():
        tuning = tune(scale.race, partial(scale.trial, function), lookup)
        trials += [Planned(trial, arm, Role.TUNING) for trial in tuning.trials]
        if tuning.best is None:
            waiting.append(arm)
            continue
        final = (scale.trial(function, tuning.best, seed, scale.max_epochs) for seed in range(seeds))
        trials += [Planned(trial, arm, Role.FINAL) for trial in final]
    to_come = (
        f"the learning rate of {' and '.join(waiting)}, then {seeds} final trials each" if waiting else ""
    )
    return Plan(tuple(trials), to_come)


PROTOCOLS = (Protocol("cifar10", "19pct", "cifar10", 5, Scale()),)
