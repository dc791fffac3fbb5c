"""What counts as the paper's figure: it reports single runs, so bands are this project's policy."""

from __future__ import annotations

import math

from harness.paper.claims import Band, Metric
from harness.paper.run_log import Errors


def difference_band(figure: float) -> Band:
    """A difference in points, ± half of it, or ± 0.3 points if that is more."""
    slack = max(0.5 * figure, 0.3)
    return Band(round(figure - slack, 6), round(figure + slack, 6))


def at_least(figure: float) -> Band:
    """A figure that the paper gives as a lower bound: that much or more."""
    return Band(figure, math.inf)


def at_most(figure: float) -> Band:
    """A figure that the paper gives as an upper bound: that much or less, without rounding."""
    return Band(-math.inf, figure)


def ratio_band(figure: float) -> Band:
    """A ratio, within a factor of 1.5 in either direction: [4, 9] for 6."""
    return Band(round(figure / 1.5, 6), round(figure * 1.5, 6))


def top1_band(figure: float) -> Band:
    """A top-1 error in percent, ± 1.0 points."""
    return Band(round(figure - 1.0, 6), round(figure + 1.0, 6))


def top5_band(figure: float) -> Band:
    """A top-5 error in percent, ± 0.7 points."""
    return Band(round(figure - 0.7, 6), round(figure + 0.7, 6))


def count_band(figure: float) -> Band:
    """A count that the paper rounds: within 2 %."""
    return Band(round(0.98 * figure, 6), round(1.02 * figure, 6))


def levels(paper: Errors, logged: Errors | None = None) -> tuple[Metric, Metric]:
    """Top-1 and top-5 error as metrics in percent."""
    log = (logged.top1, logged.top5) if logged else (None, None)
    return (
        Metric("top-1 error", "%", paper.top1, top1_band(paper.top1), log[0]),
        Metric("top-5 error", "%", paper.top5, top5_band(paper.top5), log[1]),
    )


def falls(paper: Errors, logged: Errors | None = None) -> tuple[Metric, Metric]:
    """The fall of the top-1 and of the top-5 error as metrics in points."""
    log = (logged.top1, logged.top5) if logged else (None, None)
    return (
        Metric("top-1 error", "points", paper.top1, difference_band(paper.top1), log[0]),
        Metric("top-5 error", "points", paper.top5, difference_band(paper.top5), log[1]),
    )
