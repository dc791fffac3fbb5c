"""What norms did, from details written down by hand."""

from __future__ import annotations

import pytest

from harness.contract.trial import Status, Trial
from harness.effects.norms import norms, norms_table, spread
from harness.plans.experiment import Evidence, Plan, Planned, Role, Run
from harness.plans.protocols import CONVERGED
from harness.records.record import Record
from tests.fakes.evidence.trials import STAND_IN
from tests.fakes.running.settings import Idle

Norm = tuple[float, float, float]  # load, factor, spread


def run(arm: str, seed: int, *found: Norm) -> Run:
    details = {"norms": [dict(zip(("load", "factor", "spread"), one, strict=True)) for one in found]}
    record = Record(f"{arm}-{seed}", "", {}, STAND_IN, "", Status.OK, details=details if found else {})
    return Run(Planned(Trial(Idle(), seed), arm, Role.FINAL), record)


def evidence(*runs: Run) -> Evidence:
    return Evidence(CONVERGED, Plan(tuple(r.planned for r in runs)), runs)


WHOLE = evidence(
    run("paper", 0, (1.0, 0.5, 0.02), (3.0, 0.4, 0.06)),
    run("paper", 1, (2.0, 0.6, 0.10), (5.0, 0.2, 0.04)),
    run("paper", 2),  # one that diverged says nothing
    run("no norm", 0),
    run("constant", 0, (0.0, 0.59, 0.0)),
)


def test_a_run_without_norms_has_none() -> None:
    assert norms(WHOLE.final("no norm")[0]) == []
    assert [norm["load"] for norm in norms(WHOLE.final("paper")[0])] == [1.0, 3.0]


def test_the_spread_is_each_run_s_largest_on_average() -> None:
    assert spread(WHOLE, "paper") == pytest.approx((0.06 + 0.10) / 2)
    assert spread(WHOLE, "constant") == 0.0
    assert spread(WHOLE, "no norm") is None
    assert spread(WHOLE, "no such arm") is None


def test_the_table_has_each_norm_s_means_over_runs_that_tell() -> None:
    assert norms_table(WHOLE).rows == (
        ("paper", 1, 1.5, 0.55, 0.06, 2),
        ("paper", 2, 4.0, 0.3, 0.05, 2),
        ("constant", 1, 0.0, 0.59, 0.0, 1),
    )
    assert norms_table(evidence()).rows == ()
