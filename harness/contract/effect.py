"""An estimate with its intervals: what every room after the plans passes on."""

from __future__ import annotations

from dataclasses import dataclass

from harness.paper.claims import Band


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
