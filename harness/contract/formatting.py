"""How numbers, intervals and durations are written for people, the same way everywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

ZERO = 1e-9  # anything smaller is not a finding
NO_EFFECT = (0.0, 1.0)  # of a difference and of a ratio
NOTHING = "–"  # shown where there is no value
SINGULAR = {"points": "point", "days": "day"}
# Seconds from which a unit is used, the unit in seconds, and its name.
UNITS = ((172_800, 86_400, "days"), (5_400, 3_600, "h"), (90, 60, "min"), (0, 1, "s"))


class Range(Protocol):
    """Anything with two ends: an interval or a band."""

    @property
    def low(self) -> float:
        """The lower end."""

    @property
    def high(self) -> float:
        """The upper end."""


def number(value: float, decimals: int | None = None) -> str:
    """Four significant digits, whole numbers in full; or rounded to `decimals`. Never e-notation.

    Values closer to zero than `ZERO` are rounding errors of sums, and shown as zero.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    shown = 0.0 if abs(value) < ZERO else value if decimals is None else round(value, decimals)
    size = _four_digits(abs(shown)) if decimals is None else f"{abs(shown):,.{max(decimals, 0)}f}"
    return f"−{size}" if shown < 0 else size


def _four_digits(size: float) -> str:
    if size >= 1e4 or size == int(size):
        return f"{size:,.0f}"
    return f"{Decimal(f'{size:.4g}'):,f}"


def decimals(ends: Range | None, edges: Sequence[float] = ()) -> int | None:
    """The decimals at which half of an interval's width has two digits; None where there is no such width.

    An estimate is rounded like its interval: further digits are noise. But an interval that ends close to no
    effect must not seem to touch it, nor any of `edges`, such as a band's: then there are up to two more.
    Negative values mean tens and more.
    """
    half = (ends.high - ends.low) / 2 if ends else math.nan
    if ends is None or not ZERO <= half < math.inf:
        return None
    usual = 1 - int(f"{half:.1e}".partition("e")[2])
    near = [(end, edge) for end in (ends.low, ends.high) for edge in (*NO_EFFECT, *edges)]
    clear = (n for n in range(usual, usual + 2) if not any(_reaches(end, edge, n) for end, edge in near))
    return next(clear, usual + 2)


def _reaches(end: float, edge: float, at: int) -> bool:
    """Whether rounding moves an end onto the edge or beyond it."""
    beyond = end - edge
    return abs(beyond) > ZERO and math.copysign(1, beyond) * (round(end, at) - edge) < ZERO


def quantity(value: float, unit: str, decimals: int | None = None) -> str:
    """A number with its unit: `1.4 points`, `1 point`, `6×`."""
    said = number(value, decimals)
    named = SINGULAR.get(unit, unit) if said in ("1", "−1") else unit
    return f"{said}{named if unit == '×' else f' {named}' if unit else ''}"


def span(ends: Range | None, unit: str = "", decimals: int | None = None) -> str:
    """A range in square brackets, with its unit: `[4, 9] ×`."""
    return (
        f"[{number(ends.low, decimals)}, {number(ends.high, decimals)}] {unit}".strip() if ends else NOTHING
    )


def interval(ends: Range | None, unit: str = "") -> str:
    """A confidence interval in square brackets, rounded by its own width: `[−3.5, 1.9] points`."""
    return span(ends, unit, decimals(ends))


def between(ends: Range, unit: str = "") -> str:
    """A confidence interval in a sentence: `−3.5 to 1.9 points`, `6.5× to 7.3×`."""
    at = decimals(ends)
    low = quantity(ends.low, unit, at) if unit == "×" else number(ends.low, at)
    return f"{low} to {quantity(ends.high, unit, at)}"


def limits(band: Range | None, unit: str = "") -> str:
    """A band: in brackets like `span`, or by its only finite end: `≥ 1 point`."""
    if band is not None and math.isinf(band.high) and math.isfinite(band.low):
        return f"≥ {quantity(band.low, unit)}"
    if band is not None and math.isinf(band.low) and math.isfinite(band.high):
        return f"≤ {quantity(band.high, unit)}"
    return span(band, unit)


def count(n: int, of: str) -> str:
    """A number of things: `1 trial`, `1,200 trials`."""
    return f"{n:,} {of}{'' if n == 1 else 's'}"


def p_value(p: float) -> str:
    """A p-value, never rounded to zero."""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def duration(seconds: float) -> str:
    """A time as a person would say it: `0.3 s`, `40 s`, `12 min`, `3.5 h`, `6 days`."""
    size, name = next(unit[1:] for unit in UNITS if seconds >= unit[0])
    value = seconds / size
    tenths = value < 10 or name == "h"  # otherwise they are not worth reading
    return f"{f'{value:.1f}'.removesuffix('.0') if tenths else f'{value:.0f}'} {name}"
