"""Effects from numbers: Student intervals, exact tests, and the smallest effect that can be detected.

Seeds are few (3 to 10), so intervals are Student's, on logarithms where the effect is a ratio. They hold if
the values, or their logarithms, are near normal; the exact sign-flip p-value beside each asks for nothing of
the kind, and cannot go below 2 / 2ⁿ. Effects with censored runs: `time_to_event.py`.

scipy loads its parts when they are first named, and none is named before something is computed: so that a
table of claims need not wait for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from harness.contract.effect import Effect, Interval
from harness.effects.significance import (
    DIRECTION,
    EQUIVALENCE,
    INTERIM_DIRECTION,
    INTERIM_EQUIVALENCE,
    POWER,
)

MOST_FLIPS = 2**16  # beyond this, as many random ones

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


@lru_cache(4096)
def detectable(df: float) -> float:
    """Distance from the null, in standard errors, that a two-sided .05 t test finds with 80 % power."""
    return float(scipy.special.nctdtrinc(df, 1 - POWER, t_quantile(DIRECTION, df)))


def _bounded(effect: Effect, mean: float, se: float, df: float, back: Callable[[float], float]) -> Effect:
    def interval(level: float) -> Interval:
        half = t_quantile(level, df) * se
        return Interval(back(mean - half), back(mean + half), level)

    return replace(
        effect,
        ci90=interval(EQUIVALENCE),
        ci95=interval(DIRECTION),
        interim90=interval(INTERIM_EQUIVALENCE),
        interim95=interval(INTERIM_DIRECTION),
    )


def _with_power(effect: Effect, log: bool = False) -> Effect:
    if effect.ci95 is None:
        return effect
    x = np.log(effect.values) if log else np.asarray(effect.values)
    shift = detectable(effect.n - 1) * float(x.std(ddof=1)) / math.sqrt(effect.n)
    return replace(effect, minimum_detectable=math.exp(shift) if log else shift)


def _pairs(first: Sequence[float], second: Sequence[float]) -> tuple[Array, Array]:
    if len(first) != len(second):
        raise ValueError(f"pairs need as many values in both arms, not {len(first)} and {len(second)}")
    return finite(first), finite(second)


def _constant(x: Array) -> bool:
    """Whether all values are equal but for rounding."""
    return bool(np.ptp(x) <= 1e-9 * np.abs(x).max())


def _no_spread(n: int) -> str:
    return "one run: no interval" if n == 1 else f"all {n} values are equal: the spread is unknown"


@lru_cache(16)
def _signs(n: int) -> Array:
    """Every assignment of n signs, or random ones of a fixed seed; kept, as many effects have the same n."""
    if 2**n > MOST_FLIPS:
        drawn: Array = np.random.default_rng(0).choice([-1.0, 1.0], (MOST_FLIPS, n))
        drawn[0] = 1.0  # the observed one is always among them
        return drawn
    flipped = np.arange(2**n)[:, None] >> np.arange(n) & 1
    return 1.0 - 2.0 * flipped.astype(np.float64)
