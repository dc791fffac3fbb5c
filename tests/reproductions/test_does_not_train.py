"""Each arm makes one mistake, and the baseline, a trial of `bias-init`, none; outcomes are counted."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from harness.contract.trial import Status
from harness.models.description import Network, Weighted
from harness.plans.experiment import Evidence, Role, Run
from harness.records.record import Record
from harness.training.scheduled.recipe import Altered
from reproductions import bias_init
from reproductions.does_not_train import REPRODUCTION, estimate
from tests.fakes.evidence.trials import record_for

PROTOCOL = REPRODUCTION.protocol("cifar10-early")
PLANNED = {p.arm: p for p in REPRODUCTION.plan(PROTOCOL, 1, lambda trial: None).trials}
CHANCE = 2.3026


def test_the_baseline_is_trained_for_bias_init_too() -> None:
    protocol = bias_init.REPRODUCTION.protocol("cifar10-early")
    plan = bias_init.REPRODUCTION.plan(protocol, 1, lambda trial: record_for(trial, ten_top1=50.0))
    shared = {p.arm: p.trial for p in plan.trials if p.role is Role.FINAL and p.trial.seed == 0}
    assert PLANNED["paper"].trial == shared["biases of 1"]


def test_each_arm_changes_what_its_name_says() -> None:
    settings = {arm: planned.trial.settings for arm, planned in PLANNED.items()}
    paper = settings["paper"]
    rates = {arm: s.schedule.rate for arm, s in settings.items() if s.schedule != paper.schedule}
    assert rates == {"rate × 10": 0.2, "rate ÷ 10": 0.002, "rate ÷ 100": 0.0002}
    readers = {arm: s.reader for arm, s in settings.items() if s.reader != paper.reader}
    assert readers == {
        "mean not subtracted": Altered(centred=False),
        "pixels ÷ 255": Altered(scale=1 / 255),
        "pixels ÷ 255, PyTorch's default": Altered(scale=1 / 255),
        "pixels ÷ 255, He's initialisation": Altered(scale=1 / 255),
        "pixels ÷ 64, PyTorch's default": Altered(scale=1 / 64),
        "one class after another": Altered(shuffled=False),
    }
    networks = {arm: s.network for arm, s in settings.items() if s.network != paper.network}
    assert {arm: init(network, 8) for arm, network in networks.items()} == {
        "pixels ÷ 255, PyTorch's default": pytest.approx(math.sqrt(1 / 3 / 1024)),
        "pixels ÷ 255, He's initialisation": pytest.approx(math.sqrt(2 / 1024)),
        "pixels ÷ 64, PyTorch's default": pytest.approx(math.sqrt(1 / 3 / 1024)),
    }
    he = networks["pixels ÷ 255, He's initialisation"]
    assert [init(he, n) for n in (1, 2, 6)] == [
        pytest.approx(math.sqrt(2 / n)) for n in (3 * 5 * 5, 12 * 5 * 5, 48 * 3 * 3)
    ]


def init(network: Network, number: int) -> float:
    """σ of the n-th layer that has weights; all biases are 0."""
    layers = [layer for layer in network.layers if isinstance(layer, Weighted)]
    assert {layer.bias for layer in layers} == {0.0}
    return layers[number - 1].init


def run(arm: str, seed: int, loss: float, status: Status = Status.OK) -> Run:
    planned = replace(PLANNED[arm], trial=replace(PLANNED[arm].trial, seed=seed))
    curve = ({"epoch": 1.0, "train_loss": CHANCE}, {"epoch": 2.0, "train_loss": loss})
    found: Record = record_for(planned.trial, ten_top1=90.0)
    return Run(planned, replace(found, curve=curve, status=status))


def test_runs_that_left_chance_are_counted() -> None:
    """2.05 lies below nine tenths of ln 10, 2.0723, and 2.09 above."""
    runs = (
        *(run("paper", seed, loss) for seed, loss in enumerate((1.5, 2.05, 2.09))),
        *(run("rate × 10", seed, CHANCE, status) for seed, status in enumerate((Status.OK, Status.DIVERGED))),
    )
    plan = REPRODUCTION.plan(PROTOCOL, 3, lambda trial: None)
    losses, _ = estimate(Evidence(PROTOCOL, plan, runs)).tables
    assert losses.rows == (
        ("paper", 1.88, 1.5, 2.09, 2, 0, 3),
        ("rate × 10", 2.303, 2.303, 2.303, 0, 1, 2),
    )
