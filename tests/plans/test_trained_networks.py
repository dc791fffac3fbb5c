"""Measurements wait for the networks they rest on, and no network is measured twice."""

from __future__ import annotations

import pytest

from harness.analysis.settings import Ensemble
from harness.contract.trial import Status, Trial
from harness.plans.ablation import BASELINE, training
from harness.plans.experiment import Lookup, Plan, Role
from harness.plans.protocols import CIFAR10
from harness.plans.trained_networks import plan_of
from harness.records.keys import canonical
from tests.fakes.records import answer

SIZE = 3
plan = plan_of(lambda group: Ensemble(tuple(group)), lambda protocol: SIZE)


def knowing(seeds: set[int], status: Status = Status.OK) -> Lookup:
    """Records of the networks that were trained from these seeds."""
    known = {canonical(training(CIFAR10, BASELINE, seed)) for seed in seeds}
    return lambda trial: answer(trial, status=status) if canonical(trial) in known else None


def measured(found: Plan) -> list[tuple[int, tuple[int, ...]]]:
    """Seed of each measurement, and seeds of its networks."""
    final = (p.trial for p in found.trials if p.role is Role.FINAL)
    return [(t.seed, tuple(one.seed for one in t.settings.of)) for t in final]


def test_at_first_there_are_networks_to_train_alone() -> None:
    found = plan(CIFAR10, 2, knowing(set()))
    assert [(p.trial.seed, p.role) for p in found.trials] == [(s, Role.TRAINING) for s in range(6)]
    assert found.to_come.startswith("2 ")


def test_a_measurement_comes_as_soon_as_all_of_its_networks_are_trained() -> None:
    assert measured(plan(CIFAR10, 3, knowing({0, 1, 3, 4, 5}))) == [(1, (3, 4, 5))]
    assert plan(CIFAR10, 3, knowing({0, 1, 3, 4, 5})).to_come.startswith("2 ")
    assert plan(CIFAR10, 3, knowing(set(range(9)))).to_come == ""


@pytest.mark.parametrize("status", [Status.FAILED, Status.DIVERGED])
def test_a_network_that_was_not_trained_is_not_measured(status: Status) -> None:
    assert measured(plan(CIFAR10, 1, knowing({0, 1, 2}, status))) == []


def test_groups_share_no_network_and_more_seeds_leave_them_as_they_are() -> None:
    few, many = (measured(plan(CIFAR10, seeds, knowing(set(range(30))))) for seeds in (4, 10))
    assert many[:4] == few
    networks = [seed for _, group in many for seed in group]
    assert sorted(networks) == list(range(30))
    assert [seed for seed, _ in many] == list(range(10))


def test_the_networks_are_the_ones_that_ablations_train() -> None:
    found = plan(CIFAR10, 1, knowing({0, 1, 2}))
    nets = [training(CIFAR10, BASELINE, seed) for seed in range(SIZE)]
    assert [p.trial for p in found.trials] == [*nets, Trial(Ensemble(tuple(nets)), 0)]
