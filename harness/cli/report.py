"""`repro report`."""

from __future__ import annotations

from pathlib import Path

from harness.cli.terminal.progress import Progress
from harness.contract.device import CPU
from harness.records import environment
from harness.records.store import Store
from harness.reporting import beyond, pages, sections


def write(out: Path, store: Store, progress: Progress) -> tuple[Path, Path]:
    """The pages written into `out`."""
    with progress as tracker:
        found = sections.sections(store, tracker)
        notices = [*sections.notices(found), *store.damaged]
        asked = beyond.questions(store)
        return pages.render(found, out, environment.describe(CPU), notices, tracker, asked)
