"""One trial in two processes: the same losses as in one, and stopped and taken up again the same bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.choices import choose_workers, conditions_for
from harness.contract.errors import BadValue, EngineError
from harness.contract.session import Artifacts, Interrupted, Progress, Session
from harness.contract.trial import Status, Trial
from harness.engines import shared_trial
from harness.engines.local import Place, execute
from harness.plans.ablation import Arm
from harness.plans.protocols import SMOKE
from harness.records.conditions import Conditions
from harness.training.schedules import Drops

TRIAL = Trial(
    replace(
        SMOKE.settings.settings(Arm()),
        schedule=Drops(0.02, (1,), 2), max_epochs=2, parts=2,
        images=256, test_images=40, sample=40, watched=40,
    ),
    1,
)  # fmt: skip


def test_two_processes_give_the_losses_of_one(tmp_path: Path) -> None:
    alone = execute(TRIAL, Place("cpu", Conditions("cpu", "2", "none"), None, tmp_path / "one"))
    both = execute(TRIAL, Place("cpu", Conditions("cpu x2", "2", "none"), None, tmp_path / "two", ranks=2))
    assert alone is not None
    assert both is not None
    assert (alone.status, both.status, both.error) == (Status.OK, Status.OK, "")
    assert both.details == {"ranks": 2}
    assert alone.key != both.key
    losses = [[row["loss"] for row in record.curve] for record in (alone, both)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert both.cost["images"] == alone.cost["images"]
    assert (tmp_path / "two" / "artifacts" / f"{both.key}.safetensors").is_file()


def test_asked_to_stop_it_checkpoints_and_goes_on(tmp_path: Path) -> None:
    seen: list[Progress] = []

    def session(name: str, stopping: bool) -> Session:
        mine = Artifacts(tmp_path / name / "own.safetensors")
        path = tmp_path / name / "trial.pt"
        return Session("cpu", None, path, mine, report=seen.append, stopping=lambda: stopping)

    with pytest.raises(Interrupted):
        shared_trial.run(TRIAL, session("broken", True), 2)
    assert sorted(p.name for p in (tmp_path / "broken").iterdir()) == ["trial.pt"]
    broken = shared_trial.run(TRIAL, session("broken", False), 2)
    whole = shared_trial.run(TRIAL, session("whole", False), 2)
    assert broken.metrics == whole.metrics
    assert [row["loss"] for row in broken.curve] == [row["loss"] for row in whole.curve]


def test_the_number_of_processes_enters_the_key() -> None:
    assert conditions_for(None, "cuda").device == "cuda"
    assert conditions_for(None, "cuda", 2).device == "cuda x2"


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadValue, match="leave --workers 3 away"):
        choose_workers(3, "cpu", 2)
    with pytest.raises(BadValue, match="--device cuda:1 names one GPU"):
        choose_workers(None, "cuda:1", 2)
    with pytest.raises(EngineError, match="--gpus 4096: this machine has"):
        choose_workers(None, "cpu", 4096)
