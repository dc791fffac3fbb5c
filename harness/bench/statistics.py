"""What many turns come to: medians with least and most, and ratios of neighbours."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class MedianAndRange:
    """The middle and the ends of `n` numbers."""

    median: float
    least: float
    most: float
    n: int


def spread(values: Sequence[float]) -> MedianAndRange:
    """Of at least one number."""
    return MedianAndRange(statistics.median(values), min(values), max(values), len(values))


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Each number ÷ the one measured in the same round: a load from elsewhere meets both."""
    return [a / b for a, b in zip(above, below, strict=True)]
