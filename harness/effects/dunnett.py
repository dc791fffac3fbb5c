"""Dunnett's (1955) adjustment: several arms, each compared with one control by the variance of them all.

Under the null the statistics are T_i = (λ_i Z₀ + √(1 − λ_i²) Z_i) / S with λ_i² = n_i / (n₀ + n_i), of which
Z₀ is the control's, shared by all, and S the estimated spread. So the chance that all lie within ±t is an
integral over Z₀ and S alone. Gauss and Legendre's quadrature does it to ten digits, and the same every time;
scipy.stats.dunnett draws random numbers, and takes half a second to import.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy

from harness.effects.exact import Array, Values

FAR = 9.0  # standard deviations beyond which a normal deviate is never


def dunnett(control: Values, arms: Sequence[Values]) -> list[float] | None:
    """Two-sided p of each arm against the control, adjusted over all of them; None where nothing varies."""
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
    shares = np.sqrt(counts[1:] / (counts[0] + counts[1:]))
    return [max(0.0, 1 - _within(float(size), shares, df)) for size in t]


def _within(t: float, shares: Array, df: int) -> float:
    """Probability that the statistics of all arms lie within ±t."""
    x, weights = np.polynomial.legendre.leggauss(128)
    z, of_z = FAR * x, FAR * weights * np.exp(-((FAR * x) ** 2) / 2)
    s, of_s = _spreads(df)
    lambdas, rest = shares[:, None, None], np.sqrt(1 - shares**2)[:, None, None]
    high, low = ((sign * t * s[:, None] - lambdas * z) / rest for sign in (1, -1))
    inside = np.prod(scipy.special.ndtr(high) - scipy.special.ndtr(low), axis=0)
    return float(of_s @ inside @ of_z) / math.sqrt(2 * math.pi)


def _spreads(df: int) -> tuple[Array, Array]:
    """Nodes and weights for the sample's spread, √(χ² / df)."""
    x, weights = np.polynomial.legendre.leggauss(64)
    low, high = max(0.0, 1 - 6 / math.sqrt(df)), 1 + 6 / math.sqrt(df)
    s = (high - low) / 2 * x + (high + low) / 2
    constant = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)
    density = np.exp(constant + (df - 1) * np.log(s) - df * s**2 / 2)
    return s, weights * density * (high - low) / 2
