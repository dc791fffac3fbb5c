"""Messages about running trials, for the engine's caller."""

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
    """Something that a person should know about the engine, not about one trial."""

    words: str


Message = Waiting | Started | TrialProgress | Notice
Named = tuple[str, Message]  # the trial's key (empty for a notice), and the message
Messages = SimpleQueue[Named]


class Outbox(Interface):
    """Where a trial's process sends its messages."""

    def send(self, message: Message, /) -> None:
        """Sends one message."""
