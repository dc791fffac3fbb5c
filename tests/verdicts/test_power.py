"""How many seeds would decide, against the power formula itself."""

from __future__ import annotations

import math

import numpy as np

from harness.contract.effect import Effect
from harness.effects.intervals import level, paired_ratio
from harness.paper.catalogue import claim
from harness.verdicts import power as seeds
from harness.verdicts.power import planned


def noisy(sd: float) -> Effect:
    values = np.random.default_rng(0).normal(0, 1, 5)
    return level("top-1 error", "points", list(1.4 + sd * (values - values.mean()) / values.std(ddof=1)))


def test_the_needed_seeds_are_the_first_with_the_power() -> None:
    lrn, sd = claim("lrn"), 1.0
    needed = planned(noisy(sd), lrn).n_to_decide
    band = lrn.primary.band
    assert needed is not None
    assert band is not None
    assert seeds.power(needed, sd, 1.4, band, 0.0) >= 0.8 > seeds.power(needed - 1, sd, 1.4, band, 0.0)
    assert planned(noisy(0.05), lrn).n_to_decide == 5
    assert planned(noisy(50.0), lrn).n_to_decide == math.inf
    assert planned(level("top-1 error", "points", [1.4]), lrn).n_to_decide is None


def test_needed_seeds_for_other_kinds() -> None:
    relu = paired_ratio("epochs", "×", [30.0, 40.0, 33.0], [5.0, 5.5, 6.0])
    assert planned(relu, claim("relu-speedup")).n_to_decide == 5
    times = paired_ratio("step time", "×", [0.99, 0.9, 0.93], [1.0, 1.0, 1.0])
    assert (planned(times, claim("two-gpu-time")).n_to_decide or 0) in range(3, 20)
    assert planned(level("top-1 error", "%", [37.0, 37.5, 38.1]), claim("error-rate")).n_to_decide is not None
