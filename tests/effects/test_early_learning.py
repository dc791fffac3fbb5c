"""The area between chance's loss and a curve, against scipy's trapezoids and numbers worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from harness.contract.trial import Status, Trial
from harness.effects.early_learning import area, areas_table, ratio_of_areas
from harness.effects.from_runs import classes
from harness.plans.experiment import Evidence, Plan, Planned, Role, Run
from harness.plans.protocols import CONVERGED
from harness.records.record import Record
from tests.fakes.evidence.trials import STAND_IN
from tests.fakes.running.settings import Idle

CHANCE = math.log(10)
curves = st.lists(st.floats(0, 9), min_size=1, max_size=30)


def run(
    losses: Sequence[float | None],
    arm: str = "a",
    seed: int = 0,
    step: float = 0.5,
    classes: int = 10,
    status: Status = Status.OK,
) -> Run:
    """A run whose training loss was measured every `step` epochs."""
    curve = tuple({"epoch": step * (i + 1), "train_loss": loss} for i, loss in enumerate(losses))
    layers = [{"units": 64}, {"units": classes}]
    trial = {"settings": {"network": {"layers": layers}}}
    record = Record(f"{arm}-{seed}", "", trial, STAND_IN, "", status, {}, curve)
    return Run(Planned(Trial(Idle(), seed), arm, Role.FINAL), record)


def under(*nats: float, arm: str = "a", seed: int = 0) -> Run:
    """A run this many nats below chance, look by look."""
    return run([CHANCE - depth for depth in nats], arm, seed)


def evidence(*runs: Run) -> Evidence:
    return Evidence(CONVERGED, Plan(tuple(r.planned for r in runs)), runs)


def test_areas_by_hand() -> None:
    """From chance at 0 to 1 nat below it at .5, and there until 1: a triangle and a rectangle."""
    assert area(under(1.0, 1.0)) == pytest.approx(0.25 + 0.5)
    assert area(under(0.0, 0.0)) == pytest.approx(0, abs=1e-12)
    assert area(under(-1.0, 1.0)) == pytest.approx(-0.25 + 0)


@given(curves, st.floats(0.05, 2), st.integers(2, 1000))
def test_areas_agree_with_scipy(losses: list[float], step: float, classes: int) -> None:
    depth = [0.0, *(math.log(classes) - loss for loss in losses)]
    wanted = trapezoid(depth, [step * i for i in range(len(depth))])
    assert area(run(losses, step=step, classes=classes)) == pytest.approx(wanted, abs=1e-9)


@given(curves, st.integers(1, 100))
def test_only_the_distance_from_chance_counts(losses: list[float], times: int) -> None:
    """`times` as many classes, and a loss that is higher accordingly."""
    higher = run([loss + math.log(times) for loss in losses], classes=10 * times)
    assert area(higher) == pytest.approx(area(run(losses)), abs=1e-9)


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
def test_a_curve_with_a_loss_that_was_no_number_has_no_area(nothing: float | None) -> None:
    broken = run([2.0, nothing], "a", 1, status=Status.DIVERGED)
    assert area(broken) is None
    whole = evidence(under(1.0, 1.0), broken, *(under(0.5, 0.5, arm="b", seed=s) for s in range(2)))
    effect = ratio_of_areas(whole, "a", "b", "area")
    assert (effect.n, effect.estimate) == (1, pytest.approx(2.0))
    assert areas_table(whole).rows == (("a", 0.75, 0, 1), ("b", 0.375, 0, 2))


def test_what_has_no_curve_or_no_classes_has_no_area() -> None:
    assert area(run([])) is None
    bare = run([2.0])
    assert (
        area(Run(bare.planned, Record("k", "", {}, STAND_IN, "", Status.OK, {}, bare.record.curve))) is None
    )


def test_the_ratio_is_paired_and_geometric() -> None:
    """Areas of .75 ÷ .375 and of 2.25 ÷ .75; the third seed has no partner."""
    runs = [under(d, d, arm="a", seed=s) for s, d in enumerate((1.0, 3.0, 9.0))]
    runs += [under(d, d, arm="b", seed=s) for s, d in ((1, 1.0), (0, 0.5))]
    effect = ratio_of_areas(evidence(*runs), "a", "b", "area")
    assert (effect.metric, effect.unit, effect.n) == ("area", "×", 2)
    assert effect.estimate == pytest.approx(math.sqrt(2 * 3))
    assert effect.values == pytest.approx((2.0, 3.0))


def test_an_arm_that_never_comes_under_chance_has_no_ratio_and_is_counted() -> None:
    runs = [under(1.0, 1.0, arm="a", seed=s) for s in range(3)]
    runs += [under(-0.1, -0.1, arm="b", seed=0), under(0.0, arm="b", seed=1), under(1.0, arm="b", seed=2)]
    whole = evidence(*runs)
    effect = ratio_of_areas(whole, "a", "b", "area")
    assert (effect.n, effect.estimate) == (1, pytest.approx(3.0))
    assert areas_table(whole).rows == (("a", 0.75, 0, 3), ("b", round((-0.075 + 0.25) / 3, 4), 2, 3))
    never = evidence(*(r for r in runs if (r.arm, r.seed) != ("b", 2)))
    for pair in (("a", "b"), ("b", "a")):
        none = ratio_of_areas(never, *pair, "area")
        assert (none.metric, none.n, none.estimate, none.ci95) == ("area", 0, None, None)


def test_an_arm_that_only_diverged_has_a_row_and_no_mean() -> None:
    assert areas_table(evidence(run([None], status=Status.DIVERGED))).rows == (("a", None, 0, 0),)


def test_a_trial_that_trains_no_network_has_no_classes() -> None:
    """As settings of a package may say with `network=None`."""
    one = run([1.0])
    for network in (None, {}, {"layers": []}):
        record = replace(one.record, trial={"settings": {"network": network}})
        assert classes(replace(one, record=record)) is None
