"""The first plateau on curves written down by hand, and the ratio level by level by other means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sp

from harness.contract.trial import Status, Trial
from harness.effects.plateau import _passing, first_plateau, ratio_by_level, ratio_of_plateaus, smoothed
from harness.effects.statistics.time_to_event import Time
from harness.plans.experiment import Evidence, Plan, Planned, Role, Run
from harness.plans.protocols import CONVERGED
from harness.records.record import Record
from tests.fakes.evidence.trials import STAND_IN
from tests.fakes.running.settings import Idle

curves = st.lists(st.floats(0.01, 10), min_size=1, max_size=40)
FALLING = [0.9**epoch for epoch in range(20)]


def run(losses: Sequence[float | None], arm: str = "a", seed: int = 0, status: Status = Status.OK) -> Run:
    """A run with a validation loss after every epoch."""
    curve = tuple({"epoch": float(i), "validation_loss": loss} for i, loss in enumerate(losses, start=1))
    record = Record(f"{arm}-{seed}", "", {}, STAND_IN, "", status, {}, curve)
    return Run(Planned(Trial(Idle(), seed), arm, Role.FINAL), record)


def evidence(*runs: Run) -> Evidence:
    return Evidence(CONVERGED, Plan(tuple(r.planned for r in runs)), runs)


def test_smoothing_is_the_mean_of_an_epoch_and_two_before_it() -> None:
    assert smoothed(run([4.0, 2.0, 3.0, 1.0, 5.0])) == [4.0, 3.0, 3.0, 2.0, 3.0]
    assert smoothed(run([])) == []


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
def test_rows_without_a_number_are_passed_over(nothing: float | None) -> None:
    """Rows within an epoch have no validation loss; a diverged run ends with such a row."""
    assert smoothed(run([nothing, 4.0, nothing, 2.0, nothing])) == [4.0, 3.0]
    assert smoothed(run([nothing] * 9)) == []


@pytest.mark.parametrize(
    ("losses", "wanted"),
    [
        ([1.0, 0.9, 0.8, *[0.8] * 5], Time(2, 3)),  # five epochs after the third
        ([1.0, 0.9, 0.8, *[0.8] * 4], Time(3, None)),  # four: it may still improve
        ([1.0, *[1.0] * 4, 0.9], Time(6, None)),  # the fifth improves
        ([1.0, *[1.0] * 5, 0.1], Time(0, 1)),  # what comes after the first plateau does not count
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], Time(0, 1)),
        ([100.0, 99.0, *[98.5] * 5], Time(1, 2)),  # 1 % is an improvement, half a percent is none
        ([100.0, 99.5, 98.9, *[98.9] * 5], Time(2, 3)),  # two steps make an improvement together
        (FALLING, Time(20, None)),
        ([1.0], Time(1, None)),
        ([], Time(0, None)),
    ],
)
def test_plateaus_by_hand(losses: list[float], wanted: Time) -> None:
    assert first_plateau(losses) == wanted


@pytest.mark.parametrize(
    ("losses", "wanted"),
    [
        ([2.30] * 8 + [1.0, 0.8, *[0.8] * 5], Time(9, 10)),  # it learned after eight epochs at chance
        ([2.30] * 12, Time(12, None)),  # it never learned
        ([2.08, 2.06, *[2.06] * 5], Time(1, 2)),  # learning begins below 9 / 10 of ln 10
        ([1.0, 2.3, 2.3, 2.3, 2.3, 2.3], Time(0, 1)),  # it got worse, which chance does not excuse
    ],
)
def test_standing_at_chance_is_no_plateau(losses: list[float], wanted: Time) -> None:
    assert first_plateau(losses, chance=math.log(10)) == wanted


def test_runs_that_learn_late_take_as_much_longer() -> None:
    """They once counted as converged in their first epoch, and made the others look slow."""
    ten = {"settings": {"network": {"layers": [{"units": 10}]}}}

    def learns(after: int, arm: str, seed: int) -> Run:
        made = run([2.3] * after + [2.3 * 0.5**e for e in range(1, 4)] + [0.28] * 9, arm, seed)
        return replace(made, record=replace(made.record, trial=ten))

    runs = [learns(8 if arm == "fast" else 0, arm, seed) for arm in ("slow", "fast") for seed in range(3)]
    (effect,) = ratio_of_plateaus(evidence(*runs), "slow", "fast")
    assert effect.censored == 0
    assert effect.estimate is not None
    assert effect.estimate < 0.5


@given(curves, st.integers(-20, 20))
def test_the_plateau_does_not_know_the_loss_s_unit(losses: list[float], power: int) -> None:
    found = first_plateau(smoothed(run(losses)))
    assert first_plateau(smoothed(run([loss * 2.0**power for loss in losses]))) == found


@given(curves, st.integers(0, 20))
def test_a_curve_that_comes_later_has_its_plateau_as_much_later(losses: list[float], late: int) -> None:
    before, found = [losses[0] * 2.0 ** (late - i) for i in range(late)], first_plateau(losses)
    high = None if found.high is None else found.high + late
    assert first_plateau([*before, *losses]) == Time(found.low + late, high)


@given(curves, curves)
def test_what_comes_later_moves_no_plateau_and_only_delays_a_censored_one(
    losses: list[float], more: list[float]
) -> None:
    found, longer = first_plateau(losses), first_plateau([*losses, *more])
    assert longer == found if not found.censored else longer.point >= found.low - 0.5


def standing(falls: int, arm: str, seed: int, epochs: int = 30) -> Run:
    """A loss that halves in each of this many epochs, then stays constant."""
    return run([0.5 ** min(epoch, falls) for epoch in range(epochs)], arm, seed)


def test_plateaus_are_compared_by_seed() -> None:
    """Smoothing adds two epochs to 1 + falls: brackets (10, 11] ÷ (4, 5], and (7, 8] ÷ (5, 6]."""
    runs = [standing(8, "slow", 0), standing(5, "slow", 1), standing(3, "fast", 1), standing(2, "fast", 0)]
    (effect,) = ratio_of_plateaus(evidence(*runs, standing(9, "slow", 2)), "slow", "fast")
    assert (effect.n, effect.censored) == (2, 0)
    assert effect.estimate == pytest.approx(math.sqrt(10.5 / 4.5 * 7.5 / 5.5))


def test_an_arm_without_a_plateau_leaves_a_bound() -> None:
    """Followed for 20 epochs and falling, against at most 5: at least 4 times as many."""
    runs = [r for s in range(6) for r in (run(FALLING, "slow", s), standing(2, "fast", s))]
    (effect,) = ratio_of_plateaus(evidence(*runs), "slow", "fast")
    assert (effect.estimate, effect.censored, effect.lower_bound) == (None, 6, 4.0)


def test_a_diverged_run_counts_to_its_last_loss_and_not_at_all_without_one() -> None:
    broken = run([1.0, 0.5, None], "slow", 0, Status.DIVERGED)
    (effect,) = ratio_of_plateaus(evidence(broken, standing(2, "fast", 0)), "slow", "fast")
    assert (effect.n, effect.censored) == (1, 1)
    dead = run([None], "slow", 0, Status.DIVERGED)
    assert ratio_of_plateaus(evidence(dead, standing(2, "fast", 0)), "slow", "fast") == ()
    assert ratio_by_level(evidence(dead, standing(2, "fast", 0)), "slow", "fast").rows == ()


def test_a_level_is_passed_between_two_looks() -> None:
    assert _passing([4.0, 2.0, 1.0], 3.0) == 1.5
    assert _passing([4.0, 2.0, 1.0], 1.25) == 2.75
    assert _passing([4.0, 2.0, 1.0], 2.0) == 2.0
    assert _passing([4.0, 2.0, 3.0, 1.0], 2.5) == 1.75  # the first time
    assert _passing([4.0, 2.0], 4.0) == 1.0


def exponential(rate: float, arm: str, seed: int, epochs: int = 40) -> Run:
    return run([math.exp(-epoch / rate) for epoch in range(epochs)], arm, seed)


def epochs_at(one: Run, level: float) -> float:
    losses = smoothed(one)
    return float(np.interp(level, losses[::-1], range(len(losses), 0, -1)))


def test_bounds_hold_for_all_levels_at_once() -> None:
    """Against scipy's t at 1 − .05 / 12."""
    slow = [exponential(rate, "slow", s) for s, rate in enumerate((9.0, 10.0, 12.0))]
    fast = [exponential(rate, "fast", s) for s, rate in enumerate((5.0, 5.5, 5.0))]
    table = ratio_by_level(evidence(*slow, *fast), "slow", "fast")
    assert table.title == "Epochs to a validation loss, slow ÷ fast"
    assert len(table.rows) == 12
    high, low = 1.0, smoothed(slow[2])[-1]
    for i, (level, ratio, *bounds, n) in enumerate(table.rows):
        exact = high - (high - low) / 12 * (i + 0.5)
        logs = np.log([epochs_at(a, exact) / epochs_at(b, exact) for a, b in zip(slow, fast, strict=True)])
        wanted = sp.t.interval(1 - 0.05 / 12, 2, logs.mean(), sp.sem(logs))
        assert (level, n) == (pytest.approx(exact, abs=6e-4), 3)
        assert [ratio, *bounds] == pytest.approx([math.exp(logs.mean()), *np.exp(wanted)], abs=6e-4)


