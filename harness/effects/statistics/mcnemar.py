"""Two networks on the same images: do they err on as many? McNemar's exact test (1947).

Images on which both are right, or both wrong, say nothing of the difference. Of the others as many should
fall to either network if neither is better, so that their count is binomial with ½.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray


@dataclass(frozen=True)
class McNemar:
    """How many images each of two networks alone got wrong, of how many, and the two-sided exact p."""

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
