"""How many seeds would decide, against the power formula itself."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as sp

from harness.contract.effect import Effect
from harness.effects.statistics.intervals import level, paired_ratio, pooled_difference
from harness.effects.statistics.two_way import ImagePart, Term
from harness.paper.catalogue import claim
from harness.paper.claims import Band, Metric
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
    before, at = (seeds.power(sd / math.sqrt(n), n - 1, 1.4, band, 0.0) for n in (needed - 1, needed))
    assert at >= 0.8 > before
    assert planned(noisy(0.05), lrn).n_to_decide == 5
    assert planned(noisy(50.0), lrn).n_to_decide == math.inf
    assert planned(level("top-1 error", "points", [1.4]), lrn).n_to_decide is None


@pytest.mark.parametrize("turned", [1, -1])
@pytest.mark.parametrize("sd", [1.0, 2.5])
def test_at_a_proxy_they_exclude_the_null_by_a_t_test_of_the_estimate(sd: float, turned: int) -> None:
    """scipy's noncentral t alone: on either side of the null, whatever the paper's figure and band."""
    values = [1.4 * turned + sd * x for x in (-1.2, -0.6, 0.0, 0.6, 1.2)]
    found = level("top-1 error", "points", values)
    spread = float(np.std(values, ddof=1))

    def shown(n: int) -> float:
        tail = sp.t.ppf(0.975, n - 1)
        return float(sp.nct.sf(tail, n - 1, 1.4 / spread * math.sqrt(n)))

    needed = planned(found, claim("lrn"), proxy=True).n_to_decide
    assert needed == next(n for n in range(3, 1001) if shown(n) >= 0.8)
    other = replace(claim("lrn"), metrics=(Metric("top-1 error", "points", 9.0, Band(8, 10)),))
    assert planned(found, other, proxy=True).n_to_decide == needed


@pytest.mark.parametrize(("sd", "needed"), [(0.2, 3), (0.5, 5), (1.0, 10), (1.5, math.inf)])
def test_at_looks_it_is_the_first_look_whose_level_has_the_power(sd: float, needed: float) -> None:
    """scipy's noncentral t at .0190, the nominal level of these looks."""
    values = [1.4 + sd * x for x in (-1.2, -0.6, 0.0, 0.6, 1.2)]
    found = level("top-1 error", "points", values)
    spread = float(np.std(values, ddof=1))

    def shown(n: int, truth: float = 1.4) -> float:
        return float(sp.nct.sf(sp.t.ppf(1 - 0.0190 / 2, n - 1), n - 1, truth / spread * math.sqrt(n)))

    planned_so = planned(found, claim("lrn"), proxy=True, interim=True)
    assert planned_so.n_to_decide == next((n for n in (3, 5, 10) if shown(n) >= 0.8), math.inf) == needed
    assert planned_so.minimum_detectable is not None
    assert shown(5, planned_so.minimum_detectable) == pytest.approx(0.8, abs=1e-6)


def test_what_can_be_detected_lies_on_the_claimed_side() -> None:
    found = paired_ratio("step time", "×", [0.9, 0.8, 1.0, 0.85, 0.95], [1.0] * 5)
    below, above = (planned(found, claim(name)) for name in ("two-gpu-time", "bias-init"))
    assert above.minimum_detectable == found.minimum_detectable
    assert found.minimum_detectable is not None
    assert below.minimum_detectable == pytest.approx(1 / found.minimum_detectable)
    assert below.minimum_detectable < 1
    assert planned(below, claim("two-gpu-time")).minimum_detectable == below.minimum_detectable


def test_a_proxy_without_an_effect_shows_no_direction_whatever_n() -> None:
    flat = level("top-1 error", "points", [-1.0, 0.0, 1.0])
    assert planned(flat, claim("lrn"), proxy=True).n_to_decide == math.inf


def test_where_the_paper_gives_a_bound_the_estimate_is_taken_as_true() -> None:
    """At the bound itself, the rule withholds a verdict with 95 %, so no number of seeds would decide."""
    colour = claim("colour-augmentation")
    values = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    inside = planned(level("top-1 error", "points", list(2 + values)), colour).n_to_decide
    band = colour.primary.band
    assert inside is not None
    assert band is not None
    sd = float(values.std(ddof=1))
    at, below = (seeds.power(sd / math.sqrt(n), n - 1, 2.0, band, 0.0) for n in (inside, inside - 1))
    assert at >= 0.8 > below
    outside = planned(level("top-1 error", "points", list(0.6 + values)), colour)
    direction = planned(level("top-1 error", "points", list(0.6 + values)), colour, proxy=True)
    assert outside.n_to_decide == direction.n_to_decide  # it can only be called weaker


