"""Exact, distribution-free p-values over seeds: sign flips of pairs, permutations of two arms.

They cannot go below 2 / 2ⁿ or 2 n₁! n₂! / (n₁ + n₂)!. If there are more than `MOST` arrangements, that many
random ones from a fixed seed replace them, including the observed one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

MOST = 2**16

Array = NDArray[np.float64]
Values = Sequence[float] | Array


def sign_flip(values: Values) -> float | None:
    """Two-sided p of the mean against 0 over all sign assignments; None for fewer than two values."""
    x = np.asarray(values, dtype=np.float64)
    if len(x) < 2:
        return None
    sums = np.einsum("ij,j->i", _signs(len(x)), x)  # no BLAS: its threads keep spinning after a product
    return _share(np.abs(sums), abs(float(x.sum())), x)


def permutation(first: Values, second: Values) -> float | None:
    """Two-sided p of the difference of means over all ways to deal out the values; None if there is only one.

    A difference counts by its size, whatever its sign (Fisher 1935, §21; Pitman 1937).
    """
    few, many = sorted((np.asarray(first, np.float64), np.asarray(second, np.float64)), key=len)
    if not len(few) or len(few) + len(many) < 3:
        return None
    x = np.concatenate([few, many])
    x = x - x.mean()  # then the difference is proportional to the smaller arm's sum
    return _share(np.abs(x[_deals(len(few), len(many))].sum(0)), abs(float(x[: len(few)].sum())), x)


def _share(sizes: Array, seen: float, values: Array) -> float:
    """The share of sizes at least as large as the observed one; a tie counts."""
    rounding = 1e-12 * float(np.abs(values).sum())
    return float(np.mean(sizes >= seen - rounding))


@lru_cache(16)
def _signs(n: int) -> Array:
    """Every assignment of n signs, or random ones; kept, as many effects have the same n."""
    if 2**n > MOST:
        drawn: Array = np.random.default_rng(0).choice([-1.0, 1.0], (MOST, n))
        drawn[0] = 1.0
        return drawn
    flipped = np.arange(2**n)[:, None] >> np.arange(n) & 1
    return 1.0 - 2.0 * flipped.astype(np.float64)


@lru_cache(8)
def _deals(few: int, many: int) -> NDArray[np.intp]:
    """Which values (few, ways) go to the smaller arm: in every way, or in random ones.

    Ways come last, as numpy sums long rows ten times as fast as many short ones.
    """
    n = few + many
    if math.comb(n, few) > MOST:
        order = np.random.default_rng(0).random((MOST, n)).argpartition(few, axis=1)[:, :few]
        order[0] = np.arange(few)
        return np.ascontiguousarray(order.T)
    return np.array(list(combinations(range(n), few)), dtype=np.intp).T.copy()