def test_one_pair_has_ratios_and_no_bounds() -> None:
    table = ratio_by_level(evidence(exponential(10, "slow", 0), exponential(5, "fast", 0)), "slow", "fast")
    assert len(table.rows) == 12
    assert all(row[1] > 1 and row[2:] == (None, None, 1) for row in table.rows)  # type: ignore[operator]


@given(st.lists(curves, min_size=2, max_size=4))
def test_levels_are_those_that_every_run_passes(losses: list[list[float]]) -> None:
    runs = [
        run(one, arm, s)
        for s in range(len(losses) // 2)
        for arm, one in zip("ab", losses[2 * s :], strict=False)
    ]
    kept = [smoothed(one) for one in runs]
    high, low = min(one[0] for one in kept), max(map(min, kept))
    rows = ratio_by_level(evidence(*runs), "a", "b").rows
    assert len(rows) == (12 if high > low else 0)
    assert all(low - 6e-4 <= row[0] <= high + 6e-4 for row in rows)  # type: ignore[operator]


def test_without_pairs_or_a_common_range_there_is_no_level() -> None:
    apart = evidence(run([9.0, 8.0], "slow", 0), run([2.0, 1.0], "fast", 0))
    assert ratio_by_level(apart, "slow", "fast").rows == ()
    lone = evidence(exponential(10, "slow", 0), exponential(5, "fast", 1))
    assert ratio_by_level(lone, "slow", "fast").rows == ()
    assert ratio_of_plateaus(lone, "slow", "fast") == ()
