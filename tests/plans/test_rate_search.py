"""Successive halving as a pure function of records, against made-up races with a known winner."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.contract.trial import Status, Trial
from harness.plans.rate_search import Race, score, tune
from harness.records.record import Record
from tests.fakes.evidence.trials import record_for, small

RATES = (0.001, 0.002, 0.004, 0.008)
RACE = Race(RATES, (1, 2, 8), (1001,))


def make(rate: float, seed: int, budget: int) -> Trial:
    return Trial(small(rate=rate, max_epochs=budget), seed)


def race(time: Callable[[float], float], race: Race = RACE) -> tuple[float | None, list[Trial]]:
    """Runs a race in which each rate reaches the target after `time(rate)` epochs."""
    records: dict[Trial, Record] = {}

    def answer(trial: Trial) -> Record:
        needed, budget = time(trial.settings.rate), trial.settings.max_epochs
        reached = needed <= budget
        return record_for(
            trial,
            reached=float(reached),
            epochs_high=needed if reached else None,
            final_running_error=needed / (needed + budget),
        )

    while True:
        tuning = tune(race, make, records.get)
        missing = [t for t in tuning.trials if t not in records]
        if not missing:
            return tuning.best, tuning.trials
        records |= {t: answer(t) for t in missing}


def test_the_fastest_rate_wins() -> None:
    best, trials = race(lambda rate: 3.0 + abs(rate - 0.004) * 1000)
    assert best == 0.004
    full = sorted(t.settings.rate for t in trials if t.settings.max_epochs == 8)
    assert full == [0.002, 0.004, 0.008]  # the winner and both its neighbours
    assert len(trials) == 4 + 2 + 3


def test_a_rate_that_is_slow_at_first_is_not_lost() -> None:
    """After 1 and 2 epochs .001 leads, and .002 is dropped; at the target .002 is first."""
    errors = {0.0005: 0.8, 0.001: 0.5, 0.002: 0.9, 0.004: 0.6, 0.008: 0.7}
    epochs = {0.0005: 9.0, 0.001: 6.0, 0.002: 3.0, 0.004: 7.0, 0.008: 8.0}

    def lookup(trial: Trial) -> Record:
        rate, budget = trial.settings.rate, trial.settings.max_epochs
        there = budget >= epochs[rate]
        return record_for(
            trial,
            reached=float(there),
            epochs_high=epochs[rate] if there else None,
            final_running_error=errors[rate],
        )

    found = tune(Race(tuple(errors), (1, 2, 20), (1001, 1002)), make, lookup)
    assert found.best == 0.002


@pytest.mark.parametrize(("peak", "added"), [(0.016, 0.032), (0.0005, 0.00025)])
def test_the_grid_grows_until_the_best_is_inside(peak: float, added: float) -> None:
    best, trials = race(
        lambda rate: 2.0 + 2.0 * abs(rate / peak - 1) if rate > peak else 2.0 + 2.0 * abs(peak / rate - 1)
    )
    assert best == peak
    assert added in {t.settings.rate for t in trials}


def test_a_race_without_end_ends_at_its_edge() -> None:
    best, trials = race(lambda rate: 0.001 / rate)
    assert best == max(trial.settings.rate for trial in trials)


def test_a_diverged_rate_loses_and_a_failed_one_stops_the_race() -> None:
    def lookup(trial: Trial) -> Record | None:
        if trial.settings.rate == 0.008:
            return record_for(
                trial, status=Status.DIVERGED, reached=0.0, final_running_error=0.1, epochs_high=None
            )
        return record_for(trial, reached=0.0, final_running_error=0.5, epochs_high=None)

    one_rung = Race(RATES, (1,), (1001,))
    assert tune(one_rung, make, lookup).best != 0.008
    stopped = tune(one_rung, make, lambda trial: record_for(trial, status=Status.FAILED))
    assert stopped.best is None


def test_nothing_is_asked_for_twice_and_tuning_seeds_stay() -> None:
    _, trials = race(lambda rate: 3.0 + abs(rate - 0.004) * 1000)
    assert len(trials) == len(set(trials))
    assert {t.seed for t in trials} == {1001}


def test_a_record_that_does_not_tell_its_time_wins_nothing() -> None:
    told = record_for(make(0.004, 1001, 2), reached=1.0, epochs_high=2.0)
    silent = record_for(make(0.004, 1002, 2), reached=1.0)
    nothing = record_for(make(0.004, 1003, 2))
    assert score([told]) < score([silent])
    assert score([told, told]) < score([told, nothing])
