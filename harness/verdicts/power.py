"""How many seeds would decide: what an inconclusive verdict advises, and what tables say of every effect."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import scipy

from harness.contract.effect import Effect, Interval
from harness.effects.intervals import Array, t_quantile
from harness.effects.significance import DIRECTION, EQUIVALENCE, MOST_SEEDS, POWER
from harness.paper.claims import Band, Claim, Metric, Side

RATIO_NULL = 1.0  # a claim with this null is one of a ratio
EVERYTHING = Band(-math.inf, math.inf)


def planned(effect: Effect, claim: Claim, proxy: bool = False) -> Effect:
    """The effect with `n_to_decide`, where the claim declares its metric and an interval shows the spread."""
    if effect.n_to_decide is not None:
        return effect
    return replace(effect, n_to_decide=needed_seeds(effect, claim, proxy))


def needed_seeds(effect: Effect, claim: Claim, proxy: bool = False) -> float | None:
    """Seeds that give 80 % power for the best verdict, if the paper's figure is true and the spread as seen.

    Without a figure the estimate stands in for it; so it does at a `proxy`, of which only a direction is
    asked. Infinite above 1,000; None where no interval tells the spread, where runs are censored, and of a
    metric that the claim does not declare.
    """
    metric = claim.metric(effect.metric)
    if metric is None or effect.ci95 is None or effect.estimate is None or effect.censored:
        return None
    scale = _scale(effect.ci95, claim)
    half = abs(scale(effect.ci95.high) - scale(effect.ci95.low)) / 2
    sd = half / t_quantile(DIRECTION, effect.n - 1) * math.sqrt(effect.n)
    null = -math.inf if claim.null is None else scale(claim.null)
    truth, band = _aim(metric, effect.estimate, null, scale, proxy)
    candidates = range(3 if band is EVERYTHING else 5, MOST_SEEDS + 1)
    at = bisect_left(candidates, POWER, key=lambda n: power(n, sd, truth, band, null))
    return candidates[at] if at < len(candidates) else math.inf


def _aim(
    metric: Metric, estimate: float, null: float, scale: Callable[[float], float], proxy: bool
) -> tuple[float, Band]:
    """What is taken to be true, and the band to be shown; without one, either side of the null decides."""
    expected = None if proxy else metric.expected
    truth = scale(estimate if expected is None else expected)
    band = EVERYTHING
    if metric.band is not None and not proxy:
        band = Band(*sorted(map(scale, (metric.band.low, metric.band.high))))
        band = band if band.low <= truth <= band.high else EVERYTHING  # an estimate outside cannot show it
    return (null + abs(truth - null) if band is EVERYTHING and math.isfinite(null) else truth), band


def power(n: int, sd: float, truth: float, band: Band, null: float = -math.inf) -> float:
    """Probability that CI₉₀ falls inside the band and CI₉₅ above the null, for normal values.

    Integrates the normal mean over 200 quantiles of the sample's standard deviation.
    """
    se = sd / math.sqrt(n)
    seen = se * _deviations(n)
    t90, t95 = t_quantile(EQUIVALENCE, n - 1), t_quantile(DIRECTION, n - 1)
    low = np.maximum(band.low + t90 * seen, null + t95 * seen)
    high = band.high - t90 * seen
    inside = scipy.special.ndtr((high - truth) / se) - scipy.special.ndtr((low - truth) / se)
    return float(np.clip(inside, 0, 1).mean())


@cache
def _deviations(n: int) -> Array:
    """200 quantiles of the standard deviation of n standard normal values."""
    return np.asarray(np.sqrt(scipy.special.chdtri(n - 1, (np.arange(200) + 0.5) / 200) / (n - 1)))


def _scale(seen: Interval, claim: Claim) -> Callable[[float], float]:
    """The scale on which the claim's intervals are symmetric, turned so that the claimed side is above."""
    sign = -1.0 if claim.side is Side.BELOW else 1.0
    if claim.null != RATIO_NULL:
        return lambda x: sign * x
    if seen.low <= 0:
        raise ValueError(f"{claim.id} is a ratio, and its interval must lie above zero: {seen}")
    return lambda x: sign * math.log(x)
