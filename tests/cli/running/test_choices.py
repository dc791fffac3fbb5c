"""Devices and precisions: how they are chosen, planned, priced and kept apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import repro
import reproductions
from harness.cli.options import PrecisionOption
from harness.cli.running import choices
from harness.cli.running.work import RunRequest
from harness.contract.device import CPU, CUDA, Device, DeviceKind
from harness.contract.errors import DataError, EngineError
from harness.contract.trial import Precision
from harness.engines.local import Place, execute
from harness.engines.machine import gpus
from harness.plans.experiment import gather
from harness.records import environment
from harness.records.store import Store
from harness.testing.records import REAL, answer
from harness.verdicts.assess import Assessments

NAME = "error-rate"


@pytest.fixture
def _two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "count", lambda: 2)


@pytest.mark.usefixtures("_two_gpus")
def test_auto_takes_a_gpu_and_a_certain_one_must_be_there() -> None:
    assert choices.choose_device("auto") == CUDA
    assert choices.choose_device("cuda:1") == Device(DeviceKind.CUDA, 1)
    assert choices.choose_device("auto", 2) == replace(CUDA, count=2)
    with pytest.raises(EngineError, match=r"cuda:2: torch .* sees 2 CUDA devices"):
        choices.choose_device("cuda:2")


@pytest.mark.usefixtures("_two_gpus")
@pytest.mark.parametrize("more", [("--dry-run",), ("--dry-run", "--budget", "20m")])
@pytest.mark.parametrize("device", [("--device", "cuda:1"), ("--device", "cuda", "--gpus", "2")])
def test_a_certain_gpu_and_several_can_be_planned_and_priced(
    device: tuple[str, ...], more: tuple[str, ...], tmp_path: Path
) -> None:
    """Smoke, so that the plan needs no data."""
    command = ["run", NAME, "--protocol", "smoke", "--results-dir", str(tmp_path), *device, *more]
    done = CliRunner().invoke(repro.app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "at most" in done.output


@pytest.mark.usefixtures("_two_gpus")
@pytest.mark.parametrize(
    ("device", "asked", "cores", "workers"),
    [
        ("cuda", None, 16, 8),
        ("cuda", None, 6, 6),
        ("cuda", 3, 16, 3),
        ("cuda:1", None, 16, 4),
        ("cuda:1", None, 2, 2),
        ("cpu", None, 16, 16),
    ],
)
def test_four_workers_a_gpu_but_no_more_than_cores(
    device: str, asked: int | None, cores: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "cores", lambda: cores)
    assert choices.choose_workers(asked, choices.choose_device(device)) == workers
    assert choices.choose_workers(None, replace(CUDA, count=2)) == 1


@pytest.mark.usefixtures("_two_gpus")
def test_no_key_depends_on_which_gpu_it_was() -> None:
    made = [
        choices.make_experiment(reproductions.named(NAME), "smoke", None, choices.choose_device(device), None)
        for device in ("cuda", "cuda:0", "cuda:1")
    ]
    keys = [[one.key(planned.trial) for planned in one.evidence(Store("none")).plan.trials] for one in made]
    assert keys[0] == keys[1] == keys[2]
    assert keys[0]


@pytest.mark.parametrize(
    ("device", "count", "protocol"),
    [(CPU, 0, "two-cores"), (CUDA, 1, "one-gpu-streams"), (CUDA, 2, "imagenet"), (CUDA, 0, "imagenet")],
)
def test_the_default_protocol_is_one_that_the_device_can_run(
    device: Device, count: int, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None at hand: the driver of a cluster cannot know how many its nodes have."""
    monkeypatch.setattr(gpus, "count", lambda: count)
    one = reproductions.named("two-gpu-time")
    assert choices.choose_protocol(one, None, device).name == protocol
    monkeypatch.setattr(gpus, "count", lambda: 3)  # of the driver of a cluster, whose nodes have `count`
    assert choices.choose_protocol(one, None, device, count).name == protocol


