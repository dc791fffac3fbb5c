"""Runs that an effect left out are found in any arm, even if the baseline has more seeds than the arms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.contract.device import DeviceKind
from harness.contract.effect import Effect
from harness.contract.trial import Status, Trial
from harness.effects.by_seed import difference, paired
from harness.effects.from_runs import metric
from harness.effects.statistics.intervals import paired_difference
from harness.paper.catalogue import claim
from harness.plans.experiment import Evidence, Plan, Planned, Protocol, Role, Run
from harness.records.conditions import Conditions
from harness.records.record import Record
from harness.records.schema import Measured
from harness.verdicts.gates import Case, _lost_runs
from tests.fakes.running.settings import Idle

SIZES = {"paper": 15, "no norm": 5, "constant": 5}
HERE = Conditions(DeviceKind.CPU, "2")
DEAD = 90.0  # percent: the training error of chance among ten classes
ERROR = metric(Measured.TEN_TOP1)


def run(arm: str, seed: int, status: Status, train: float) -> Run:
    trial = {"settings": {"network": {"layers": [{"units": 10}]}}}
    errors = {"ten_top1": 40.0 + seed % 3, "train_top1": train} if status is Status.OK else {}
    record = Record(f"{arm}-{seed}", "", trial, HERE, "", status, errors)
    return Run(Planned(Trial(Idle(), seed), arm, Role.FINAL), record)


def evidence(lost: dict[tuple[str, int], Status], dead: tuple[str, int] | None = None) -> Evidence:
    """Fifteen seeds of the baseline and five of two arms, some of which ended badly."""
    runs = tuple(
        run(arm, s, lost.get((arm, s), Status.OK), DEAD if (arm, s) == dead else 10.0)
        for arm, count in SIZES.items()
        for s in range(count)
    )
    return Evidence(Protocol("imagenet", "", None, 5), Plan(tuple(r.planned for r in runs)), runs)


def against_all(whole: Evidence) -> Effect:
    return difference(whole, "no norm", "paper", "top-1 error", ERROR)


def by_seed(whole: Evidence) -> Effect:
    return paired_difference("top-1 error", "points", *paired(whole, ("no norm", "paper"), ERROR))


def lost(whole: Evidence, effect: Effect | None) -> list[str]:
    return _lost_runs(Case(claim("lrn"), whole, effect, (), False))


def test_five_runs_against_fifteen_are_whole() -> None:
    whole = evidence({})
    assert against_all(whole).counts == (5, 15)
    for effect in (against_all(whole), by_seed(whole), difference(whole, "paper", "constant", "x", ERROR)):
        assert lost(whole, effect) == []


@pytest.mark.parametrize("estimate", [against_all, by_seed])
def test_a_diverged_run_of_the_smaller_arm_is_found(estimate: object) -> None:
    whole = evidence({("no norm", 2): Status.DIVERGED})
    assert callable(estimate)
    assert lost(whole, estimate(whole)) == ["diverged runs were left out: no norm-2"]


def test_a_diverged_run_of_the_larger_arm_is_found() -> None:
    whole = evidence({("paper", 12): Status.DIVERGED})
    assert against_all(whole).counts == (5, 14)
    assert lost(whole, against_all(whole)) == ["diverged runs were left out: paper-12"]


@pytest.mark.parametrize("dead", [("no norm", 0), ("paper", 14)])
def test_a_run_that_learned_nothing_is_found_in_either_arm(dead: tuple[str, int]) -> None:
    whole = evidence({}, dead)
    assert lost(whole, against_all(whole)) == [
        f"runs that learned nothing were left out: {dead[0]}-{dead[1]}"
    ]


def test_a_diverged_run_of_an_arm_that_the_effect_is_not_of_is_none_of_its_loss() -> None:
    whole = evidence({("constant", 1): Status.DIVERGED})
    assert lost(whole, against_all(whole)) == []


def test_diverged_runs_that_the_effect_counts_are_not_lost() -> None:
    """As with times to a target, which a diverged run never reached."""
    whole = evidence({("no norm", 2): Status.DIVERGED, ("paper", 0): Status.DIVERGED})
    assert lost(whole, Effect("top-1 error", "points", 5, 1.0, None, None)) == []


def test_a_network_that_diverged_before_it_could_be_measured_is_lost() -> None:
    whole = evidence({})
    trained = run("paper", 99, Status.DIVERGED, 10.0)
    trained = replace(trained, planned=replace(trained.planned, role=Role.TRAINING))
    unmeasured = replace(whole, runs=(*whole.runs, trained))
    assert lost(unmeasured, against_all(whole)) == [
        "networks diverged, so that they could not be measured: paper-99"
    ]


def test_without_an_effect_all_are_lost_and_a_failed_run_always_is() -> None:
    whole = evidence({("no norm", 2): Status.DIVERGED, ("paper", 3): Status.FAILED})
    assert lost(whole, None) == ["final runs failed: paper-3", "diverged runs were left out: no norm-2"]
    assert lost(whole, by_seed(evidence({})))[0] == "final runs failed: paper-3"


def test_runs_that_an_effect_leaves_out_without_a_reason_are_found() -> None:
    """As of five ratios of areas, two of which have no area above 0 below them."""
    few = replace(by_seed(evidence({})), n=3)
    assert lost(evidence({}), few) == ["every arm has at least 5 seeds, but only 3 enter the effect"]
