"""Where a step's time goes, from metrics written down by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.contract.device import DeviceKind
from harness.contract.trial import Status, Trial
from harness.effects.step_times import CROWDED, LAUNCHED, deviations, table
from harness.plans.experiment import Evidence, Plan, Planned, Role, Run
from harness.plans.protocols import CONVERGED
from harness.records.conditions import Conditions
from harness.records.record import Record
from tests.fakes.evidence.trials import STAND_IN
from tests.fakes.running.settings import Idle

NAMES = (
    "step_seconds", "compute_seconds", "exchange_seconds", "bytes_exchanged", "peak_memory_bytes",
    "images_per_second",
)  # fmt: skip


def run(arm: str, block: int, *values: float, crowded: bool = False) -> Run:
    metrics = dict(zip(NAMES, values, strict=bool(values)))
    record = Record(f"{arm}-{block}", "", {}, STAND_IN, "", Status.OK, metrics, details={"crowded": crowded})
    return Run(Planned(Trial(Idle(), block), arm, Role.FINAL), record)


def evidence(*runs: Run) -> Evidence:
    return Evidence(CONVERGED, Plan(tuple(r.planned for r in runs)), runs)


def test_a_row_has_each_part_s_mean_over_blocks_in_its_unit() -> None:
    found = evidence(
        run("two", 0, 0.25, 0.125, 0.0625, 3e6, 2e9, 64.0),
        run("two", 1, 0.75, 0.375, 0.1875, 5e6, 4e9, 32.0),
        run("two", 2),  # one that timed nothing
    )
    (row,) = table(found, ("one", "two")).rows
    assert row == ("two", 2, *map(pytest.approx, (500.0, 250.0, 125.0, 4.0, 3.0, 48.0)))


def test_one_crowded_run_is_a_deviation() -> None:
    assert deviations(evidence(run("two", 0), run("two", 1, crowded=True))) == (CROWDED,)
    assert deviations(evidence(run("two", 0), run("two", 1))) == ()


def test_on_a_gpu_the_step_is_not_replayed_from_a_graph_as_in_training() -> None:
    one = run("two", 0)
    on_gpu = replace(one, record=replace(one.record, conditions=Conditions(DeviceKind.CUDA, "2.13.0")))
    assert deviations(evidence(on_gpu)) == (LAUNCHED,)
