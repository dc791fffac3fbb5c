"""Data are checked where something may be trained on them, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from harness.cli.commands.run import _due
from harness.cli.running.work import RunRequest, Work
from harness.contract.device import CPU
from tests.fakes.evidence.experiments import experiment, filled


def test_an_experiment_with_nothing_to_run_needs_no_check_unless_seeds_may_be_added(tmp_path: Path) -> None:
    store, both = filled(tmp_path, 3), [experiment(3), experiment(5)]

    def due(until_decided: bool) -> list[int]:
        asked = RunRequest([], None, None, "cpu", 1, None, tmp_path, until_decided)
        return [one.seeds for one in _due(Work(asked, store, CPU, 1, both, []))]

    assert due(until_decided=False) == [5]
    assert due(until_decided=True) == [3, 5]
