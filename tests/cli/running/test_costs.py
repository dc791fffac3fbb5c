"""What a run says beforehand about its cost, and which protocol it takes if none is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import reproductions
from harness.cli.options import PrecisionOption
from harness.cli.running import choices, dry_run
from harness.cli.running.work import RunRequest, work_for
from harness.contract.device import CPU
from harness.paper.papers import claim
from harness.plans.experiment import Lookup, Plan, Planned, Protocol, Reproduction, Role
from harness.verdicts.gates import fails_in_pilots
from tests.fakes.evidence.experiments import ARMS, REAL, SMOKE, reproduction, trial
from tests.fakes.running import known_speed

COST = 1_000 * 1_000_000 * 3 / 1e9 / 2  # seconds of a trial of 1,000 images, at two workers' known speed


def scaled(**images: int) -> Reproduction:
    """A reproduction whose protocols differ in the images of each of their ten trials."""

    def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
        made = [(arm, seed) for arm in ARMS for seed in range(seeds)]
        many = images.get(protocol.name, 1_000)
        return Plan(tuple(Planned(trial(arm, s, images=many), arm, Role.FINAL) for arm, s in made))

    protocols = (SMOKE, *(replace(REAL, name=name) for name in images))
    return replace(reproduction(), protocols=protocols, plan=plan)


def said(root: Path, made: Reproduction, protocol: str | None = None) -> list[str]:
    known_speed.keep(root)
    return list(dry_run.costs(work_for(RunRequest([made], protocol, None, "cpu", 2, None, root))))


def test_a_long_run_says_what_it_takes_at_most(tmp_path: Path) -> None:
    (sentence,) = said(tmp_path, scaled(large=100_000), "large")
    assert pytest.approx(25 * 60) == 10 * 100 * COST
    assert sentence == (
        "relu-speedup at large: 10 trials to run, at most 25 min on 2 workers, "
        "at a speed calibrated on this machine"
    )


def test_a_short_run_and_a_smoke_run_say_nothing(tmp_path: Path) -> None:
    assert said(tmp_path, scaled(tiny=1_000), "tiny") == []
    assert said(tmp_path, scaled(smoke=10_000_000), "smoke") == []


def test_what_takes_less_than_half_is_named_if_no_protocol_was(tmp_path: Path) -> None:
    made = scaled(large=100_000, half=60_000, quarter=25_000)
    _, others = said(tmp_path, made)
    assert others == "this takes less time, with --protocol: quarter (at most 6.2 min)"
    assert len(said(tmp_path, made, "large")) == 1


def test_what_gives_no_verdict_is_not_named(tmp_path: Path) -> None:
    made = scaled(large=100_000, quarter=25_000)
    unjudged = replace(made.protocols[2], unjudged="it only shows a time")
    assert len(said(tmp_path, replace(made, protocols=(*made.protocols[:2], unjudged)))) == 1


@pytest.mark.parametrize("one", reproductions.every(), ids=lambda one: one.name)
def test_trials_to_come_are_priced_too_whatever_their_precision(one: Reproduction, tmp_path: Path) -> None:
    known_speed.keep(tmp_path)
    asked = RunRequest([one], "smoke", None, "cpu", 2, None, tmp_path, precision=PrecisionOption.BF16)
    work = work_for(asked)
    (found,) = (dry_run.preview(experiment, work) for experiment in work.experiments)
    assert found.in_all >= found.to_run
    assert found.seconds_in_all >= found.seconds


@pytest.mark.parametrize("one", reproductions.every(), ids=lambda one: one.name)
def test_no_default_protocol_is_one_that_pilots_ruled_out(one: Reproduction) -> None:
    taken = choices.choose_protocol(one, None, CPU)
    assert not taken.smoke
    assert not one.claims or not all(fails_in_pilots(claim(name), taken) for name in one.claims)


def test_the_default_of_known_claims() -> None:
    known = {n: reproductions.named(n) for n in ("relu-speedup", "lrn", "crop-flip", "training-time")}
    taken = {name: choices.choose_protocol(one, None, CPU).name for name, one in known.items()}
    assert taken == {
        "relu-speedup": "cifar10",
        "lrn": "imagenette",  # both sizes of cifar10-converged come before it, and are under-fitted
        "crop-flip": "imagenette",
        "training-time": "machine",
    }
