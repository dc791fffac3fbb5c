"""Plans of ablations: rates first if a scale tunes them, then every arm with every seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.contract.trial import Status, Trial
from harness.plans.ablation import BASELINE, Arm, baselines, plan_of, training
from harness.plans.experiment import Plan, Role, gather
from harness.plans.protocols import CONVERGED, SCARCE, SMOKE
from harness.records.record import Record
from tests.fakes.evidence.experiments import reproduction
from tests.fakes.evidence.trials import record_for

NO_DECAY = Arm(network={"decay": 0.0})
ARMS = {"paper": BASELINE, "no decay": NO_DECAY}
FACTORS = (1.0, 0.5, 2.0)


def test_the_plan_trains_every_arm_from_every_seed_and_grows_at_its_end() -> None:
    three, five = (plan_of(ARMS)(SMOKE, seeds, lambda trial: None).trials for seeds in (3, 5))
    assert [(p.arm, p.trial.seed, p.role) for p in three] == [
        (arm, seed, Role.FINAL) for seed in range(3) for arm in ("paper", "no decay")
    ]
    assert five[: len(three)] == three
    assert three[0].trial == training(SMOKE, Arm(), 0)
    assert record_for(three[0].trial).key != record_for(three[1].trial).key


def test_an_arm_is_described_once_for_all_of_its_seeds() -> None:
    arm = Arm("one-gpu")
    trials = [training(SMOKE, arm, seed) for seed in range(3)]
    assert trials == [training(SMOKE, Arm("one-gpu"), seed) for seed in range(3)]
    assert trials[0].settings is trials[2].settings


@pytest.mark.parametrize(("seeds", "wanted"), [(1, 3), (3, 9), (5, 15), (10, 15), (20, 20)])
def test_the_baseline_has_three_seeds_for_each_of_an_arms_up_to_fifteen(seeds: int, wanted: int) -> None:
    assert baselines(CONVERGED, seeds) == wanted
    assert baselines(SMOKE, seeds) == seeds


def by_rate(error: Callable[[float, Trial], float | None]) -> Callable[[Trial], Record | None]:
    """Answers tuning trials by their rate; None for a trial that diverged."""

    def lookup(trial: Trial) -> Record | None:
        if not trial.settings.held_out:
            return None
        found = error(trial.settings.schedule.rate / CONVERGED.settings.schedule.rate, trial)
        return record_for(trial, status=Status.OK if found is not None else Status.DIVERGED, ten_top1=found)

    return lookup


def decays(trial: Trial) -> bool:
    return any(layer.decay for layer in trial.settings.network.layers if hasattr(layer, "decay"))


def finals(plan: Plan) -> dict[tuple[str, Role], set[float]]:
    """Rates, as multiples of the shared one, of each arm's trials by role."""
    found: dict[tuple[str, Role], set[float]] = {}
    for p in plan.trials:
        factor = p.trial.settings.schedule.rate / CONVERGED.settings.schedule.rate
        found.setdefault((p.arm, p.role), set()).add(factor)
    return found


def test_rates_come_first_from_seeds_and_images_of_their_own() -> None:
    plan = plan_of(ARMS)(CONVERGED, 5, lambda trial: None)
    assert {p.role for p in plan.trials} == {Role.TUNING}
    assert [p.arm for p in plan.trials] == ["paper"] * 9 + ["no decay"] * 9
    assert {p.trial.seed for p in plan.trials} == {1001, 1002, 1003}
    assert {p.trial.settings.held_out for p in plan.trials} == {5_000}
    assert plan.to_come == "the learning rate of paper and no decay, then 5 final trials each"


def test_each_arm_is_trained_at_its_own_rate_and_at_the_shared_one() -> None:
    """The baseline is best at the shared rate, the other arm at half of it: only it is trained at both."""
    lookup = by_rate(lambda factor, trial: abs(factor - (1.0 if decays(trial) else 0.5)))
    plan = plan_of(ARMS)(CONVERGED, 5, lookup)
    assert plan.to_come == ""
    assert finals(plan) == {
        ("paper", Role.TUNING): set(FACTORS),
        ("no decay", Role.TUNING): set(FACTORS),
        ("paper", Role.FINAL): {1.0},
        ("no decay", Role.FINAL): {0.5},
        ("no decay", Role.SHARED_RATE): {1.0},
    }
    count = {role: sum(p.role is role and p.arm == "no decay" for p in plan.trials) for role in Role}
    assert (count[Role.FINAL], count[Role.SHARED_RATE]) == (5, 5)
    assert sum(p.role is Role.FINAL and p.arm == "paper" for p in plan.trials) == 15


def test_a_rate_that_diverges_for_one_seed_loses_and_equals_go_to_the_shared_one() -> None:
    diverging = by_rate(lambda factor, trial: None if factor == 2 and trial.seed == 1002 else 1 / factor)
    assert finals(plan_of(ARMS)(CONVERGED, 1, diverging))["paper", Role.FINAL] == {1.0}
    alike = by_rate(lambda factor, trial: 30.0)
    assert finals(plan_of(ARMS)(CONVERGED, 1, alike))["paper", Role.FINAL] == {1.0}


def test_arms_may_depend_on_the_protocol() -> None:
    wide, plain = {"wide": Arm(network={"hidden": 64})}, {"plain": BASELINE}
    plan = plan_of(lambda protocol: plain if protocol.smoke else wide)
    assert {p.arm for p in plan(SMOKE, 1, lambda trial: None).trials} == {"plain"}
    assert {p.arm for p in plan(SCARCE, 1, lambda trial: None).trials} == {"wide"}


def test_the_evidence_at_the_shared_rate_has_those_runs_in_place_of_an_arms_own() -> None:
    choose = by_rate(lambda factor, trial: abs(factor - (1.0 if decays(trial) else 0.5)))

    def lookup(trial: Trial) -> Record:
        return choose(trial) or record_for(trial, ten_top1=100 * trial.settings.schedule.rate)

    made = replace(reproduction(), plan=plan_of(ARMS))
    evidence = gather(made, CONVERGED, 3, lookup)
    shared = evidence.at_shared_rate()
    assert shared is not None
    for of, wanted in ((evidence, 1.0), (shared, 2.0)):
        assert [run.record.metrics["ten_top1"] for run in of.final("no decay")] == [wanted] * 3
        assert [run.record.metrics["ten_top1"] for run in of.final("paper")] == [2.0] * 9
    alike = gather(made, SMOKE, 3, lookup)
    assert alike.at_shared_rate() is None
