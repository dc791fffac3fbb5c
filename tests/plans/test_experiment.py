"""What a reproduction declares: names that exist, and what is left to run according to the evidence."""

from __future__ import annotations

from dataclasses import replace

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
from harness.verdicts.gates import at_paper_scale
from reproductions import bias_init, dropout_iterations
from tests.fakes.evidence.experiments import HERE, REAL, reproduction
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
