"""Where a line through the last looks crosses the target, on curves written down by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.trial import Status, Trial
from harness.effects.time_to_target import fitted_crossing
from harness.plans.experiment import Planned, Role, Run
from harness.records.record import Record
from tests.fakes.settings import Idle
from tests.fakes.trials import STAND_IN


def looked(*errors: float | None) -> Run:
    """A run whose sample error was looked at four times an epoch."""
    curve = tuple({"epoch": (i + 1) / 4, "sample_error": error} for i, error in enumerate(errors))
    record = Record("key", "", {}, STAND_IN, "", Status.OK, {}, curve)
    return Run(Planned(Trial(Idle(), 0), "a", Role.FINAL), record)


FAR_BELOW = (0.100, 0.099, 0.098, 0.097)  # a line that was at the target before the training began


@given(st.floats(0.01, 0.05), st.floats(0.3, 0.5), st.integers(8, 30))
def test_a_straight_curve_is_crossed_where_it_is(slope: float, start: float, count: int) -> None:
    errors = [start - slope * (i + 1) / 4 for i in range(count)]
    found = fitted_crossing(looked(*errors), 0.25)
    assert found == pytest.approx((start - 0.25) / slope)


def test_a_lucky_last_look_is_weighed_against_the_others() -> None:
    """Falls by .02 a look and is there two looks early by luck; numpy fits the same eight looks."""
    errors = [0.40, 0.38, 0.36, 0.34, 0.32, 0.30, 0.285, 0.27, 0.24]
    found = fitted_crossing(looked(None, None, *errors), 0.25)
    epochs = np.arange(4, 12) / 4
    slope, height = np.polyfit(epochs, errors[1:], 1)
    assert found == pytest.approx((0.25 - height) / slope)
    assert found is not None
    assert 2.5 < found < 3.0


@pytest.mark.parametrize("errors", [(), (0.3, 0.2), (0.2, 0.21, 0.22, 0.23), (None, None, None), FAR_BELOW])
def test_too_few_looks_rising_ones_and_those_long_past_the_target_cross_nothing(
    errors: tuple[float | None, ...],
) -> None:
    assert fitted_crossing(looked(*errors), 0.25) is None
