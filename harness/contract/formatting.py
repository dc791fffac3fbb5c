"""How numbers, intervals and durations are written for people: one way everywhere."""

from __future__ import annotations

import math
from typing import Protocol

NOTHING = "–"  # what stands where there is nothing to say
SINGULAR = {"points": "point", "days": "day"}
# Seconds from which on a unit serves, the unit in seconds, and its name.
UNITS = ((172_800, 86_400, "days"), (5_400, 3_600, "h"), (90, 60, "min"), (0, 1, "s"))


class Range(Protocol):
    """Whatever has two ends: an interval, or a band."""

    @property
    def low(self) -> float:
        """The lower end."""

    @property
    def high(self) -> float:
        """The upper end."""


def number(value: float) -> str:
    """Four significant digits; whole numbers in full, with thousands separated."""
    if math.isnan(value):
        return "NaN"
    if value < 0:
        return f"−{number(-value)}"
    if math.isinf(value):
        return "∞"
    if value >= 1e4 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}".replace("e-0", "e-")


def quantity(value: float, unit: str) -> str:
    """A number with its unit: `1.4 points`, `1 point`, `6×`."""
    said = number(value)
    named = SINGULAR.get(unit, unit) if said in ("1", "−1") else unit
    return f"{said}{named if unit == '×' else f' {named}' if unit else ''}"


def span(ends: Range | None, unit: str = "") -> str:
    """An interval or a band in square brackets, with its unit: `[4, 9] ×`."""
    return f"[{number(ends.low)}, {number(ends.high)}] {unit}".strip() if ends else NOTHING


def limits(band: Range | None, unit: str = "") -> str:
    """A band: in brackets as `span` has it, or by its one end: `≥ 1 point`."""
    if band is not None and math.isinf(band.high) and math.isfinite(band.low):
        return f"≥ {quantity(band.low, unit)}"
    if band is not None and math.isinf(band.low) and math.isfinite(band.high):
        return f"≤ {quantity(band.high, unit)}"
    return span(band, unit)


def p_value(p: float) -> str:
    """A p-value, never rounded to nought."""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def duration(seconds: float) -> str:
    """A time as a person would say it: `0.3 s`, `40 s`, `12 min`, `3.5 h`, `6 days`."""
    size, name = next(unit[1:] for unit in UNITS if seconds >= unit[0])
    value = seconds / size
    tenths = value < 10 or name == "h"  # else they are not worth reading
    return f"{f'{value:.1f}'.removesuffix('.0') if tenths else f'{value:.0f}'} {name}"
