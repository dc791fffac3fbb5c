"""What runs trials, seen from the runner: this machine and a Ray cluster answer the same calls."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from pathlib import Path
from typing import Protocol as Interface

from harness.contract.trial import Trial
from harness.engines.messages import Messages
from harness.records.conditions import Conditions
from harness.records.record import Record


class Queue(Interface):
    """As much of an engine as the runner asks for: take what is `finished` until none is `pending`."""

    @property
    def pending(self) -> Sized:
        """The trials in flight."""

    def submit(self, trial: Trial, conditions: Conditions, data: Path | None) -> None:
        """Puts a trial in the queue."""

    def finished(self) -> Iterator[Record]:
        """Waits a moment for trials to end and yields the records of those that have."""

    def interrupt(self) -> None:
        """Asks all trials to stop: those that can checkpoint first, and none leaves a failed record."""


class Flag(Interface):
    """Whether trials are asked to stop; any thread may set it, and a signal's handler."""

    def set(self) -> None:
        """Asks."""

    def is_set(self) -> bool:
        """Whether somebody has asked."""


class Engine(Queue, Interface):
    """All of it; `tests/engines/test_contract.py` says what each one must do."""

    @property
    def messages(self) -> Messages:
        """What trials say of themselves while they run."""

    @property
    def stop(self) -> Flag:
        """Once it is set, no further trial begins, and whoever runs the engine is to `interrupt` it."""

    def kill(self) -> None:
        """Ends all trials where they are; safe in a signal's handler."""

    def close(self) -> None:
        """Ends the workers; trials that still run are interrupted."""
