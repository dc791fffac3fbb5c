"""Figure 1's estimate against races with a known answer."""

from __future__ import annotations

import math

import pytest

from harness.contract.trial import Status, Trial
from harness.plans.experiment import Evidence, Role, gather
from harness.records.record import Record
from reproductions.relu_speedup import REPRODUCTION
from tests.fakes.evidence.trials import record_for

CIFAR = REPRODUCTION.protocol("cifar10")


def function(trial: Trial) -> str:
    return str(next(layer.function for layer in trial.settings.network.layers if hasattr(layer, "function")))


def answer(trial: Trial, slow: float, spread: float = 0.0) -> Record:
    """ReLU needs 6 epochs at its best rate, tanh `slow` times as many; seeds differ by `spread`."""
    best = {"relu": 0.002, "tanh": 0.008}[function(trial)]
    needed = (
        6.0 * (slow if function(trial) == "tanh" else 1.0) * (1 + abs(math.log2(trial.settings.rate / best)))
    )
    needed *= 1 + spread * (trial.seed % 5 - 2)
    budget = trial.settings.max_epochs
    reached = needed <= budget
    end = needed if reached else float(budget)
    return record_for(
        trial, reached=float(reached), final_running_error=needed / (needed + budget),
        epochs_low=end, epochs_high=end if reached else None,
        seconds_low=2 * end, seconds_high=2 * end if reached else None,
        cpu_seconds_low=3 * end, cpu_seconds_high=3 * end if reached else None,
    )  # fmt: skip


def evidence(slow: float, spread: float = 0.0, seeds: int = 5) -> Evidence:
    return gather(REPRODUCTION, CIFAR, seeds, lambda trial: answer(trial, slow, spread))


def test_each_arm_is_trained_at_its_own_best_rate() -> None:
    found = evidence(6.0)
    rates = {arm: {r.planned.trial.settings.rate for r in found.final(arm)} for arm in ("relu", "tanh")}
    assert rates == {"relu": {0.002}, "tanh": {0.008}}
    assert [r.seed for r in found.final("tanh")] == [0, 1, 2, 3, 4]


def test_both_arms_tune_on_the_same_grid() -> None:
    tuning = [r for r in evidence(6.0).runs if r.planned.role is Role.TUNING]
    grids = [{r.planned.trial.settings.rate for r in tuning if r.arm == arm} for arm in ("relu", "tanh")]
    assert grids[0] == grids[1] == set(CIFAR.settings.race.rates)


def test_the_ratio_is_found() -> None:
    epochs, seconds = REPRODUCTION.estimate(evidence(6.0, spread=0.0)).effects["relu-speedup"]
    assert epochs.estimate == pytest.approx(6.0)
    assert seconds.estimate == pytest.approx(6.0)
    assert (epochs.n, epochs.censored) == (5, 0)


def test_tanh_that_never_gets_there_gives_a_bound_and_no_estimate() -> None:
    epochs = REPRODUCTION.estimate(evidence(30.0, spread=0.1)).effects["relu-speedup"][0]
    assert epochs.estimate is None
    assert epochs.censored == 5
    assert epochs.lower_bound is not None
    assert epochs.lower_bound <= 100 / 6 / 0.8


def test_only_pairs_count() -> None:
    def lookup(trial: Trial) -> Record | None:
        lost = function(trial) == "tanh" and trial.seed == 2
        return record_for(trial, status=Status.FAILED) if lost else answer(trial, 6.0)

    found = gather(REPRODUCTION, CIFAR, 5, lookup)
    assert REPRODUCTION.estimate(found).effects["relu-speedup"][0].n == 4


def test_the_table_of_arms_has_an_arm_whose_pairs_are_still_to_come() -> None:
    """All of tanh's final runs are there before ReLU has a rate."""

    def only_tanh(trial: Trial) -> Record | None:
        return answer(trial, 6.0) if function(trial) == "tanh" else None

    (table,) = REPRODUCTION.estimate(gather(REPRODUCTION, CIFAR, 5, only_tanh)).tables
    assert [(row[0], row[2], row[4]) for row in table.rows] == [("tanh", "5 of 5", 36.0)]
