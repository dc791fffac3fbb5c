"""Estimates, intervals and p-values by scipy and numpy alone: a second computation of the project's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations, product

import numpy as np
from scipy import special, stats

from tests.recomputed.raw import Numbers

MOST = 2**16  # arrangements of an exact test: beyond these the project draws at random


@dataclass(frozen=True)
class Result:
    """What a report prints of an effect; None where it has no value. `drawn` says that p_exact was drawn."""

    estimate: float | None
    ci95: tuple[float, float] | None = None
    ci90: tuple[float, float] | None = None
    p_student: float | None = None
    p_exact: float | None = None
    drawn: bool = False
    arms: tuple[tuple[float, ...], ...] = ()
    own: Parts | None = None
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Parts:
    """An estimate with its standard error and degrees of freedom, of logarithms where it is a ratio."""

    centre: float
    error: float
    df: float
    log: bool = False

    def ends(self, level: float) -> tuple[float, float]:
        """Student's interval."""
        half = stats.t.ppf((1 + level) / 2, self.df) * self.error
        both = (self.centre - half, self.centre + half)
        return tuple(math.exp(x) for x in both) if self.log else both  # type: ignore[return-value]

    @property
    def p(self) -> float:
        """Two-sided, against 0 or a ratio of 1."""
        return float(2 * stats.t.sf(abs(self.centre) / self.error, self.df))


@dataclass(frozen=True)
class Images:
    """One set of images as runs × images, one array for each arm; the second arm is subtracted."""

    cells: tuple[Numbers, ...] = field()

    def terms(self) -> tuple[tuple[float, float], list[tuple[float, float]]]:
        """Variance and degrees of freedom of the images, and of what they have in common with the runs."""
        count = self.cells[0].shape[1]
        means = [cells.mean(0) for cells in self.cells]
        across = means[0] - means[1] if len(means) == 2 else means[0]
        own = float(np.var(across, ddof=1)) / count
        twice = []
        for cells in self.cells:
            n = len(cells)
            if n > 1:
                rest = cells - cells.mean(1, keepdims=True) - cells.mean(0, keepdims=True) + cells.mean()
                df = (n - 1) * (count - 1)
                twice.append((float((rest**2).sum()) / df / (n * count), df))
        return (own, count - 1), twice


def joined(seeds: float, df: float, sets: Sequence[Images]) -> tuple[float, float]:
    """Cornfield and Tukey's variance over seeds and images with Satterthwaite's degrees of freedom."""
    terms = [one.terms() for one in sets]
    own, twice = [t[0] for t in terms], [x for t in terms for x in t[1]]
    images = sum(v for v, _ in own)
    whole = seeds + images - sum(v for v, _ in twice)
    if whole > max(seeds, images):
        return whole, whole**2 / sum(v**2 / d for v, d in [(seeds, df), *own, *twice])
    if seeds >= images:
        return seeds, df
    return images, images**2 / sum(v**2 / d for v, d in own)


def level(values: Sequence[float], sets: Sequence[Images] = ()) -> Result:
    """A mean."""
    if len(values) < 2 or np.ptp(values) == 0:
        return Result(float(np.mean(values)) if len(values) else None, values=tuple(values))
    parts = Parts(float(np.mean(values)), *_over(np.var(values, ddof=1) / len(values), len(values) - 1, sets))
    return _shown(parts, values)


def paired(first: Sequence[float], second: Sequence[float], sets: Sequence[Images] = ()) -> Result:
    """First − second, by position."""
    gains = np.subtract(first, second)
    found = level(gains, sets)
    return _tested(found, sign_flip(gains), len(gains) > 16)


def ratio(first: Sequence[float], second: Sequence[float]) -> Result:
    """Geometric mean of first ÷ second, by position."""
    ratios = np.divide(first, second)
    logs, n = np.log(ratios), len(ratios)
    if n < 2 or np.ptp(logs) < 1e-9:
        return Result(float(np.exp(logs.mean())) if n else None, p_exact=sign_flip(logs))
    own = Parts(float(logs.mean()), math.sqrt(np.var(logs, ddof=1) / n), n - 1, log=True)
    return _tested(_shown(own, ratios), sign_flip(logs), n > 16)


