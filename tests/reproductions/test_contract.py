"""The contract of every reproduction, tested on this project's, and what only these must satisfy."""

from __future__ import annotations

import pytest

from harness.plans.ablation import BASELINE, training, tuned
from harness.plans.experiment import Protocol, Reproduction
from harness.plans.protocols import ON_ACCURACY, SCARCE
from harness.records.keys import key_of
from harness.testing.contract import *  # noqa: F403
from harness.testing.records import REAL, answer, finished
from harness.testing.subjects import subjects

SCALES = (*ON_ACCURACY, SCARCE)
OWN_BASELINE = ("weight-decay", "kernel-specialisation")
AT_A_SCALE = [
    (r, p)
    for r in subjects("alexnet-repro")
    for p in r.protocols
    if p in SCALES and r.name not in OWN_BASELINE
]


@pytest.mark.parametrize(
    ("reproduction", "protocol"), AT_A_SCALE, ids=[f"{r.name}-{p.name}" for r, p in AT_A_SCALE]
)
def test_the_unchanged_arm_is_one_trial_in_every_experiment(
    reproduction: Reproduction, protocol: Protocol
) -> None:
    """So it is trained only once: experiments at the common scales have the paper's network under one key."""
    factor = tuned(protocol, BASELINE, lambda trial: answer(trial, REAL)).factor
    assert factor is not None
    keys = {key_of(p.trial, REAL) for p in finished(reproduction, protocol, seeds=2).plan.trials}
    assert {key_of(training(protocol, BASELINE, seed, factor), REAL) for seed in range(2)} <= keys
