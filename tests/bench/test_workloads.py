"""Every workload runs at the smallest size, and reports everything that is documented for it."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

import repro
from harness.bench import bench, gpu_suite, measure, photographs, workloads
from harness.bench.bench import Bench
from harness.bench.players import PATIENCE, Done, Failed, Turn, _turn
from harness.bench.workload import Asked, Way, WayKind, Ways, Workload, WorkloadResult
from harness.bench.workloads import alexnet_step, cifar_trial, imagenet, lrn
from harness.bench.workloads import input as photographs_in
from harness.cli.commands import bench as command
from harness.contract.device import CPU, CUDA
from harness.contract.errors import EngineError
from harness.contract.progress import SILENT
from harness.contract.trial import Precision
from harness.data.packing import writer
from harness.models.alexnet import alexnet
from harness.records import environment
from harness.training.scheduled.recipes import PAPER
from tests.fakes.bench import asked, measured, unable, way

SMALL = alexnet(side=67, width=1 / 8, classes=10)
RECIPE = replace(PAPER, network=SMALL, augmentation=replace(PAPER.augmentation, side=67), batch_size=8)


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REPRO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@contextmanager
def _here(plan: Ways, *_: object) -> Iterator[Callable[[Way, Turn], list[Done]]]:
    """All players in this process, so that none has to be started."""
    works = {}
    for player in dict.fromkeys(one.player for one in plan.ways):
        works.update(player.make(*player.arguments))
    spent: dict[tuple[str, int], float] = {}
    yield lambda one, turn: [_turn(works, turn, lambda: None, spent, CPU)]


def result(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **tiny: Any) -> WorkloadResult:
    """The workload as `bench` has it, with sizes that take no time."""
    known = workloads.named(name)
    small = known if known.plan is None else replace(known, plan=partial(known.plan, **tiny))
    monkeypatch.setattr(workloads, "named", lambda _: small)
    return check(Bench(asked(tmp_path), SILENT).result(name))


def check(found: WorkloadResult) -> WorkloadResult:
    """What holds for all: ours is first, everything has as many values as rounds, nothing failed."""
    assert found.failed == {}
    assert found.rows[0].kind is WayKind.OURS
    assert found.rows[0].ratio.median == 1
    for row in found.rows:
        assert len(row.values) == row.value.n == row.ratio.n == found.rounds >= 2
        assert row.value.least > 0
        assert (row.share is None) == (not row.ceiling or row.kind is WayKind.CEILING)
    assert any(row.kind is WayKind.CEILING for row in found.rows)
    assert json.loads(json.dumps(asdict(found)))["rows"]
    return found


def test_lrn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In separate processes, as a person runs it."""
    found = result("lrn", tmp_path, monkeypatch, shape=(6, 5, 5), batches=(4, 2))
    assert [row.name for row in found.rows] == [
        lrn.OURS, lrn.OURS + lrn.NCHW, lrn.STOCK, lrn.STOCK + lrn.NCHW, lrn.COPIES,
    ]  # fmt: skip


@pytest.mark.parametrize("precision", Precision)
def test_alexnet_step(precision: Precision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "seated", _here)
    small = partial(alexnet_step.plan, network=SMALL, batches=(2,))
    workload = replace(alexnet_step.WORKLOAD, plan=small, precision=precision)
    monkeypatch.setattr(workloads, "named", lambda _: workload)
    names = [row.name for row in check(Bench(asked(tmp_path), SILENT).result("alexnet-step")).rows]
    assert (alexnet_step.IN_FP32 in names) is (precision is Precision.BF16)
    assert {alexnet_step.STOCK, alexnet_step.WITH_ALLOCATOR, alexnet_step.TORCHVISION} < set(names)


