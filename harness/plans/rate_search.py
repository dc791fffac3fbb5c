"""Choosing a learning rate per arm: successive halving over one grid, as a pure function of the records.

Every arm sees the same grid, with its own tuning seeds. A rung trains each rate still in the race for the
rung's budget, resuming from the checkpoints of the previous rung; the better half continues. The winner is
then compared with both neighbours at the full budget, since a slow starter may reach the target sooner; a
better neighbour is compared with its own neighbours. If one is missing, the grid grows by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.contract.trial import Status, Trial
from harness.plans.experiment import Lookup
from harness.records.record import Record
from harness.records.schema import Measured

MOST_STEPS = 7  # from one best rate to a better neighbour
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


def tune(race: Race, make: MakeTrial, lookup: Lookup) -> Tuning:
    """Runs the race as far as the records allow."""
    tuning = Tuning()
    rates = list(race.rates)
    left: Sequence[float] = rates
    for rung, budget in enumerate(race.budgets):
        scores = _rung(left, budget, race.seeds, make, lookup, tuning)
        if scores is None:
            return tuning
        last = rung == len(race.budgets) - 1
        left = sorted(left, key=lambda rate: scores[rate])[: len(left) if last else math.ceil(len(left) / 2)]
    return _settled(rates, left[0], race, make, lookup, tuning)


def _settled(
    rates: list[float], best: float, race: Race, make: MakeTrial, lookup: Lookup, tuning: Tuning
) -> Tuning:
    """Compares the best with both its neighbours at the full budget, until it beats them or steps run out."""
    factor = rates[1] / rates[0]
    for _ in range(MOST_STEPS):
        rates = _with_neighbours(rates, best, factor)
        place = rates.index(best)
        near = rates[place - 1 : place + 2]
        scores = _rung(near, race.budgets[-1], race.seeds, make, lookup, tuning)
        if scores is None:
            return tuning
        before, best = best, min(near, key=lambda rate: (scores[rate], rate != best))
        if best == before:
            break
    tuning.best = best
    return tuning


def _with_neighbours(rates: list[float], best: float, factor: float) -> list[float]:
    """The grid, with one more rate if the best is at its edge."""
    if best == rates[-1]:
        return [*rates, best * factor]
    return [best / factor, *rates] if best == rates[0] else rates


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
    """First by how many seeds missed the target, then by epochs; by the running error if all missed."""
    missed = [r for r in records if not r.metrics.get(Measured.REACHED)]
    if len(missed) == len(records):
        return math.inf, max(_final_error(r) for r in records)
    return float(len(missed)), sum(map(_epochs, records))


def _epochs(record: Record) -> float:
    """Epochs to the target; 0 for a run that missed it, infinite for one that does not record them."""
    found = record.metrics.get(Measured.EPOCHS_HIGH)
    if found is None:
        return math.inf if record.metrics.get(Measured.REACHED) else 0.0
    return found


def _final_error(record: Record) -> float:
    error = record.metrics.get(Measured.FINAL_RUNNING_ERROR)
    return 1.0 if error is None or record.status is Status.DIVERGED else error
