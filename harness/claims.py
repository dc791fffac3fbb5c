"""What a claim is, and what can be said of it: frozen values that every other module passes around."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a claim's effect is estimated, and so which rule judges it."""

    LEVEL = "level"  # one number against a band, such as an error rate
    DIFFERENCE = "difference"  # paired difference, null 0
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


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval; an infinite end means that nothing bounds it."""

    low: float
    high: float
    level: float

    def inside(self, band: Band) -> bool:
        """Whether the whole interval lies in the band."""
        return band.low <= self.low and self.high <= band.high

    def outside(self, band: Band) -> bool:
        """Whether the interval and the band have no point in common."""
        return self.high < band.low or self.low > band.high


@dataclass(frozen=True)
class Effect:
    """An estimate computed from records: never typed in by hand.

    `estimate` is None when no finite one exists (n = 0, or censored runs), `ci90` and `ci95` also where
    nothing shows the spread (n = 1, or equal values). `lower_bound` is then the one-sided statement "at
    least this" that censored runs still allow. `look90` and `look95` are the same two intervals, widened
    to the nominal levels of sequential looks.
    """

    metric: str
    unit: str
    n: int
    estimate: float | None
    ci90: Interval | None
    ci95: Interval | None
    p_value: float | None = None
    censored: int = 0
    lower_bound: float | None = None
    minimum_detectable: float | None = None
    n_to_decide: int | None = None
    values: tuple[float, ...] = ()
    note: str = ""
    look90: Interval | None = None
    look95: Interval | None = None


class Outcome(StrEnum):
    """What a verdict can say, in the order in which the gates are asked."""

    NOT_RUN = "not run"
    INVALID = "invalid"
    SMOKE = "smoke"
    REPORTED = "reported"  # a cost, or a claim that is shown and never judged
    REPRODUCED = "reproduced"
    DIRECTIONAL = "directional"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """An outcome, what qualifies it, and the reasons in words: which gate or rule, interval and band."""

    claim: str
    protocol: str | None
    outcome: Outcome
    reasons: tuple[str, ...]
    qualifier: str = ""
    audit: bool = False

    @property
    def headline(self) -> str:
        """The words on the badge, such as `directional (proxy)`."""
        return f"{self.outcome} ({self.qualifier})" if self.qualifier else str(self.outcome)