def test_a_protocol_for_another_device_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "count", lambda: 1)
    one = reproductions.named("two-gpu-time")
    with pytest.raises(EngineError, match="runs on cuda only, and the device is cpu; name another protocol"):
        choices.make_experiment(one, "imagenet", None, CPU, None)
    with pytest.raises(EngineError, match="needs 2 GPUs in one machine, where there is 1"):
        choices.make_experiment(one, "imagenet", None, CUDA, None)
    others = [reproductions.named("architecture"), one]
    asked = RunRequest(others, "imagenet", None, "cpu", 1, None, tmp_path, every=True)
    with pytest.raises(DataError, match="two-gpu-time at imagenet"):
        asked.experiments(CPU)
    cores = replace(asked, protocol="two-cores")
    assert [experiment.reproduction for experiment in cores.experiments(CPU)[0]] == [one]
    with pytest.raises(DataError, match="runs on cpu only, and the device is cuda"):
        cores.experiments(CUDA)


@pytest.mark.parametrize(
    ("flags", "precision"),
    [("fpu avx2 fma", Precision.FP32), ("avx512f avx512_bf16", Precision.BF16), ("amx_bf16", Precision.BF16)],
)
def test_auto_is_bf16_only_where_the_processor_has_it(
    flags: str, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_cpu_flags", lambda: set(flags.split()))
    proxy = reproductions.named(NAME).protocol("cifar10-converged-short")
    fixed = reproductions.named("relu-speedup").protocol("cifar10")
    assert choices.choose_precision(PrecisionOption.AUTO, proxy, CPU) is precision
    assert choices.choose_precision(PrecisionOption.AUTO, fixed, CPU) is Precision.FP32
    assert choices.choose_precision(PrecisionOption.BF16, fixed, CPU) is Precision.BF16


@pytest.mark.parametrize("reproduction", ["error-rate", "relu-speedup", "lrn-cifar"])
@pytest.mark.parametrize("asked", list(PrecisionOption))
def test_what_is_planned_is_trained_in_the_precision_of_the_conditions(
    asked: PrecisionOption, reproduction: str
) -> None:
    """From the option to the trial, whose precision the report looks for and the program runs in."""
    made = choices.make_experiment(reproductions.named(reproduction), "smoke", None, CPU, None, asked)
    planned = made.evidence(Store("none")).plan.trials
    assert {p.trial.precision for p in planned} == {made.conditions.precision}
    declared = made.protocol.deviations
    assert any("bf16" in d for d in declared) == (made.conditions.precision is Precision.BF16)


def test_what_was_trained_in_bf16_is_found_by_the_report(tmp_path: Path) -> None:
    reproduction, store = reproductions.named("error-rate"), Store(tmp_path)
    made = choices.make_experiment(reproduction, "smoke", 1, CPU, None, PrecisionOption.BF16)
    (planned,) = made.evidence(store).plan.trials
    record = execute(planned.trial, Place(CPU, made.conditions, made.data, tmp_path))
    assert record is not None
    store.append(record)
    assert record.trial["precision"] == record.conditions.precision == "bf16"
    known = Assessments(Store(tmp_path))
    (seen,) = known.at_protocol(reproduction, reproduction.protocol("smoke"))
    assert [run.record.key for run in known.evidence(seen).final()] == [record.key]


@pytest.mark.parametrize("device", [CPU, CUDA])
def test_only_a_cpu_pays_for_algorithms_that_repeat_themselves(device: Device) -> None:
    made = choices.make_experiment(reproductions.named(NAME), "smoke", None, device, None)
    assert made.conditions.numerics.deterministic is (device is CPU)
    assert not made.conditions.numerics.tf32


def test_two_precisions_are_two_experiments_and_bf16_is_a_deviation(tmp_path: Path) -> None:
    """Three seeds in one and two in the other, three times as many of the baseline: each has its own."""
    store, reproduction = Store(tmp_path), reproductions.named(NAME)
    for precision, seeds in ((Precision.FP32, 3), (Precision.BF16, 2)):
        conditions = replace(REAL, precision=precision)
        protocol = reproduction.protocol("cifar10-converged-short").at(precision)
        for run in gather(reproduction, protocol, seeds, lambda t, c=conditions: answer(t, c)).runs:  # type: ignore[misc]
            store.append(run.record)
        store.ask(NAME, "cifar10-converged-short", conditions, seeds)
    known = Assessments(store)
    found = {e.conditions.precision: known.evidence(e) for e in known.experiments(reproduction)}
    assert {p: len(evidence.final()) for p, evidence in found.items()} == {"fp32": 9, "bf16": 6}
    for precision, evidence in found.items():
        assert {run.record.precision for run in evidence.runs} == {precision}
        in_bf16 = any("bf16" in deviation for deviation in evidence.protocol.deviations)
        assert in_bf16 is (precision is Precision.BF16)
