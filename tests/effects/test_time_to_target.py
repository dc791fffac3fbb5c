"""Epochs to a level on curves written down by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.trial import Status, Trial
from harness.effects.time_to_event import Time
from harness.effects.time_to_target import ratio_to_target, targets_table, time_to
from harness.plans.experiment import Evidence, Plan, Planned, Role, Run
from harness.plans.protocols import CONVERGED
from harness.records.record import Record
from tests.fakes.settings import Idle
from tests.fakes.trials import STAND_IN


def run(errors: Sequence[float | None], arm: str = "a", seed: int = 0, step: float = 0.5) -> Run:
    """A run whose error was looked at every half epoch."""
    curve = tuple({"epoch": step * (i + 1), "train_error": e} for i, e in enumerate(errors))
    record = Record(f"{arm}-{seed}", "", {}, STAND_IN, "", Status.OK, {}, curve)
    return Run(Planned(Trial(Idle(), seed), arm, Role.FINAL), record)


def evidence(*runs: Run) -> Evidence:
    return Evidence(CONVERGED, Plan(tuple(r.planned for r in runs)), runs)


def test_the_bracket_is_between_the_last_look_above_and_the_first_at_the_level() -> None:
    errors = [0.9, 0.8, 0.7, 0.6, 0.75]
    assert time_to(run(errors), "train_error", 0.7) == Time(1.0, 1.5)
    assert time_to(run(errors), "train_error", 0.65) == Time(1.5, 2.0)
    assert time_to(run(errors), "train_error", 0.95) == Time(0.0, 0.5)


def test_what_never_gets_there_is_censored_at_its_last_look() -> None:
    assert time_to(run([0.9, 0.8, 0.7]), "train_error", 0.5) == Time(1.5, None)
    assert time_to(run([0.9, 0.8]), "no such column", 0.5) == Time(1.0, None)
    assert time_to(run([]), "train_error", 0.5) == Time(0.0, None)


def test_a_loss_that_was_no_number_is_not_at_the_level() -> None:
    assert time_to(run([0.9, None, 0.6]), "train_error", 0.7) == Time(1.0, 1.5)


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0, 1))
def test_it_is_the_first_time_at_or_under_the_level(errors: list[float], level: float) -> None:
    found = time_to(run(errors), "train_error", level)
    reached = [i for i, e in enumerate(errors) if e <= level]
    assert found.censored == (not reached)
    assert found.low == 0.5 * (reached[0] if reached else len(errors))


def at(epochs: int, arm: str, seed: int, last: int = 40) -> Run:
    """A run that is under .7 from the look at half of `epochs` × 2 on."""
    return run([0.9 if i + 1 < epochs else 0.5 for i in range(last)], arm, seed)


def test_the_ratio_is_of_midpoints_and_geometric_over_pairs() -> None:
    """Looks 9 and 5 are brackets (4, 4.5] and (2, 2.5]: 4.25 ÷ 2.25; looks 17 and 5: 8.25 ÷ 2.25."""
    runs = [at(9, "slow", 0), at(5, "fast", 0), at(5, "fast", 1), at(17, "slow", 1), at(2, "fast", 2)]
    (effect,) = ratio_to_target(evidence(*runs), "slow", "fast", "train_error", 0.7)
    assert effect.n == 2
    assert effect.estimate == pytest.approx(math.sqrt(4.25 * 8.25) / 2.25)
    (turned,) = ratio_to_target(evidence(*runs), "fast", "slow", "train_error", 0.7, "turned")
    assert turned.estimate == pytest.approx(2.25 / math.sqrt(4.25 * 8.25))
    assert turned.metric == "turned"


def test_a_censored_run_leaves_a_bound_and_no_estimate() -> None:
    """Six pairs: the slow arm is followed to 20, the fast one is there by 2.5, so at least 8 times."""
    runs = [r for seed in range(6) for r in (at(99, "slow", seed), at(5, "fast", seed))]
    (effect,) = ratio_to_target(evidence(*runs), "slow", "fast", "train_error", 0.7)
    assert (effect.estimate, effect.censored) == (None, 6)
    assert effect.lower_bound == pytest.approx(8.0)


def test_without_pairs_there_is_no_effect() -> None:
    lone = evidence(at(5, "slow", 0), at(5, "fast", 1), run([], "fast", 0))
    assert ratio_to_target(lone, "slow", "fast", "train_error", 0.7) == ()


def test_the_table_counts_those_that_reached_it() -> None:
    table = targets_table(
        evidence(at(9, "a", 0), at(5, "a", 1), at(99, "a", 2), at(99, "b", 0)), "train_error", 0.7
    )
    assert table.title == "Epochs to a training error of 0.7"
    assert table.rows == (("a", "2 of 3", 3.25), ("b", "0 of 1", None))
