"""Trials that take steps, save themselves between steps and resume from there. They train nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from harness.contract.errors import EngineError
from harness.contract.session import Interrupted, Session, TrialProgress, TrialResult
from harness.contract.trial import Status, Trial
from harness.records.files import write_whole
from tests.fakes.running.settings import Idle


@dataclass(frozen=True)
class Steps(Idle):
    """A number of steps, with their length in seconds."""

    arm: str = "a"
    steps: int = 2
    length: float = 0.01
    implementation: ClassVar[str] = "tests.fakes.running.step_by_step:walk"


@dataclass(frozen=True)
class Alone(Steps):
    """The same, for a trial that times itself."""

    exclusive: ClassVar[bool] = True


@dataclass(frozen=True)
class Fails(Idle):
    """A trial that fails, and counts in a file how often it was tried."""

    tries: str
    implementation: ClassVar[str] = "tests.fakes.running.step_by_step:fail"


@contextmanager
def span(into: dict[str, Any]) -> Iterator[None]:
    into["began"] = time.monotonic()
    yield
    into["ended"] = time.monotonic()


def walk(trial: Trial, session: Session) -> TrialResult:
    """Takes the steps that its checkpoint does not have."""
    first = int(session.checkpoint.read_text()) if session.checkpoint.is_file() else 0
    details: dict[str, Any] = {"first": first, "folder": os.getcwd()}
    with span(details):
        for step in range(first, trial.settings.steps):
            _save(session.checkpoint, step)
            session.report(TrialProgress(step, trial.settings.steps))
            if session.stopping():
                raise Interrupted
            time.sleep(trial.settings.length)
    session.checkpoint.unlink(missing_ok=True)
    curve = tuple({"step": float(step)} for step in range(trial.settings.steps))
    return TrialResult(Status.OK, {"epochs": trial.seed + 1.0}, curve, details=details)


def _save(path: Path, step: int) -> None:
    write_whole(path, str(step))


def fail(trial: Trial, session: Session) -> TrialResult:
    """Never succeeds."""
    with Path(trial.settings.tries).open("a") as file:
        file.write("x")
    if trial.seed:
        raise EngineError("a sentence")
    raise ZeroDivisionError("a bug")


@dataclass(frozen=True)
class Dies(Idle):
    """A trial that takes its process with it."""

    implementation: ClassVar[str] = "tests.fakes.running.step_by_step:die"


def die(trial: Trial, session: Session) -> TrialResult:
    """As if the system killed it."""
    os._exit(1)
