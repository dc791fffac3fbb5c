"""Effects from numbers: Student intervals, exact tests, and the power to decide.

Seeds are few (3 to 10), so intervals are Student's, on logarithms where the effect is a ratio. They hold if
the values, or their logarithms, are near normal; the exact sign-flip or permutation p-value beside each
asks for nothing of the kind, and cannot go below 2 / 2ⁿ. Effects with censored runs: `survival.py`.

scipy loads its parts when they are first named, and none is named before something is computed: so that a
table of claims need not wait for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from harness.contract.effect import Effect, Interval
from harness.paper.claims import Band

EQUIVALENCE, DIRECTION = 0.90, 0.95  # two one-sided tests at .05, and a two-sided one
POWER = 0.80
MOST_REARRANGEMENTS = 2**16  # beyond this, as many random ones

# More seeds come only at these looks. Pocock's constants for three looks (2.289 for two-sided .05, 1.992
# for .10: nominal .0221 and .0464) assume normal means at equally spaced looks. Student's t at n = 3, 5
# and 10 is neither, and would be wrong one-sided in 2.85 and 5.6 % of experiments instead of 2.5 and 5 %.
# So the nominal levels are solved for these looks: .0190 and .0406, found by 8 million simulated
# experiments, rounded to the safe side, and checked again by `harness.verdicts.calibration`.
LOOKS = (3, 5, 10)
LOOK_EQUIVALENCE, LOOK_DIRECTION = 1 - 0.0406, 1 - 0.0190

Array = NDArray[np.float64]


def level(metric: str, unit: str, values: Sequence[float]) -> Effect:
    """Mean of one arm with Student intervals."""
    return _with_power(student(metric, unit, values))


def paired_difference(metric: str, unit: str, baseline: Sequence[float], treated: Sequence[float]) -> Effect:
    """Baseline − treated, paired by position: positive where the treatment lowers. Exact sign-flip p."""
    first, second = _pairs(baseline, treated)
    gains = first - second
    return _with_power(replace(student(metric, unit, gains), p_value=sign_flip(gains)))


def paired_ratio(metric: str, unit: str, numerator: Sequence[float], denominator: Sequence[float]) -> Effect:
    """Geometric mean of numerator ÷ denominator, paired by position; all values above zero."""
    first, second = _pairs(numerator, denominator)
    if min(first.min(initial=1), second.min(initial=1)) <= 0:
        raise ValueError(f"a ratio needs values above zero in {metric}, not {[*first, *second]}")
    ratios = first / second
    effect = student(metric, unit, ratios, log=True)
    return _with_power(replace(effect, p_value=sign_flip(np.log(ratios))), log=True)


def unpaired_difference(
    metric: str, unit: str, baseline: Sequence[float], treated: Sequence[float]
) -> Effect:
    """Baseline − treated for arms that share no seeds: Welch's t interval, permutation p. n: smaller arm."""
    first, second = finite(baseline), finite(treated)
    n = min(len(first), len(second))
    if n == 0:
        return Effect(metric, unit, 0, None, None, None, note="an arm has no runs")
    estimate = float(first.mean() - second.mean())
    if n == 1 or (_constant(first) and _constant(second)):
        return Effect(metric, unit, n, estimate, None, None, note=_no_spread(n))
    se, df = _welch(first, second)
    effect = _bounded(Effect(metric, unit, n, estimate, None, None), estimate, se, df)
    return replace(effect, p_value=permutation(first, second), minimum_detectable=detectable(df) * se)


def student(metric: str, unit: str, values: Sequence[float] | Array, log: bool = False) -> Effect:
    """Mean (`log`: geometric mean) with Student intervals, and none where nothing shows the spread."""
    x = finite(values)
    n, kept = len(x), tuple(map(float, x))
    if n == 0:
        return Effect(metric, unit, 0, None, None, None, note="no runs")
    y = np.log(x) if log else x
    mean = float(y.mean())
    back = math.exp if log else float
    plain = Effect(metric, unit, n, back(mean), None, None, values=kept)
    if n == 1 or _constant(x):
        return replace(plain, note=_no_spread(n))
    return _bounded(plain, mean, float(y.std(ddof=1)) / math.sqrt(n), n - 1, back)


def finite(values: Sequence[float] | Array) -> Array:
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


def sign_flip(values: Sequence[float] | Array) -> float | None:
    """Two-sided p of the mean against 0 over all sign assignments (beyond n = 16: 65,536 random ones)."""
    x = finite(values)
    if len(x) < 2:
        return None
    rounding = 1e-12 * float(np.abs(x).sum())  # a tie counts as being as large
    return float(np.mean(np.abs(_signs(len(x)) @ x) >= abs(x.sum()) - rounding))


