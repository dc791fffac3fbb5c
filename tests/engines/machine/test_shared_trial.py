"""One trial in two processes: the same losses as in one, and the same bits when stopped and resumed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import reproductions
from harness.cli.running.choices import choose_device, choose_workers, make_experiment
from harness.contract import ranks
from harness.contract.device import CPU, Device, DeviceKind
from harness.contract.errors import BadValue, EngineError
from harness.contract.numerics import Numerics
from harness.contract.session import Artifacts, Interrupted, Session, TrialProgress
from harness.contract.trial import Status, Trial
from harness.engines.local import Place, execute
from harness.engines.machine import shared_trial
from harness.plans.ablation import Arm
from harness.plans.protocols import SMOKE
from harness.records.conditions import Conditions
from harness.records.keys import key_of
from harness.records.record import Record
from harness.training.schedules import Drops

pytestmark = pytest.mark.usefixtures("rank_server")
TWO = Device(DeviceKind.CPU, count=2)
TRIAL = Trial(
    replace(
        SMOKE.settings.settings(Arm()),
        schedule=Drops(0.02, (1,), 2), max_epochs=2, parts=2,
        images=256, test_images=40, sample=40, watched=40, validated=40,
    ),
    1,
)  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def both(results: Path) -> Record:
    """The record of two processes that nothing interrupts."""
    record = execute(TRIAL, Place(TWO, Conditions(DeviceKind.CPU, "2", devices=2), None, results))
    assert record is not None
    return record


def test_two_processes_give_the_losses_of_one(both: Record, results: Path, tmp_path: Path) -> None:
    alone = execute(TRIAL, Place(CPU, Conditions(DeviceKind.CPU, "2"), None, tmp_path))
    assert alone is not None
    assert (alone.status, both.status, both.error) == (Status.OK, Status.OK, "")
    assert {**both.details, "norms": None} == {"ranks": 2, **alone.details, "norms": None}
    assert both.details["norms"] == [pytest.approx(norm, rel=1e-4) for norm in alone.details["norms"]]
    assert alone.key != both.key
    for one, two in zip(alone.curve, both.curve, strict=True):  # gradients are summed in another order
        assert (two["loss"], two["train_loss"]) == pytest.approx((one["loss"], one["train_loss"]), rel=1e-4)
    assert both.cost["images"] == alone.cost["images"]
    assert (results / "artifacts" / f"{both.key}.safetensors").is_file()


def test_asked_to_stop_it_checkpoints_and_goes_on(both: Record, tmp_path: Path) -> None:
    seen: list[TrialProgress] = []

    def session(stopping: bool) -> Session:
        mine = Artifacts(tmp_path / "own.safetensors")
        path = tmp_path / "trial.pt"
        return Session("cpu", None, path, mine, report=seen.append, stopping=lambda: stopping)

    held = Conditions(DeviceKind.CPU, "2").numerics
    with pytest.raises(Interrupted):
        shared_trial.run(TRIAL, session(True), TWO, held)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["trial.pt"]
    broken = shared_trial.run(TRIAL, session(False), TWO, held)
    assert broken.metrics == both.metrics
    assert [row["loss"] for row in broken.curve] == [row["loss"] for row in both.curve]


def test_its_processes_compute_as_the_key_says(
    both: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU other numerics than the usual ones are in the conditions, and so in the key."""
    seen: list[ranks.Group] = []

    def launched(program: object, group: ranks.Group, *rest: object, **more: object) -> list[object]:
        seen.append(group)
        return [None]

    monkeypatch.setattr(ranks, "launch", launched)
    unusual = Numerics(deterministic=False, tf32=True)
    session = Session("cpu", None, tmp_path / "trial.pt", Artifacts(tmp_path / "own.safetensors"))
    with pytest.raises(Interrupted):
        shared_trial.run(TRIAL, session, TWO, unusual)
    assert [group.numerics for group in seen] == [unusual]


def test_the_number_of_processes_enters_the_key() -> None:
    one = Conditions(DeviceKind.CUDA, "2")
    assert key_of(TRIAL, one) != key_of(TRIAL, replace(one, devices=2))
    made = make_experiment(reproductions.named("architecture"), None, None, TWO, None)
    assert made.conditions.devices == 2


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadValue, match="leave --workers 3 out"):
        choose_workers(3, TWO)
    with pytest.raises(BadValue, match="--device cuda:1 names one GPU"):
        choose_device("cuda:1", 2)
    with pytest.raises(EngineError, match="--gpus 4096: this machine has"):
        choose_device("cpu", 4096)
