"""How long-running work reports its progress, whoever listens: the command line, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol as Interface
from typing import TypeVar

T = TypeVar("T")
Advance = Callable[[float], None]  # this much more is done


class Tracker(Interface):
    """A listener to the progress of long-running work."""

    def task(
        self, name: str, total: float | None = None, done: float = 0, unit: str = ""
    ) -> AbstractContextManager[Advance]:
        """A part of the work, for as long as the block lasts; without a total only its time is known."""

    def say(self, sentence: str) -> None:
        """A result or an event, on a line of its own."""

    def warn(self, sentence: str) -> None:
        """Something that a person should not overlook, on a line of its own."""


class Silent:
    """A tracker that nobody listens to."""

    @contextmanager
    def task(
        self, name: str, total: float | None = None, done: float = 0, unit: str = ""
    ) -> Iterator[Advance]:
        """Does nothing."""
        yield lambda count: None

    def say(self, sentence: str) -> None:
        """Does nothing."""

    def warn(self, sentence: str) -> None:
        """Does nothing."""


SILENT = Silent()


def tracked(items: Sequence[T], name: str, tracker: Tracker) -> Iterator[T]:
    """The items in order, counted as a task."""
    with tracker.task(name, len(items)) as advance:
        for item in items:
            yield item
            advance(1)
