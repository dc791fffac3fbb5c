"""Effects from numbers: Student intervals, and the smallest effect that can be detected.

Seeds are few (3 to 15), so intervals are Student's, on logarithms if the effect is a ratio. They hold if the
values, or their logarithms, are nearly normal; the exact p-value beside each needs no such assumption
(`exact.py`). Where records say which images were wrong, images are a sample too, and `images` is what they
add to an estimate's variance (`two_way.py`). Effects with censored runs: `time_to_event.py`.

scipy loads its parts when they are first named, and none is named before something is computed, so a table
of claims need not wait for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import scipy

from harness.contract.effect import Effect, Interval
from harness.effects.statistics.exact import Array, Values, permutation, sign_flip
from harness.effects.statistics.significance import (
    DIRECTION,
    EQUIVALENCE,
    INTERIM_DIRECTION,
    INTERIM_EQUIVALENCE,
    POWER,
)
from harness.effects.statistics.two_way import ImagePart


def level(metric: str, unit: str, values: Values, images: ImagePart | None = None) -> Effect:
    """Mean of one arm with Student intervals."""
    return student(metric, unit, values, images=images)


def paired_difference(
    metric: str,
    unit: str,
    baseline: Values,
    treated: Values,
    images: ImagePart | None = None,
) -> Effect:
    """Baseline − treated, paired by position: positive if the treatment lowers it. Exact sign-flip p."""
    first, second = _pairs(baseline, treated)
    gains = first - second
    effect = student(metric, unit, gains, images=images)
    return replace(effect, p_student=student_p(effect), p_value=sign_flip(gains))


def pooled_difference(
    metric: str,
    unit: str,
    baseline: Values,
    treated: Values,
    images: ImagePart | None = None,
) -> Effect:
    """Baseline − treated of two independent samples, as in `pooled`. Exact permutation p."""
    effect = pooled(metric, unit, baseline, treated, images)
    return replace(effect, p_value=permutation(baseline, treated))


def pooled(
    metric: str,
    unit: str,
    baseline: Values,
    treated: Values,
    images: ImagePart | None = None,
) -> Effect:
    """Mean of baseline − mean of treated, by Student's t with pooled variance, df = n₁ + n₂ − 2.

    `n` is the size of the smaller sample, and `values` are its values against the other's mean.
    """
    first, second = finite(baseline), finite(treated)
    arms = (tuple(map(float, first)), tuple(map(float, second)))
    counts = (len(first), len(second))
    few, n = min(len(first), len(second)), len(first) + len(second)
    if few == 0:
        lacking = "either arm" if n == 0 else "the first arm" if len(second) else "the second arm"
        return Effect(metric, unit, 0, None, None, None, note=f"no runs of {lacking}")
    estimate = float(first.mean() - second.mean())
    shown = first - second.mean() if len(first) == few else first.mean() - second
    values = tuple(map(float, shown))
    plain = Effect(metric, unit, few, estimate, None, None, values=values, counts=counts, arms=arms)
    if n == 2:
        return replace(plain, note="one run of each arm: no interval")
    if _constant(first) and _constant(second):
        return replace(plain, note="each arm's values are equal: the spread is unknown")
    variance = (first.var() * len(first) + second.var() * len(second)) / (n - 2)
    inverse = 1 / len(first) + 1 / len(second)
    effect = bounded(plain, estimate, float(variance) * inverse, n - 2, images)
    return replace(effect, p_student=student_p(effect))


def paired_ratio(metric: str, unit: str, numerator: Values, denominator: Values) -> Effect:
    """Geometric mean of numerator ÷ denominator, paired by position; all values above zero."""
    first, second = _pairs(numerator, denominator)
    if min(first.min(initial=1), second.min(initial=1)) <= 0:
        raise ValueError(f"a ratio needs values above zero in {metric}, not {[*first, *second]}")
    ratios = first / second
    effect = student(metric, unit, ratios, log=True)
    return replace(effect, p_student=student_p(effect), p_value=sign_flip(np.log(ratios)))


def share(metric: str, successes: int, n: int) -> Effect:
    """A share of runs in percent, with Clopper and Pearson's intervals: exact and never too narrow."""
    if n == 0:
        return Effect(metric, "%", 0, None, None, None, note="no runs")

    def interval(level: float) -> Interval:
        tail = (1 - level) / 2
        low = float(scipy.special.betaincinv(successes, n - successes + 1, tail)) if successes else 0.0
        high = (
            float(scipy.special.betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
        )
        return Interval(100 * low, 100 * high, level)

    return Effect(
        metric,
        "%",
        n,
        100 * successes / n,
        interval(EQUIVALENCE),
        interval(DIRECTION),
        interim90=interval(INTERIM_EQUIVALENCE),
        interim95=interval(INTERIM_DIRECTION),
        values=(100.0,) * successes + (0.0,) * (n - successes),
        note=f"{successes} of {n}",
    )


def stouffer(p_values: Sequence[float]) -> float | None:
    """One p from several independent one-sided ones, by the sum of their normal deviates; None if empty."""
    if not p_values:
        return None
    deviates = -scipy.special.ndtri(np.asarray(p_values))
    return float(scipy.special.ndtr(-deviates.sum() / math.sqrt(len(p_values))))


def smallest(effects: Sequence[Effect]) -> Effect:
    """The smallest of several effects, with intervals that are valid whichever it is.

    What the smallest exceeds, all exceed: the lower end is the smallest lower end, at the plain level, as the
    smallest effect's own is not below it (intersection-union test; Berger 1982). The upper end of CI₉₅ is the
    smallest upper end at Bonferroni's level. That of CI₉₀ is the largest, so that it lies in a band only if
    each effect's own does: the smallest alone would say nothing of how large the others are. `p_student`
    belongs to CI₉₅; the exact p is the largest, if all estimates are on the same side. Power is that of the
    effect that sets the lower end.
    """
    known = [e for e in effects if e.estimate is not None]
    if len(known) < len(effects) or not known:
        raise ValueError("the smallest of effects is unknown while one of them is")
    least = min(known, key=lambda e: e.estimate or 0.0)
    if any(e.ci95 is None for e in known):
        note = f"{least.metric} is smallest; no interval while the spread of one is unknown"
        return replace(_bare(least, known), note=note)
    lowest = min(known, key=lambda e: _ends(e, DIRECTION)[0])
    power = {name: getattr(lowest, name) for name in ("standard_error", "seed_error", "df", "counts")}
    return replace(
        _bare(least, known),
        **power,
        ci90=_all(known, EQUIVALENCE),
        ci95=_smallest(known, DIRECTION),
        interim90=_all(known, INTERIM_EQUIVALENCE),
        interim95=_smallest(known, INTERIM_DIRECTION),
        minimum_detectable=lowest.minimum_detectable,
        p_student=_p_of_smallest(known),
        p_value=_largest_exact(known),
        note=f"{least.metric} is smallest, and {lowest.metric} has the lowest lower end, of {len(known)}; "
        "the 90 % interval covers those of all",
    )


def student(
    metric: str,
    unit: str,
    values: Values,
    log: bool = False,
    images: ImagePart | None = None,
) -> Effect:
    """Mean (`log`: geometric mean) with Student intervals, or none if the spread is unknown."""
    x = finite(values)
    n, kept = len(x), tuple(map(float, x))
    if n == 0:
        return Effect(metric, unit, 0, None, None, None, note="no runs", log=log)
    y = np.log(x) if log else x
    mean = float(y.mean())
    estimate = math.exp(mean) if log else mean
    plain = Effect(metric, unit, n, estimate, None, None, values=kept, log=log)
    if n == 1 or _constant(x):
        return replace(plain, note=_no_spread(n))
    return bounded(plain, mean, float(y.var(ddof=1)) / n, n - 1, images)


def finite(values: Values) -> Array:
    """The values as an array; ValueError names the first that is NaN or infinite."""
    x = np.asarray(values, dtype=np.float64)
    if not np.isfinite(x).all():
        at = int(np.flatnonzero(~np.isfinite(x))[0])
        raise ValueError(f"value {at} is {x[at]}: a run without a finite result must be censored or reported")
    return x


@lru_cache(4096)
def t_quantile(level: float, df: float) -> float:
    """Half-width of a two-sided Student interval, in standard errors."""
    return float(scipy.special.stdtrit(df, (1 + level) / 2))


@lru_cache(4096)
def detectable(df: float, level: float = DIRECTION) -> float:
    """Distance from the null, in standard errors, that a two-sided t test finds with 80 % power."""
    return float(scipy.special.nctdtrinc(df, 1 - POWER, t_quantile(level, df)))


def student_p(effect: Effect) -> float | None:
    """Two-sided p of Student's t against no effect, 0 or a ratio of 1; None without a standard error."""
    if effect.standard_error is None or effect.df is None:
        return None
    return 2 * float(scipy.special.stdtr(effect.df, -abs(centre(effect)) / effect.standard_error))


def _one_sided(effect: Effect) -> tuple[float, float]:
    """The probabilities of a t as large and of one as small, if there is no effect."""
    assert effect.standard_error is not None
    t = centre(effect) / effect.standard_error
    return float(scipy.special.stdtr(effect.df, -t)), float(scipy.special.stdtr(effect.df, t))


def centre(effect: Effect) -> float:
    """The estimate on the scale of its standard error."""
    assert effect.estimate is not None
    return math.log(effect.estimate) if effect.log else effect.estimate


def bounded(effect: Effect, mean: float, seeds: float, df: float, images: ImagePart | None = None) -> Effect:
    """The effect with everything that follows from its mean and that mean's variance over seeds."""
    variance, df = images.joined(seeds, df) if images else (seeds, df)
    error = math.sqrt(variance)
    back: Callable[[float], float] = math.exp if effect.log else float

    def interval(level: float) -> Interval:
        half = t_quantile(level, df) * error
        return Interval(back(mean - half), back(mean + half), level)

    return replace(
        effect,
        ci90=interval(EQUIVALENCE),
        ci95=interval(DIRECTION),
        interim90=interval(INTERIM_EQUIVALENCE),
        interim95=interval(INTERIM_DIRECTION),
        standard_error=error,
        seed_error=math.sqrt(seeds),
        df=df,
        minimum_detectable=back(detectable(df) * error),
    )


def _bare(least: Effect, known: Sequence[Effect]) -> Effect:
    n = min(e.n for e in known)
    return Effect(least.metric, least.unit, n, least.estimate, None, None, log=least.log, joint=len(known))


def _smallest(effects: Sequence[Effect], level: float) -> Interval:
    upper = 1 - (1 - level) / len(effects)
    return Interval(min(_ends(e, level)[0] for e in effects), min(_ends(e, upper)[1] for e in effects), level)


def _all(effects: Sequence[Effect], level: float) -> Interval:
    both = [_ends(effect, level) for effect in effects]
    return Interval(min(low for low, _ in both), max(high for _, high in both), level)


def ends(effect: Effect, level: float) -> tuple[float, float] | None:
    """The effect's two-sided interval at any level; None if the spread is unknown."""
    return None if effect.standard_error is None else _ends(effect, level)


def _ends(effect: Effect, level: float) -> tuple[float, float]:
    assert effect.standard_error is not None
    assert effect.df is not None
    middle, half = centre(effect), t_quantile(level, effect.df) * effect.standard_error
    low, high = middle - half, middle + half
    return (math.exp(low), math.exp(high)) if effect.log else (low, high)


def _p_of_smallest(effects: Sequence[Effect]) -> float:
    """Two-sided p that is below .05 if and only if CI₉₅ of the smallest excludes the null."""
    both = [_one_sided(e) for e in effects]
    return min(1.0, 2 * min(max(large for large, _ in both), len(both) * min(small for _, small in both)))


def _largest_exact(effects: Sequence[Effect]) -> float | None:
    found = [e.p_value for e in effects if e.p_value is not None and centre(e) > 0]
    return max(found) if len(found) == len(effects) else None


def _pairs(first: Values, second: Values) -> tuple[Array, Array]:
    if len(first) != len(second):
        raise ValueError(f"pairs need as many values in both arms, not {len(first)} and {len(second)}")
    return finite(first), finite(second)


def _constant(x: Array) -> bool:
    """Whether all values are equal up to rounding."""
    return bool(np.ptp(x) <= 1e-9 * np.abs(x).max())


def _no_spread(n: int) -> str:
    return "one run: no interval" if n == 1 else f"all {n} values are equal: the spread is unknown"
