"""Exact p-values against scipy's, and against every arrangement counted by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sp

from harness.effects.statistics import exact

numbers = st.integers(-1000, 1000).map(float)
few = st.lists(numbers, min_size=1, max_size=4)


def test_eight_values_dealt_out_in_seventy_ways() -> None:
    """Of C(8, 4) = 70 ways, two are as extreme as the lower half against the upper."""
    assert exact.permutation([1, 2, 3, 4], [5, 6, 7, 8]) == 2 / 70
    assert exact.permutation([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == 2 / 252
    assert exact.permutation([9.0], [1, 2, 3, 4]) == 1 / 5
    assert exact.permutation([1.0], [2.0]) is None
    assert exact.permutation([], [2.0, 3.0]) is None


@given(few, st.lists(numbers, min_size=2, max_size=5))
def test_permutations_agree_with_a_count_and_with_scipy(first: list[float], second: list[float]) -> None:
    def size(a: list[float], b: list[float]) -> float:
        return abs(sum(a) / len(a) - sum(b) / len(b))

    whole, n = first + second, len(first)
    seen, sizes = size(first, second), []
    for chosen in itertools.combinations(range(len(whole)), n):
        rest = [x for i, x in enumerate(whole) if i not in chosen]
        sizes.append(size([whole[i] for i in chosen], rest))
    counted = sum(s >= seen - 1e-9 for s in sizes) / len(sizes)
    assert exact.permutation(first, second) == pytest.approx(counted)
    if n > 1:  # scipy wants two values of each
        theirs = sp.permutation_test(
            (first, second), lambda a, b: round(size(list(a), list(b)), 9), alternative="greater",
            vectorized=False, n_resamples=10_000,
        )  # fmt: skip
        assert exact.permutation(first, second) == pytest.approx(theirs.pvalue)


@given(few, st.lists(numbers, min_size=2, max_size=6), st.floats(-100, 100), st.floats(0.1, 10))
def test_it_does_not_matter_which_arm_is_first_nor_unit_nor_origin(
    first: list[float], second: list[float], shift: float, unit: float
) -> None:
    p = exact.permutation(first, second)
    assert exact.permutation(second, first) == pytest.approx(p)
    moved = [[unit * round(x + shift, 6) for x in arm] for arm in (first, second)]
    assert exact.permutation(*moved) == pytest.approx(p)


def test_too_many_ways_are_drawn_at_random_and_always_alike() -> None:
    """C(25, 10) = 3,268,760: close to Student's p of normal values, and never 0."""
    stream = np.random.default_rng(0)
    first, second = stream.normal(0.8, 1, 10), stream.normal(0, 1, 15)
    p = exact.permutation(first, second)
    exact._deals.cache_clear()
    assert exact.permutation(first, second) == p
    assert p == pytest.approx(sp.ttest_ind(first, second).pvalue, abs=0.01)
    assert exact.permutation(first + 100, second) == 1 / exact.MOST


def test_five_against_fifteen_are_all_counted() -> None:
    assert exact._deals(5, 15).shape == (5, math.comb(20, 5))
