"""What a reproduction declares: names that exist, and what is left to run according to the evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.contract.errors import UnknownName
from harness.contract.trial import Status
from harness.plans.experiment import gather
from tests.fakes.evidence.experiments import HERE, REAL, reproduction
from tests.fakes.evidence.trials import record_for


def test_a_protocol_is_found_by_its_name() -> None:
    assert reproduction().protocol("cifar10") is REAL


@pytest.mark.parametrize(
    ("name", "hint"), [("cifar1", "nearest: cifar10"), ("xxxxxxxx", "known: cifar10, smoke")]
)
def test_an_unknown_protocol_is_named_with_the_nearest_ones(name: str, hint: str) -> None:
    with pytest.raises(UnknownName, match=rf"^unknown protocol of relu-speedup '{name}' \({hint}\)$"):
        reproduction().protocol(name)


def test_a_failed_attempt_answers_a_trial_and_leaves_it_to_run() -> None:
    failed = gather(reproduction(), REAL, 1, lambda trial: record_for(trial, HERE, Status.FAILED))
    assert failed.missing == []
    assert failed.to_run == list(failed.plan.trials)
    assert not failed.complete


def test_evidence_is_complete_once_all_has_run_and_nothing_is_to_come() -> None:
    done = gather(reproduction(), REAL, 1, lambda trial: record_for(trial, HERE, epochs=1.0))
    assert (done.to_run, done.complete) == ([], True)
    assert not replace(done, plan=replace(done.plan, to_come="more")).complete
    assert not gather(reproduction(), REAL, 1, lambda trial: None).complete
