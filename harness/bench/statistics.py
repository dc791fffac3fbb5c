"""Summaries of many turns: medians with minimum and maximum, and ratios of neighbours."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class MedianAndRange:
    """The median and range of `n` numbers."""

    median: float
    least: float
    most: float
    n: int


def spread(values: Sequence[float]) -> MedianAndRange:
    """The median and range of at least one number."""
    return MedianAndRange(statistics.median(values), min(values), max(values), len(values))


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Each number ÷ the one measured in the same round: outside load affects both."""
    return [a / b for a, b in zip(above, below, strict=True)]


def shares(parts: Mapping[str, float]) -> dict[str, float]:
    """Each part's share of the sum, largest first, without zeros."""
    whole = sum(parts.values())
    ordered = sorted(parts.items(), key=lambda part: -part[1])
    return {name: value / whole for name, value in ordered if value > 0}
