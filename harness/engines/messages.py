"""What is said of a trial while it runs, to whoever started the engine."""

from __future__ import annotations

from dataclasses import dataclass
from queue import SimpleQueue

from harness.contract.session import TrialProgress


@dataclass(frozen=True)
class Waiting:
    """The trial cannot begin yet."""

    reason: str


@dataclass(frozen=True)
class Started:
    """The trial begins."""


Message = Waiting | Started | TrialProgress
Messages = SimpleQueue[tuple[str, Message]]  # the trial's key, and what is new
