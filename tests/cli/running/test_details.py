"""`run --verbose`: what a log should say about a run before its first trial, and that it is true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.commands import run as command
from harness.cli.running import dry_run
from harness.cli.running.work import RunRequest
from harness.contract.device import CPU
from harness.contract.trial import Precision
from harness.forecast import kept_speeds
from harness.records import environment
from harness.records.provenance import provenance
from harness.records.store import Store
from tests.fakes.evidence.experiments import Fake, console, local, printed, reproduction


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunRequest:
    monkeypatch.setattr(environment, "torch_version", lambda: "2.13.0")
    monkeypatch.setattr("harness.engines.local.LocalEngine", local(Fake()))
    kept_speeds.keep(tmp_path, CPU, {Precision.FP32: 12.5e9})
    made = [reproduction()]
    return RunRequest(made, "cifar10", 2, "cpu", 1, None, tmp_path, precision="fp32", verbose=True)  # type: ignore[arg-type]


def test_code_machine_speeds_and_trials_are_said_before_the_first_trial(asked: RunRequest) -> None:
    out = console()
    assert command.start(asked, out)
    before, _, after = printed(out).partition("   1  relu-speedup")
    assert after
    assert f"code: {provenance()}\n" in before
    assert environment.cpu_name() in before
    assert f"results: {asked.results_dir}, 0 records" in before
    assert "relu-speedup at cifar10: cpu, fp32, data none" in before
    assert (
        "costs in fp32 are based on 12.5 billion multiply-adds per second per worker (calibrated here)"
        in before
    )
    keys = {record.key for record in Store(asked.results_dir).records}
    assert len(keys) == 4
    assert all(key[:12] in before for key in keys)


def test_a_dry_run_says_it_too_and_without_the_option_nothing_does(asked: RunRequest) -> None:
    out = console()
    dry_run.show(asked, out)
    assert "12.5 billion" in printed(out)
    dry_run.show(replace(asked, verbose=False), out := console())
    assert "billion" not in printed(out)
