"""Dunnett's adjustment against his own example, scipy's, and the plain t where there is only one arm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sp

from harness.effects.statistics.dunnett import beyond, critical, dunnett

# Dunnett (1955), Table 1: blood counts of animals, a control and two drugs.
CONTROL = [7.40, 8.50, 7.20, 8.24, 9.84, 8.32]
DRUG_A = [9.76, 8.80, 7.68, 9.36]
DRUG_B = [12.80, 9.68, 12.16, 9.20, 10.55]


def test_dunnett_s_own_example() -> None:
    # scipy.stats.dunnett's documentation gives 0.62004941 and 0.0058035 for it.
    assert dunnett(CONTROL, [DRUG_A, DRUG_B]) == pytest.approx([0.62004941, 0.0058035], abs=3e-4)


@pytest.mark.parametrize(
    ("control", "arms"), [(15, [5, 5, 5, 5]), (15, [10, 10]), (5, [5, 5, 5]), (3, [3, 3])]
)
def test_it_agrees_with_scipy(control: int, arms: list[int]) -> None:
    stream = np.random.default_rng(control)
    base = stream.normal(0, 1, control)
    others = [stream.normal(0.6, 1, n) for n in arms]
    theirs = sp.dunnett(*others, control=base, random_state=np.random.default_rng(0)).pvalue
    assert dunnett(base, others) == pytest.approx(list(theirs), abs=2e-3)


@given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 99))
def test_one_arm_needs_no_adjustment(n: int, many: int, seed: int) -> None:
    stream = np.random.default_rng(seed)
    one, base = stream.normal(1, 1, n), stream.normal(0, 1, many)
    assert dunnett(base, [one]) == pytest.approx([sp.ttest_ind(one, base).pvalue], abs=1e-9)


def test_it_lies_between_the_raw_p_and_bonferroni_s() -> None:
    stream = np.random.default_rng(8)
    base, others = stream.normal(0, 1, 15), [stream.normal(1, 1, 5) for _ in range(4)]
    whole = dunnett(base, others)
    assert whole is not None
    df = 15 + 4 * 5 - 5
    variance = (base.var() * 15 + sum(o.var() * 5 for o in others)) / df
    for p, other in zip(whole, others, strict=True):
        t = (other.mean() - base.mean()) / np.sqrt(variance * (1 / 5 + 1 / 15))
        raw = 2 * sp.t.sf(abs(t), df)
        assert raw < p < 4 * raw


def test_nothing_to_go_by() -> None:
    assert dunnett([1.0], [[2.0]]) is None
    assert dunnett([1.0, 1.0], [[2.0, 2.0]]) is None
    assert dunnett([1.0, 2.0], [[]]) is None


@pytest.mark.parametrize("counts", [(15, 5, 5, 5, 5), (5, 5), (3, 3, 2)])
def test_the_critical_value_is_that_of_a_p_of_five_per_cent(counts: tuple[int, ...]) -> None:
    df = sum(counts) - len(counts)
    assert beyond(critical(counts, df), counts, df) == pytest.approx(0.05, abs=1e-9)


def test_critical_values_are_those_of_dunnett_s_table() -> None:
    """Dunnett (1964), two-sided .05, equal numbers: two arms with 10 degrees of freedom, four with 20."""
    assert critical((6,) * 3, 10) == pytest.approx(2.57, abs=0.005)
    assert critical((6,) * 5, 20) == pytest.approx(2.65, abs=0.005)
