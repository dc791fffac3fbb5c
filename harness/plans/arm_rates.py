"""A learning rate for each arm of an ablation: the protocol's, or half or twice as much.

A change of a network also changes its best learning rate, so arms compared at one rate differ in two things.
Each arm is trained at every rate, with its own tuning seeds and some training images held out, and gets the
rate with the lowest ten-view error on those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.contract.trial import Status, Trial
from harness.plans.experiment import Lookup
from harness.records.record import Record
from harness.records.schema import Measured

MakeTrial = Callable[[float, int], Trial]  # (factor, seed)


@dataclass(frozen=True)
class Rates:
    """What the shared rate is multiplied by, itself first; the tuning seeds; training images held out."""

    held_out: int
    factors: tuple[float, ...] = (1.0, 0.5, 2.0)
    seeds: tuple[int, ...] = (1001, 1002, 1003)


@dataclass(frozen=True)
class Tuned:
    """The trials that choose an arm's rate; `factor` is None until all of them have run."""

    trials: tuple[Trial, ...]
    factor: float | None


AS_SHARED = Tuned((), 1.0)


def tune(rates: Rates, make: MakeTrial, lookup: Lookup) -> Tuned:
    """The factor with the lowest mean error over the tuning seeds; the earlier one if two are equal."""
    trials = {factor: [make(factor, seed) for seed in rates.seeds] for factor in rates.factors}
    scores = {factor: _score([lookup(trial) for trial in of]) for factor, of in trials.items()}
    known = [(score, factor) for factor, score in scores.items() if score is not None]
    best = min(known, key=lambda one: one[0])[1] if len(known) == len(scores) else None
    return Tuned(tuple(trial for of in trials.values() for trial in of), best)


def _score(records: Sequence[Record | None]) -> float | None:
    """Mean error; infinite if a seed diverged, None if one has no result."""
    found = [_error(record) for record in records]
    known = [error for error in found if error is not None]
    return fmean(known) if len(known) == len(found) else None


def _error(record: Record | None) -> float | None:
    if record is None or record.status is Status.FAILED:
        return None
    return math.inf if record.status is Status.DIVERGED else record.metrics.get(Measured.TEN_TOP1)
