"""The runner and the local engine: stored trials are never rerun, and a kill loses nothing else."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.contract.device import CPU
from harness.contract.session import TrialResult
from harness.contract.trial import Status, Trial
from harness.engines import local
from harness.engines.local import Place, execute
from harness.engines.runner import run
from harness.plans.experiment import Evidence
from harness.records.conditions import Conditions
from harness.records.record import Record
from harness.records.store import Store
from tests.fakes.evidence.trials import STAND_IN, record_for, small
from tests.fakes.running.two_stages import Collected, experiment

ROOT = Path(__file__).resolve().parents[2]


class Instant:
    """An engine that answers at once, with a failure for the seeds named."""

    def __init__(self, failing: set[int]) -> None:
        self.failing, self.pending = failing, list[Trial]()

    def submit(self, trial: Trial, conditions: Conditions, data: Path | None) -> None:
        self.pending.append(trial)

    def finished(self) -> Iterator[Record]:
        trial = self.pending.pop(0)
        yield record_for(trial, status=Status.FAILED if trial.seed in self.failing else Status.OK)


def test_a_plan_that_grows_is_followed_to_its_end(tmp_path: Path) -> None:
    store, watcher = Store(tmp_path), Collected()
    assert len(experiment().evidence(store).to_run) == 1
    run([experiment()], Instant(set()), store, watcher)
    assert experiment().evidence(store).to_run == []
    assert len(watcher.records) == 3
    evidence: Evidence = experiment().evidence(Store(tmp_path))
    assert [r.seed for r in evidence.final("a")] == [0, 1]
    assert evidence.missing == []


def test_nothing_runs_twice_and_failures_wait_for_the_next_call(tmp_path: Path) -> None:
    store, first, second = Store(tmp_path), Collected(), Collected()
    run([experiment(), experiment()], Instant({1}), store, first)
    assert len(first.records) == 3
    run([experiment()], Instant(set()), store, second)
    assert [r.trial["seed"] for r in second.records] == [1]
    assert [r.status for r in store.attempts(second.records[0].key)] == [Status.FAILED, Status.OK]


def test_an_error_becomes_a_failed_record(tmp_path: Path) -> None:
    record = execute(Trial(small(images=999_999), 0), Place(CPU, STAND_IN, None, tmp_path))
    assert record is not None
    assert record.status is Status.FAILED
    assert "999999 images asked for" in record.error
    assert record.environment["torch"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (TrialResult(Status.OK, {"loss": math.nan}), "loss in metrics is not finite"),
        (TrialResult(Status.OK, {}, details={"norms": {"spread": math.inf}}), "not JSON compliant"),
        (TrialResult(Status.OK, {}, details={"norms": {"spread": np.float32(1)}}), "float32"),
        (TrialResult(Status.OK, {"train_top1": 101.0}), "train_top1"),
    ],
)
def test_a_result_that_cannot_be_stored_fails_its_trial_and_no_other(
    made: TrialResult, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the driver would raise, or store what no command can read."""
    monkeypatch.setattr(local, "_run", lambda *_: made)
    record = execute(Trial(small(), 0), Place(CPU, STAND_IN, None, tmp_path))
    assert record is not None
    assert (record.status, dict(record.metrics)) == (Status.FAILED, {})
    assert record.error.startswith("the trial's result cannot be stored: ")
    assert said in record.error
    Store(tmp_path).append(record)
    assert Store(tmp_path).records == [record]


SCRIPT = """
import sys
from pathlib import Path
from harness.contract.device import CPU
from harness.engines.local import LocalEngine
from harness.engines.runner import run
from harness.records.store import Store
from tests.fakes.running.two_stages import Collected, experiment
if __name__ == "__main__":
    root = Path(sys.argv[1])
    engine = LocalEngine(CPU, int(sys.argv[2]), root)
    run([experiment(4)], engine, Store(root), Collected())
    engine.close()
"""


def curves(records: list[Record]) -> dict[str, str]:
    """Every record's curve without its clocks, by key."""
    timeless = ({k: v for k, v in row.items() if "seconds" not in k} for r in records for row in r.curve)
    rows = iter(list(timeless))
    return {r.key: json.dumps([next(rows) for _ in r.curve]) for r in records}


def one_by_one(root: Path) -> list[Record]:
    """The records of the whole experiment, each trial executed here as its plan asks for it."""
    store = Store(root)
    while to_run := experiment(4).evidence(store).to_run:
        for planned in to_run:
            record = execute(planned.trial, Place(CPU, STAND_IN, None, root))
            assert record is not None
            store.append(record)
    return store.records


def start(root: Path, workers: int) -> subprocess.Popen[bytes]:
    script = root.parent / f"{root.name}.py"
    script.write_text(SCRIPT)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, script, root, str(workers)], env=environ, cwd=ROOT)


def killed_after(root: Path, records: int, workers: int) -> None:
    """Starts or resumes, and kills the process with -9 once there are this many records."""
    with start(root, workers) as broken:
        deadline = time.monotonic() + 300
        while len(list((root / "records").glob("*.json"))) < records and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(broken.pid, signal.SIGKILL)
        broken.wait()
    assert records <= len(Store(root).records) < 5


def finished(root: Path) -> list[Record]:
    """Resumes to the end with one worker, as each takes four seconds to start; returns the records."""
    with start(root, 1) as whole:
        assert whole.wait(timeout=300) == 0
    return Store(root).records


def test_killed_twice_and_run_again_it_has_the_records_of_trials_run_one_by_one(tmp_path: Path) -> None:
    """A third run with spawned workers ends with what this process alone computes, bit for bit."""
    killed_after(tmp_path / "broken", 1, workers=1)  # no second trial can begin before the first is stored
    killed_after(tmp_path / "broken", 3, workers=2)
    resumed = finished(tmp_path / "broken")
    assert [r.status for r in resumed] == [Status.OK] * 5
    assert all(r.conditions == STAND_IN for r in resumed)
    assert len({r.key for r in resumed}) == 5
    assert curves(resumed) == curves(one_by_one(tmp_path / "alone"))
