"""Timing reproductions: plans in interleaved blocks, ratios by block, and what gives no verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.device import CPU, DeviceKind
from harness.contract.trial import Status, Trial
from harness.engines.local import Place, execute
from harness.models.description import Conv, Dense
from harness.paper.catalogue import claim
from harness.plans.experiment import Evidence, Reproduction, gather
from harness.records.conditions import Conditions
from harness.records.record import Record
from harness.training.timing.settings import Arrangement, Feed
from harness.verdicts.gates import Case
from harness.verdicts.rules import judge
from harness.verdicts.validity import problems
from harness.verdicts.verdict import Outcome
from reproductions import augmentation_cost, training_time, two_gpu_time
from tests.fakes.evidence.trials import STAND_IN, record_for

HERE = Conditions(DeviceKind.CPU, "2.13.0")
Seconds = Callable[[Trial], float]


def answered(reproduction: Reproduction, protocol: str, seconds: Seconds, seeds: int = 5) -> Evidence:
    """The experiment, each trial answered with the given step time."""

    def record(trial: Trial) -> Record:
        step = seconds(trial)
        rate = trial.settings.images_a_step / step
        return record_for(trial, HERE, step_seconds=step, images_per_second=rate)

    return gather(reproduction, reproduction.protocol(protocol), seeds, record)


def columns_faster(trial: Trial) -> float:
    """Two devices take 0.9 of the time, on a machine that becomes slower from block to block."""
    one = trial.settings.arrangement is Arrangement.ONE
    return (1.0 if one else 0.9 + 0.01 * math.sin(trial.seed)) * (1 + trial.seed)


def test_blocks_are_interleaved() -> None:
    plan = two_gpu_time.REPRODUCTION.plan(two_gpu_time.REPRODUCTION.protocol("two-cores"), 3, lambda t: None)
    assert [(p.arm, p.trial.seed) for p in plan.trials] == [
        ("one-gpu", 0), ("two-gpu", 0), ("two-gpu", 1), ("one-gpu", 1), ("one-gpu", 2), ("two-gpu", 2),
    ]  # fmt: skip


def test_the_one_gpu_net_is_the_paper_s() -> None:
    """Half of the kernels in conv1 to conv4, as many in conv5 and in the dense layers."""
    arms = two_gpu_time.REPRODUCTION.protocol("imagenet").settings.arms()
    one, two = (
        [layer.units for layer in arms[arm].network.layers if isinstance(layer, Conv | Dense)]
        for arm in ("one-gpu", "two-gpu")
    )
    assert [a / b for a, b in zip(one, two, strict=True)] == [0.5, 0.5, 0.5, 0.5, 1, 1, 1, 1]
    assert {arm.batch for arm in arms.values()} == {128}
    assert [arm.ranks for arm in arms.values()] == [1, 2]


def test_a_drift_that_both_arms_share_drops_out() -> None:
    evidence = answered(two_gpu_time.REPRODUCTION, "two-cores", columns_faster)
    (effect,) = two_gpu_time.estimate(evidence).effects["two-gpu-time"]
    assert effect.estimate == pytest.approx(0.9, abs=0.01)
    assert effect.ci95 is not None
    assert effect.ci95.high < 0.95
    assert problems(evidence, two_gpu_time.REPRODUCTION.manipulated) == []


@pytest.mark.parametrize(
    ("protocol", "headline"),
    [
        ("imagenet", "directional"),
        ("two-cores", "reported (proxy)"),
        ("one-gpu-streams", "reported (proxy)"),
    ],
)
def test_only_two_devices_give_a_verdict(protocol: str, headline: str) -> None:
    evidence = answered(two_gpu_time.REPRODUCTION, protocol, columns_faster)
    finding = two_gpu_time.estimate(evidence)
    (effect,) = finding.effects["two-gpu-time"]
    assert judge(Case(claim("two-gpu-time"), evidence, effect)).headline == headline
    counted, measured = (row[1] for row in finding.tables[-1].rows)
    assert measured == pytest.approx(0.9, abs=0.01)
    # By hand, in millions: conv1 to conv5, then the dense layers; the columns share the two-GPU net's.
    layers = [105.4, 223.9, 149.5, 112.1, 74.8, 37.7, 16.8, 4.1]
    half = [52.7, 112.0, 37.4, 56.1, 74.8, 37.7, 16.8, 4.1]
    devices = 1 if protocol == "one-gpu-streams" else 2
    assert counted == pytest.approx(sum(layers) / devices / sum(half), rel=1e-3)


def test_a_block_with_one_arm_alone_is_left_out() -> None:
    whole = answered(two_gpu_time.REPRODUCTION, "two-cores", columns_faster)
    short = replace(whole, runs=whole.runs[:-1])
    (effect,) = two_gpu_time.estimate(short).effects["two-gpu-time"]
    assert effect.n == 4


def test_crowded_cores_are_told() -> None:
    evidence = answered(two_gpu_time.REPRODUCTION, "two-cores", columns_faster)
    assert two_gpu_time.estimate(evidence).deviations == ()
    crowded = [replace(run, record=replace(run.record, details={"crowded": True})) for run in evidence.runs]
    assert len(two_gpu_time.estimate(replace(evidence, runs=tuple(crowded))).deviations) == 1


def test_augmentation_in_the_background_is_the_claim_and_in_line_stands_beside() -> None:
    def seconds(trial: Trial) -> float:
        inline = trial.settings.feed is Feed.INLINE
        return 1.0 + (0.5 if inline and trial.settings.augmentation.crops else 0.0)

    evidence = answered(augmentation_cost.REPRODUCTION, "two-cores", seconds)
    finding = augmentation_cost.estimate(evidence)
    (effect,) = finding.effects["augmentation-cost"]
    assert effect.estimate == pytest.approx(1.0)
    assert [row[2] for row in finding.tables[0].rows] == pytest.approx([1.0, 1.5])
    assert judge(Case(claim("augmentation-cost"), evidence, effect)).outcome is Outcome.REPORTED


def test_days_of_training_and_scaling() -> None:
    def seconds(trial: Trial) -> float:
        return {Arrangement.ONE: 1.0, Arrangement.COLUMNS: 0.64}.get(trial.settings.arrangement, 1.1)

    evidence = answered(training_time.REPRODUCTION, "machine", seconds)
    finding = training_time.estimate(evidence)
    time, rate = finding.effects["training-time"]
    assert rate.estimate == pytest.approx(200)
    assert time.estimate == pytest.approx(90 * 1_261_406 / 200 / 86_400)
    assert 6 < float(time.estimate or 0) < 7
    rows = {(row[0], row[1]): row for row in finding.tables[0].rows}
    assert rows["columns", 2][3] == pytest.approx(1 / 0.64)
    assert rows["data-parallel", 2][3] == pytest.approx(2 / 1.1)
    assert rows["data-parallel", 2][6:] == (50.24, pytest.approx(98.05 / 50.24))
    assert rows["columns", 2][6:] == (None, None)


def test_failed_trials_leave_no_effect() -> None:
    for reproduction in (r.REPRODUCTION for r in (two_gpu_time, augmentation_cost, training_time)):
        protocol = reproduction.protocol("smoke")
        evidence = gather(reproduction, protocol, 2, lambda trial: record_for(trial, status=Status.FAILED))
        assert reproduction.estimate(evidence).effects == {}


def test_a_smoke_trial_runs_in_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # no waiting for this machine's other trials
    trial = two_gpu_time.REPRODUCTION.protocol("smoke").settings.arms()["two-gpu"]
    record = execute(Trial(trial, 0), Place(CPU, STAND_IN, None, tmp_path))
    assert record is not None
    assert record.error == ""
    assert record.metrics["bytes_exchanged"]
