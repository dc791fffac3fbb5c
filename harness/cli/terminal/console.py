"""The console that every command prints to."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console


class Output(Console):
    """Standard output or standard error: bars on a terminal alone, whatever is said of colours; no emoji.

    A `sparing` one shows only what has a style: warnings and failures.
    """

    def __init__(self, stderr: bool = False, sparing: bool = False) -> None:
        """A stream that is closed is no terminal."""
        self.sparing = sparing
        stream = sys.stderr if stderr else sys.stdout
        terminal = stream is not None and stream.isatty() and not sparing
        super().__init__(
            file=stream, stderr=stderr, force_interactive=None if terminal else False, emoji=False
        )

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich prints, unless it is passed over."""
        if options.get("style") or not self.sparing:
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """An error like any other: rich would end the thread that printed, and let the others go on."""
        raise
