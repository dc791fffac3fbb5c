"""Numbers, intervals and durations as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.effect import Interval
from harness.contract.formatting import duration, limits, number, p_value, quantity, span
from harness.paper.claims import Band


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.0, "6"),
        (0.00001, "1e-5"),
        (60_965_224, "60,965,224"),
        (12_345.6, "12,346"),
        (-1.25, "−1.25"),
        (5.8574, "5.857"),
        (float("nan"), "NaN"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.3, "0.3 s"), (4.26, "4.3 s"), (40, "40 s"), (130, "2.2 min"), (720, "12 min"), (5_340, "89 min"),
        (7_200, "2 h"), (12_600, "3.5 h"), (127_000, "35.3 h"), (518_400, "6 days"), (200_000, "2.3 days"),
        (76_464_000, "885 days"),
    ],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(1, 1e9))
def test_a_duration_is_no_further_off_than_its_last_digit(seconds: float) -> None:
    value, unit = duration(seconds).split()
    size = {"s": 1, "min": 60, "h": 3_600, "days": 86_400}[unit]
    assert float(value) * size == pytest.approx(seconds, rel=0.051)


def test_a_range_is_an_interval_or_a_band() -> None:
    assert span(Interval(-0.5, math.inf, 0.95)) == "[−0.5, ∞]"
    assert span(Band(4, 9), "×") == "[4, 9] ×"
    assert span(None) == "–"


def test_a_band_with_one_end_is_a_bound() -> None:
    assert limits(Band(1, math.inf), "points") == "≥ 1 point"
    assert limits(Band(2.5, math.inf), "points") == "≥ 2.5 points"
    assert limits(Band(-math.inf, 3), "×") == "≤ 3×"
    assert limits(Band(4, 9), "×") == "[4, 9] ×"
    assert limits(None) == "–"


def test_one_is_singular() -> None:
    units = ("points", "days", "images/s", "%")
    assert [quantity(1.0, unit) for unit in units] == ["1 point", "1 day", "1 images/s", "1 %"]
    assert [quantity(value, "points") for value in (-1.0, 1.4, 0.0)] == ["−1 point", "1.4 points", "0 points"]


def test_a_ratio_stands_against_its_sign() -> None:
    assert [quantity(6.0, unit) for unit in ("×", "points", "")] == ["6×", "6 points", "6"]


def test_no_p_value_is_nought() -> None:
    assert [p_value(p) for p in (0.0, 0.00009, 0.0001, 0.25)] == ["< 0.0001", "< 0.0001", "0.0001", "0.2500"]