def test_cifar_trial_and_verdict_share_their_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the stand-in; the verdict is projected from the same numbers."""
    monkeypatch.setattr(measure, "seated", _here)
    monkeypatch.setattr(cifar_trial, "steps", lambda device: 1)
    known = {name: workloads.named(name) for name in ("cifar-trial", "verdict")}
    known["cifar-trial"] = replace(known["cifar-trial"], plan=partial(cifar_trial.plan, workers=0))
    monkeypatch.setattr(workloads, "named", known.__getitem__)
    both = Bench(asked(tmp_path), SILENT)
    trial, verdict = check(both.result("cifar-trial")), check(both.result("verdict"))
    assert verdict.rows == trial.rows
    assert verdict.of == "cifar-trial"
    assert trial.projections == ()
    assert verdict.projections[0].name == cifar_trial.OURS
    assert "stand-in" in trial.notes[1]


def test_input_on_made_up_photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "seated", _here)
    monkeypatch.setattr(writer, "_pool", ThreadPoolExecutor)
    found = result("input", tmp_path, monkeypatch, workers=0)
    assert "32 photographs of 500 × 375 pixels (median), made up" in found.notes[0]
    assert found.row(photographs_in.THEIRS) is not None
    assert found.projections[0].name == "packing ImageNet"


def test_imagenet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "seated", _here)
    found = result("imagenet", tmp_path, monkeypatch, how=RECIPE)
    assert [row.name for row in found.rows[:4]] == [imagenet.WHOLE, *imagenet.PARTS]
    (projected,) = found.projections
    whole = found.row(imagenet.WHOLE)
    assert whole is not None
    assert projected.seconds == pytest.approx(90 * 1_281_167 / whole.value.median)


def resident(mapped: mmap.mmap, size: int) -> float:
    """The share of a mapped file's pages that are in memory."""
    pages = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
    start = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
    assert (
        ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(start), ctypes.c_size_t(size), pages) == 0
    )
    return sum(page & 1 for page in pages) / len(pages)


@pytest.mark.skipif(sys.platform != "linux", reason="mincore, and a disk cache that can be emptied")
def test_what_is_read_from_the_disk_is_not_in_memory(tmp_path: Path) -> None:
    """Pages that a process has mapped and touched, as the workload's own have been."""
    size = 16 * imagenet.SIDE**2 * 3
    imagenet.written(path := tmp_path / "noise", 16)
    with path.open("r+b") as file:
        never = mmap.mmap(file.fileno(), 0)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if resident(never, size) > 0.1:
            pytest.skip("this file system lies in memory")
        mapped = mmap.mmap(file.fileno(), 0)
    assert sum(mapped[:: mmap.PAGESIZE]) > 0
    assert resident(mapped, size) > 0.9
    imagenet.forget(path, mapped)
    assert resident(mapped, size) < 0.1


def test_photographs_of_their_own_size_go_first(tmp_path: Path) -> None:
    assert photographs.found(tmp_path) is None
    unpacked = photographs.in_classes(
        photographs.made_up(tmp_path / "few", 3, (40, 30)), tmp_path / "imagenette", 3
    )
    assert photographs.found(tmp_path) == unpacked
    assert photographs.sizes(unpacked) == "3 photographs of 40 × 30 pixels (median)"
    photographs.made_up(tmp_path / "many", 16, (40, 30))
    assert photographs.found(tmp_path) == tmp_path / "many"


def test_if_ours_fails_the_others_keep_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(one: Way, turn: Turn) -> list[Done]:
        if one.kind is WayKind.OURS:
            raise Failed("cannot be captured")
        return [Done(2.0, 0.0, 1.0)]

    @contextmanager
    def seated(*_: object) -> Iterator[Callable[[Way, Turn], list[Done]]]:
        yield take

    monkeypatch.setattr(measure, "seated", seated)
    plan = Ways((way("ours", WayKind.OURS), way("stock")), (1,))
    workload = Workload("made up", lrn.WORKLOAD.unit, lambda asked: plan)
    found = measure.measure("x", workload, asked(tmp_path), SILENT)
    assert [(row.name, row.ratio) for row in found.rows] == [("stock", None)]
    assert found.rows[0].value.median > 0
    assert (found.failed, found.compared) == ({"ours": "cannot be captured"}, False)
    monkeypatch.setattr(command, "_measured", lambda *_: [found])
    for shown in ([], ["--json"]):
        called = CliRunner().invoke(repro.app, ["bench", "lrn", *shown], catch_exceptions=False)
        assert called.exit_code == 1
        assert "cannot be captured" in called.stdout


def test_with_little_time_on_a_gpu_a_process_that_hangs_costs_little(tmp_path: Path) -> None:
    request = asked(tmp_path)
    assert measure.patience(replace(request, seconds=20.0)) == PATIENCE
    on_gpu = [measure.patience(replace(request, seconds=s, device=CUDA)) for s in (7.0, 100.0, 1e3)]
    assert on_gpu == [measure.SHORT, 150.0, PATIENCE]
    assert gpu_suite.LIMITS["bench"] - 2 * gpu_suite.TURNS > measure.SHORT


