"""How many seeds would decide."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy

from harness.contract.effect import Effect
from harness.effects.intervals import (
    DIRECTION,
    EQUIVALENCE,
    POWER,
    t_quantile,
)
from harness.paper.claims import Band, Claim, Side

RATIO_NULL = 1.0  # a claim with this null is one of a ratio
MOST_SEEDS = 1000  # no advice beyond this


def power(n: int, sd: float, truth: float, band: Band, null: float = -math.inf) -> float:
    """Probability that CI₉₀ falls inside the band and CI₉₅ above the null, for normal values.

    Integrates the normal mean over 200 quantiles of the sample's standard deviation.
    """
    se = sd / math.sqrt(n)
    seen = se * np.sqrt(scipy.special.chdtri(n - 1, (np.arange(200) + 0.5) / 200) / (n - 1))
    t90, t95 = t_quantile(EQUIVALENCE, n - 1), t_quantile(DIRECTION, n - 1)
    low = np.maximum(band.low + t90 * seen, null + t95 * seen)
    high = band.high - t90 * seen
    inside = scipy.special.ndtr((high - truth) / se) - scipy.special.ndtr((low - truth) / se)
    return float(np.clip(inside, 0, 1).mean())


def needed_seeds(effect: Effect, claim: Claim) -> int | None:
    """Seeds that give 80 % power for the best verdict, if the paper's figure is true and the spread as seen.

    Without a figure the estimate stands in for it. None where no interval tells the spread, or above 1,000.
    """
    truth = claim.primary.paper if claim.primary.paper is not None else effect.estimate
    if effect.ci95 is None or truth is None or effect.censored:
        return None
    if claim.null == RATIO_NULL and effect.ci95.low <= 0:
        raise ValueError(f"{claim.id} is a ratio, and its interval must lie above zero: {effect.ci95}")
    scale = _scale(claim)
    half = abs(scale(effect.ci95.high) - scale(effect.ci95.low)) / 2
    df = effect.n - 1 if effect.values else 2 * effect.n - 2
    sd = half / t_quantile(DIRECTION, df) * math.sqrt(effect.n)
    band = claim.primary.band or Band(-math.inf, math.inf)
    ends = sorted(map(scale, (band.low, band.high))) if claim.primary.band else [-math.inf, math.inf]
    null = -math.inf if claim.null is None else scale(claim.null)
    candidates = range(5 if claim.primary.band else 3, MOST_SEEDS + 1)
    at = bisect_left(candidates, POWER, key=lambda n: power(n, sd, scale(truth), Band(*ends), null))
    return candidates[at] if at < len(candidates) else None


def planned(effect: Effect, claim: Claim) -> Effect:
    """The effect with `n_to_decide` filled in."""
    return replace(effect, n_to_decide=needed_seeds(effect, claim))


def _scale(claim: Claim) -> Callable[[float], float]:
    """The scale on which the claim's intervals are symmetric, turned so that the claimed side is above."""
    sign = -1.0 if claim.side is Side.BELOW else 1.0
    if claim.null == RATIO_NULL:
        return lambda x: sign * math.log(x)
    return lambda x: sign * x
