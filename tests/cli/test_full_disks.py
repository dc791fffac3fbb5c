"""Full or read-only disks: one sentence that says where, and what to do."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from harness.cli import options
from harness.cli.commands import bench
from harness.cli.options import PrecisionOption
from harness.contract.errors import EngineError, StoreError
from harness.records.store import Store
from tests.fakes.evidence.experiments import console
from tests.fakes.evidence.trials import STAND_IN


def test_a_full_temporary_folder_ends_bench_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    asked = bench.BenchRequest(
        ["lrn"], "cpu", PrecisionOption.FP32, "paper", True, None, None, Path("nowhere")
    )
    sentence = r"no temporary folder can be created \(No space left on device\): .* set TMPDIR"
    with pytest.raises(EngineError, match=sentence):
        bench.show(asked, False, console(), options.progress())


@pytest.mark.parametrize("why", ["Read-only file system", "No space left on device"])
def test_a_note_that_cannot_be_written_ends_a_run_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    def refuse(path: Path, content: str) -> None:
        raise OSError(28, why)

    monkeypatch.setattr("harness.records.store.write_whole", refuse)
    with pytest.raises(StoreError, match=rf"asked/lrn\.smoke\..* cannot be written: {why}; make it"):
        Store(tmp_path).ask("lrn", "smoke", STAND_IN, 3)
