"""What the engine gives a running trial: its device, its data, a place for checkpoints, a way to report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.contract.errors import DataError
from harness.contract.trial import Status, Trial


class Interrupted(Exception):
    """Raised inside a trial that was asked to stop; its checkpoint is on disk."""


@dataclass(frozen=True)
class TrialProgress:
    """A trial's progress: epochs done, the most it may need, and its latest training error (a fraction)."""

    epoch: float
    epochs: float
    error: float | None = None

    def __str__(self) -> str:
        error = "" if self.error is None else f", error {self.error:.1%}"
        return f"epoch {self.epoch:g} of {self.epochs:g}{error}"


@dataclass(frozen=True)
class Artifacts:
    """Where trials leave files for one another, such as trained weights: one folder, one file per trial."""

    own: Path = Path("own.safetensors")
    of: Callable[[Trial], Path] = lambda trial: Path("none.safetensors")

    def trained(self, trial: Trial) -> Path:
        """The file that another trial left; DataError if it is missing."""
        path = self.of(trial)
        if not path.is_file():
            raise DataError(
                f"{path} is missing: the trial that this one builds on left it there; "
                f"delete its record {path.stem}-*.json to have it trained again (on a cluster, use --storage "
                "to name a folder that all nodes share)"
            )
        return path


@dataclass(frozen=True)
class Session:
    """The engine's side of a running trial."""

    device: str
    data: Path | None
    checkpoint: Path
    artifacts: Artifacts = field(default_factory=Artifacts)
    report: Callable[[TrialProgress], None] = lambda progress: None
    stopping: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class TrialResult:
    """What a trial's program returns; the engine turns it into a record."""

    status: Status
    metrics: Mapping[str, float | None]
    curve: tuple[Mapping[str, float | None], ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
