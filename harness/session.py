"""What the engine gives a running trial: its device, its data, a place for checkpoints, a way to report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.trials import Status


class Interrupted(Exception):
    """Raised inside a trial that was asked to stop; its checkpoint is on disk."""


@dataclass(frozen=True)
class Progress:
    """How far a trial is: epochs done, the most it may need, and its latest training error (a fraction)."""

    epoch: float
    epochs: float
    error: float | None = None


@dataclass(frozen=True)
class Session:
    """The engine's side of a running trial."""

    device: str
    data: Path | None
    checkpoint: Path
    report: Callable[[Progress], None] = lambda progress: None
    stopping: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Outcome:
    """What a trial's program returns; the engine makes a record of it."""

    status: Status
    metrics: Mapping[str, float | None]
    curve: tuple[Mapping[str, float | None], ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)
