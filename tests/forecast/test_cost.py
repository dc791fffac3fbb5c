"""Estimates: at the speed of the same network in the same precision, or else a calibrated or assumed one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from harness.contract.device import CPU, CUDA, Device, DeviceKind
from harness.contract.trial import Precision, Trial
from harness.engines.machine.gpus import PER_GPU
from harness.forecast.cost import (
    FASTEST,
    PASSES,
    Estimate,
    SpeedSource,
    assumed,
    most_multiply_adds,
    price,
    speeds,
)
from harness.forecast.speeds import recorded, unknown
from harness.models.alexnet import alexnet
from harness.models.cifar10 import nineteen
from harness.plans.ablation import BASELINE
from harness.plans.protocols import IMAGENETTE, SHORT
from harness.records import environment
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.record import Record
from harness.training.timing.settings import StepTime
from tests.fakes.evidence.held import Held
from tests.fakes.evidence.trials import record_for
from tests.fakes.running.settings import Idle

FULL, QUARTER = (
    protocol.at(Precision.BF16).trial(protocol.settings.settings(BASELINE), 0)
    for protocol in (IMAGENETTE, SHORT)
)


HERE = Conditions(DeviceKind.CPU, "2.13.0", DataIdentity("imagenette", Form.PACK, "1"), Precision.BF16)
# An evaluation is one pass, where a training step is three.
MOST = FULL.settings.most_images(9_469) + FULL.settings.most_evaluated(3_925) / 3


def seen(trial: Trial, rate: float, conditions: Conditions = HERE) -> Record:
    record = record_for(trial, conditions)
    return replace(record, cost={"images_per_second": rate})


def estimate(
    trials: list[Trial],
    device: Device,
    workers: int,
    records: list[Record],
    calibrated: Mapping[Precision, float] = MappingProxyType({}),
) -> Estimate:
    known = speeds(trials, device, recorded(Held(records), trials, device), calibrated)
    return price(trials, workers, known)


def test_no_network_is_so_small_that_a_gpu_is_assumed_to_train_more_images_than_it_can_be_fed() -> None:
    small = replace(FULL, settings=replace(FULL.settings, network=alexnet("paper", width=1 / 16, classes=10)))
    least = 8 * small.settings.most_images(9_469) / FASTEST
    for workers in (1, 4):
        assert estimate([small] * 8, CUDA, workers, []).seconds == pytest.approx(least)
    measured = {Precision.BF16: 1e15}
    assert estimate([small] * 8, CUDA, 1, [], measured).seconds < least


def test_the_same_network_s_speed_is_taken() -> None:
    found = estimate([FULL, FULL], CPU, 2, [seen(FULL, 50.0), seen(FULL, 100.0), seen(QUARTER, 7.0)])
    assert found.source is SpeedSource.RECORDS
    assert found.seconds == pytest.approx(MOST / 75.0)


@pytest.mark.parametrize(
    "other", [QUARTER, replace(FULL, precision=Precision.FP32)], ids=["width", "precision"]
)
def test_another_network_s_or_precision_s_is_not(other: Trial) -> None:
    """A narrower net has the same name, but another number of images per second."""
    assert other.settings.network.name == FULL.settings.network.name
    found = estimate([FULL], CPU, 1, [seen(other, 100.0)])
    assert found.source is SpeedSource.ASSUMED
    arithmetic = MOST * FULL.settings.network.multiply_adds * PASSES
    assert found.seconds == pytest.approx(arithmetic / assumed(CPU, Precision.BF16))


def test_nor_is_another_device_s() -> None:
    assert estimate([FULL], CUDA, 1, [seen(FULL, 100.0)]).source is SpeedSource.ASSUMED


def test_a_certain_gpu_is_one_of_its_kind() -> None:
    made = replace(HERE, device=DeviceKind.CUDA)
    found = estimate([FULL], Device.parse("cuda:1"), 1, [seen(FULL, 100.0, made)])
    assert found.source is SpeedSource.RECORDS


def test_several_gpus_are_told_from_one_and_inform_the_next_estimate() -> None:
    several = replace(HERE, device=DeviceKind.CUDA, devices=4)
    records = [seen(FULL, 400.0, several)]
    assert estimate([FULL], CUDA, 1, records).source is SpeedSource.ASSUMED
    found = estimate([FULL], replace(CUDA, count=4), 1, records)
    assert found.source is SpeedSource.RECORDS
    assert found.seconds == pytest.approx(MOST / 400.0)


def test_each_precision_has_its_own_speed() -> None:
    slow = seen(FULL, 10.0)
    other = replace(FULL, precision=Precision.FP32)
    quick = seen(other, 100.0, replace(HERE, precision=Precision.FP32))
    found = estimate([FULL, other], CPU, 1, [slow, quick])
    assert found.source is SpeedSource.RECORDS
    assert found.seconds == pytest.approx(MOST / 10.0 + MOST / 100.0)


SLOW, QUICK = replace(FULL, precision=Precision.FP32), FULL  # calibrated at 1e9 and 4e9
CALIBRATED = {Precision.FP32: 1e9, Precision.BF16: 4e9}
WORK = MOST * FULL.settings.network.multiply_adds * PASSES


def test_what_no_record_tells_is_taken_from_the_calibration() -> None:
    found = estimate([SLOW, SLOW, QUICK], CPU, 2, [], CALIBRATED)
    assert found.source is SpeedSource.CALIBRATED
    assert found.seconds == pytest.approx((2 * WORK / 1e9 + WORK / 4e9) / 2)


def test_no_number_of_workers_makes_one_trial_faster_or_exclusive_ones_parallel() -> None:
    assert estimate([SLOW, QUICK], CPU, 1000, [], CALIBRATED).seconds == pytest.approx(WORK / 1e9)
    timing = Trial(StepTime(nineteen(), batch=1000, steps=10), 0)
    most = most_multiply_adds(timing) / 1e9
    alone = estimate([timing] * 3, CPU, 4, [], CALIBRATED).seconds
    assert alone == pytest.approx(3 * most)
    assert estimate([timing, SLOW], CPU, 4, [], CALIBRATED).seconds == pytest.approx(most + WORK / 1e9)


def test_records_come_before_it_and_it_before_what_is_assumed() -> None:
    """The weakest source behind a sum is named."""
    records = [seen(QUICK, 100.0)]
    found = estimate([QUICK], CPU, 1, records, CALIBRATED)
    assert (found.source, found.seconds) == (SpeedSource.RECORDS, pytest.approx(MOST / 100.0))
    assert estimate([SLOW, QUICK], CPU, 1, records, CALIBRATED).source is SpeedSource.CALIBRATED
    only_quick = {Precision.BF16: 4e9}
    assert estimate([SLOW, QUICK], CPU, 1, [], only_quick).source is SpeedSource.ASSUMED
    assert estimate([QUICK], CPU, 1, [], only_quick).source is SpeedSource.CALIBRATED
    measures = Trial(Idle(), 0, Precision.FP32)  # trains nothing: nobody's speed is behind its price
    assert estimate([QUICK, measures], CPU, 1, [], only_quick).source is SpeedSource.CALIBRATED


def test_several_devices_are_as_many_times_as_fast() -> None:
    found = estimate([QUICK], replace(CPU, count=4), 1, [], CALIBRATED)
    assert found.seconds == pytest.approx(WORK / 16e9)


def test_workers_that_share_a_gpu_are_priced_at_equal_parts_and_one_trial_on_several_gpus_is_not() -> None:
    alone = WORK / 4e9  # of a worker with a GPU to itself
    assert estimate([QUICK], CUDA, 1, [], CALIBRATED).seconds == pytest.approx(PER_GPU * alone)
    assert estimate([QUICK], replace(CUDA, count=2), 1, [], CALIBRATED).seconds == pytest.approx(alone / 2)


def test_a_trial_by_itself_has_the_price_that_it_has_in_the_sum() -> None:
    known = speeds([FULL, SLOW], CPU, recorded(Held([seen(FULL, 50.0)]), [FULL], CPU), CALIBRATED)
    each = [price([trial], 1, known) for trial in (FULL, SLOW)]
    assert [one.source for one in each] == [SpeedSource.RECORDS, SpeedSource.CALIBRATED]
    assert sum(one.seconds for one in each) == pytest.approx(price([FULL, SLOW], 1, known).seconds)


def test_unknown_is_what_trains_and_has_no_record() -> None:
    measures = Trial(Idle(), 0, Precision.BF16)  # trains nothing, so that no speed is needed
    assert unknown(Held([]), [measures], CPU) == set()
    assert unknown(Held([]), [FULL, SLOW, measures], CPU) == {Precision.FP32, Precision.BF16}
    assert unknown(Held([seen(FULL, 50.0)]), [FULL, SLOW], CPU) == {Precision.FP32}


@pytest.mark.parametrize(("flags", "ratio"), [("fpu avx2 avx512f", 10), ("avx2 avx512_bf16", 1)])
def test_bf16_on_a_cpu_without_it_is_known_to_be_slow(
    flags: str, ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_cpu_flags", lambda: set(flags.split()))
    fp32 = assumed(CPU, Precision.FP32)
    assert fp32 / assumed(CPU, Precision.BF16) == pytest.approx(ratio)
    best = environment.best_precision(DeviceKind.CPU)
    assert best is (Precision.FP32 if ratio > 1 else Precision.BF16)


def test_what_trains_nothing_costs_nothing() -> None:
    assert estimate([], CPU, 2, []).seconds == 0
