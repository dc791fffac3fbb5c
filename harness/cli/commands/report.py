"""`repro report`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from rich.console import Console

from harness.cli.options import one_of
from harness.cli.terminal.progress import Progress
from harness.cli.terminal.tables import WARNING, say
from harness.contract.device import CPU
from harness.contract.errors import BadValue
from harness.contract.formatting import count
from harness.records import environment, provenance
from harness.records.store import Store
from harness.reporting import pages
from harness.reporting.claims import beyond, sections
from harness.reporting.claims.declared import CATALOGUE
from harness.reporting.formats import PAGES, Format
from harness.reporting.index import write_index
from harness.reporting.report import Report
from harness.verdicts.assess import Assessments

__all__ = ["alone", "formats", "watch", "write", "write_index"]
EVERY = 10  # seconds between two checks for new records, and between two reloads of the page


def formats(names: str) -> tuple[Format, ...]:
    """The formats named in `html,md`, without repeats; UnknownName for any other."""
    read = one_of("format", Format)
    return tuple(dict.fromkeys(Format(read(name.strip())) for name in names.split(",")))


def alone(index: Path, others: bool) -> None:
    """BadValue if an index is asked for together with options of a report."""
    if others:
        raise BadValue(f"--index writes its page into {index}: leave out --out, --format and --watch")


def write(
    out: Path, store: Store, progress: Progress, wanted: Sequence[Format] = PAGES, live: int = 0
) -> tuple[Path, ...]:
    """Writes one file per format into `out`; returns the files."""
    declared = provenance.declared(CATALOGUE)
    with progress as tracker:
        known = Assessments(store)
        found = sections.sections(known, tracker)
        notices = [*sections.notices(found), *store.left_out()]
        records = quote(Path(os.path.relpath(store.folder, out)).as_posix())
        here, asked = environment.describe(CPU), beyond.questions(known)
        report = Report(found, here, notices, asked, declared, records, live)
        made = pages.render(report, out, wanted, tracker)
    for sentence in store.left_out():
        progress.say(sentence, WARNING)
    return made


def watch(
    out: Path,
    results: Path,
    progress: Callable[[], Progress],
    wanted: Sequence[Format],
    console: Console,
    wait: Callable[[float], None] = time.sleep,
) -> tuple[Path, ...]:
    """Writes the report whenever there are new records, until Ctrl-C; then once more, in its final form."""
    seen: object = None
    try:
        while True:
            if seen != (seen := _changed(results)):
                store = Store(results)
                path, *_ = write(out, store, progress(), wanted, EVERY)
                say(console, f"{path}: {count(len(store.records), 'record')}; Ctrl-C ends")
            wait(EVERY)
    except KeyboardInterrupt:
        return write(out, Store(results), progress(), wanted)


def _changed(results: Path) -> tuple[int, ...]:
    """When a file was last added to or removed from the folders behind a report."""
    folders = (results / "records", results / "asked", *results.glob("looks/*/"))
    return tuple(folder.stat().st_mtime_ns if folder.exists() else 0 for folder in folders)
