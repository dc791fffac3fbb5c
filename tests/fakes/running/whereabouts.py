"""A trial that does nothing but say where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.contract.session import Session, TrialResult
from harness.contract.trial import Status, Trial
from tests.fakes.running.settings import Idle


@dataclass(frozen=True)
class Whereabouts(Idle):
    """Settings of such a trial; `alone` ones must have the machine to themselves."""

    implementation: ClassVar[str] = "tests.fakes.running.whereabouts:run"
    alone: bool = False

    @property
    def exclusive(self) -> bool:  # type: ignore[override]
        return self.alone


def run(trial: Trial[Whereabouts], session: Session) -> TrialResult:
    """What the session says, and on a GPU where a tensor without a device number is placed."""
    here = session.device
    lies = str(torch.empty(1, device=here.partition(":")[0]).device)
    return TrialResult(Status.OK, {}, details={"session": here, "tensor": lies})
