"""Progress of a report, for somebody who waits for it at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def with_progress(items: Sequence[T], words: str, console: Console | None) -> Iterable[T]:
    """The items, with a bar and the time that is left where `console` is a terminal."""
    if console is None or not console.is_terminal:
        return items
    return track(items, words, console=console, transient=True)
