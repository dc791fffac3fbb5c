"""An estimate with its intervals: what is estimated from records, judged by rules and printed in reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval; an infinite end means that nothing bounds it."""

    low: float
    high: float
    level: float


@dataclass(frozen=True)
class Effect:
    """An estimate computed from records: never typed in by hand.

    `n` is the number of pairs, or of runs of the smaller of two arms that are compared unpaired: `counts` has
    both numbers then, and `arms` the values of their runs, of which the second's are taken off. `estimate` is
    None when no finite one exists (n = 0, or censored runs), `ci90` and `ci95` also where nothing shows the
    spread (n = 1, or equal values). `lower_bound` is then the one-sided statement "at least this" that
    censored runs still allow. `interim90` and `interim95` are the same two intervals, widened to the nominal
    levels of interim looks.

    Intervals are the estimate ± t(`df`) × `standard_error`, both of logarithms where the effect is a ratio
    (`log`). `seed_error` is the standard error over seeds alone, where the other one generalises over images
    too. `p_student` belongs to CI₉₅, `p_value` to the exact test over seeds: sign flips of pairs, or
    permutations of two arms' runs. `minimum_detectable` is the smallest effect that so many seeds find with
    80 % power; `n_to_decide` the seeds that would decide, infinite where too many.
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
    n_to_decide: float | None = None
    values: tuple[float, ...] = ()
    note: str = ""
    interim90: Interval | None = None
    interim95: Interval | None = None
    p_student: float | None = None
    standard_error: float | None = None
    seed_error: float | None = None
    df: float | None = None
    log: bool = False
    counts: tuple[int, ...] = ()
    arms: tuple[tuple[float, ...], ...] = ()
