"""Numbers, intervals and durations as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.effect import Interval
from harness.contract.formatting import (
    between,
    decimals,
    duration,
    interval,
    limits,
    number,
    p_value,
    quantity,
    span,
)
from harness.paper.claims import Band


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.0, "6"),
        (0.00001, "0.00001"),
        (-1.48e-16, "0"),
        (9_999.7, "10,000"),
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


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((1.0038, 1.5468), "[1.004, 1.547]"),
        ((0.4, 0.9996), "[0.4000, 0.9996]"),
        ((-0.31, -0.004), "[−0.310, −0.004]"),
        ((0.2, 31.0), "[0.2, 31.0]"),
        ((1.0, 1.5468), "[1.00, 1.55]"),  # it does touch no effect
        ((-0.31, 0.0), "[−0.31, 0.00]"),
        ((1.0000001, 1.5), "[1.0000, 1.5000]"),  # two more decimals, not any number
    ],
)
def test_an_interval_that_excludes_no_effect_does_not_seem_to_touch_it(
    ends: tuple[float, float], shown: str
) -> None:
    assert interval(Interval(*ends, 0.95)) == shown


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


NUMBERS = st.floats(-1e12, 1e12)
WIDTHS = st.floats(1e-6, 1e6)


def read(said: str) -> float:
    """The number that a text shows."""
    return float(said.replace(",", "").replace("−", "-"))


@given(NUMBERS, st.none() | st.integers(-3, 6))
def test_no_number_has_an_exponent_an_ascii_minus_or_a_negative_nought(
    value: float, decimals: int | None
) -> None:
    said = number(value, decimals)
    assert set(said) <= set("0123456789.,−")
    assert not (said.startswith("−") and read(said) == 0)


@given(NUMBERS)
def test_a_number_is_no_further_off_than_its_fourth_digit(value: float) -> None:
    assert read(number(value)) == pytest.approx(value, rel=5.1e-4, abs=1e-9)


@given(st.floats(-1e6, 1e6), WIDTHS)
def test_half_of_an_interval_has_two_digits_and_the_estimate_as_many_decimals(
    middle: float, half: float
) -> None:
    ends = Interval(middle - half, middle + half, 0.95)
    at = decimals(ends)
    assert at is not None
    said = number((ends.high - ends.low) / 2, at)
    digits = len(said.replace(",", "").replace(".", "").strip("0"))
    close = min(abs(end - no_effect) for end in (ends.low, ends.high) for no_effect in (0, 1)) < 0.051 * half
    assert digits <= (4 if close else 2)
    assert read(said) == pytest.approx(half, rel=0.051, abs=1e-9)
    shown = number(middle, at)
    assert len(shown.partition(".")[2]) == max(at, 0)
    assert abs(read(shown) - middle) <= 0.051 * half + 1e-9
    first, last = map(read, interval(ends)[1:-1].split(", "))
    assert (first, last) == (read(number(ends.low, at)), read(number(ends.high, at)))


@pytest.mark.parametrize(
    ("low", "high", "unit", "brackets", "sentence"),
    [
        (-3.487, 1.912, "points", "[−3.5, 1.9] points", "−3.5 to 1.9 points"),
        (6.4712, 7.3181, "×", "[6.47, 7.32] ×", "6.47× to 7.32×"),
        (16.96, 23.41, "days", "[17.0, 23.4] days", "17.0 to 23.4 days"),
        (1_147, 2_480, "images/s", "[1,150, 2,480] images/s", "1,150 to 2,480 images/s"),
        (7.1, math.inf, "×", "[7.1, ∞] ×", "7.1× to ∞×"),
        (2.0, 2.0, "points", "[2, 2] points", "2 to 2 points"),
    ],
)
def test_intervals(low: float, high: float, unit: str, brackets: str, sentence: str) -> None:
    ends = Interval(low, high, 0.95)
    assert interval(ends, unit) == brackets
    assert between(ends, unit) == sentence


@pytest.mark.parametrize(
    ("ends", "edges", "at"),
    [
        ((38.503, 39.2), (36.5, 38.5), 3),
        ((38.503, 39.2), (), 2),
        ((38.5, 39.2), (36.5, 38.5), 2),  # it does touch the band
        ((79.96, 95.0), (80.0,), 2),
        ((38.3, 90.0), (38.2,), 1),  # 38 would lie on the other side of it
        ((1.0, 3.0), (2.0, math.inf), 1),
    ],
)
def test_an_interval_does_not_seem_to_touch_an_edge_that_it_misses(
    ends: tuple[float, float], edges: tuple[float, ...], at: int
) -> None:
    assert decimals(Interval(*ends, 0.95), edges) == at


def test_an_interval_of_no_or_endless_width_rounds_nothing() -> None:
    assert [decimals(i) for i in (None, Interval(1, 1, 0.95), Interval(1, math.inf, 0.95))] == [None] * 3
    assert decimals(Interval(0, 0.199, 0.95)) == 2, "half is .0995, which rounds to .10"
