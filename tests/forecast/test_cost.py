"""Estimates: at the speed of the same network in the same precision, else at an assumed one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.contract.trial import Precision, Trial
from harness.forecast.cost import ASSUMED, PASSES, estimate
from harness.plans.ablation import BASELINE
from harness.plans.protocols import IMAGENETTE, SHORT
from harness.records.conditions import Conditions
from harness.records.record import Record
from tests.conftest import record_for

FULL, QUARTER = (Trial(scale.settings.settings(BASELINE), 0, Precision.BF16) for scale in (IMAGENETTE, SHORT))


def seen(trial: Trial, rate: float) -> Record:
    record = record_for(trial, Conditions("cpu", "2.13.0", "imagenette:1"))
    return replace(record, cost={"images_per_second": rate})


def test_the_same_network_s_speed_is_taken() -> None:
    found = estimate([FULL, FULL], "cpu", 2, [seen(FULL, 50.0), seen(FULL, 100.0), seen(QUARTER, 7.0)])
    assert found.measured
    assert found.seconds == pytest.approx(FULL.settings.most_images / 75.0)


@pytest.mark.parametrize(
    "other", [QUARTER, replace(FULL, precision=Precision.FP32)], ids=["width", "precision"]
)
def test_another_network_s_or_precision_s_is_not(other: Trial) -> None:
    """A narrower net has the same name, and other images a second."""
    assert other.settings.network.name == FULL.settings.network.name
    found = estimate([FULL], "cpu", 1, [seen(other, 100.0)])
    assert not found.measured
    arithmetic = FULL.settings.most_images * FULL.settings.network.multiply_adds * PASSES
    assert found.seconds == pytest.approx(arithmetic / ASSUMED["cpu"])


def test_nor_is_another_device_s() -> None:
    assert not estimate([FULL], "cuda", 1, [seen(FULL, 100.0)]).measured


def test_what_trains_nothing_costs_nothing() -> None:
    assert estimate([], "cpu", 2, []).seconds == 0
