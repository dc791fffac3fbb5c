"""From a real calibration to a cost: measured once, kept in the store, and never a cause of an error."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from harness.cli.running import dry_run
from harness.cli.running.calibrate import calibrate
from harness.cli.running.work import RunRequest, Work, work_for
from harness.contract.device import CPU, Device
from harness.contract.trial import Precision
from harness.engines.machine import calibration, workers
from harness.engines.machine.machine_lock import turn
from harness.forecast import cost, kept_speeds, priorities
from harness.forecast.cost import SpeedSource
from harness.models.description import Network
from harness.plans.experiment import Experiment, Reproduction
from harness.records import environment
from harness.records.store import Store
from tests.fakes.evidence.experiments import console, printed, reproduction, trial
from tests.fakes.evidence.trials import STAND_IN, record_for
from tests.fakes.running.calibrations import dies, hangs, impatient

FP32 = Precision.FP32
BOTH = (FP32, Precision.BF16)
Asked = list[tuple[Device, list[Precision]]]


@pytest.fixture(autouse=True)
def _brief(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few small steps, and locks that no other test holds."""
    monkeypatch.setattr(calibration, "BATCH", 4)
    monkeypatch.setattr(calibration, "SECONDS", 0.02)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


measured_once = cache(calibration.measure)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What was to be measured: it really is the first time, and later tests get the same result."""
    seen: Asked = []

    def measure(device: Device, precisions: Sequence[Precision]) -> Mapping[Precision, float]:
        seen.append((device, list(precisions)))
        return {p: measured_once(CPU, BOTH)[p] for p in precisions}

    monkeypatch.setattr(calibration, "measure", measure)
    return seen


def work(root: Path, *made: Reproduction, budget: float | None = None) -> Work:
    return work_for(
        RunRequest(made or [reproduction()], "cifar10", None, "cpu", 2, None, root, budget=budget)
    )


def shown(root: Path, *made: Reproduction, budget: float | None = None) -> str:
    """What a dry run prints."""
    out, them = console(), made or (reproduction(),)
    dry_run.show(RunRequest(them, "cifar10", None, "cpu", 2, None, root, budget=budget), out)
    return " ".join(printed(out).split())


def test_a_cost_is_at_the_speed_that_was_measured_and_the_second_call_measures_nothing(
    tmp_path: Path, asked: Asked
) -> None:
    root = tmp_path / "results"
    first = shown(root)
    assert "10 trials to run, at most" in first
    assert "on 2 workers, at a speed calibrated on this machine" in first
    assert asked == [(CPU, [FP32])]
    (found,) = kept_speeds.kept(root, CPU).values()
    assert shown(root) == first
    assert len(asked) == 1
    (step,) = work(root).plan()
    arithmetic = 10 * 1000 * 1_000_000 * cost.PASSES
    assert (step.speed, step.seconds) == (SpeedSource.CALIBRATED, pytest.approx(arithmetic / found / 2))


def test_speeds_are_on_the_scale_of_records() -> None:
    """A record of the measured network at the measured images per second gives the same speed."""
    found = measured_once(CPU, BOTH)
    assert set(found) == set(BOTH)
    rate, network = found[FP32], calibration.NETWORK
    assert cost.training_speed(rate, network) == rate * network.multiply_adds * 3
    assert isinstance(network, Network)


def test_a_plan_is_made_by_measured_speeds(tmp_path: Path, asked: Asked) -> None:
    said = shown(tmp_path / "results", budget=1e9)
    assert "costs at a speed calibrated on this machine" in said
    assert "assumed" not in said
    assert asked == [(CPU, [FP32])]


def test_sources_are_told_apart_where_there_are_several() -> None:
    one = Experiment(reproduction("lrn"), reproduction().protocols[1], 1, STAND_IN)
    steps = [priorities.Step(one, priorities.Standing.NO_VERDICT, 3, 9.0, source) for source in SpeedSource]
    assert list(dry_run.speeds_in_words(steps)) == [
        "costs at the speed of earlier records: lrn",
        "costs at a speed calibrated on this machine: lrn",
        "costs at an assumed speed: lrn",
    ]
    assert list(dry_run.speeds_in_words([])) == []


def test_what_records_tell_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    monkeypatch.setattr(environment, "torch_version", lambda: "2.13.0")
    store = Store(tmp_path / "results")
    record = record_for(trial("relu", 0), work(store.root).experiments[0].conditions, epochs=5.0)
    store.append(replace(record, cost={"images_per_second": 10.0}))
    assert "9 trials to run, at most" in (said := shown(store.root))
    assert "at the speed of earlier records" in said
    assert asked == []


@pytest.mark.parametrize("budget", [None, 1e9])
def test_a_store_that_takes_no_file_leaves_it_at_what_is_assumed(
    tmp_path: Path, budget: float | None, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    def refused(path: Path, content: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(kept_speeds, "write_whole", refused)
    assert "at an assumed speed" in shown(tmp_path / "results", budget=budget)
    assert asked == []


@pytest.mark.parametrize("how", [dies, hangs], ids=lambda how: how.__name__)
def test_a_process_that_gives_no_answer_leaves_it_at_what_is_assumed(
    how: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(calibration, "_measure", how)
    monkeypatch.setattr(calibration, "PATIENCE", 60.0 if how is dies else 0.1)
    assert "at an assumed speed" in shown(tmp_path / "results")
    assert kept_speeds.kept(tmp_path / "results", CPU) == {}
    assert capfd.readouterr().err == ""


def test_an_error_in_the_process_is_no_error_of_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    assert calibration.measure(Device.parse("cuda:99"), [FP32]) == {}
    assert capfd.readouterr().err == ""


def test_it_disturbs_no_trial_that_must_be_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_measure", impatient)
    with turn(alone=True):
        assert calibration.measure(CPU, [FP32]) == {}
    assert calibration.measure(CPU, [FP32])[FP32] > 0


def test_it_is_measured_as_workers_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in workers.ALLOCATOR:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "5")
    assert workers.worker_context().get_start_method() == "spawn"
    assert {name: os.environ[name] for name in workers.ALLOCATOR} == {
        **workers.ALLOCATOR,
        "MALLOC_TRIM_THRESHOLD_": "5",
    }


def test_nothing_is_measured_for_trials_that_train_nothing(tmp_path: Path, asked: Asked) -> None:
    assert not calibrate(work(tmp_path / "results"), [])
    assert asked == []
    assert not (tmp_path / "results").exists()
