"""Arms against a control: scipy's Dunnett over seeds, an analysis of variance over seeds and images."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as sp

from harness.contract.trial import Status
from harness.effects.against_control import comparison, differences
from harness.effects.by_seed import counted
from harness.effects.from_runs import metric
from harness.plans.ablation import training
from harness.plans.experiment import Evidence, Plan, Planned, Role, Run
from harness.plans.protocols import CONVERGED
from harness.records.image_bits import packed
from harness.records.record import Record
from harness.records.schema import Measured
from reproductions.implementations import PROXYS
from tests.fakes.evidence.trials import STAND_IN

LOSS, ERROR = metric(Measured.TEN_LOSS), metric(Measured.TEN_TOP1)
STREAM = np.random.default_rng(7)
VALUES = {
    "paper": STREAM.normal(40, 1, 15),
    "caffe": STREAM.normal(40.5, 1, 5),
    "torchvision": STREAM.normal(43, 1, 5),
    "dansuh17": STREAM.normal(38, 1, 4),
}


def run(arm: str, seed: int, status: Status = Status.OK, **metrics: float) -> Run:
    trial = training(CONVERGED, PROXYS[arm], seed)
    record = Record(f"{arm}-{seed}", "", {}, STAND_IN, "", status, metrics)
    return Run(Planned(trial, arm, Role.FINAL), record)


def evidence(*runs: Run) -> Evidence:
    return Evidence(CONVERGED, Plan(tuple(r.planned for r in runs)), runs)


def of(values: dict[str, np.ndarray], name: str = "ten_loss") -> Evidence:
    return evidence(
        *(run(arm, s, **{name: float(x)}) for arm, xs in values.items() for s, x in enumerate(xs))
    )


def test_differences_and_intervals_are_scipy_s_where_there_are_no_bits() -> None:
    groups = {arm: counted(of(VALUES), arm, LOSS) for arm in VALUES}
    found, over = differences(groups, LOSS)
    control, *others = VALUES.values()
    theirs = sp.dunnett(*others, control=control, random_state=np.random.default_rng(0))
    bounds = theirs.confidence_interval(0.95)
    assert list(found) == ["caffe", "torchvision", "dansuh17"]
    assert "seeds alone" in over
    for i, one in enumerate(found.values()):
        assert one.estimate == pytest.approx(others[i].mean() - control.mean())
        assert one.interval is not None
        assert (one.interval.low, one.interval.high) == pytest.approx(
            (bounds.low[i], bounds.high[i]), abs=0.02
        )
        assert one.adjusted_p == pytest.approx(theirs.pvalue[i], abs=2e-3)
        assert (one.adjusted_p < 0.05) == (not one.interval.low < 0 < one.interval.high)


def test_one_arm_has_student_s_interval() -> None:
    two = {arm: VALUES[arm] for arm in ("paper", "caffe")}
    (one,) = differences({arm: counted(of(two), arm, LOSS) for arm in two}, LOSS)[0].values()
    theirs = sp.ttest_ind(two["caffe"], two["paper"])
    interval = theirs.confidence_interval(0.95)
    assert one.interval is not None
    assert (one.interval.low, one.interval.high) == pytest.approx((interval.low, interval.high))
    assert one.adjusted_p == pytest.approx(theirs.pvalue)


def test_images_widen_the_interval_by_their_own_part() -> None:
    """V = s²(1/n + 1/m) + S²(images of the difference)/N − S²(interaction)/(nN), both arms', by hand."""
    hard = STREAM.normal(0, 1, 60)
    flags = {a: STREAM.normal(0.3 * i, 1, (4, 60)) + hard > 0 for i, a in enumerate(("paper", "caffe"))}
    runs = []
    for arm, rows in flags.items():
        for seed, row in enumerate(rows):
            made = run(arm, seed, ten_top1=100 * float(row.mean()))
            made.record.details["wrong"] = {"ten_top1": packed(row), "images": 60}  # type: ignore[index]
            runs.append(made)
    cells = {arm: 100.0 * rows for arm, rows in flags.items()}
    seeds = sum(c.mean(1).var(ddof=1) for c in cells.values()) / 2 * (1 / 4 + 1 / 4)
    images = (cells["caffe"].mean(0) - cells["paper"].mean(0)).var(ddof=1) / 60
    rest = [c - c.mean(1, keepdims=True) - c.mean(0) + c.mean() for c in cells.values()]
    twice = sum((r**2).sum() / (3 * 59) / (4 * 60) for r in rest)
    error = math.sqrt(max(seeds, images, seeds + images - twice))
    groups = {arm: counted(evidence(*runs), arm, ERROR) for arm in flags}
    (one,) = differences(groups, ERROR)[0].values()
    assert one.interval is not None
    assert one.interval.high - one.interval.low == pytest.approx(2 * sp.t.ppf(0.975, 6) * error)
    assert one.adjusted_p == pytest.approx(2 * sp.t.sf(abs(one.estimate) / error, 6))


def test_a_row_has_the_rate_the_runs_that_learned_and_the_mean() -> None:
    found = of(VALUES)
    dead = run("caffe", 5, ten_loss=2.3, train_top1=90.0)
    dead.record.trial["settings"] = {"network": {"layers": [{"units": 10}]}}  # type: ignore[index]
    diverged = run("caffe", 6, Status.DIVERGED)
    table = comparison("title", evidence(*found.runs, dead, diverged), LOSS)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["caffe"][:2] == (0.02, "5 of 7")
    assert rows["caffe"][2] == f"{VALUES['caffe'].mean():.4g}"
    assert rows["paper"][4:] == (None, None, None)


@pytest.mark.parametrize("kept", [0, 1])
def test_too_few_runs_give_no_interval_and_no_crash(kept: int) -> None:
    few = {arm: values[:1] if i <= kept else values[:0] for i, (arm, values) in enumerate(VALUES.items())}
    table = comparison("title", of(few), LOSS)
    assert [row[6:] for row in table.rows] == [(None, None), ("–", None)][: kept + 1]


def test_without_the_control_nothing_is_compared() -> None:
    assert differences({"paper": [], "caffe": counted(of(VALUES), "caffe", LOSS)}, LOSS) == ({}, "")
    assert comparison("title", evidence(), LOSS).rows == ()
    without = [
        run(arm, s, ten_loss=float(x)) for arm in ("caffe", "torchvision") for s, x in enumerate(VALUES[arm])
    ]
    planned = (
        Planned(training(CONVERGED, PROXYS["paper"], 0), "paper", Role.TUNING),
        *(r.planned for r in without),
    )
    table = comparison("title", Evidence(CONVERGED, Plan(planned), tuple(without)), LOSS)
    assert [(row[0], *row[5:]) for row in table.rows] == [
        (arm, None, None, None) for arm in ("caffe", "torchvision")
    ]
