"""What a claim is: a statement of the paper with all that is declared of it before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.contract.effect import Interval


class Kind(StrEnum):
    """How a claim's effect is estimated, and so which rule judges it."""

    LEVEL = "level"  # one number against a band, such as an error rate
    DIFFERENCE = "difference"  # difference between arms or ways to test, null 0
    RATIO = "ratio"  # paired ratio on the log scale, null 1
    DIRECTION = "direction"  # only the side of the null is claimed
    EXACT = "exact"  # computed without chance: no seeds, no interval
    COST = "cost"  # shown beside the paper's, never judged
    QUALITATIVE = "qualitative"  # the paper gives no number; judged as a direction on a declared measure


class Side(StrEnum):
    """The side of the null on which the paper puts its effect."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True)
class Band:
    """The closed interval in which an estimate counts as the paper's figure: this project's policy."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"band [{self.low}, {self.high}] is empty")

    def contains(self, interval: Interval) -> bool:
        """Whether the whole interval lies in the band."""
        return self.low <= interval.low and interval.high <= self.high

    def misses(self, interval: Interval) -> bool:
        """Whether the interval and the band have no point in common."""
        return interval.high < self.low or interval.low > self.high


@dataclass(frozen=True)
class Metric:
    """One measured quantity of a claim, with the paper's and the 2012 log's figures for it."""

    name: str
    unit: str
    paper: float | None = None
    band: Band | None = None
    logged_2012: float | None = None


@dataclass(frozen=True)
class Claim:
    """One statement of the paper, with all that is declared about it before anything runs."""

    id: str
    section: str
    statement: str
    figure: str
    kind: Kind
    estimand: str
    metrics: tuple[Metric, ...]
    conditions: str
    null: float | None = None
    side: Side | None = None
    paper_scale: str | None = None
    log_2012: str = ""
    discussion: str = ""
    needs: str = ""  # of a claim that is declared and has no reproduction: what running it would take

    @property
    def primary(self) -> Metric:
        """The metric that the verdict rests on."""
        return self.metrics[0]

    def metric(self, name: str) -> Metric | None:
        """What is declared of the metric of that name, if anything is."""
        return next((metric for metric in self.metrics if metric.name == name), None)
