"""What a claim is: a statement of the paper with everything declared about it before anything runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.contract.effect import Interval
from harness.contract.formatting import limits, quantity


class Kind(StrEnum):
    """How a claim's effect is estimated, and so which rule judges it."""

    LEVEL = "level"  # one number against a band, such as an error rate
    DIFFERENCE = "difference"  # difference between arms or ways to test, null 0
    RATIO = "ratio"  # paired ratio on the log scale, null 1
    DIRECTION = "direction"  # only the side of the null is claimed
    EXACT = "exact"  # computed without chance: no seeds, no interval
    COST = "cost"  # shown beside the paper's figure, never judged
    QUALITATIVE = "qualitative"  # the paper gives no number; judged as a direction on a declared measure


class Side(StrEnum):
    """The side of the null on which the paper puts its effect."""

    ABOVE = "above"
    BELOW = "below"


class Fit(StrEnum):
    """What training must reach before networks can show a claim: see verdicts/trained_enough.py."""

    OVERFITTED = "overfitted"  # for a remedy for overfitting (§4): there must be overfitting without it
    FLATTENED = "flattened"  # for accuracy: the baseline must have learned what it can at its first rate


@dataclass(frozen=True)
class Band:
    """The closed interval in which an estimate counts as the paper's figure: this project's policy.

    An infinite end leaves that side open, if the paper's figure is itself only a bound.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"band [{self.low}, {self.high}] is empty")

    @property
    def one_sided(self) -> bool:
        """Whether a side is open, so that no effect can lie beyond it."""
        return math.isinf(self.low) or math.isinf(self.high)

    def contains(self, interval: Interval) -> bool:
        """Whether the whole interval lies in the band."""
        return self.low <= interval.low and interval.high <= self.high

    def holds(self, value: float) -> bool:
        """Whether the value lies in the band."""
        return self.low <= value <= self.high

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

    @property
    def bounded(self) -> bool:
        """Whether the paper's figure is only a bound."""
        return self.band is not None and self.band.one_sided

    @property
    def stated(self) -> str:
        """The paper's figure with its unit, `≤ 1 %` if it is a bound; empty if the paper gives none."""
        if self.paper is None:
            return ""
        return limits(self.band, self.unit) if self.bounded else quantity(self.paper, self.unit)

    @property
    def expected(self) -> float | None:
        """The figure to expect if the paper is right: None if it gives no figure, or only a bound."""
        return None if self.bounded else self.paper

    @property
    def tolerated(self) -> Band | None:
        """Where a count agrees with the paper's: in the band, or exactly at the paper's figure."""
        exactly = None if self.paper is None else Band(self.paper, self.paper)
        return self.band or exactly

    def agrees(self, count: float | None) -> bool | None:
        """Whether the count agrees with the paper's; None without a count or a figure to compare it with."""
        return None if count is None or self.tolerated is None else self.tolerated.holds(count)


@dataclass(frozen=True)
class Claim:
    """One statement of the paper, with everything declared about it before anything runs.

    At a scale other than the paper's a verdict may rest on another metric, `elsewhere`, that shows a
    direction with fewer seeds. `negligible` has a band in which a difference there is as good as none.
    `pays_in` names a metric that the technique should lower too, though the verdict does not rest on it.
    `amended` says what was declared only after a result was known, and what the verdict was before.
    """

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
    amended: str = ""
    fit: Fit | None = None  # None: about speed, time or counts, which any network can show
    elsewhere: str = ""
    negligible: Metric | None = None
    pays_in: str = ""
    needs: str = ""  # of a declared claim without a reproduction: what running it would take

    @property
    def primary(self) -> Metric:
        """The first metric: the verdict rests on it alone, except for counts, which are all judged."""
        return self.metrics[0]

    def judged(self, at_paper_scale: bool) -> Claim:
        """The claim with its judged metric first, at the paper's scale or at another."""
        other = None if at_paper_scale or not self.elsewhere else self.metric(self.elsewhere)
        if other is None:
            return self
        return replace(self, metrics=(other, *(metric for metric in self.metrics if metric is not other)))

    def metric(self, name: str) -> Metric | None:
        """The declared metric of that name, if there is one."""
        return next((metric for metric in self.metrics if metric.name == name), None)

    @property
    def requires(self) -> bool:
        """Whether the null is a share that the claim requires, rather than the absence of an effect."""
        return self.null not in (None, 0.0, 1.0)


def null_name(claim: Claim) -> str:
    """The name of the value that an effect is compared with; for a share, what the claim requires."""
    return f"required: {quantity(claim.null or 0.0, claim.primary.unit)}" if claim.requires else "no effect"
