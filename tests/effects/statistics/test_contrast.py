"""The difference of two effects: against scipy's Welch test and a simulation, and what it must refuse."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from harness.contract.effect import Effect
from harness.effects.statistics.contrast import contrast, lacking
from harness.effects.statistics.intervals import level, paired_ratio, smallest

# Two samples of unequal size and spread.
FIRST, SECOND = [21.4, 20.9, 21.9, 21.1, 20.2], [23.0, 20.1, 26.4]


def test_it_is_welch_s_test() -> None:
    found = contrast(level("error", "%", FIRST), level("error", "%", SECOND))
    told = scipy.stats.ttest_ind(SECOND, FIRST, equal_var=False)
    interval = told.confidence_interval(0.95)
    assert found.estimate == pytest.approx(np.mean(SECOND) - np.mean(FIRST))
    assert found.unit == "points"
    assert found.df == pytest.approx(told.df)
    assert found.p_student == pytest.approx(told.pvalue)
    assert found.ci95 is not None
    assert (found.ci95.low, found.ci95.high) == pytest.approx((interval.low, interval.high))


def test_ratios_are_divided_on_logarithms() -> None:
    ones = [1.0] * 5
    first, second = paired_ratio("epochs", "×", FIRST, ones), paired_ratio("epochs", "×", SECOND, ones[:3])
    found = contrast(first, second)
    told = scipy.stats.ttest_ind(np.log(SECOND), np.log(FIRST), equal_var=False)
    interval = told.confidence_interval(0.95)
    assert found.estimate == pytest.approx(scipy.stats.gmean(SECOND) / scipy.stats.gmean(FIRST))
    assert found.ci95 is not None
    ends = math.exp(interval.low), math.exp(interval.high)
    assert (found.ci95.low, found.ci95.high) == pytest.approx(ends)
    assert found.p_student == pytest.approx(told.pvalue)


def test_to_change_sides_changes_the_sign_alone() -> None:
    a, b = level("error", "%", FIRST), level("error", "%", SECOND)
    there, back = contrast(a, b), contrast(b, a)
    assert there.estimate == -(back.estimate or 0)
    assert (there.p_student, there.df) == (back.p_student, back.df)


def test_it_covers_the_truth_as_often_as_it_promises() -> None:
    """Unequal spreads and sizes, no difference: 95 % of intervals hold 0, within four standard errors."""
    draw, times = np.random.default_rng(5), 1500
    held = 0
    for _ in range(times):
        found = contrast(level("x", "", draw.normal(0, 1, 5)), level("x", "", draw.normal(0, 3, 10)))
        assert found.ci95 is not None
        held += found.ci95.low <= 0 <= found.ci95.high
    assert held / times == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / times))


@pytest.mark.parametrize(
    ("effect", "why"),
    [
        (level("x", "", []), "no runs"),
        (level("x", "", [1.0]), "one run: no interval"),
        (Effect("x", "×", 5, None, None, None, censored=2), "2 censored runs"),
        (Effect("x", "", 1, 60e6, None, None), "there is no standard error"),
        (
            smallest([level("conv1", "", FIRST), level("conv2", "", SECOND)]),
            "its interval does not come from one standard error",
        ),
    ],
)
def test_what_has_no_standard_error_of_its_own_has_no_difference(effect: Effect, why: str) -> None:
    assert lacking(effect) == why
    with pytest.raises(ValueError, match=why.split(":")[0]):
        contrast(level("x", "", FIRST), effect)


def test_units_must_agree() -> None:
    known = level("x", "%", FIRST)
    with pytest.raises(ValueError, match="in % has no difference from one in days"):
        contrast(known, replace(known, unit="days"))
