"""What is said of a trial while it runs, to whoever started the engine."""

from __future__ import annotations

from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol as Interface

from harness.contract.session import TrialProgress


@dataclass(frozen=True)
class Waiting:
    """The trial cannot begin yet."""

    reason: str


@dataclass(frozen=True)
class Started:
    """The trial begins."""


@dataclass(frozen=True)
class Notice:
    """Something that a person should know of the engine; it is about no trial."""

    words: str


Message = Waiting | Started | TrialProgress | Notice
Named = tuple[str, Message]  # the trial's key (of a notice: empty), and what is new
Messages = SimpleQueue[Named]


class Outbox(Interface):
    """Where a trial's process says what is new of it."""

    def send(self, message: Message, /) -> None:
        """Says one thing."""