def pooled(first: Sequence[float], second: Sequence[float], sets: Sequence[Images] = ()) -> Result:
    """Mean of the first − mean of the second, one variance."""
    if not len(first) or not len(second):
        return Result(None)
    n = len(first) + len(second)
    estimate = float(np.mean(first) - np.mean(second))
    arms = (tuple(first), tuple(second))
    if n == 2 or (np.ptp(first) == 0 and np.ptp(second) == 0):
        return Result(estimate, p_exact=permutation(first, second), arms=arms)
    squares = sum(float(((np.asarray(x) - np.mean(x)) ** 2).sum()) for x in (first, second))
    seeds = squares / (n - 2) * (1 / len(first) + 1 / len(second))
    own = Parts(estimate, *_over(seeds, n - 2, sets))
    apart = (first, np.mean(second)) if len(first) <= len(second) else (np.mean(first), second)
    found = _shown(own, np.subtract(*apart), arms)
    return _tested(found, permutation(first, second), math.comb(n, len(first)) > MOST)


def smallest(found: Sequence[Result]) -> Result:
    """The least of several: intersection-union below, Bonferroni above; CI₉₀ covers those of all."""
    own = [one.own for one in found if one.own is not None]
    least = min(one.estimate for one in found if one.estimate is not None)
    if len(own) < len(found):
        return Result(least)

    def ends(level: float) -> tuple[float, float]:
        upper = 1 - (1 - level) / len(own)
        return min(o.ends(level)[0] for o in own), min(o.ends(upper)[1] for o in own)

    all90 = [o.ends(0.90) for o in own]
    covering = min(low for low, _ in all90), max(high for _, high in all90)
    large = max(float(stats.t.sf(o.centre / o.error, o.df)) for o in own)
    small = min(float(stats.t.cdf(o.centre / o.error, o.df)) for o in own)
    p = min(1.0, 2 * min(large, len(own) * small))
    exact = [one.p_exact for one in found if one.p_exact is not None and (one.estimate or 0) > 0]
    whole = max(exact) if len(exact) == len(found) else None
    drawn = any(one.drawn for one in found)
    return Result(least, ends(0.95), covering, p, whole, drawn)


def share(successes: int, n: int) -> Result:
    """A share in percent, by Clopper and Pearson."""
    found = stats.binomtest(successes, n)
    ends = (found.proportion_ci(level, "exact") for level in (0.95, 0.90))
    ci95, ci90 = ((100 * e.low, 100 * e.high) for e in ends)
    return Result(100 * successes / n, ci95, ci90)


Bracket = tuple[float, float | None]  # a time within (low, high]; None: never reached


def ratio_of_times(first: Sequence[Bracket], second: Sequence[Bracket]) -> Result:
    """Student's on the middles of brackets; where a run never reached it, order statistics of the ends."""
    if all(high is not None for _, high in (*first, *second)):
        middles = [[(low + (high or 0)) / 2 for low, high in arm] for arm in (first, second)]
        return ratio(*middles)
    pairs = list(zip(first, second, strict=True))
    lows = sorted(0.0 if b[1] is None else a[0] / b[1] for a, b in pairs)
    highs = sorted(math.inf if a[1] is None or b[0] == 0 else a[1] / b[0] for a, b in pairs)[::-1]
    ranks = [k for k in range(1, len(pairs) // 2 + 1) if 2 * stats.binom.cdf(k - 1, len(pairs), 0.5) <= 0.05]
    if not ranks or (lows[ranks[-1] - 1] == 0 and highs[ranks[-1] - 1] == math.inf):
        return Result(None)
    return Result(None, (lows[ranks[-1] - 1], highs[ranks[-1] - 1]))


def sign_flip(values: Sequence[float] | Numbers) -> float | None:
    """Two-sided p of the mean over all signs; None if there are too many to enumerate."""
    if not 2 <= len(values) <= 17:
        return None
    return _reached(np.abs(_signs(len(values)) @ values), abs(float(np.sum(values))), values)


def permutation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Two-sided p of the means' difference over all ways to assign the values to the arms."""
    few, n = min(len(first), len(second)), len(first) + len(second)
    if n < 3:
        return None
    values = np.array([*first, *second]) - np.mean([*first, *second])
    sizes = np.abs(values[_deals(n, few)].sum(1))
    smaller = values[: len(first)] if len(first) == few else values[len(first) :]
    return _reached(sizes, abs(float(smaller.sum())), values)


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Holm's (1979) adjustment."""
    found, worst = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda one: p_values[one])):
        worst = max(worst, min(1.0, p_values[name] * (len(p_values) - rank)))
        found[name] = worst
    return found


