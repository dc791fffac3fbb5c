"""Where a line through the last looks crosses the target, on curves written down by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.trial import Status, Trial
from harness.effects.statistics.time_to_event import Time
from harness.effects.time_to_target import bracket, fitted_crossing
from harness.plans.experiment import Planned, Role, Run
from harness.records.record import Record
from tests.fakes.evidence.trials import STAND_IN
from tests.fakes.running.settings import Idle


def looked(*errors: float | None) -> Run:
    """A run whose sample error was measured four times per epoch."""
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
    """Falls by .02 per look and gets there two looks early by luck; NumPy fits the same eight looks."""
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


def test_a_line_that_was_at_the_target_before_training_began_crosses_nothing() -> None:
    """As for a curve that is under the target at once and keeps falling: it allows no ratio of times."""
    assert fitted_crossing(looked(0.02, 0.019, 0.018, 0.017), 0.25) is None


@pytest.mark.parametrize("lost", ["reached", "epochs_low", "epochs_high"])
def test_a_run_that_lacks_an_end_of_its_bracket_tells_no_time(lost: str) -> None:
    whole = {"reached": 1.0, "epochs_low": 2.0, "epochs_high": 3.0}
    run = looked()
    known = replace(run, record=replace(run.record, metrics=whole))
    assert bracket("epochs")(known) == Time(2.0, 3.0)
    metrics = {name: value for name, value in whole.items() if name != lost}
    assert bracket("epochs")(replace(run, record=replace(run.record, metrics=metrics))) is None
