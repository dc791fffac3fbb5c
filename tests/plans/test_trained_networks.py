"""Measurements wait for the networks they depend on, and no network is measured twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.settings import Ensemble
from harness.contract.trial import Status, Trial
from harness.plans.ablation import BASELINE, Arm, training
from harness.plans.experiment import Lookup, Plan, Role
from harness.plans.protocols import CONVERGED
from harness.plans.trained_networks import plan_of
from harness.records.keys import canonical
from harness.records.record import Record
from harness.testing.records import answer
from tests.fakes.evidence.trials import record_for

SIZE = 3
UNTUNED = replace(CONVERGED, settings=replace(CONVERGED.settings, rates=None))
plan = plan_of(lambda group: Ensemble(tuple(group)), lambda protocol: SIZE)


def knowing(seeds: set[int], status: Status = Status.OK) -> Lookup:
    """Records of the networks that were trained from these seeds."""
    known = {canonical(training(UNTUNED, BASELINE, seed)) for seed in seeds}
    return lambda trial: answer(trial, status=status) if canonical(trial) in known else None


def measured(found: Plan) -> list[tuple[int, tuple[int, ...]]]:
    """The seed of each measurement, and the seeds of its networks."""
    final = (p.trial for p in found.trials if p.role is Role.FINAL)
    return [(t.seed, tuple(one.seed for one in t.settings.of)) for t in final]


def test_at_first_there_are_networks_to_train_alone() -> None:
    found = plan(UNTUNED, 2, knowing(set()))
    assert [(p.trial.seed, p.role) for p in found.trials] == [(s, Role.TRAINING) for s in range(6)]
    assert found.to_come.startswith("2 ")


def test_a_measurement_comes_as_soon_as_all_of_its_networks_are_trained() -> None:
    assert measured(plan(UNTUNED, 3, knowing({0, 1, 3, 4, 5}))) == [(1, (3, 4, 5))]
    assert plan(UNTUNED, 3, knowing({0, 1, 3, 4, 5})).to_come.startswith("2 ")
    assert plan(UNTUNED, 3, knowing(set(range(9)))).to_come == ""


@pytest.mark.parametrize("status", [Status.FAILED, Status.DIVERGED])
def test_a_network_that_was_not_trained_is_not_measured(status: Status) -> None:
    assert measured(plan(UNTUNED, 1, knowing({0, 1, 2}, status))) == []


def test_what_can_never_be_measured_is_not_to_come() -> None:
    assert plan(UNTUNED, 1, knowing({0, 1, 2}, Status.FAILED)).to_come.startswith("1 ")  # it is tried again
    assert plan(UNTUNED, 1, knowing({0, 1, 2}, Status.DIVERGED)).to_come == ""


def test_groups_share_no_network_and_more_seeds_leave_them_as_they_are() -> None:
    few, many = (measured(plan(UNTUNED, seeds, knowing(set(range(30))))) for seeds in (4, 10))
    assert many[:4] == few
    networks = [seed for _, group in many for seed in group]
    assert sorted(networks) == list(range(30))
    assert [seed for seed, _ in many] == list(range(10))


def test_the_networks_are_the_ones_that_ablations_train() -> None:
    found = plan(UNTUNED, 1, knowing({0, 1, 2}))
    nets = [training(UNTUNED, BASELINE, seed) for seed in range(SIZE)]
    assert [p.trial for p in found.trials] == [*nets, Trial(Ensemble(tuple(nets)), 0)]


def test_networks_are_trained_at_their_own_rate_once_that_is_known() -> None:
    """Twice the shared rate has the least held-out error: no network is trained before all results are in."""
    tuning = plan(CONVERGED, 1, lambda trial: None)
    assert {p.role for p in tuning.trials} == {Role.TUNING}
    assert len(tuning.trials) == 9
    assert "learning rate" in tuning.to_come

    def lookup(trial: Trial) -> Record | None:
        settings = trial.settings
        return record_for(trial, ten_top1=abs(settings.schedule.rate - 0.04)) if settings.held_out else None

    trained = [p.trial for p in plan(CONVERGED, 1, lookup).trials if p.role is Role.TRAINING]
    assert trained == [training(CONVERGED, BASELINE, seed, 2.0) for seed in range(SIZE)]
    assert {t.settings.schedule.rate for t in trained} == {0.04}
    assert {t.settings.held_out for t in trained} == {0}


def test_another_network_than_the_baseline_can_be_measured() -> None:
    wide = Arm(network={"hidden": 64})
    found = plan_of(lambda group: Ensemble(tuple(group)), lambda protocol: SIZE, lambda protocol: wide)
    trials = [p.trial for p in found(UNTUNED, 1, lambda trial: None).trials]
    assert trials == [training(UNTUNED, wide, seed) for seed in range(SIZE)]
