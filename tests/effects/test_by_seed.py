"""Pairs, gaps and falls against numbers worked out by hand."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.trial import Status, Trial
from harness.effects.by_seed import alone, difference, falls, gains, levels, paired
from harness.effects.from_runs import arms_table, gap, metric
from harness.plans.experiment import Evidence, Plan, Planned, Role, Run
from harness.plans.protocols import CONVERGED
from harness.records.record import Record
from tests.fakes.evidence.trials import STAND_IN


def run(arm: str, seed: int, status: Status = Status.OK, **metrics: float | None) -> Run:
    made = Record(f"{arm}-{seed}", "", {}, vars(STAND_IN), "", status, metrics)
    return Run(Planned(Trial(None, seed), arm, Role.FINAL), made)


def evidence(*runs: Run) -> Evidence:
    return Evidence(CONVERGED, Plan(tuple(r.planned for r in runs)), runs)


def test_pairs_go_by_seed_whatever_the_order() -> None:
    runs = [run(arm, seed, x=10.0 * seed + bonus) for arm, bonus in (("a", 1), ("b", 2)) for seed in range(4)]
    random.Random(3).shuffle(runs)
    assert paired(evidence(*runs), ("a", "b"), metric("x")) == [[1, 11, 21, 31], [2, 12, 22, 32]]


def test_seeds_that_any_arm_lacks_are_left_out_of_all() -> None:
    """Seed 1 is missing, 2 diverged, 3 failed, 4 has no such metric: 0 and 5 are left."""
    a = [run("a", seed, x=float(seed)) for seed in range(6)]
    b = [
        run("b", 0, x=10.0), run("b", 2, Status.DIVERGED, x=99.0), run("b", 3, Status.FAILED),
        run("b", 4, y=1.0), run("b", 5, x=15.0),
    ]  # fmt: skip
    assert paired(evidence(*a, *b), ("a", "b"), metric("x")) == [[0, 5], [10, 15]]


def test_nothing_in_common_is_no_pair_and_no_crash() -> None:
    lone = evidence(run("a", 0, x=1.0), run("b", 1, x=2.0))
    assert paired(lone, ("a", "b"), metric("x")) == [[], []]
    assert paired(lone, (), metric("x")) == []
    assert difference(lone, "a", "c", "x", metric("x")).n == 0


@given(st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20)))
def test_pairs_are_the_common_seeds(first: set[int], second: set[int]) -> None:
    runs = [run(a, s, x=float(s)) for a, seeds in (("a", first), ("b", second)) for s in seeds]
    assert paired(evidence(*runs), ("a", "b"), metric("x")) == [[*map(float, sorted(first & second))]] * 2


def test_the_gap_is_test_less_training_error_by_the_centre_view() -> None:
    assert gap(run("a", 0, centre_top1=40.0, ten_top1=38.0, train_top1=25.5)) == 14.5
    assert gap(run("a", 0, centre_top1=40.0)) is None
    assert gap(run("a", 0, Status.DIVERGED, centre_top1=40.0, train_top1=1.0)) is None


def test_a_fall_is_positive_where_the_technique_lowers_the_error() -> None:
    """Without 42, 43, 45 (s² = 7/3), with 41, 41, 42 (s² = 1/3): error √(8/9), t(4, .975) = 2.776445."""
    rest = {"ten_top5": 20.0, "ten_loss": 1.5}
    runs = [run("without", s, ten_top1=x, **rest) for s, x in enumerate((42.0, 43.0, 45.0))]
    rest = {"ten_top5": 20.5, "ten_loss": 1.25}
    runs += [run("with", s, ten_top1=x, **rest) for s, x in enumerate((41.0, 41.0, 42.0))]
    top1, top5, loss = falls(evidence(*runs), "without", "with")
    assert [e.metric for e in (top1, top5, loss)] == ["top-1 error", "top-5 error", "loss"]
    assert [e.unit for e in (top1, top5, loss)] == ["points", "points", "nats"]
    assert (top1.estimate, top5.estimate, loss.estimate, top1.n) == (2.0, -0.5, 0.25, 3)
    assert top1.ci95 is not None
    assert top1.ci95.low == pytest.approx(2 - 2.776445 * (8 / 9) ** 0.5, abs=1e-5)
    assert top1.ci95.high == pytest.approx(2 + 2.776445 * (8 / 9) ** 0.5, abs=1e-5)
    assert falls(evidence(*runs), "with", "without", "turned")[0].estimate == -2.0
    assert falls(evidence(*runs), "with", "without", "turned")[0].metric == "top-1 error, turned"


def test_an_arm_is_compared_with_every_run_of_the_baseline() -> None:
    runs = [run("arm", s, x=v) for s, v in enumerate((1.0, 2.0, 6.0))]
    runs += [run("baseline", s, x=v) for s, v in enumerate((0.0, 1.0, 2.0, 1.0, 1.0))]
    effect = difference(evidence(*runs), "arm", "baseline", "x", metric("x"))
    assert (effect.n, effect.counts, effect.df, effect.estimate) == (3, (3, 5), 6, 2.0)
    assert effect.values == (0.0, 1.0, 5.0)
    assert effect.note.startswith("3 runs against 5; standard error ")
    turned = difference(evidence(*runs), "baseline", "arm", "x", metric("x"))
    assert (turned.n, turned.counts, turned.estimate) == (3, (5, 3), -2.0)
    assert turned.values == (-0.0, -1.0, -5.0)


def test_levels_and_gains_are_of_one_arm_s_own_numbers() -> None:
    runs = [
        run("paper", s, ten_top1=40.0 + s, ten_top5=18.0, centre_top1=41.5 + 2 * s, centre_top5=19.0)
        for s in range(3)
    ]
    assert [e.estimate for e in levels(evidence(*runs), "paper", "ten_top1", "ten_top5")] == [41, 18]
    both = gains(evidence(*runs), "paper", ("centre_top1", "centre_top5"), ("ten_top1", "ten_top5"))
    assert [e.estimate for e in both] == [2.5, 1.0]
    assert both[0].values == (1.5, 2.5, 3.5)


def test_the_table_tells_how_many_runs_finished() -> None:
    ok = {"ten_top1": 30.0, "ten_top5": 10.0, "centre_top1": 33.0, "centre_top5": 11.0, "train_top1": 20.0}
    found = arms_table(
        evidence(run("a", 0, **ok), run("a", 1, Status.DIVERGED), run("b", 0, Status.DIVERGED))
    )
    assert found.rows == (
        ("a", 30.0, 10.0, 33.0, 20.0, 13.0, "1 of 2"),
        ("b", None, None, None, None, None, "0 of 1"),
    )


def dead(arm: str, seed: int) -> Run:
    """A run whose training error is at chance level among ten classes."""
    made = run(arm, seed, x=1.0, train_top1=90.0)
    layers = {"settings": {"network": {"layers": [{"units": 10}]}}}
    return replace(made, record=replace(made.record, trial=layers))


def test_networks_that_learned_nothing_are_left_out_unless_that_is_a_result() -> None:
    """For seed 1 the second arm is dead: no pair of errors, and a target that is never reached."""
    found = evidence(run("a", 0, x=2.0), run("a", 1, x=3.0), run("b", 0, x=4.0), dead("b", 1))
    assert paired(found, ("a", "b"), metric("x")) == [[2], [4]]
    assert paired(found, ("a", "b"), metric("x"), dead=True) == [[2, 3], [4, 1]]


def test_anything_can_be_paired() -> None:
    found = evidence(run("a", 0, x=2.0), run("a", 1), run("b", 0, x=4.0), run("b", 1, x=5.0))
    seen = paired(found, ("a", "b"), lambda r: str(r.record.key) if r.record.metrics else None)
    assert seen == [["a-0"], ["b-0"]]
    assert alone(found, "b", "x") == [4, 5]