def dunnett(control: Sequence[float], arms: Sequence[Sequence[float]]) -> list[float]:
    """Adjusted p of each arm: a plain integral over the control's deviate and the estimated spread."""
    groups = [np.asarray(g) for g in (control, *arms)]
    df = sum(map(len, groups)) - len(groups)
    variance = float(sum(((g - g.mean()) ** 2).sum() for g in groups)) / df
    errors = [math.sqrt(variance * (1 / len(control) + 1 / len(g))) for g in groups[1:]]
    t = [abs(g.mean() - groups[0].mean()) / e for g, e in zip(groups[1:], errors, strict=True)]
    return [1 - _within(float(x), [len(g) for g in groups], df) for x in t]


def _within(t: float, counts: Sequence[int], df: int) -> float:
    """The chance that all arms' statistics lie within ±t."""
    z, of_z = _grid(-8.0, 8.0, 401)
    s, of_s = _grid(1e-6, stats.chi.isf(1e-12, df) / math.sqrt(df), 401)
    density = of_s * stats.chi.pdf(s * math.sqrt(df), df) * math.sqrt(df)
    inside = np.ones((len(s), len(z)))
    for n in counts[1:]:
        shared = math.sqrt(n / (counts[0] + n))
        rest = math.sqrt(1 - shared**2)
        above, below = ((sign * t * s[:, None] - shared * z) / rest for sign in (1, -1))
        inside *= special.ndtr(above) - special.ndtr(below)
    return float(density @ inside @ (of_z * stats.norm.pdf(z)))


def _grid(low: float, high: float, count: int) -> tuple[Numbers, Numbers]:
    """Simpson's points and weights."""
    points = np.linspace(low, high, count)
    weights = np.full(count, 2.0)
    weights[1::2], weights[[0, -1]] = 4.0, 1.0
    return points, weights * (points[1] - points[0]) / 3


def _over(seeds: float, df: float, sets: Sequence[Images]) -> tuple[float, float]:
    variance, df = joined(float(seeds), df, sets) if sets else (float(seeds), df)
    return math.sqrt(variance), df


def _shown(own: Parts, values: Sequence[float] | Numbers, arms: tuple[tuple[float, ...], ...] = ()) -> Result:
    estimate = math.exp(own.centre) if own.log else own.centre
    return Result(estimate, own.ends(0.95), own.ends(0.90), arms=arms, own=own, values=tuple(values))


def _tested(found: Result, exact: float | None, drawn: bool) -> Result:
    return replace(found, p_student=found.own.p if found.own else None, p_exact=exact, drawn=drawn)


def _reached(sizes: Numbers, seen: float, values: Sequence[float] | Numbers) -> float:
    return float(np.mean(sizes >= seen - 1e-12 * float(np.abs(values).sum())))


@cache
def _signs(n: int) -> Numbers:
    return np.array(list(product((-1.0, 1.0), repeat=n)))


@cache
def _deals(n: int, few: int) -> Numbers:
    """Every way, or if there are too many, enough random ones to give p to half a per cent."""
    if math.comb(n, few) <= MOST:
        return np.array(list(combinations(range(n), few)))
    return np.random.default_rng(1).random((MOST, n)).argsort(1)[:, :few]  # type: ignore[return-value]
