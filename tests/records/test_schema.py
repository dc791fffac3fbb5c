"""Every program fills in exactly what the schema says of it: run for real, on inputs that take seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract.device import CPU
from harness.contract.trial import Status
from harness.engines.local import Place, execute
from harness.records.schema import PROGRAMS
from tests.fakes.evidence.trials import STAND_IN
from tests.records.test_what_runs import TRAINED, TRIALS

PROGRAM = {
    "scheduled": "harness.training.scheduled.program:run",
    "to a target": "harness.training.to_target:run",
    "timed": "harness.training.timing.step_time:run",
    "kernels": "harness.analysis.kernels:run",
    "neighbours": "harness.analysis.neighbours:run",
    "ensemble": "harness.analysis.ensemble:run",
}


def test_every_program_is_in_the_schema() -> None:
    assert set(PROGRAM.values()) == set(PROGRAMS)
    assert all(TRIALS[name].settings.implementation == program for name, program in PROGRAM.items())


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with the trained network that the other programs measure."""
    root = tmp_path_factory.mktemp("results")
    assert execute(TRAINED, Place(CPU, STAND_IN, None, root)) is not None
    return root


@pytest.mark.parametrize("name", PROGRAM)
def test_a_program_fills_in_what_the_schema_says(name: str, results: Path) -> None:
    record = execute(TRIALS[name], Place(CPU, STAND_IN, None, results))
    assert record is not None
    assert (record.status, record.error) == (Status.OK, "")
    declared = PROGRAMS[PROGRAM[name]]
    assert set(record.metrics) == set(declared.metrics)
    assert all(set(row) == set(declared.curve) for row in record.curve)
    assert bool(record.curve) is bool(declared.curve)
    assert set(record.cost) == set(declared.cost)