def test_a_trial_s_turn_has_whole_batches_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The stand-in has fewer images than a turn on a GPU: the rest of a batch would not be in its graph."""
    lengths: list[int] = []

    class Counting:
        def __init__(self, *_: object) -> None: ...

        def train(self, order: Tensor) -> None:
            lengths.append(len(order))

    monkeypatch.setattr(cifar_trial, "Loop", Counting)
    monkeypatch.setattr(cifar_trial, "steps", lambda device: 100)
    work = cifar_trial.make_ours(None, "cpu")[cifar_trial.OURS]
    assert work(128) == lengths[0] == 78 * 128  # of 10,000


def test_ours_must_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(way("ours", WayKind.OURS).player, make=unable)
    plan = Ways((way("ours", WayKind.OURS, broken), way("stock", player=broken)))
    workload = Workload("made up", lrn.WORKLOAD.unit, lambda asked: plan)
    with pytest.raises(EngineError, match="x: ours: ImportError"):
        measure.measure("x", workload, asked(tmp_path), SILENT)


def test_on_a_gpu_batches_are_large_and_the_file_is_not_read_only_to_choose_one(tmp_path: Path) -> None:
    request = replace(asked(tmp_path, images=2), device=CUDA)
    plan = imagenet.plan(request, RECIPE)
    assert plan.batches == (RECIPE.batch_size,)
    assert {one.name for one in plan.ways if one.many_steps} == {imagenet.WHOLE, *imagenet.PARTS}
    assert lrn.plan(request).batches == (lrn.ON_A_GPU,)
    assert max(lrn.plan(asked(tmp_path)).batches) == 128


def test_on_a_gpu_that_trials_share_one_is_also_measured_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "cores", lambda: 16)
    here, there = asked(tmp_path), replace(asked(tmp_path), device=CUDA)
    together, alone = cifar_trial.plan(there).ways[:2]
    assert (together.name, together.player.copies) == (cifar_trial.OURS, 4)
    assert (alone.name, alone.player.copies) == (cifar_trial.ALONE, 1)
    assert alone.kind is WayKind.PART
    assert cifar_trial.ALONE not in [one.name for one in cifar_trial.plan(here).ways]


@pytest.mark.parametrize("workers", [0, 3])
def test_the_textbook_s_workers_stay_from_epoch_to_epoch(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {}

    def loader(data: object, size: int, **how: object) -> list[None]:
        given.update(how)
        return [None]

    monkeypatch.setattr(cifar_trial, "DataLoader", loader)
    none = cifar_trial.Pictures(torch.empty(0, 32, 32, 3), torch.empty(0), None)
    next(cifar_trial._endless(none, torch.device("cpu"), workers))
    assert (given["num_workers"], given["persistent_workers"]) == (workers, workers > 0)


DOCUMENTED = {"format", "hardware", "code", "load", "quick", "workloads", "failed"}


def test_the_command_prints_json_and_its_exit_status_says_whether_all_was_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fake(name: str, workload: Workload, asked: Asked, tracker: object) -> WorkloadResult:
        if name == "input":
            raise OSError(28, "No space left on device")
        found = measured(name, ours=3.0, stock=2.0)
        profile = {"aten::mm": 0.75, **{f"aten::{n}": 0.025 for n in range(10)}}
        rows = tuple(replace(row, profile=profile) for row in found.rows) if asked.profile else found.rows
        return replace(found, rows=rows)

    monkeypatch.setattr(bench, "measure", fake)
    good = CliRunner().invoke(repro.app, ["bench", "lrn", "--json", "--quick"])
    assert good.exit_code == 0
    printed = json.loads(good.stdout)
    assert set(printed) == DOCUMENTED
    (one,) = printed["workloads"]
    assert set(one) == {field.name for field in fields(WorkloadResult)}
    assert one["rows"][1]["ratio"] == {"median": 1.5, "least": 1.5, "most": 1.5, "n": 3}
    profiled = CliRunner().invoke(repro.app, ["bench", "lrn", "--profile"], env={"COLUMNS": "300"})
    assert "time of stock: aten::mm 75 %, aten::0 2.5 %, " in profiled.stdout
    assert ", the rest 7.5 %\n" in profiled.stdout
    bad = CliRunner().invoke(repro.app, ["bench", "input", "lrn"], env={"COLUMNS": "100"})
    assert bad.exit_code == 1
    assert "input: [Errno 28] No space left on device" in bad.stdout
    assert "1.5× (1.5–1.5)" in bad.stdout


def test_names_are_those_of_the_files_and_need_no_torch() -> None:
    assert workloads.names() == ("alexnet-step", "cifar-trial", "imagenet", "input", "lrn", "verdict")
    assert all(isinstance(workloads.named(name), Workload) for name in workloads.names())


def test_the_textbook_sees_the_stand_in_as_ours_does() -> None:
    images = cifar_trial.load("cifar10", None)
    inputs, label = cifar_trial.textbook_data(None)[3]
    mean = images.mean().mean((0, 1))
    assert label == images.labels[3]
    torch.testing.assert_close(inputs, (images.pixels[3] - mean).permute(2, 0, 1), rtol=1e-4, atol=1e-3)
