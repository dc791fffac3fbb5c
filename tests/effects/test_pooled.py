"""Two arms compared by a pooled variance, and the smallest of several effects: scipy, R, simulation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sp

from harness.contract.effect import Effect
from harness.effects.statistics import intervals
from harness.effects.statistics.intervals import pooled, pooled_difference, smallest, t_quantile
from harness.effects.statistics.significance import INTERIM_DIRECTION, INTERIM_EQUIVALENCE, LOOKS

# Dobson (1983), dried weight of plants in grams: R's ?lm.
CONTROL = [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14]
TREATED = [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69]

numbers = st.integers(-1000, 1000).map(lambda x: x / 8)
samples = st.lists(numbers, min_size=2, max_size=9).filter(lambda v: max(v) > min(v))


def ends(effect: Effect) -> tuple[float, float]:
    assert effect.ci95 is not None
    return effect.ci95.low, effect.ci95.high


def test_pooled_t_agrees_with_r() -> None:
    # t.test(ctl, trt, var.equal = TRUE): t = 1.1913, df = 18, p-value = 0.249, -0.2833003 to 1.0253003
    effect = pooled_difference("weight", "g", CONTROL, TREATED)
    assert ends(effect) == pytest.approx((-0.2833003, 1.0253003), abs=1e-7)
    assert effect.p_student == pytest.approx(0.2490232, abs=1e-7)
    assert effect.estimate == pytest.approx(1.1913 * (effect.standard_error or 0), rel=1e-4)
    assert (effect.n, effect.df, effect.counts) == (10, 18, (10, 10))
    assert effect.seed_error == effect.standard_error


@given(samples, samples)
def test_pooled_t_agrees_with_scipy(first: list[float], second: list[float]) -> None:
    effect, theirs = pooled_difference("x", "", first, second), sp.ttest_ind(first, second)
    interval = theirs.confidence_interval(0.95)
    assert ends(effect) == pytest.approx((interval.low, interval.high), abs=1e-6)
    assert effect.p_student == pytest.approx(theirs.pvalue, abs=1e-9)
    assert effect.df == theirs.df
    assert np.mean(effect.values) == pytest.approx(effect.estimate, abs=1e-9)
    assert len(effect.values) == effect.n == min(len(first), len(second))


@given(samples, samples, numbers, st.sampled_from([0.25, 2.0, 8.0]))
def test_shift_unit_and_exchange(first: list[float], second: list[float], shift: float, unit: float) -> None:
    plain = pooled("x", "", first, second)
    low, high = ends(plain)
    moved = pooled("x", "", [unit * (x + shift) for x in first], [unit * (x + shift) for x in second])
    assert ends(moved) == pytest.approx((unit * low, unit * high), abs=1e-6)
    assert moved.p_student == pytest.approx(plain.p_student)
    assert ends(pooled("x", "", second, first)) == pytest.approx((-high, -low), abs=1e-9)


def test_nothing_shows_the_spread_of_equal_values_or_of_one_run_each() -> None:
    for first, second in (([1.0], [3.0]), ([1.0, 1.0], [3.0, 3.0, 3.0])):
        effect = pooled_difference("x", "", first, second)
        assert (effect.estimate, effect.ci95, effect.p_student) == (-2.0, None, None)
        assert effect.note
    assert pooled_difference("x", "", [], [1.0, 2.0]).note == "no runs of the first arm"
    assert pooled_difference("x", "", [1.0], []).note == "no runs of the second arm"
    assert pooled_difference("x", "", [], []).n == 0


def test_the_smallest_detectable_effect_is_found_with_80_percent_power() -> None:
    # power.t.test(n = 10, power = .80)$delta = 1.324947
    scaled = [x / np.std(CONTROL, ddof=1) for x in CONTROL]
    effect = pooled_difference("x", "", scaled, scaled)
    assert effect.minimum_detectable == pytest.approx(1.324947, abs=1e-5)


def looks(stream: np.random.Generator, experiments: int, counts: list[int]) -> np.ndarray:
    """t of an arm of 3, 5 and 10 runs against this many of the baseline (experiments, looks)."""
    arm, base = (stream.standard_normal((experiments, n)) for n in (LOOKS[-1], max(counts)))
    found = []
    for n, many in zip(LOOKS, counts, strict=True):
        one, two = arm[:, :n], base[:, :many]
        variance = (one.var(1) * n + two.var(1) * many) / (n + many - 2)
        found.append((one.mean(1) - two.mean(1)) / np.sqrt(variance * (1 / n + 1 / many)))
    return np.stack(found, axis=1)


@pytest.mark.parametrize("counts", [[15, 15, 15], [3, 5, 10], [5, 10, 15]])
@pytest.mark.parametrize(("nominal", "error"), [(INTERIM_DIRECTION, 0.025), (INTERIM_EQUIVALENCE, 0.05)])
def test_looks_solved_for_one_sample_keep_the_error_of_two(
    counts: list[int], nominal: float, error: float
) -> None:
    """Whether the baseline is there from the start or grows with the arm."""
    t = looks(np.random.default_rng(7), 300_000, counts)
    bounds = [t_quantile(nominal, n + many - 2) for n, many in zip(LOOKS, counts, strict=True)]
    wrong = float(np.any(t > bounds, axis=1).mean())
    assert 0.8 * error < wrong < error


def four(truths: list[float], stream: np.random.Generator, n: int = 5, many: int = 15) -> list[Effect]:
    """Four arms against one baseline, each run with a spread of 1."""
    base = stream.standard_normal(many)
    return [pooled(f"arm {i}", "points", stream.normal(t, 1, n), base) for i, t in enumerate(truths)]


def test_the_smallest_has_the_lowest_lower_end_and_bonferroni_s_upper_one() -> None:
    effects = four([1.0, 0.5, 2.0, 0.7], np.random.default_rng(1))
    found = smallest(effects)
    assert found.estimate == min(e.estimate for e in effects if e.estimate is not None)
    low, high = ends(found)
    assert low == min(ends(e)[0] for e in effects)
    t = sp.t.ppf(1 - 0.025 / 4, 18)
    assert high == pytest.approx(min((e.estimate or 0) + t * (e.standard_error or 0) for e in effects))
    assert (found.n, found.counts) == (5, (5, 15))
    assert "is smallest" in found.note
    assert found.ci90
    assert (found.ci90.low, found.ci90.high) == (
        min(e.ci90.low for e in effects if e.ci90),
        max(e.ci90.high for e in effects if e.ci90),
    )
    assert (smallest(effects[:1]).ci90, smallest(effects[:1]).ci95) == (effects[0].ci90, effects[0].ci95)
    assert smallest(effects[:1]).p_student == pytest.approx(effects[0].p_student)


def test_the_smallest_has_no_more_seeds_than_any() -> None:
    stream = np.random.default_rng(1)
    assert smallest([*four([1.0], stream, n=5), *four([2.0], stream, n=3)]).n == 3


def test_what_is_unknown_of_one_is_unknown_of_the_smallest() -> None:
    sound = four([1.0, 2.0], np.random.default_rng(1))
    flat = pooled("flat", "points", [3.0, 3.0], [1.0, 1.0])
    assert smallest([*sound, flat]).ci95 is None
    assert smallest([*sound, flat]).estimate is not None
    for bad in ([], [*sound, pooled("none", "points", [], [1.0])]):
        with pytest.raises(ValueError, match="smallest of effects is unknown"):
            smallest(bad)


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=5), st.integers(0, 2**20))
def test_the_smallest_excludes_the_null_where_its_p_is_below_five_percent(
    truths: list[float], seed: int
) -> None:
    found = smallest(four(truths, np.random.default_rng(seed)))
    low, high = ends(found)
    assert found.p_student is not None
    assert (low > 0 or high < 0) == (found.p_student < 0.05)


def errors(draw: Callable[[], list[Effect]], draws: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """How often effects whose smallest is 0 exclude 0 from below and from above: if picked, and if tested."""
    counts = np.zeros((2, 2))
    for _ in range(draws):
        effects = draw()
        picked = min(effects, key=lambda e: e.estimate or 0.0)
        for count, effect in zip(counts, (picked, smallest(effects)), strict=True):
            low, high = ends(effect)
            count += (low > 0, high < 0)
    return counts[0] / draws, counts[1] / draws


SLACK = 3 * math.sqrt(0.025 * 0.975 / 4000)


def test_picking_the_smallest_estimate_errs_where_spreads_differ() -> None:
    """One layer costs nothing, with a large spread, the others one point: "each layer costs some" is false.

    Whenever the first one's estimate is not the smallest, the small spread of another convinces.
    """
    stream = np.random.default_rng(3)

    def draw() -> list[Effect]:
        pairs = [stream.normal(t, sd, 5) for t, sd in ((0.0, 3.0), (1.0, 0.3), (1.0, 0.3), (1.0, 0.3))]
        return [intervals.paired_difference(f"arm {i}", "", x, [0.0] * 5) for i, x in enumerate(pairs)]

    picked, tested = errors(draw)
    assert picked[0] > 0.15
    assert tested[0] < 0.025 + SLACK
    assert tested[1] < 0.025 + SLACK


@pytest.mark.parametrize("others", [0.0, 0.7, 3.0])
def test_the_smallest_of_four_arms_against_one_baseline_keeps_its_level(others: float) -> None:
    """If none costs anything, the smallest estimate lies far below 0: picked, it is "on the other side"."""
    stream = np.random.default_rng(3)
    picked, tested = errors(lambda: four([0.0, others, others, others], stream))
    assert (tested < 0.025 + SLACK).all()
    assert others > 0.0 or picked[1] > 0.06


def test_a_ratio_s_smallest_is_a_ratio() -> None:
    ratios = [
        intervals.paired_ratio(f"arm {i}", "×", [x * s for x in (1.1, 1.3, 1.2)], [1.0] * 3)
        for i, s in enumerate((1.0, 2.0))
    ]
    found = smallest(ratios)
    assert found.estimate == ratios[0].estimate
    assert found.ci95 is not None
    assert found.ci95.low == pytest.approx(ratios[0].ci95.low if ratios[0].ci95 else 0)
    assert found.log
