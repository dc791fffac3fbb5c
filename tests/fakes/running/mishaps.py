"""Trials to which something happens: programs that run out of memory or disk, are killed, or never end."""

from __future__ import annotations

import os
import resource
import signal
import time
from dataclasses import dataclass
from typing import ClassVar

from harness.contract.session import Interrupted, Session, TrialProgress, TrialResult
from harness.contract.trial import Status, Trial
from harness.training import checkpoint
from tests.fakes.running.settings import Idle


@dataclass(frozen=True)
class Mishap(Idle):
    """Settings of such a trial, by what happens."""

    what: str
    implementation: ClassVar[str] = "tests.fakes.running.mishaps:run"


def run(trial: Trial[Mishap], session: Session) -> TrialResult:
    globals()[trial.settings.what](session)
    return TrialResult(Status.OK, {})


def nothing(session: Session) -> None:
    """Ends well."""


def no_memory(session: Session) -> None:
    raise MemoryError


def no_memory_for_torch(session: Session) -> None:
    import torch

    torch.empty(1 << 50, dtype=torch.uint8)


def full_disk(session: Session) -> None:
    """Files may grow to 100,000 bytes, and a checkpoint is larger."""
    import torch

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        checkpoint.save(session.checkpoint, {"net": torch.zeros(1_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def read_only_disk(session: Session) -> None:
    raise OSError(30, "Read-only file system", str(session.checkpoint))


def killed(session: Session) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def endless(session: Session) -> None:
    """Reports nothing, and never checks whether it should stop."""
    session.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    (session.checkpoint.parent / f"{os.getpid()}.begun").touch()
    time.sleep(1000)


def saving(session: Session) -> None:
    """Reports, and saves itself when asked to stop."""
    session.report(TrialProgress(0.5, 1.0))
    while not session.stopping():
        time.sleep(0.01)
    session.checkpoint.with_suffix(".saved").touch()
    raise Interrupted
