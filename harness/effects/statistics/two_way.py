"""Test images are a sample, like seeds: what they add to the variance of an error or of a difference.

Every run of an experiment is tested on the same images, so runs × images form a crossed two-way layout with
random effects and one outcome per cell. The variance of a mean that generalises over both is

    V = S²(runs) / n + S²(images) / N − S²(interaction) / (n N)

by mean squares: the first two terms each contain the interaction, which is subtracted once (Cornfield and
Tukey 1956; Brennan 2001, Generalizability Theory). For two arms, S²(images) is that of the difference between
the arms' means of an image, and runs and interaction add up. V is never below the larger of its first two
terms. Its degrees of freedom are Satterthwaite's (1946).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PERCENT = 100.0
Outcomes = NDArray[np.int8] | NDArray[np.float64]  # (runs, images), in −1, 0, 1, or shares between


@dataclass(frozen=True)
class Term:
    """A variance with its degrees of freedom."""

    variance: float
    df: float


@dataclass(frozen=True)
class ImagePart:
    """What sets of images add to an estimate's variance over seeds, in percent or points squared."""

    images: int
    own: tuple[Term, ...]  # S²(images) / N of each set
    twice: tuple[Term, ...]  # S²(interaction) / (n N) of each set and arm

    def joined(self, seeds: float, df: float) -> tuple[float, float]:
        """Variance and degrees of freedom over seeds and images, from those over seeds."""
        images = sum(term.variance for term in self.own)
        whole = seeds + images - sum(term.variance for term in self.twice)
        if whole <= max(seeds, images):
            return (seeds, df) if seeds >= images else (images, satterthwaite(images, self.own))
        return whole, satterthwaite(whole, (Term(seeds, df), *self.own, *self.twice))


def of_sets(sets: Sequence[Sequence[Outcomes]]) -> ImagePart:
    """What the images of independent sets add, each seen by one arm or by two, the second subtracted."""
    found = [_of_set(arms) for arms in sets]
    own, twice = tuple(own for own, _ in found), tuple(term for _, terms in found for term in terms)
    return ImagePart(sum(arms[0].shape[1] for arms in sets), own, twice)


def _of_set(arms: Sequence[Outcomes]) -> tuple[Term, list[Term]]:
    """The terms of one set of images, seen by one arm or by two of opposite sign."""
    count = arms[0].shape[1]
    means = [arm.mean(0, dtype=np.float64) for arm in arms]
    across = means[0] - means[1] if len(arms) > 1 else means[0]
    own = Term(PERCENT**2 * float(across.var(ddof=1)) / count, count - 1)
    return own, [_interaction(arm) for arm in arms if len(arm) > 1]


def _interaction(cells: Outcomes) -> Term:
    """S²(interaction) / (n N) of outcomes (n, N): the part that neither runs nor images explain."""
    n, count = cells.shape
    runs, images = cells.mean(1, dtype=np.float64), cells.mean(0, dtype=np.float64)
    mean = float(runs.mean())
    # Of −1, 0 and 1, the squares are what is not 0.
    squares = float(np.count_nonzero(cells) if cells.dtype == np.int8 else np.square(cells).sum())
    rest = squares - count * float((runs**2).sum()) - n * float((images**2).sum()) + n * count * mean**2
    df = (n - 1) * (count - 1)
    return Term(PERCENT**2 * max(rest, 0.0) / df / (n * count), df)


def satterthwaite(whole: float, terms: Sequence[Term]) -> float:
    """Degrees of freedom of a variance that is the sum of these terms, some perhaps subtracted."""
    spread = sum(term.variance**2 / term.df for term in terms)
    return whole**2 / spread if spread else math.inf
