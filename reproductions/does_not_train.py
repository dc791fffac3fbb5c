"""Why does it not train? The mistakes that people suspect when the loss stays at ln 1000 = 6.9, each alone.

    ./repro.py run does-not-train --protocol cifar10-early

Not a claim of the paper, and so outside the verdicts. All arms train the proxy for two epochs, at the shared
learning rate or a multiple of it. The paper's inputs are raw pixels, 0 to 255 less the mean image, and its
initialisation suits them. Modern libraries load images on a scale of 0 to 1, so one arm divides pixels by
255. Two more do so with a modern initialisation: PyTorch's default (σ = 1 / √(3 fan-in)) or that of He et al.
2015 (σ = √(2 / fan-in)). A last one divides pixels by their standard deviation, with PyTorch's default. These
three have biases of 0. The baseline is that of `bias-init` at the shared rate, trained once for both. Costs
half an hour on two cores; a GPU's time is not yet measured.

Observed on 2026-11-30 (two Intel Xeon cores, fp32, torch 2.13.0, `cifar10-early`, n = 3): after two epochs
the paper's arm has a loss of 1.49, and He's initialisation with pixels ÷ 255 one of 1.38. With pixels ÷ 255
and the paper's or PyTorch's initialisation, pixels ÷ 64, a rate × 10 or ÷ 100, or one class after another, no
run left chance's loss. The same on 2026-11-28 in bf16, where also one of three without the mean subtracted
did not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from harness.contract.trial import Status, Trial
from harness.effects.early_learning import areas_table
from harness.effects.from_runs import classes
from harness.models.alexnet import PAPER
from harness.models.proxy import fan_ins
from harness.plans.ablation import BASELINE, Arm, training
from harness.plans.experiment import (
    Evidence,
    Finding,
    Lookup,
    Plan,
    Planned,
    Protocol,
    Reproduction,
    Role,
    Run,
    Table,
)
from harness.plans.protocols import CONVERGED_SHORT, SMOKE, TUNED, early
from harness.records.schema import CurveColumn
from harness.training.scheduled.recipe import Altered, Resident, Scheduled

LEFT_CHANCE = 0.9  # of chance loss: a network below it has learned something
FEWER = "Over the images on which curves are evaluated: fewer than those of the runs' own train loss, below."
RESIDENT = Resident()


@dataclass(frozen=True)
class Mistake:
    """What an arm changes: its network, a factor of the learning rate, or its inputs."""

    arm: Arm = BASELINE
    rate: float = 1.0
    reader: Resident | Altered = RESIDENT

    def trial(self, protocol: Protocol, seed: int) -> Trial[Scheduled]:
        """The trial that trains this arm from a seed."""
        made = training(protocol, self.arm, seed, self.rate)
        return replace(made, settings=replace(made.settings, reader=self.reader))


ZEROS = (0,) * 8
PYTORCHS = Arm(network={"inits": (None,) * 8, "biases": ZEROS})
HES = Arm(
    network={"inits": tuple(math.sqrt(2 / n) for n in fan_ins(PAPER.describe()).values()), "biases": ZEROS}
)
DIVIDED = Altered(scale=1 / 255)
STANDARDISED = Altered(scale=1 / 64)  # 64 grey levels are CIFAR-10's standard deviation
ARMS: Mapping[str, Mistake] = {
    "paper": Mistake(),
    "rate × 10": Mistake(rate=10.0),
    "rate ÷ 10": Mistake(rate=0.1),
    "rate ÷ 100": Mistake(rate=0.01),
    "mean not subtracted": Mistake(reader=Altered(centred=False)),
    "pixels ÷ 255": Mistake(reader=DIVIDED),
    "pixels ÷ 255, PyTorch's default": Mistake(PYTORCHS, reader=DIVIDED),
    "pixels ÷ 255, He's initialisation": Mistake(HES, reader=DIVIDED),
    "pixels ÷ 64, PyTorch's default": Mistake(PYTORCHS, reader=STANDARDISED),
    "one class after another": Mistake(reader=Altered(shuffled=False)),
}
REINITIALISED = [name for name, mistake in ARMS.items() if mistake.arm != BASELINE]
INITIALISATION = ("network.layers.*.init", "network.layers.*.bias")
IN_SMOKE = ("paper", "rate × 10", "pixels ÷ 255", "one class after another")


def two_epochs() -> Protocol:
    """The protocol of `bias-init`, with three seeds per arm and without tuning."""
    tuned = early(CONVERGED_SHORT, "cifar10-early", 16)
    return replace(
        tuned,
        seeds=3,
        settings=replace(tuned.settings, rates=None),
        deviations=tuple(deviation for deviation in tuned.deviations if deviation != TUNED),
        per_arm=(),
        gates=(),
    )


def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
    """Every arm once for every seed, a few of them in `smoke`."""
    arms = IN_SMOKE if protocol.smoke else ARMS
    return Plan(
        tuple(
            Planned(ARMS[arm].trial(protocol, seed), arm, Role.FINAL) for seed in range(seeds) for arm in arms
        )
    )


def estimate(evidence: Evidence) -> Finding:
    """Every arm's training loss at the end, and how many of its runs fell below chance loss."""
    return Finding(tables=(losses_table(evidence), areas_table(evidence)))


def losses_table(evidence: Evidence) -> Table:
    """Training loss of every arm at the end of its runs, and how many fell below chance loss or diverged."""
    rows = tuple(_row(arm, runs) for arm, runs in evidence.by_arm.items())
    columns = ("arm", "loss, mean", "lowest", "highest", "runs below 90 % of chance loss", "diverged", "runs")
    return Table("Training loss at the last point of the curves, nats", columns, rows, FEWER)


def _row(arm: str, runs: list[Run]) -> tuple[object, ...]:
    ended = [(run, loss) for run in runs if (loss := _last_loss(run)) is not None]
    losses = [loss for _, loss in ended]
    found = (fmean(losses), min(losses), max(losses)) if losses else (None,) * 3
    learned = sum(loss < LEFT_CHANCE * math.log(classes(run) or 1) for run, loss in ended)
    diverged = sum(run.record.status is Status.DIVERGED for run in runs)
    return arm, *(None if x is None else round(x, 3) for x in found), learned, diverged, len(runs)


def _last_loss(run: Run) -> float | None:
    """Training loss at the last evaluation; None for a run that diverged."""
    if run.record.status is not Status.OK or not run.record.curve:
        return None
    return run.record.curve[-1].get(CurveColumn.TRAIN_LOSS)


REPRODUCTION = Reproduction(
    name="does-not-train",
    claims=(),
    question="why does it not train? The mistakes that people suspect, each alone",
    protocols=(SMOKE, two_epochs()),
    plan=plan,
    estimate=estimate,
    manipulated={
        **dict.fromkeys(("rate × 10", "rate ÷ 10", "rate ÷ 100"), ("schedule.rate",)),
        **dict.fromkeys(("mean not subtracted", "pixels ÷ 255", "one class after another"), ("reader",)),
        **dict.fromkeys(REINITIALISED, ("reader", *INITIALISATION)),
        **{("pixels ÷ 255", arm): INITIALISATION for arm in REINITIALISED if ARMS[arm].reader == DIVIDED},
    },
)
