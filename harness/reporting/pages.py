"""Writes the report: one page that opens offline, and the same as Markdown with its figures beside it.

Nothing here estimates or judges. What a section says was decided elsewhere; this lays it out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contract import formatting
from harness.contract.errors import StoreError
from harness.contract.progress import SILENT, Tracker, tracked
from harness.records.provenance import Declared
from harness.reporting import markdown, tables, wording
from harness.reporting.claims import beyond, phrases, replication
from harness.reporting.claims.beyond import Question
from harness.reporting.claims.entries import Entry, entries
from harness.reporting.claims.sections import Section, leading
from harness.reporting.formats import FILES, PAGES, Format, data, data_among, pages_among
from harness.reporting.front import overview
from harness.reporting.front.origin import Origin, origin
from harness.reporting.front.screen import front
from harness.verdicts.verdict import MEANINGS

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def render(
    sections: Sequence[Section],
    out: Path,
    environment: Mapping[str, Any],
    notices: Sequence[str] = (),
    tracker: Tracker = SILENT,
    records: str = "records",
    formats: Sequence[Format] = PAGES,
    declared: Declared | None = None,
    live: int = 0,
    questions: Sequence[Question] = (),
) -> tuple[Path, ...]:
    """Writes a file for each format, and of the pages their figures; StoreError where that cannot be done.

    `records` is where the records lie, as seen from the page. `live` are the seconds after which a page loads
    itself again, as the report of a run that goes on. `questions` are those that are no claim of the paper.
    """
    found = origin(sections, environment, declared)
    files = data(sections, found, formats)
    if pages_among(formats):
        files |= _pages(sections, found, environment, notices, tracker, records, formats, live, questions)
    for name, content in files.items():
        write(out / name, content)
    return tuple(out / FILES[one] for one in formats)


def _pages(
    sections: Sequence[Section],
    origin: Origin,
    environment: Mapping[str, Any],
    notices: Sequence[str],
    tracker: Tracker,
    records: str,
    formats: Sequence[Format],
    live: int,
    questions: Sequence[Question],
) -> dict[str, str]:
    """The files for people, with their figures."""
    found = entries(sections)
    drawn = tracked(found, "drawing sections", tracker)
    files = {name: content for entry in drawn for name, content in entry.files.items()}
    page = _page(sections, found, notices, records)
    page |= front(page["lines"], origin, environment, data_among(formats), live) | {"questions": questions}
    if page["overview"]:
        files[f"figures/{page['overview'].name}.svg"] = page["overview"].svg
    return files | {
        name: templates().get_template(f"{name}.j2").render(page) for name in pages_among(formats)
    }


def _page(
    sections: Sequence[Section],
    entries: Sequence[Entry],
    notices: Sequence[str],
    records: str,
) -> dict[str, Any]:
    """All that the templates may name."""
    lines = overview.lines(sections, {id(s): e.slug for e in entries for s in e.sections})
    return {
        "notices": tuple(dict.fromkeys(notices)),
        "entries": entries,
        "records": records,
        "lines": lines,
        "leading": leading(sections),
        "deviations": overview.deviations(sections),
        "verdicts": overview.verdict_table(lines),
        "needs": overview.needs_table(sections),
        "data": overview.data_needed(sections),
        "tally": overview.tally(sections),
        "family": overview.family(sections),
        "meanings": MEANINGS.items(),
    }


def templates() -> Environment:
    """The templates; a page escapes whatever it is given, Markdown through the filters named `md…`."""
    import jinja2

    html = jinja2.select_autoescape(enabled_extensions=("html.j2",), default_for_string=True)
    loader = jinja2.FileSystemLoader(TEMPLATES)
    found = jinja2.Environment(
        loader=loader,
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
        "p_value": formatting.p_value,
        "text": wording.text,
        "md": markdown.escape,
        "md_table": markdown.table,
        "md_sentence": markdown.sentence,
    }
    found.filters.update(filters)
    found.globals.update(
        {
            "ours": overview.ours,
            "logged": overview.logged,
            "place": overview.place,
            "standing": overview.standing,
            "null_name": phrases.null_name,
            "question": beyond,
            "own_uncertainty": replication.own_uncertainty,
        }
    )
    return found


def write(path: Path, content: str) -> None:
    """Writes the file whole or not at all: beside it first, then renamed over it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(content, encoding="utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise StoreError(
            f"{path} cannot be written ({error.strerror}); choose a folder with --out"
        ) from error
