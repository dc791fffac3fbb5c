"""Speeds that records give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.device import CPU, CUDA, DeviceKind
from harness.contract.trial import Precision, Trial
from harness.forecast.cost import PASSES, Estimate, SpeedSource, price
from harness.forecast.speeds import known, recorded, unknown
from harness.records.conditions import Conditions
from harness.records.record import Record
from tests.fakes.evidence.experiments import HERE, Network, Tiny, trial
from tests.fakes.evidence.held import Held
from tests.fakes.evidence.trials import record_for

GPU = Conditions(DeviceKind.CUDA, "2.13.0")
FAST = trial("relu", 0)
ONE = FAST.settings.network.multiply_adds * PASSES
SLOW = replace(FAST, settings=Tiny("tanh", network=Network("slow", 3_000)))


def timed(fast: bool, precision: Precision, rate: float) -> Record:
    one = record_for(replace(FAST if fast else SLOW, precision=precision), HERE)
    return replace(one, cost={"images_per_second": rate} if rate else {})


@given(st.lists(st.builds(timed, st.booleans(), st.sampled_from(Precision), st.floats(0, 1e4)), max_size=9))
def test_a_speed_is_the_median_of_the_records_of_the_same_networks(records: list[Record]) -> None:
    for trials in ([FAST], [SLOW], [FAST, SLOW], []):
        nets = [trial.settings.network for trial in trials]
        arithmetic = {net.name: net.multiply_adds * PASSES for net in nets}
        found = recorded(Held(records), trials, CPU)
        for precision in Precision:
            told = [r for r in records if r.cost and r.precision is precision]
            names = [record.settings["network"]["name"] for record in told]
            rates = [
                record.cost["images_per_second"] * arithmetic[name]
                for record, name in zip(told, names, strict=True)
                if name in arithmetic
            ]
            assert found.get(precision) == (pytest.approx(median(rates)) if rates else None)
        assert recorded(Held(records), trials, CUDA) == {}
        assert unknown(Held(records), trials, CPU) == {t.precision for t in trials} - found.keys()


def test_on_a_gpu_short_records_weigh_as_little_as_they_lasted() -> None:
    """Two trials of 5 s, most of it spent on compiling, and one of 90 s: 110,000 images in 100 s."""
    held = [
        replace(
            record_for(replace(FAST, seed=seed), GPU),
            cost={"images": images, "seconds": seconds, "images_per_second": images / seconds},
        )
        for seed, (images, seconds) in enumerate([(1e3, 5.0), (1e3, 5.0), (108e3, 90.0)])
    ]
    assert recorded(Held(held), [FAST], CUDA) == {Precision.FP32: pytest.approx(1100 * ONE)}
    here = [replace(record, conditions=HERE) for record in held]
    assert recorded(Held(here), [FAST], CPU) == {Precision.FP32: pytest.approx(200 * ONE)}


def test_a_timing_trial_takes_as_long_as_the_longest_with_its_settings() -> None:
    """Its own time includes loading and warming up; the training speed of its network is another one."""

    @dataclass(frozen=True)
    class Timing(Tiny):
        exclusive: ClassVar[bool] = True

    timing, other = (Trial(Timing(arm, count=count), 0) for arm, count in (("one", 1000), ("two", 8000)))
    took = [replace(record_for(replace(timing, seed=s), HERE), cost={"seconds": 5.0 + s}) for s in range(3)]
    trained = timed(True, Precision.FP32, 1e9)
    speeds = known(Held([*took, trained]), [timing, other], CPU)
    assert price([timing], 1, speeds) == Estimate(pytest.approx(7.0), SpeedSource.RECORDS)
    assert price([timing, timing], 2, speeds).seconds == pytest.approx(14.0)  # one after the other
    assert recorded(Held([trained]), [timing], CPU) == {}
    assert recorded(Held(took), [timing], CUDA) == {}


def test_a_record_that_is_added_tells_too() -> None:
    store = Held([timed(True, Precision.FP32, 100.0)])
    assert known(store, [FAST], CPU)[Precision.FP32].value == pytest.approx(100 * ONE)
    store.records.append(timed(True, Precision.FP32, 200.0))
    assert known(store, [FAST], CPU)[Precision.FP32].value == pytest.approx(150 * ONE)
