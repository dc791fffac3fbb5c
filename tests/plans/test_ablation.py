"""Plans of ablations: every arm from every seed."""

from __future__ import annotations

from harness.plans.ablation import BASELINE, Arm, plan_of, training, trainings
from harness.plans.experiment import Role
from harness.plans.protocols import SMOKE
from tests.fakes.trials import record_for


def test_the_plan_trains_every_arm_from_every_seed_and_grows_at_its_end() -> None:
    plan = plan_of({"paper": BASELINE, "no decay": Arm(network={"decay": 0.0})})
    three, five = (plan(SMOKE, seeds, lambda trial: None).trials for seeds in (3, 5))
    assert [(p.arm, p.trial.seed, p.role) for p in three] == [
        (arm, seed, Role.FINAL) for seed in range(3) for arm in ("paper", "no decay")
    ]
    assert five[: len(three)] == three
    assert three[0].trial == training(SMOKE, Arm(), 0)
    assert record_for(three[0].trial).key != record_for(three[1].trial).key


def test_an_arm_is_described_once_for_all_of_its_seeds() -> None:
    trials = trainings(SMOKE, Arm("one-gpu"), 3)
    assert trials == [training(SMOKE, Arm("one-gpu"), seed) for seed in range(3)]
    assert trials[0].settings is trials[2].settings
