"""What a run says beforehand that its results could surprise with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.running.work import RunRequest, Work, warnings
from harness.contract.device import CPU
from harness.effects.statistics.significance import LOOKS
from harness.records.store import Store
from tests.fakes.evidence.experiments import experiment


@pytest.mark.parametrize(("seeds", "said"), [(LOOKS[-1], 0), (LOOKS[-1] + 1, 1)])
def test_a_claim_that_no_look_could_show_gets_no_looks(seeds: int, said: int, tmp_path: Path) -> None:
    one = experiment(5)
    one = replace(one, protocol=replace(one.protocol, seeds=seeds))

    def told(until_decided: bool) -> list[str]:
        asked = RunRequest([], None, None, "cpu", 1, None, tmp_path, until_decided)
        return list(warnings(Work(asked, Store(tmp_path), CPU, 1, [one], [])))

    assert told(until_decided=False) == []
    why = f"which declares {seeds} seeds, more than any look"
    assert told(until_decided=True) == [f"--until-decided changes nothing for {one.name}, {why}"] * said
