"""A bar where somebody looks, nothing where nobody does; the items are the same."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from harness.reporting.progress import with_progress


@pytest.mark.parametrize("terminal", [True, False, None])
def test_items_come_through_and_a_terminal_shows_how_far_it_is(terminal: bool | None) -> None:
    out = StringIO()
    console = None if terminal is None else Console(file=out, force_terminal=terminal, width=60)
    assert list(with_progress("abc", "drawing", console)) == ["a", "b", "c"]
    assert ("drawing" in out.getvalue()) == bool(terminal)
