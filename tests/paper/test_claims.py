"""Bands: what they contain and what they miss, and what a claim declares about a metric."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.effect import Interval
from harness.paper.catalogue import claim
from harness.paper.claims import Band, Metric

BAND = Band(4, 9)
ends = st.floats(-20, 20)


@pytest.mark.parametrize(
    ("low", "high", "contains", "misses"),
    [
        (4, 9, True, False),
        (5, 6, True, False),
        (3.9, 6, False, False),
        (9, 12, False, False),
        (9.1, 12, False, True),
        (1, 3.9, False, True),
        (1, 12, False, False),
        (5, math.inf, False, False),
        (10, math.inf, False, True),
    ],
)
def test_an_interval_lies_inside_outside_or_across(
    low: float, high: float, contains: bool, misses: bool
) -> None:
    interval = Interval(low, high, 0.95)
    assert (BAND.contains(interval), BAND.misses(interval)) == (contains, misses)


@given(ends, ends, st.floats(4, 9))
def test_what_is_missed_holds_no_point_of_the_band(one: float, other: float, point: float) -> None:
    interval = Interval(min(one, other), max(one, other), 0.9)
    assert not (BAND.misses(interval) and interval.low <= point <= interval.high)
    assert not (BAND.misses(interval) and BAND.contains(interval))


def test_a_band_has_its_ends_in_order() -> None:
    with pytest.raises(ValueError, match=r"band \[9, 4\] is empty"):
        Band(9, 4)


@given(ends, ends, st.floats(-20, 20))
def test_a_band_with_one_end_holds_whatever_lies_beyond_it(one: float, other: float, low: float) -> None:
    interval, band = Interval(min(one, other), max(one, other), 0.9), Band(low, math.inf)
    assert band.one_sided
    assert band.contains(interval) == (interval.low >= low)
    assert band.misses(interval) == (interval.high < low)


def test_a_bound_is_no_figure_to_expect() -> None:
    assert claim("lrn").primary.expected == 1.4
    assert claim("colour-augmentation").primary.paper == 1.0
    assert claim("colour-augmentation").primary.expected is None


@pytest.mark.parametrize(
    ("paper", "band", "count", "agrees"),
    [
        (60.0, Band(59.0, 61.0), 59.0, True),
        (60.0, Band(59.0, 61.0), 61.5, False),
        (60.0, None, 60.0, True),  # without a band exactly the paper's figure agrees
        (60.0, None, 60.5, False),
        (None, None, 60.0, None),
        (60.0, None, None, None),
    ],
)
def test_a_count_agrees_in_its_band(
    paper: float | None, band: Band | None, count: float | None, agrees: bool | None
) -> None:
    assert Metric("layers", "", paper, band).agrees(count) is agrees


def test_a_metric_is_found_by_its_name() -> None:
    assert claim("lrn").metric("top-5 error") is claim("lrn").metrics[1]
    assert claim("lrn").metric("top-1 error, by another norm") is None
