"""The runner's interface to engines: this machine and a Ray cluster implement the same calls."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from pathlib import Path
from typing import Protocol as Interface

from harness.contract.trial import Trial
from harness.engines.messages import Messages
from harness.records.conditions import Conditions
from harness.records.record import Record


class Queue(Interface):
    """The part of an engine that the runner uses: take what is `finished` until none is `pending`."""

    @property
    def pending(self) -> Sized:
        """The trials in flight."""

    def submit(self, trial: Trial, conditions: Conditions, data: Path | None) -> None:
        """Queues a trial."""

    def finished(self) -> Iterator[Record]:
        """Waits briefly for trials to end and yields the records of those that have."""

    def interrupt(self) -> None:
        """Asks all trials to stop: those that can do so checkpoint first, and none leaves a failed record."""


class Flag(Interface):
    """Whether trials are asked to stop; any thread or signal handler may set it."""

    def set(self) -> None:
        """Asks trials to stop."""

    def is_set(self) -> bool:
        """Whether trials were asked to stop."""


class Engine(Queue, Interface):
    """The whole interface; `tests/engines/test_contract.py` says what each engine must do."""

    @property
    def messages(self) -> Messages:
        """What trials report while they run."""

    @property
    def stop(self) -> Flag:
        """Once set, no further trial begins, and the caller must `interrupt` the engine."""

    def kill(self) -> None:
        """Kills all trials; safe in a signal handler."""

    def close(self) -> None:
        """Ends the workers; trials that are still running are interrupted."""
