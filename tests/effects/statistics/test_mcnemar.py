"""McNemar's test against published figures and scipy's binomial test."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from harness.effects.statistics.mcnemar import mcnemar


def wrong(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Flags of this many images that both, one or neither got wrong."""
    counts = (both, first, second, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((101, 121, 59, 33), 4.434448718178797e-06),  # the example of statsmodels' documentation
        ((794, 150, 86, 570), 3.716e-05),  # Agresti, Categorical Data Analysis, table 10.1
        ((0, 5, 0, 9), 2 / 2**5),
        ((3, 0, 0, 9), 1.0),
        ((3, 4, 4, 9), 1.0),
    ],
)
def test_the_exact_p(table: tuple[int, int, int, int], p: float) -> None:
    found = mcnemar(*wrong(*table))
    assert (found.images, found.first_only, found.second_only) == (sum(table), table[1], table[2])
    assert found.p == pytest.approx(p, rel=1e-3)
    disagreed = table[1] + table[2]
    assert found.p == pytest.approx(scipy.stats.binomtest(table[1], disagreed).pvalue if disagreed else 1.0)


def test_the_images_must_be_the_same() -> None:
    with pytest.raises(ValueError, match="needs the same images, not 3 and 4"):
        mcnemar(np.zeros(3, bool), np.zeros(4, bool))
