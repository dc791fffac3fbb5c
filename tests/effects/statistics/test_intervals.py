"""Intervals, exact tests and censored times, against published figures and independent computations."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sp

from harness.effects.statistics import exact, intervals
from harness.effects.statistics.intervals import level, paired_difference, paired_ratio
from harness.effects.statistics.time_to_event import (
    Time,
    kaplan_meier,
    order_rank,
    ratio_of_times,
    restricted_mean,
)

# Student (1908), extra hours of sleep under two drugs; as R's data set `sleep`.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
# Darwin (1876), crossed minus self-fertilised maize in eighths of an inch; Fisher (1935), §21.
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
# Freireich et al. (1963), weeks in remission with 6-MP; + marks a censored one.
REMISSION = [
    "6",
    "6",
    "6",
    "6+",
    "7",
    "9+",
    "10",
    "10+",
    "11+",
    "13",
    "16",
    "17+",
    "19+",
    "20+",
    "22",
    "23",
    "25+",
    "32+",
    "32+",
    "34+",
    "35+",
]

numbers = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))
samples = st.lists(numbers, min_size=2, max_size=8).filter(lambda v: max(v) - min(v) > 0.01)


def remission() -> list[Time]:
    return [Time(float(t.rstrip("+")), None if t.endswith("+") else float(t)) for t in REMISSION]


def test_paired_t_agrees_with_r() -> None:
    # t.test(extra ~ group, data = sleep, paired = TRUE): t = -4.0621, df = 9, p = 0.002833, mean -1.58
    effect = paired_difference("sleep", "h", SLEEP_1, SLEEP_2)
    assert effect.ci95 is not None
    assert effect.n == 10
    assert effect.estimate == pytest.approx(-1.58)
    assert (effect.ci95.low, effect.ci95.high) == pytest.approx((-2.4598858, -0.7001142))
    half = (effect.ci95.high - effect.ci95.low) / 2
    t = -1.58 / (half / intervals.t_quantile(0.95, 9))
    assert t == pytest.approx(-4.0621, abs=5e-5)
    assert 2 * sp.t.cdf(t, 9) == pytest.approx(0.002833, abs=5e-7)


def test_sign_flips_agree_with_fisher() -> None:
    # Fisher counts 863 of 32,768 sign assignments whose sum is at least the observed 314.
    as_large = sum(sum(s) >= 314 for s in itertools.product(*((x, -x) for x in MAIZE)))
    assert as_large == 863
    assert exact.sign_flip(MAIZE) == 2 * 863 / 2**15
    assert level("height", "eighths", MAIZE).estimate == pytest.approx(314 / 15)


@given(samples)
def test_sign_flips_agree_with_scipy(values: list[float]) -> None:
    expected = sp.permutation_test((np.array(values),), np.mean, permutation_type="samples", n_resamples=2**9)
    assert exact.sign_flip(values) == pytest.approx(expected.pvalue)


def test_many_seeds_flip_signs_at_random_and_always_alike() -> None:
    values = np.random.default_rng(0).normal(0.5, 1, 20)
    student = sp.ttest_1samp(values, 0).pvalue
    exact._signs.cache_clear()
    assert exact.sign_flip(values) == pytest.approx(student, abs=0.01)


def test_kaplan_meier_agrees_with_the_textbook() -> None:
    # Kleinbaum & Klein, Survival Analysis, Table 2.1 and p. 65: the 6-MP group.
    curve = kaplan_meier(remission())
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {t: round(curve.at(t), 3) for t in published} == published
    at_risk = {6: (21, 3), 7: (17, 1), 10: (15, 1), 13: (12, 1), 16: (11, 1), 22: (7, 1), 23: (6, 1)}
    assert curve.at(35) == pytest.approx(float(math.prod(Fraction(n - d, n) for n, d in at_risk.values())))
    assert curve.at(5.9) == 1.0


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=12))
def test_kaplan_meier_agrees_with_scipy(seen: list[tuple[int, bool]]) -> None:
    curve = kaplan_meier([Time(t, t if reached else None) for t, reached in seen])
    reached, lost = ([t for t, r in seen if r is wanted] for wanted in (True, False))
    if reached:
        theirs = sp.ecdf(sp.CensoredData(uncensored=reached, right=lost)).sf
        assert [curve.at(time) for time in theirs.quantiles] == pytest.approx(theirs.probabilities)
        assert curve.times == tuple(sorted(set(reached)))


def test_restricted_mean_is_the_area_under_the_curve() -> None:
    # R: print(survfit(Surv(time, cens) ~ 1), rmean = 35) gives 23.29 for the 6-MP group.
    assert restricted_mean(remission(), 35) == pytest.approx(23.29, abs=0.005)
    assert restricted_mean([Time(2, 2), Time(4, 4)], 4) == 3.0
    assert restricted_mean([Time(5, None)], 5) == 5.0
    with pytest.raises(ValueError, match="no run was followed to 6"):
        restricted_mean([Time(5, None)], 6)


def test_minimum_detectable_effect_agrees_with_r() -> None:
    # power.t.test(delta = 1, power = .80, type = "one.sample"): n = 9.937864
    assert intervals.detectable(9.937864 - 1) == pytest.approx(math.sqrt(9.937864), abs=1e-5)


@given(samples)
def test_levels_agree_with_scipy(values: list[float]) -> None:
    effect = level("x", "", values)
    expected = sp.ttest_1samp(values, 0).confidence_interval(0.95)
    assert effect.ci95 is not None
    assert (effect.ci95.low, effect.ci95.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    widths = [i.high - i.low for i in (effect.ci90, effect.ci95, effect.interim90, effect.interim95) if i]
    assert widths == sorted(widths[:2]) + sorted(widths[2:])
    assert widths[2] > widths[0]


def test_ratios_are_geometric() -> None:
    effect = paired_ratio("epochs", "×", [8.0, 2.0, 8.0], [1.0, 1.0, 2.0])
    assert effect.estimate == pytest.approx(4.0)
    assert effect.ci95 is not None
    assert effect.ci95.low * effect.ci95.high == pytest.approx(16.0)
    assert effect.minimum_detectable is not None
    assert effect.minimum_detectable > 1
    with pytest.raises(ValueError, match="above zero"):
        paired_ratio("epochs", "×", [1.0, 0.0], [1.0, 1.0])


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0, 3.0]])
def test_no_interval_where_nothing_shows_the_spread(values: list[float]) -> None:
    zeros = [0.0] * len(values)
    effects = [level("x", "", values), paired_difference("x", "", values, zeros)]
    effects.append(paired_ratio("x", "", values, [1.0] * len(values)))
    for effect in effects:
        assert (effect.n, effect.ci90, effect.ci95, effect.interim95) == (len(values), None, None, None)
        assert effect.estimate == (pytest.approx(3.0) if values else None)
        assert effect.note


def test_rounding_is_no_spread() -> None:
    assert paired_difference("x", "", [38.1, 38.2, 38.4], [37.1, 37.2, 37.4]).ci95 is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_must_be_finite(bad: float) -> None:
    with pytest.raises(ValueError, match=r"value 1 is (nan|inf): a run without a finite result"):
        level("x", "", [1.0, bad])


def test_pairs_must_match() -> None:
    with pytest.raises(ValueError, match="as many values in both arms, not 2 and 1"):
        paired_difference("x", "", [1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="as many times in both arms"):
        ratio_of_times("x", "×", [Time(1, 2)], [])


def test_brackets_must_be_brackets() -> None:
    for low, high in ((2.0, 1.0), (-1.0, None), (1.0, math.inf), (math.nan, 1.0)):
        with pytest.raises(ValueError, match="a time to target needs"):
            Time(low, high)


def test_uncensored_times_are_ratios_of_midpoints() -> None:
    times = ratio_of_times("epochs", "×", [Time(29, 31), Time(35, 37)], [Time(5, 5), Time(5, 7)])
    assert times == paired_ratio("epochs", "×", [30.0, 36.0], [5.0, 6.0])


def test_censored_ratios_are_bounded_and_never_imputed() -> None:
    effect = ratio_of_times(
        "epochs", "×", [Time(40, None)] * 6, [Time(5, t) for t in (5.0, 5.2, 5.4, 5.6, 5.8, 8.0)]
    )
    assert (effect.estimate, effect.ci90, effect.values, effect.censored) == (None, None, (), 6)
    assert effect.lower_bound == 5.0  # 40 ÷ 8: six of six coins fall on one side with 1/64
    assert effect.ci95 is not None
    assert (effect.ci95.low, effect.ci95.high) == (5.0, math.inf)
    assert effect.interim95 is None
    assert "98.4 % confidence" in effect.note


def test_few_censored_pairs_give_a_bound_too_weak_for_a_verdict() -> None:
    effect = ratio_of_times("epochs", "×", [Time(40, None)] * 3, [Time(4, 5)] * 3)
    assert (effect.lower_bound, effect.ci95) == (8.0, None)
    assert "87.5 % confidence" in effect.note


def test_a_censored_denominator_bounds_from_above() -> None:
    effect = ratio_of_times("epochs", "×", [Time(4, 5)] * 6, [Time(40, None)] * 6)
    assert (effect.lower_bound, effect.censored) == (None, 6)
    assert effect.ci95 is not None
    assert (effect.ci95.low, effect.ci95.high) == (0.0, 0.125)
    both = ratio_of_times("epochs", "×", [Time(40, None)] * 6, [Time(40, None)] * 6)
    assert (both.ci95, both.lower_bound) == (None, None)


@pytest.mark.parametrize("n", range(1, 21))
def test_order_statistics_bound_the_median_at_the_binomial_level(n: int) -> None:
    rank = order_rank(n, 0.95)
    missed = [sum(math.comb(n, i) for i in range(k)) / 2**n for k in range(n + 1)]
    assert missed[rank] <= 0.025
    assert missed[min(rank + 1, n)] > 0.025
    assert (rank > 0) == (n >= 6)


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(1, 10)), min_size=2, max_size=9), st.floats(2, 50))
def test_cutting_runs_short_never_raises_the_bound(pairs: list[tuple[float, float]], cap: float) -> None:
    fast = [Time(b, b) for _, b in pairs]
    short = [Time(min(a, cap), None if a > cap else a) for a, _ in pairs]
    shorter = [Time(min(a, cap / 2), None if a > cap / 2 else a) for a, _ in pairs]
    bounds = [ratio_of_times("t", "×", arm, fast).lower_bound for arm in (short, shorter)]
    if None not in bounds:
        assert (bounds[1] or 0) <= (bounds[0] or 0)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_shares_agree_with_scipy(counted: tuple[int, int]) -> None:
    successes, n = counted
    effect = intervals.share("specialised", successes, n)
    assert (effect.n, effect.estimate, effect.note) == (n, 100 * successes / n, f"{successes} of {n}")
    assert sum(effect.values) == 100 * successes
    for found in (effect.ci90, effect.ci95, effect.interim90, effect.interim95):
        assert found is not None
        wanted = sp.binomtest(successes, n).proportion_ci(found.level, method="exact")
        assert (found.low, found.high) == pytest.approx((100 * wanted.low, 100 * wanted.high), abs=1e-6)


def test_a_share_of_no_runs_is_none() -> None:
    effect = intervals.share("specialised", 0, 0)
    assert (effect.n, effect.estimate, effect.ci95, effect.note) == (0, None, None, "no runs")


def test_seventeen_of_seventeen_are_the_fewest_that_show_four_of_five() -> None:
    def shown(successes: int, n: int) -> bool:
        ci95 = intervals.share("specialised", successes, n).ci95
        return ci95 is not None and ci95.low > 80

    assert [n for n in range(1, 18) if shown(n, n)] == [17]
    assert not shown(16, 17)


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=20))
def test_stouffer_agrees_with_scipy(p_values: list[float]) -> None:
    wanted = sp.combine_pvalues(p_values, method="stouffer").pvalue
    assert intervals.stouffer(p_values) == pytest.approx(wanted, rel=1e-6, abs=1e-12)


def test_stouffer_of_one_is_that_one_and_of_none_none() -> None:
    assert intervals.stouffer([]) is None
    assert intervals.stouffer([0.03]) == pytest.approx(0.03)
    assert intervals.stouffer([0.2, 0.8]) == pytest.approx(0.5)


@given(samples, st.floats(0.5, 0.999))
def test_ends_are_student_s_at_any_level(values: list[float], wanted: float) -> None:
    theirs = sp.ttest_1samp(values, 0).confidence_interval(wanted)
    assert intervals.ends(level("x", "", values), wanted) == pytest.approx(
        (theirs.low, theirs.high), abs=1e-8
    )


def test_ends_of_a_ratio_are_ratios_and_there_are_none_without_a_spread() -> None:
    effect = paired_ratio("epochs", "×", [8.0, 2.0, 8.0], [1.0, 1.0, 2.0])
    assert effect.ci95 is not None
    assert intervals.ends(effect, 0.95) == pytest.approx((effect.ci95.low, effect.ci95.high))
    assert intervals.ends(level("x", "", [3.0]), 0.95) is None
    assert intervals.ends(level("x", "", [3.0, 3.0]), 0.95) is None
