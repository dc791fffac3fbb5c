"""Dunnett's (1955) adjustment: several arms, each compared with one control by the pooled variance.

Under the null the statistics are T_i = (λ_i Z₀ + √(1 − λ_i²) Z_i) / S with λ_i² = n_i / (n₀ + n_i), where Z₀
belongs to the control, shared by all, and S is the estimated spread. So the probability that all lie within
±t is an integral over Z₀ and S alone. Gauss–Legendre quadrature gives it to ten digits, deterministically;
scipy.stats.dunnett draws random numbers and takes half a second to import.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import scipy

from harness.effects.statistics.exact import Array, Values
from harness.effects.statistics.significance import DIRECTION

FAR = 9.0  # standard deviations beyond which a normal deviate never lies


def dunnett(control: Values, arms: Sequence[Values]) -> list[float] | None:
    """Two-sided p of each arm against the control, adjusted over all arms; None if nothing varies."""
    groups = [np.asarray(values, np.float64) for values in (control, *arms)]
    counts = np.array([len(group) for group in groups])
    df = int(counts.sum() - len(groups))
    if counts.min() < 1 or df < 1:
        return None
    variance = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / df
    if variance <= 0:
        return None
    errors = np.sqrt(variance * (1 / counts[0] + 1 / counts[1:]))
    t = [abs(group.mean() - groups[0].mean()) / e for group, e in zip(groups[1:], errors, strict=True)]
    return [beyond(float(size), [int(count) for count in counts], df) for size in t]


def beyond(t: float, counts: Sequence[int], df: float) -> float:
    """Adjusted p of a statistic of that size: the probability under the null that any arm's is as large.

    `counts` are the numbers of runs, the control's first; `df` is that of the estimated spread.
    """
    return max(0.0, 1 - _within(abs(t), _shares(counts), df))


@lru_cache
def critical(counts: tuple[int, ...], df: float) -> float:
    """Half-width, in standard errors, of 95 % intervals that hold simultaneously for all arms."""
    from scipy.optimize import brentq  # a part of scipy used nowhere else

    most = float(scipy.special.stdtrit(df, 1 - (1 - DIRECTION) / (2 * len(counts))))  # beyond Bonferroni's
    return float(brentq(lambda t: _within(t, _shares(counts), df) - DIRECTION, 0.0, most))


def _shares(counts: Sequence[int]) -> Array:
    """λ of each arm: the root of its share of the runs of both."""
    control, *arms = counts
    return np.array([math.sqrt(count / (control + count)) for count in arms])


@lru_cache
def _nodes(count: int) -> tuple[Array, Array]:
    """Nodes and weights of a quadrature, which take twenty milliseconds to find."""
    return np.polynomial.legendre.leggauss(count)


def _within(t: float, shares: Array, df: float) -> float:
    """Probability that the statistics of all arms lie within ±t."""
    x, weights = _nodes(128)
    z, of_z = FAR * x, FAR * weights * np.exp(-((FAR * x) ** 2) / 2)
    s, of_s = _spreads(df)
    # Arms with equally many runs share one probability of lying within ±t, which is computed once.
    lambdas, repeats = (part[:, None, None] for part in np.unique(shares, return_counts=True))
    high, low = ((sign * t * s[:, None] - lambdas * z) / np.sqrt(1 - lambdas**2) for sign in (1, -1))
    inside = np.prod((scipy.special.ndtr(high) - scipy.special.ndtr(low)) ** repeats, axis=0)
    return float(of_s @ inside @ of_z) / math.sqrt(2 * math.pi)


def _spreads(df: float) -> tuple[Array, Array]:
    """Nodes and weights for the sample's spread, √(χ² / df)."""
    x, weights = _nodes(64)
    low, high = max(0.0, 1 - 6 / math.sqrt(df)), 1 + 6 / math.sqrt(df)
    s = (high - low) / 2 * x + (high + low) / 2
    constant = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)
    density = np.exp(constant + (df - 1) * np.log(s) - df * s**2 / 2)
    return s, weights * density * (high - low) / 2
