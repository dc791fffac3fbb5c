"""Writes the report: one page that opens offline, and the same as Markdown with its figures beside it.

Nothing here estimates or judges. What a section says was decided elsewhere; this lays it out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contract import formatting
from harness.contract.errors import StoreError
from harness.contract.progress import SILENT, Tracker, tracked
from harness.plans.experiment import Table
from harness.reporting import beyond, markdown, overview, replication, tables, wording
from harness.reporting.attempts import Attempt, attempts, trial_table, trouble_table
from harness.reporting.beyond import Question
from harness.reporting.figures import selection
from harness.reporting.figures.frame import Drawing
from harness.reporting.sections import Section, leading
from harness.verdicts.verdict import MEANINGS

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Entry:
    """A section with everything drawn: tables to read, and tables to unfold."""

    section: Section
    slug: str  # the claim's id, with a number after it where a claim has several sections
    drawings: tuple[Drawing, ...]
    tables: tuple[Table, ...]
    folded: tuple[Table, ...]


def render(
    sections: Sequence[Section],
    out: Path,
    environment: Mapping[str, Any],
    notices: Sequence[str] = (),
    tracker: Tracker = SILENT,
    questions: Sequence[Question] = (),
) -> tuple[Path, Path]:
    """Writes report.html, report.md and figures/*.svg; StoreError where that cannot be done."""
    examined = [s for s in sections if s.examined]
    named = list(zip(examined, slugs(examined), strict=True))
    entries = [entry(s, slug) for s, slug in tracked(named, "drawing sections", tracker)]
    page = _page(sections, entries, environment, notices) | {"questions": questions}
    files = {f"figures/{d.name}.svg": d.svg for e in entries for d in e.drawings}
    files["report.md"] = _templates().get_template("report.md.j2").render(page)
    files["report.html"] = _templates().get_template("report.html.j2").render(page)
    for name, content in files.items():
        write(out / name, content)
    return out / "report.html", out / "report.md"


def slugs(sections: Sequence[Section]) -> list[str]:
    """A name for each section: its claim's id, numbered from the second section of a claim on."""
    ids = [s.claim.id for s in sections]
    return [
        name if name not in ids[:i] else f"{name}-{ids[:i].count(name) + 1}" for i, name in enumerate(ids)
    ]


def entry(section: Section, slug: str) -> Entry:
    """The section with its figures and tables."""
    figure = section.reproduction.figure if section.reproduction else None
    drawings = selection.draw(section.claim, slug, figure, section.evidence, section.effects)
    tried = attempts(section.evidence, section.records)
    return Entry(section, slug, tuple(drawings), _shown(section, tried), _folded(section, tried))


def _shown(section: Section, tried: Sequence[Attempt]) -> tuple[Table, ...]:
    own = section.finding.tables if section.finding else ()
    effects = (
        tables.effect_table(section.claim, section.effects, section.adjusted_p, section.proxy)
        if section.effects
        else None
    )
    seeds = tables.seed_table(section.evidence) if section.evidence else None
    panel = replication.panel(section.claim, section.assessment)
    return tuple(t for t in (effects, panel, *own, seeds, trouble_table(tried)) if t)


def _folded(section: Section, tried: Sequence[Attempt]) -> tuple[Table, ...]:
    evidence = section.evidence
    tuning, arms = (tables.tuning_table(evidence), tables.arms_table(evidence)) if evidence else (None, None)
    made = tables.environment_table(section.records)
    found = (tuning, arms, trial_table(tried), tables.stale_table(section.stale), made)
    return tuple(t for t in found if t)


def _page(
    sections: Sequence[Section],
    entries: Sequence[Entry],
    environment: Mapping[str, Any],
    notices: Sequence[str],
) -> dict[str, Any]:
    """All that the templates may name."""
    lines = overview.lines(sections, {id(e.section): e.slug for e in entries})
    return {
        "notices": tuple(dict.fromkeys(notices)),
        "entries": entries,
        "lines": lines,
        "leading": leading(sections),
        "deviations": overview.deviations(sections),
        "verdicts": overview.verdict_table(lines),
        "needs": overview.needs_table(sections),
        "data": overview.data_needed(sections),
        "tally": overview.tally(sections),
        "family": overview.family(sections),
        "meanings": MEANINGS.items(),
        "environment": tables.key_values("Where this report was made", environment),
    }


def _templates() -> Environment:
    """The templates; a page escapes whatever it is given, Markdown through the filters named `md…`."""
    import jinja2

    html = jinja2.select_autoescape(enabled_extensions=("html.j2",), default_for_string=True)
    loader = jinja2.FileSystemLoader(TEMPLATES)
    found = jinja2.Environment(
        loader=loader, autoescape=html, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    filters: dict[str, Callable[..., Any]] = {
        "cells": tables.cells,
        "kinds": tables.kinds,
        "alarming": wording.alarming,
        "words": wording.words,
        "opened": wording.opened,
        "limits": formatting.limits,
        "p_value": formatting.p_value,
        "text": wording.text,
        "md": markdown.escape,
        "md_table": markdown.table,
    }
    found.filters.update(filters)
    found.globals.update(
        {
            "ours": overview.ours,
            "logged": overview.logged,
            "place": overview.place,
            "standing": overview.standing,
            "own_uncertainty": replication.own_uncertainty,
            "beyond": beyond,
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
