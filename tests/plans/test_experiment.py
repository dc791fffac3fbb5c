"""What a reproduction declares: names that exist, and what is left to run according to the evidence."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.errors import UnknownName
from harness.contract.trial import Status
from harness.paper.catalogue import claim
from harness.plans.experiment import Protocol, gather
from harness.plans.protocols import (
    IMAGENET,
    IMAGENET_2012,
    IMAGENETTE,
    OF_THE_PROXY,
    OF_THE_TEXT,
    PLATEAU,
    SHORT,
)
from harness.records.record import Record
from harness.records.store import Store
from harness.verdicts.gates import at_paper_scale
from reproductions import bias_init, dropout_iterations
from tests.fakes.evidence.experiments import ARMS, HERE, REAL, experiment, reproduction, trial
from tests.fakes.evidence.trials import record_for


def test_a_protocol_is_found_by_its_name() -> None:
    assert reproduction().protocol("cifar10") is REAL


@pytest.mark.parametrize(
    ("name", "hint"), [("cifar1", "nearest: cifar10"), ("xxxxxxxx", "known: cifar10, smoke")]
)
def test_an_unknown_protocol_is_named_with_the_nearest_ones(name: str, hint: str) -> None:
    with pytest.raises(UnknownName, match=rf"^unknown protocol '{name}' of relu-speedup \({hint}\)$"):
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


def by(cpu: str, day: int, arm: str, seed: int, status: Status = Status.OK) -> Record:
    """A record of the made-up experiment by a laboratory with that processor."""
    made = record_for(trial(arm, seed), HERE, status, epochs=float(day))
    return replace(made, environment={"cpu": cpu}, finished=f"2026-01-{day:02d}")


def compared(root: Path, *records: Record) -> dict[str, int]:
    """How many runs of each processor the experiment's evidence has, with two seeds an arm."""
    store = Store(root)
    for record in records:
        store.append(record)
    runs = experiment(2).evidence(Store(root)).runs  # read again, in the order in which they finished
    return Counter(str(run.record.processor) for run in runs)


BOTH = [(arm, seed) for arm in ARMS for seed in range(2)]


def test_an_experiment_that_two_laboratories_ran_is_that_of_one_processor(tmp_path: Path) -> None:
    """What another claim's experiment repeated later, elsewhere, does not take part of it away."""
    whole = [by("A", 1, *one) for one in BOTH]
    assert compared(tmp_path / "one", *whole) == {"A": 4}
    assert compared(tmp_path / "part", *whole, by("B", 2, *BOTH[0])) == {"A": 4}
    assert compared(tmp_path / "both", *whole, *(by("B", 2, *one) for one in BOTH)) == {"B": 4}
    assert compared(tmp_path / "old", *(by("B", 2, *one) for one in BOTH), *whole) == {"B": 4}


def test_no_processor_is_taken_that_has_none_of_a_trial_s_records(tmp_path: Path) -> None:
    mixed = [by("A", 1, *BOTH[0]), *(by("B", 1, *one) for one in BOTH[1:])]
    assert compared(tmp_path / "mixed", *mixed) == {"A": 1, "B": 3}
    assert compared(tmp_path / "again", *mixed, by("A", 2, *BOTH[1])) == {"A": 1, "B": 3}
    failed = by("A", 3, *BOTH[0], status=Status.FAILED)
    assert compared(tmp_path / "failed", *(by("B", 1, *one) for one in BOTH), failed) == {"B": 4}


def test_processors_without_a_name_change_nothing(tmp_path: Path) -> None:
    unnamed = [replace(by("", 1, *one), environment={}) for one in BOTH]
    assert compared(tmp_path / "unnamed", *unnamed) == {"None": 4}
    assert compared(tmp_path / "later", *unnamed, by("A", 2, *BOTH[0])) == {"A": 1, "None": 3}


def test_the_text_s_own_schedule_is_a_variant_of_the_papers_scale() -> None:
    assert at_paper_scale(claim("error-rate"), PLATEAU)
    assert not any("rate drops" in said for said in PLATEAU.deviations)


@pytest.mark.parametrize(
    "protocol", [IMAGENET, IMAGENET_2012, PLATEAU, IMAGENETTE, SHORT], ids=lambda p: p.name
)
def test_where_the_text_leaves_something_open_is_a_deviation(protocol: Protocol) -> None:
    assert set(OF_THE_TEXT) <= set(protocol.deviations)


@pytest.mark.parametrize("protocol", dropout_iterations.REPRODUCTION.protocols, ids=lambda p: p.name)
def test_at_a_constant_rate_none_is_said_to_drop(protocol: Protocol) -> None:
    said = (protocol.summary, *protocol.deviations)
    assert not any("rate drops" in one or "rate lowered" in one for one in said)
    assert "The learning rate stays constant to the end." in said


def test_two_epochs_of_a_proxy_are_of_the_same_proxy() -> None:
    (early,) = (p for p in bias_init.REPRODUCTION.protocols if p.name == "cifar10-early")
    assert {*OF_THE_PROXY, "1,024 hidden units."} <= set(early.deviations)
    assert not any("20 epochs" in one for one in early.deviations)
