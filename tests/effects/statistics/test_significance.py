"""Promised error rates, against published figures and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as sp

from harness.effects.statistics import intervals, significance
from harness.effects.statistics.significance import INTERIM_DIRECTION, LOOKS, holm, over_looks


def test_holm_agrees_with_r_and_with_the_worked_example() -> None:
    # p.adjust(c(.01, .02, .03, .04, .05), "holm")
    adjusted = holm(dict(zip("abcde", (0.01, 0.02, 0.03, 0.04, 0.05), strict=True)))
    assert list(adjusted.values()) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    # Wikipedia, Holm–Bonferroni method: at .05 only the first and the fourth are rejected.
    adjusted = holm({"H1": 0.01, "H2": 0.04, "H3": 0.03, "H4": 0.005})
    assert adjusted == pytest.approx({"H1": 0.03, "H2": 0.06, "H3": 0.06, "H4": 0.02})
    assert holm({}) == {}
    assert holm({"H1": 0.9, "H2": 0.4, "H3": 0.5}) == {"H1": 1.0, "H2": 1.0, "H3": 1.0}  # 3 × .4 > 1


def test_pocock_constants() -> None:
    # Jennison & Turnbull (2000), Table 2.1, three looks: 2.289 for .05 and 1.992 for .10.
    correlation = [[math.sqrt(min(i, j) / max(i, j)) for i in (1, 2, 3)] for j in (1, 2, 3)]
    normal = sp.multivariate_normal(cov=correlation)
    for constant, error in ((2.289, 0.05), (1.992, 0.10)):
        inside = normal.cdf([constant] * 3, lower_limit=[-constant] * 3, rng=np.random.default_rng(0))
        assert inside == pytest.approx(1 - error, abs=3e-4)
    assert 2 * sp.norm.sf(2.289) == pytest.approx(0.0221, abs=5e-5)


@pytest.mark.parametrize(
    ("level", "error", "pocock"), [("DIRECTION", 0.025, 0.0221), ("EQUIVALENCE", 0.05, 0.0464)]
)
def test_looks_keep_the_error_where_pococks_levels_would_not(level: str, error: float, pocock: float) -> None:
    x = np.random.default_rng(3).standard_normal((300_000, LOOKS[-1]))
    t = {n: x[:, :n].mean(1) / (x[:, :n].std(1, ddof=1) / math.sqrt(n)) for n in LOOKS}

    def wrong(nominal: float) -> float:
        return float(np.any([t[n] > intervals.t_quantile(nominal, n - 1) for n in LOOKS], axis=0).mean())

    slack = 3.5 * math.sqrt(error * (1 - error) / len(x))
    assert error - 2 * slack < wrong(getattr(significance, f"INTERIM_{level}")) < error + slack
    assert wrong(1 - pocock) > error + 2 * slack


@pytest.mark.parametrize("level", [0.05, 0.05 / 6])
def test_a_p_value_at_looks_keeps_its_level_only_if_the_looks_are_counted(level: float) -> None:
    """Holm asks a family's smallest p-value for level / m, so it must hold there too."""
    x = np.random.default_rng(4).standard_normal((300_000, LOOKS[-1]))
    at = [sp.ttest_1samp(x[:, :n], 0.0, axis=1).pvalue for n in LOOKS]
    nominal = 1 - INTERIM_DIRECTION
    p = np.where(at[0] < nominal, at[0], np.where(at[1] < nominal, at[1], at[2]))
    assert float((p < level).mean()) > 1.3 * level
    assert float((len(LOOKS) * p < level).mean()) < level
    assert [over_looks(one) for one in (0.01, 0.5)] == pytest.approx([len(LOOKS) * 0.01, 1.0])
