"""`repro report`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.records import environment
from harness.records.store import Store
from harness.reporting import pages, sections


def write(out: Path, store: Store, console: Console) -> tuple[Path, Path]:
    """The pages written into `out`."""
    found = sections.sections(store, console)
    notices = [*sections.notices(found), *store.damaged]
    return pages.render(found, out, environment.describe("cpu"), notices, console)
