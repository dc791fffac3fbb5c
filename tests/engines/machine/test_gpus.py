"""Workers are spread over GPUs of one model; a certain GPU, a shared trial and a CPU stay as they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.contract.device import CPU, CUDA, Device, DeviceKind
from harness.contract.trial import Status, Trial
from harness.engines import local
from harness.engines.local import LocalEngine, Place
from harness.engines.machine import gpus
from harness.engines.machine.workers import Job, Workers
from harness.records import environment
from harness.records.conditions import Conditions
from harness.records.record import Record
from tests.fakes.evidence.trials import record_for
from tests.fakes.running.places import LONG, its_device, its_process
from tests.fakes.running.whereabouts import Whereabouts

FIRST, SECOND, THIRD = (Device(DeviceKind.CUDA, index) for index in range(3))
ON_GPU = Conditions(DeviceKind.CUDA, "2.13.0")


def have(monkeypatch: pytest.MonkeyPatch, *models: str) -> None:
    """As if the machine had these GPUs."""
    monkeypatch.setattr(gpus, "count", lambda: len(models))
    monkeypatch.setattr(gpus, "name", lambda device: models[device.index or 0] if device.cuda else None)


@pytest.mark.parametrize(
    ("device", "devices"),
    [
        (CUDA, (FIRST, SECOND, THIRD)),
        (SECOND, (SECOND,)),
        (replace(CUDA, count=2), (replace(CUDA, count=2),)),
        (CPU, (CPU,)),
        (replace(CPU, count=2), (replace(CPU, count=2),)),
    ],
    ids=str,
)
def test_only_cuda_without_a_number_stands_for_every_gpu(
    device: Device, devices: tuple[Device, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    have(monkeypatch, "H100", "H100", "H100")
    assert gpus.each(device) == devices


def test_gpus_of_another_model_than_the_first_stand_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, "H100", "T4", "H100")
    assert gpus.each(CUDA) == (FIRST, THIRD)


def test_every_worker_process_has_one_gpu_for_its_whole_life(tmp_path: Path) -> None:
    """Three of them, and one more in place of one that was killed."""
    said: list[tuple[int, Device]] = []
    workers = Workers(its_device, (FIRST, SECOND), 3, lambda key, message: said.append(message))  # type: ignore[arg-type]
    try:
        for folder in map(tmp_path.joinpath, "abc"):
            if folder.name == "c":
                workers.all[0].process.kill()
                workers.all[0].process.join()
            folder.mkdir()
            for number in range(3):
                workers.submit(Job(str(number), (folder, 3)))
            ended = 0
            while ended < 3:
                ended += len(list(workers.ended(LONG)))
    finally:
        workers.close()
    assert len(set(said)) == len({pid for pid, _ in said}) == 4
    for first in (0, 3, 6):
        assert Counter(device for _, device in said[first : first + 3]) == {FIRST: 2, SECOND: 1}


@pytest.mark.parametrize(
    ("device", "status", "processes"),
    [(FIRST, Status.FAILED, 2), (FIRST, Status.DIVERGED, 1), (CPU, Status.FAILED, 1)],
    ids=str,
)
def test_after_a_failure_on_a_gpu_another_process_takes_the_next_trial(
    device: Device, status: Status, processes: int
) -> None:
    """An error on a GPU may stay with the process that had it."""
    said: list[int] = []
    workers = Workers(its_process, (device,), 1, lambda key, message: said.append(message))  # type: ignore[arg-type]
    record = record_for(Trial(Whereabouts(), 0), status=status)
    try:
        for key in "ab":
            workers.submit(Job(key, (record,)))
        ended: list[object] = []
        while len(ended) < 2:
            ended += workers.ended(LONG)
    finally:
        workers.close()
    assert ended == [("a", record), ("b", record)]
    assert len(set(said)) == processes


@pytest.mark.parametrize(("alone", "device"), [(False, SECOND), (True, FIRST)])
def test_trials_that_time_themselves_all_run_on_the_first_gpu(
    alone: bool, device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[Place] = []
    monkeypatch.setattr(local, "execute", lambda trial, place: places.append(place))
    monkeypatch.setitem(local._worker, "device", SECOND)
    local._work(Trial(Whereabouts(alone), 0), Place(FIRST, ON_GPU, None, tmp_path))
    assert [place.device for place in places] == [device]


def test_a_record_names_the_gpu_that_was_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's second may be the driver's first: the record says what torch says; the key ignores it."""
    have(monkeypatch, "T4", "H100")
    used: list[Device] = []
    monkeypatch.setattr(gpus, "use", used.append)
    monkeypatch.setattr(environment, "gpu_name", lambda index=0: f"the driver's {index}")
    records = [
        local.execute(Trial(Whereabouts(), 0), Place(device, ON_GPU, None, tmp_path))
        for device in (FIRST, SECOND)
    ]
    assert [record.environment["gpu"] for record in records if record] == ["T4", "H100"]
    assert len({record.key for record in records if record}) == 1
    assert used == [FIRST, SECOND]
    assert environment.describe(SECOND)["gpu"] == "the driver's 1"
    assert environment.describe(CPU, None)["gpu"] is None


@pytest.mark.parametrize("begun", [False, True])
def test_the_peak_of_memory_is_that_of_a_trial_and_not_of_its_process(
    begun: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(gpus, "use", lambda device: None)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: begun)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: told.append("freed"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", told.append)
    monkeypatch.setattr(local, "resolve_name", lambda name: lambda trial, session: told.append("trial"))
    for device in (SECOND, CPU):
        place = Place(device, ON_GPU, None, tmp_path)
        local._run(Trial(Whereabouts(), 0), local._session("key", "lineage", place), place)
    assert told == [*(("freed", "cuda:1") if begun else ()), "trial", "trial"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_there_is_none_to_count_or_name() -> None:
    assert (gpus.count(), gpus.name(SECOND), gpus.name(CPU)) == (0, None, None)
    gpus.use(CPU)


def finished(engine: LocalEngine, trials: list[Trial]) -> list[Record]:
    found: list[Record] = []
    for trial in trials:
        engine.submit(trial, ON_GPU, None)
    while engine.pending:
        found += engine.finished()
    return found


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA GPUs")
@pytest.mark.parametrize("device", [CUDA, SECOND], ids=str)
def test_on_gpus_trials_run_where_their_worker_is(device: Device, tmp_path: Path) -> None:
    """With as many workers as GPUs and many trials, each GPU is seen; with `cuda:1`, only that one is."""
    expected = {one.torch for one in gpus.each(device)}
    engine = LocalEngine(device, len(expected), tmp_path)
    try:
        records = finished(engine, [Trial(Whereabouts(), seed) for seed in range(50 * len(expected))])
        (alone,) = finished(engine, [Trial(Whereabouts(alone=True), 0)])
    finally:
        engine.close()
    assert all(record.error == "" for record in [*records, alone])
    assert all(record.details["tensor"] == record.details["session"] for record in records)
    assert {record.details["session"] for record in records} == expected
    assert alone.details["session"] == gpus.each(device)[0].torch
    assert {record.environment["gpu"] for record in records} == {gpus.name(gpus.each(device)[0])}
