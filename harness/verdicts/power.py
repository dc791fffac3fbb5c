"""How many seeds would decide: shown with inconclusive verdicts, and in tables for every effect."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy

from harness.contract.effect import Effect
from harness.effects.statistics.exact import Array
from harness.effects.statistics.intervals import detectable, t_quantile
from harness.effects.statistics.significance import (
    DIRECTION,
    EQUIVALENCE,
    INTERIM_DIRECTION,
    INTERIM_EQUIVALENCE,
    LOOKS,
    MOST_SEEDS,
    POWER,
)
from harness.paper.claims import Band, Claim, Metric, Side

EVERYTHING = Band(-math.inf, math.inf)


def planned(effect: Effect, claim: Claim, proxy: bool = False, interim: bool = False) -> Effect:
    """The effect with `n_to_decide`, if the claim declares its metric and an interval shows the spread.

    If seeds are added at interim looks, only these can decide, at their stricter levels; so too for what this
    look can detect, which lies on the claimed side of no effect.
    """
    if effect.n_to_decide is not None:
        return effect
    least = _detectable_at_look(effect) if interim else effect.minimum_detectable
    if least is not None and claim.side is Side.BELOW:
        least = min(least, 1 / least) if effect.log else -abs(least)
    n = needed_seeds(effect, claim, proxy, interim)
    return replace(effect, minimum_detectable=least, n_to_decide=n)


def _detectable_at_look(effect: Effect) -> float | None:
    if effect.minimum_detectable is None or effect.standard_error is None or effect.df is None:
        return None
    least = detectable(effect.df, INTERIM_DIRECTION) * effect.standard_error
    return math.exp(least) if effect.log else least


def needed_seeds(effect: Effect, claim: Claim, proxy: bool = False, interim: bool = False) -> float | None:
    """Seeds for 80 % power for the best verdict, if the paper's figure is true and the spread as observed.

    Against a baseline with more runs, these are the arm's seeds; the baseline grows once the arm is as large.
    Of joint effects each gets so much power that all of them lie in the band in 80 % of cases (Bonferroni).
    The images' part of the variance stays. Without a figure the estimate replaces it; so too at a `proxy`,
    where only a direction is sought. At `interim` looks only 3, 5 and 10 are possible. Infinite if even the
    most are too few; None if no interval shows the spread, if runs are censored, and for a metric that the
    claim does not declare.
    """
    metric = claim.metric(effect.metric)
    if metric is None or effect.standard_error is None or effect.estimate is None or effect.censored:
        return None
    scale = _scale(effect, claim)
    null = -math.inf if claim.null is None else scale(claim.null)
    truth, band = _aim(metric, effect.estimate, null, scale, proxy)
    design = Design.of(effect)
    fewest = 3 if band is EVERYTHING else 5
    candidates = [n for n in LOOKS if n >= fewest] if interim else range(fewest, MOST_SEEDS + 1)
    levels = (INTERIM_EQUIVALENCE, INTERIM_DIRECTION) if interim else (EQUIVALENCE, DIRECTION)
    wanted = POWER if band is EVERYTHING else 1 - (1 - POWER) / effect.joint
    at = bisect_left(candidates, wanted, key=lambda n: power(*design.at(n), truth, band, null, levels))
    return candidates[at] if at < len(candidates) else math.inf


def _aim(
    metric: Metric, estimate: float, null: float, scale: Callable[[float], float], proxy: bool
) -> tuple[float, Band]:
    """The assumed true value, and the band to be shown; without one, either side of the null decides."""
    expected = None if proxy else metric.expected
    truth = scale(estimate if expected is None else expected)
    band = EVERYTHING
    if metric.band is not None and not proxy:
        band = Band(*sorted(map(scale, (metric.band.low, metric.band.high))))
        band = band if band.low <= truth <= band.high else EVERYTHING  # an estimate outside cannot show it
    return (null + abs(truth - null) if band is EVERYTHING and math.isfinite(null) else truth), band


@dataclass(frozen=True)
class Design:
    """How an effect's standard error depends on its seeds."""

    variance: float  # between runs
    baseline: int | None  # runs of the larger of two arms; None: one sample, or pairs
    images: float  # what does not shrink with more runs

    @classmethod
    def of(cls, effect: Effect) -> Design:
        """The design of an effect with a known standard error."""
        assert effect.standard_error is not None
        assert effect.seed_error is not None
        images = effect.standard_error**2 - effect.seed_error**2
        alone = cls(1.0, max(effect.counts, default=None), 0.0)
        unit, _ = alone.at(min(effect.counts, default=effect.n))
        return cls((effect.seed_error / unit) ** 2, alone.baseline, max(images, 0.0))

    def at(self, n: int) -> tuple[float, float]:
        """Standard error and degrees of freedom with n runs of the smaller arm."""
        many = n if self.baseline is None else max(n, self.baseline)
        of_seeds = self.variance * (1 / n if self.baseline is None else 1 / n + 1 / many)
        df = n - 1 if self.baseline is None else n + many - 2
        whole = of_seeds + self.images
        return math.sqrt(whole), df * (
            whole / of_seeds
        ) ** 2  # Satterthwaite's; thousands of images count as known


def power(
    error: float,
    df: float,
    truth: float,
    band: Band,
    null: float = -math.inf,
    levels: tuple[float, float] = (EQUIVALENCE, DIRECTION),
) -> float:
    """Probability that CI₉₀ falls inside the band and CI₉₅ above the null, for a normal estimate.

    `error` is its true standard error, estimated with `df` degrees of freedom: integrates over 200 quantiles
    of that estimate. `levels` are those that count as 90 and 95 %.
    """
    seen = error * _deviations(df)
    t90, t95 = (t_quantile(level, df) for level in levels)
    low = np.maximum(band.low + t90 * seen, null + t95 * seen)
    high = band.high - t90 * seen
    inside = scipy.special.ndtr((high - truth) / error) - scipy.special.ndtr((low - truth) / error)
    return float(np.clip(inside, 0, 1).mean())


@lru_cache(4096)
def _deviations(df: float) -> Array:
    """200 quantiles of the sample standard deviation of normal values whose true one is 1."""
    return np.asarray(np.sqrt(scipy.special.chdtri(df, (np.arange(200) + 0.5) / 200) / df))


def _scale(effect: Effect, claim: Claim) -> Callable[[float], float]:
    """The scale on which the effect's intervals are symmetric, turned so that the claimed side is above."""
    sign = -1.0 if claim.side is Side.BELOW else 1.0
    return lambda x: sign * (math.log(x) if effect.log else x)
