"""The console that every command prints to."""

from __future__ import annotations

import sys

from rich.console import Console


class Output(Console):
    """Standard output or standard error: bars on a terminal alone, whatever is said of colours; no emoji."""

    def __init__(self, stderr: bool = False) -> None:
        """A stream that is closed is no terminal."""
        stream = sys.stderr if stderr else sys.stdout
        terminal = stream is not None and stream.isatty()
        super().__init__(
            file=stream, stderr=stderr, force_interactive=None if terminal else False, emoji=False
        )

    def on_broken_pipe(self) -> None:
        """An error like any other: rich would end the thread that printed, and let the others go on."""
        raise
