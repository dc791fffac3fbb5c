"""Writes the report: one page that opens offline, and the same in Markdown with its figures beside it.

Nothing here estimates or judges. What a section says was decided elsewhere; this lays it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contract import formatting
from harness.contract.errors import StoreError
from harness.contract.progress import SILENT, Tracker, tracked
from harness.paper import run_log
from harness.records.files import read, write_over
from harness.reporting import markdown, tables, wording
from harness.reporting.claims import attempts, beyond, replication
from harness.reporting.formats import FILES, PAGES, Format, data, data_among, pages_among
from harness.reporting.front import forest, needs, overview
from harness.reporting.front.screen import screen
from harness.reporting.report import Report
from harness.verdicts.verdict import MEANINGS

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def render(
    report: Report, out: Path, formats: Sequence[Format] = PAGES, tracker: Tracker = SILENT
) -> tuple[Path, ...]:
    """Writes a file for each format, and the figures of the pages; StoreError if that fails."""
    files = data(report.sections, report.origin, formats)
    if pages_among(formats):
        files |= _pages(report, formats, tracker)
    for name, content in files.items():
        write(out / name, content)
    return tuple(out / FILES[one] for one in formats)


def _pages(report: Report, formats: Sequence[Format], tracker: Tracker) -> dict[str, str]:
    """The files for people, with their figures."""
    drawn = tracked(report.entries, "drawing sections", tracker)
    files = {name: content for entry in drawn for name, content in entry.files.items()}
    page = screen(report, data_among(formats))
    if page.overview:
        files[f"figures/{page.overview.name}.svg"] = page.overview.svg
    named = {**vars(page), "report": report}
    return files | {
        name: templates().get_template(f"{name}.j2").render(named) for name in pages_among(formats)
    }


def templates() -> Environment:
    """The templates; HTML escapes everything, Markdown uses the filters named `md…`."""
    import jinja2

    html = jinja2.select_autoescape(enabled_extensions=("html.j2",), default_for_string=True)
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=html,
        finalize=wording.neutral,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    filters: dict[str, Callable[..., Any]] = {
        "linked": tables.linked,
        "kinds": tables.kinds,
        "alarming": wording.alarming,
        "words": wording.words,
        "opened": wording.opened,
        "limits": formatting.limits,
        "text": wording.text,
        "md": markdown.escape,
        "md_table": markdown.table,
        "md_paragraphs": markdown.paragraphs,
        "md_sentence": markdown.sentence,
    }
    found.filters.update(filters)
    found.globals.update(
        {
            "beyond": forest.BEYOND,
            "meanings": MEANINGS,
            "ours": overview.ours,
            "scale_reading": forest.READING,
            "logged": overview.logged,
            "place": overview.place,
            "standing": needs.standing,
            "trouble": attempts.TROUBLE,
            "question": beyond,
            "own_uncertainty": replication.own_uncertainty,
            "logged_runs": run_log.bearing_on,
        }
    )
    return found


def write(path: Path, content: str) -> None:
    """Writes the file whole or not at all, beside it first; one with this content already is left alone."""
    new = content.encode()
    with suppress(OSError):
        if read(path) == new:
            return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_over(path, new)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}; make its folder writable, or name another"
        ) from error
