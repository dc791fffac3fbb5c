"""The console that every command prints to."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console


class Output(Console):
    """Standard output or standard error: bars only on a terminal, whatever the colour settings; no emoji.

    A `sparing` console shows only what has a colour: warnings and failures.
    """

    def __init__(self, stderr: bool = False, sparing: bool = False) -> None:
        """A closed stream does not count as a terminal."""
        self.sparing = sparing
        stream = sys.stderr if stderr else sys.stdout
        terminal = stream is not None and stream.isatty() and not sparing
        super().__init__(
            file=stream, stderr=stderr, force_interactive=None if terminal else False, emoji=False
        )

    def print(self, *objects: Any, **options: Any) -> None:
        """Prints as rich does, unless a sparing console skips it."""
        if not self.sparing or options.get("style", "") not in ("", "bold"):
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """Raises it like any error: rich would end the printing thread and let the others continue."""
        raise
