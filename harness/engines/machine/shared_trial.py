"""One trial trained by several processes at once, each on its own GPU or, without GPUs, its own core.

The processes share only files beside the checkpoint with the engine: `.stop` asks them to checkpoint and
stop, `.progress` holds their progress.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from harness.contract.device import Device
from harness.contract.numerics import Numerics
from harness.contract.session import Interrupted, Session, TrialProgress, TrialResult
from harness.contract.trial import Trial
from harness.records.files import write_whole

if TYPE_CHECKING:
    from harness.contract.ranks import Rank

PROGRAMS = ("harness.training.scheduled.program:run",)  # programs whose batches can be shared
PATIENCE = 1800.0  # seconds: a rank may be reading a data set for the first time


@dataclass(frozen=True)
class Shared:
    """What every process is given: the session as plain values."""

    data: Path | None
    checkpoint: Path
    artifact: Path

    @property
    def stop(self) -> Path:
        """The file whose existence asks the processes to stop."""
        return self.checkpoint.with_suffix(".stop")

    @property
    def progress(self) -> Path:
        """The file with the first process's progress."""
        return self.checkpoint.with_suffix(".progress")


def can_share(trial: Trial) -> bool:
    """Whether several processes can run the trial together."""
    return trial.settings.implementation in PROGRAMS


def run(trial: Trial, session: Session, device: Device, held: Numerics) -> TrialResult:
    """The outcome of the first of the device's processes, all of which compute as `held` says.

    Interrupted if all stopped as asked.
    """
    from harness.contract.ranks import Group, launch  # imports torch

    shared = Shared(session.data, session.checkpoint, session.artifacts.own)
    shared.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    shared.stop.unlink(missing_ok=True)
    group = Group(device.count, device.kind, held, patience=PATIENCE)
    try:
        first, *_ = launch(train, group, trial, shared, stopping=_between(session, shared))
    finally:
        for file in (shared.stop, shared.progress):
            file.unlink(missing_ok=True)
    if first is None:
        raise Interrupted
    outcome: TrialResult = first
    return outcome


def _between(session: Session, shared: Shared) -> Callable[[], bool]:
    """What happens while the processes train: never kills them, so that they can checkpoint."""

    def look() -> bool:
        if session.stopping():
            shared.stop.touch()
        with suppress(FileNotFoundError, ValueError):
            session.report(TrialProgress(**json.loads(shared.progress.read_text(encoding="utf-8"))))
        return False

    return look


def train(rank: Rank, trial: Trial, shared: Shared) -> TrialResult | None:
    """One process's part; None if it was asked to stop."""
    session = Session(rank.device, shared.data, shared.checkpoint, stopping=shared.stop.exists)
    session = replace(session, artifacts=replace(session.artifacts, own=shared.artifact))
    if rank.index == 0:
        session = replace(session, report=lambda progress: _publish(progress, shared.progress))
    try:
        outcome: TrialResult = resolve_name(trial.settings.implementation)(trial, session)
    except Interrupted:
        return None
    return outcome if rank.index == 0 else None


def _publish(progress: TrialProgress, path: Path) -> None:
    write_whole(path, json.dumps(asdict(progress)))
