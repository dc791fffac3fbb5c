"""An estimate with its intervals: computed from records, judged by rules and printed in reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval; an infinite end means no bound on that side."""

    low: float
    high: float
    level: float


@dataclass(frozen=True)
class Effect:
    """An estimate computed from records, never typed in by hand.

    `n` is the number of pairs or, where two arms are compared unpaired, of runs in the smaller arm; `counts`
    then has both numbers, and `arms` the values of their runs, of which the second arm's are subtracted.
    `estimate` is None when no finite one exists (n = 0, or censored runs); `ci90` and `ci95` are also None
    where the spread is unknown (n = 1, or equal values). `lower_bound` is then the one-sided statement "at
    least this" that censored runs still allow. `interim90` and `interim95` are the same two intervals,
    widened to the nominal levels of interim looks.

    Intervals are the estimate ± t(`df`) × `standard_error`, both of logarithms where the effect is a ratio
    (`log`). `seed_error` is the standard error over seeds alone, where `standard_error` generalises over
    images too. `p_student` corresponds to CI₉₅, `p_value` to the exact test over seeds: sign flips of pairs,
    or permutations of two arms' runs. `minimum_detectable` is the smallest effect that this many seeds detect
    with 80 % power; `n_to_decide` is the number of seeds that would decide, infinite where that is too many.
    `joint`: it is the smallest of so many effects, all of which must lie in a band.
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
    joint: int = 1
