"""What others measured for the paper's claims, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.paper.run_log import NOTED


@dataclass(frozen=True)
class Accuracies:
    """Top-1 accuracy, as a fraction, of a net with the technique and of one without it, one run each."""

    technique: float
    without: float

    @property
    def difference(self) -> float:
        """The error without the technique minus the error with it, in points."""
        return round(100 * (self.technique - self.without), 4)


# ducha-aiki's caffenet-benchmark: CaffeNet on ImageNet at 128 pixels, LSUV initialisation, by claim.
CAFFENET_BENCHMARK: Mapping[str, Accuracies] = {
    "lrn": Accuracies(0.470, 0.471),
    "overlapping-pooling": Accuracies(0.470, 0.484),
}


def differences(claim: str) -> list[tuple[str, float]]:
    """Differences in top-1 points of further pairs of single runs, each with whose it is."""
    found = [NOTED[claim]] if claim in NOTED else []
    known = CAFFENET_BENCHMARK.get(claim)
    return found + ([("caffenet-benchmark, 128 pixels", known.difference)] if known else [])


def caffenet(claim: str, technique: str, without: str) -> str:
    """The benchmark's two accuracies in words; the last two arguments name what was run."""
    found = CAFFENET_BENCHMARK[claim]
    first, second = (f"{share:.3f}".lstrip("0") for share in (found.technique, found.without))
    return f"caffenet-benchmark: accuracy {first} {technique}, {second} {without}"