def permutation(first: Sequence[float] | Array, second: Sequence[float] | Array) -> float:
    """Two-sided p of the difference of means over all regroupings (65,536 random ones if there are more)."""
    data = finite(first), finite(second)
    return float(
        scipy.stats.permutation_test(data, _mean_difference, n_resamples=MOST_REARRANGEMENTS, rng=0).pvalue
    )


def tost(values: Sequence[float], band: Band, log: bool = False) -> float:
    """Larger p of the two one-sided t tests: below .05 exactly when CI₉₀ lies inside the band."""
    x, (low, high) = finite(values), (band.low, band.high)
    if log:
        x, low, high = np.log(x), math.log(low), math.log(high)
    above = scipy.stats.ttest_1samp(x, low, alternative="greater").pvalue
    return float(max(above, scipy.stats.ttest_1samp(x, high, alternative="less").pvalue))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p-values, by the names of the raw ones."""
    adjusted, running, m = {}, 0.0, len(p_values)
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        running = max(running, min(1.0, (m - rank) * p))
        adjusted[name] = running
    return {name: adjusted[name] for name in p_values}


def prediction(values: Sequence[float], level: float = DIRECTION, log: bool = False) -> Interval:
    """Where one further run falls, such as the paper's single one, if it is drawn like these; n ≥ 2."""
    x = np.log(finite(values)) if log else finite(values)
    if len(x) < 2:
        raise ValueError(f"a prediction interval needs two runs or more, not {len(x)}")
    half = t_quantile(level, len(x) - 1) * float(x.std(ddof=1)) * math.sqrt(1 + 1 / len(x))
    back = math.exp if log else float
    return Interval(back(x.mean() - half), back(x.mean() + half), level)


@lru_cache(4096)
def detectable(df: float) -> float:
    """Distance from the null, in standard errors, that a two-sided .05 t test finds with 80 % power."""
    return float(scipy.special.nctdtrinc(df, 1 - POWER, t_quantile(DIRECTION, df)))


def _bounded(
    effect: Effect, mean: float, se: float, df: float, back: Callable[[float], float] = float
) -> Effect:
    def interval(level: float) -> Interval:
        half = t_quantile(level, df) * se
        return Interval(back(mean - half), back(mean + half), level)

    ci90, ci95, look90, look95 = map(interval, (EQUIVALENCE, DIRECTION, LOOK_EQUIVALENCE, LOOK_DIRECTION))
    return replace(effect, ci90=ci90, ci95=ci95, look90=look90, look95=look95)


def _with_power(effect: Effect, log: bool = False) -> Effect:
    if effect.ci95 is None:
        return effect
    x = np.log(effect.values) if log else np.asarray(effect.values)
    shift = detectable(effect.n - 1) * float(x.std(ddof=1)) / math.sqrt(effect.n)
    return replace(effect, minimum_detectable=math.exp(shift) if log else shift)


def _welch(first: Array, second: Array) -> tuple[float, float]:
    """Welch's standard error and degrees of freedom."""
    a, b = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
    df = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))
    return math.sqrt(a + b), float(df)


def _pairs(first: Sequence[float], second: Sequence[float]) -> tuple[Array, Array]:
    if len(first) != len(second):
        raise ValueError(f"pairs need as many values in both arms, not {len(first)} and {len(second)}")
    return finite(first), finite(second)


def _constant(x: Array) -> bool:
    """Whether all values are equal but for rounding."""
    return bool(np.ptp(x) <= 1e-9 * np.abs(x).max())


def _no_spread(n: int) -> str:
    return "one run: no interval" if n == 1 else f"all {n} values are equal: the spread is unknown"


def _mean_difference(a: Array, b: Array, axis: int = -1) -> Array:
    difference: Array = np.mean(a, axis=axis) - np.mean(b, axis=axis)
    return difference


@lru_cache(16)
def _signs(n: int) -> Array:
    """Every assignment of n signs, or some by a fixed stream; kept, as scipy's takes 100 times as long."""
    if 2**n > MOST_REARRANGEMENTS:
        drawn: Array = np.random.default_rng(0).choice([-1.0, 1.0], (MOST_REARRANGEMENTS, n))
        drawn[0] = 1.0  # the observed one is always among them
        return drawn
    flipped = np.arange(2**n)[:, None] >> np.arange(n) & 1
    return 1.0 - 2.0 * flipped.astype(np.float64)