def test_power_inside_a_band_with_one_end_agrees_with_a_simulation() -> None:
    stream, n = np.random.default_rng(1), 6
    samples = stream.normal(2.0, 1.0, (20_000, n))
    half = sp.t.ppf(0.95, n - 1) * samples.std(axis=1, ddof=1) / math.sqrt(n)
    simulated = float(np.mean(samples.mean(axis=1) - half >= 1.0))
    assert seeds.power(1 / math.sqrt(n), n - 1, 2.0, Band(1.0, math.inf)) == pytest.approx(
        simulated, abs=0.015
    )


def test_needed_seeds_for_other_kinds() -> None:
    relu = paired_ratio("epochs", "×", [30.0, 40.0, 33.0], [5.0, 5.5, 6.0])
    assert planned(relu, claim("relu-speedup")).n_to_decide == 5
    times = paired_ratio("step time", "×", [0.99, 0.9, 0.93], [1.0, 1.0, 1.0])
    assert (planned(times, claim("two-gpu-time")).n_to_decide or 0) in range(3, 20)
    assert planned(level("top-1 error", "%", [37.0, 37.5, 38.1]), claim("error-rate")).n_to_decide is not None


def two(n: int, many: int, images: ImagePart | None = None) -> Effect:
    """A difference of .9 points between arms of these sizes, each with a spread of 1."""
    arms = [np.resize([-1.0, 1.0], count) for count in (n, many)]
    first, second = (list(arm / arm.std(ddof=1)) for arm in arms)
    return pooled_difference("top-1 error", "points", [x + 1.4 for x in first], second, images)


def test_an_arm_needs_fewer_seeds_against_a_baseline_that_has_more() -> None:
    lrn = claim("lrn")
    equal, more = (planned(two(6, many), lrn).n_to_decide for many in (6, 60))
    assert equal is not None
    assert more is not None
    assert 1 / more + 1 / 60 == pytest.approx(2 / equal, rel=0.05)


def test_the_needed_seeds_of_two_arms_have_the_power_in_simulation() -> None:
    """The arm's number of seeds against a baseline of 15, judged by the two intervals themselves."""
    lrn, effect = claim("lrn"), two(6, 16)
    n, band = planned(effect, lrn).n_to_decide, lrn.primary.band
    assert n is not None
    assert band is not None
    n, many, draws = int(n), max(16, int(n)), 40_000
    stream = np.random.default_rng(5)
    first, second = stream.normal(1.4, 1, (draws, n)), stream.normal(0, 1, (draws, many))
    pooled = (first.var(1) * n + second.var(1) * many) / (n + many - 2)
    error, seen = np.sqrt(pooled * (1 / n + 1 / many)), first.mean(1) - second.mean(1)
    t90, t95 = (sp.t.ppf(level, n + many - 2) for level in (0.95, 0.975))
    inside = (seen - t90 * error > band.low) & (seen + t90 * error < band.high)
    assert np.mean(inside & (seen > t95 * error)) == pytest.approx(0.8, abs=0.02)


def test_effects_that_must_all_lie_in_the_band_need_more_seeds_and_then_do_in_simulation() -> None:
    """Four layers that all cost what the paper says; each has CI₉₀ in the band with 95 % power."""
    depth = claim("depth")
    alone = replace(two(6, 16), metric=depth.primary.name)
    n, band = planned(replace(alone, joint=4), depth).n_to_decide, depth.primary.band
    assert n is not None
    assert band is not None
    assert n > (planned(alone, depth).n_to_decide or 0)
    n, many, draws = int(n), max(16, int(n)), 20_000
    stream = np.random.default_rng(7)
    arms, base = stream.normal(2.0, 1, (draws, 4, n)), stream.normal(0, 1, (draws, 1, many))
    pooled = (arms.var(2) * n + base.var(2) * many) / (n + many - 2)
    half = sp.t.ppf(0.95, n + many - 2) * np.sqrt(pooled * (1 / n + 1 / many))
    seen = arms.mean(2) - base.mean(2)
    inside = (seen - half > band.low) & (seen + half < band.high)
    assert np.mean(inside.all(1)) >= 0.8


def test_no_number_of_seeds_makes_up_for_too_few_images() -> None:
    """An image part of one point squared puts the band of ±.7 points out of reach of any number of seeds."""
    images = ImagePart(500, (Term(1.0, 499),), ())
    assert planned(two(6, 6, images), claim("lrn")).n_to_decide == math.inf
    few = two(6, 6, ImagePart(500, (Term(0.01, 499),), ()))
    assert (planned(few, claim("lrn")).n_to_decide or 0) > (planned(two(6, 6), claim("lrn")).n_to_decide or 0)
