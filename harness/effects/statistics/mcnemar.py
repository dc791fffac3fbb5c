"""Do two networks make equally many errors on the same images? McNemar's exact test (1947).

Images that both get right, or both wrong, say nothing about the difference. If neither network is better,
each of the others is equally likely to be the error of either, so their count is binomial with ½.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray


@dataclass(frozen=True)
class McNemar:
    """How many images only one of two networks got wrong, of how many, and the two-sided exact p."""

    images: int
    first_only: int
    second_only: int
    p: float


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """The test on which images each of two networks got wrong, bool (images,)."""
    if first.shape != second.shape:
        raise ValueError(f"McNemar's test needs the same images, not {len(first)} and {len(second)} of them")
    one, other = int(np.count_nonzero(first & ~second)), int(np.count_nonzero(second & ~first))
    tail = float(scipy.special.bdtr(min(one, other), one + other, 0.5))
    return McNemar(len(first), one, other, min(1.0, 2 * tail))
