"""Choosing a learning rate per arm: successive halving over one grid, as a pure function of the records.

Every arm sees the same grid on tuning seeds of its own. A rung trains each rate that is still in the race
for the rung's budget; the better half goes on. A rung goes on from the checkpoints of the one before. When
the winner stands at the edge of the grid, the grid grows by one rate beyond it, until it does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.contract.trial import Status, Trial
from harness.plans.experiment import Lookup
from harness.records.record import Record
from harness.records.schema import Measured

MOST_EXTENSIONS = 6
MakeTrial = Callable[[float, int, int], Trial]  # (rate, seed, budget in epochs)


@dataclass(frozen=True)
class Race:
    """A grid of rates (each a constant factor above the last), the budgets of the rungs, and the seeds."""

    rates: tuple[float, ...]
    budgets: tuple[int, ...]
    seeds: tuple[int, ...]


@dataclass
class Tuning:
    """The trials known so far; `best` is None until every rung has run."""

    trials: list[Trial] = field(default_factory=list)
    best: float | None = None
    at_edge: bool = False  # the grid could not be extended far enough


def tune(race: Race, make: MakeTrial, lookup: Lookup) -> Tuning:
    """Runs the race as far as the records carry it."""
    tuning = Tuning()
    rates = list(race.rates)
    left: Sequence[float] = rates
    for rung, budget in enumerate(race.budgets):
        scores = _rung(left, budget, race.seeds, make, lookup, tuning)
        if scores is None:
            return tuning
        last = rung == len(race.budgets) - 1
        left = sorted(left, key=lambda rate: scores[rate])[: len(left) if last else math.ceil(len(left) / 2)]
    return _beyond_the_edge(rates, left[0], race, make, lookup, tuning)


def _beyond_the_edge(
    rates: list[float], best: float, race: Race, make: MakeTrial, lookup: Lookup, tuning: Tuning
) -> Tuning:
    """Adds a rate beyond the edge that the best one stands at, until the best is inside the grid."""
    factor = rates[1] / rates[0]
    for _ in range(MOST_EXTENSIONS):
        if rates[0] < best < rates[-1]:
            tuning.best = best
            return tuning
        beyond = rates[-1] * factor if best == rates[-1] else rates[0] / factor
        rates = sorted([*rates, beyond])
        scores = _rung([best, beyond], race.budgets[-1], race.seeds, make, lookup, tuning)
        if scores is None:
            return tuning
        best = min((best, beyond), key=lambda rate: scores[rate])
    tuning.best, tuning.at_edge = best, True
    return tuning


def _rung(
    rates: Sequence[float], budget: int, seeds: Sequence[int], make: MakeTrial, lookup: Lookup, tuning: Tuning
) -> dict[float, tuple[float, float]] | None:
    """The score of each rate at this budget (smaller is better), or None while a record is missing."""
    trials = {rate: [make(rate, seed, budget) for seed in seeds] for rate in rates}
    tuning.trials += [t for group in trials.values() for t in group if t not in tuning.trials]
    records = {rate: [lookup(t) for t in group] for rate, group in trials.items()}
    scores: dict[float, tuple[float, float]] = {}
    for rate, found in records.items():
        usable = [r for r in found if r is not None and r.status is not Status.FAILED]
        if len(usable) < len(seeds):
            return None
        scores[rate] = score(usable)
    return scores


def score(records: Sequence[Record]) -> tuple[float, float]:
    """First by how many seeds missed the target, then by epochs; by the running error where all missed."""
    missed = [r for r in records if not r.metrics[Measured.REACHED]]
    if len(missed) == len(records):
        return math.inf, max(_final_error(r) for r in records)
    return float(len(missed)), sum(r.metrics[Measured.EPOCHS_HIGH] or 0.0 for r in records)


def _final_error(record: Record) -> float:
    error = record.metrics.get(Measured.FINAL_RUNNING_ERROR)
    return 1.0 if error is None or record.status is Status.DIVERGED else error
