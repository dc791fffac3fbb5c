"""Writes the report: one page that opens offline, and the same as Markdown with its figures beside it.

Nothing here estimates or judges. What a section says was decided elsewhere; this lays it out.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.claims import Claim, Effect, Outcome, Verdict
from harness.errors import StoreError
from harness.experiments import Evidence, Finding, Reproduction, Table
from harness.trials import Record
from reports import figures, markdown, tables, wording
from reports.attempts import Attempt, attempts, trial_table, trouble_table
from reports.frame import Drawing

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
AUDIT = "better than the paper: audit"
MEANINGS = (
    (Outcome.REPRODUCED, "the 90 % interval lies inside the band and the 95 % interval excludes no effect"),
    (Outcome.DIRECTIONAL, "the 95 % interval excludes no effect on the paper's side; the size is not shown"),
    (Outcome.NOT_REPRODUCED, "the 95 % interval lies outside the band and not on the paper's side"),
    (Outcome.INCONCLUSIVE, "none of these: the n that would decide is given"),
    (Outcome.INVALID, "the runs cannot be compared, and the reason is given"),
    (Outcome.SMOKE, "shows only that the code runs: never a verdict"),
    (Outcome.REPORTED, "set beside the paper's figure, never judged"),
    (Outcome.NOT_RUN, "nothing was measured, or not yet enough to look at"),
)


@dataclass(frozen=True)
class Section:
    """One claim as the report sees it."""

    claim: Claim
    verdict: Verdict
    reproduction: Reproduction | None  # None: nothing runs this claim yet
    evidence: Evidence | None
    finding: Finding | None
    records: tuple[Record, ...] = ()  # every attempt of every planned trial, failed and diverged ones too
    stale: tuple[Record, ...] = ()  # made by other code: shown, never used
    needs: str = ""  # for a claim without a verdict: why, and the command, data and cost that would give one
    looks: bool = False  # seeds were added at the declared looks

    @property
    def examined(self) -> bool:
        """Whether there is anything to show beyond what the claim needs."""
        return self.verdict.outcome is not Outcome.NOT_RUN or bool(self.records or self.stale)

    @property
    def smoke(self) -> bool:
        """Whether these runs show only that the code runs."""
        return self.verdict.outcome is Outcome.SMOKE or bool(self.evidence and self.evidence.protocol.smoke)

    @property
    def made_up(self) -> bool:
        """Whether a procedural stand-in took the place of the data."""
        return figures.stand_in(self.evidence)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The claim's effects, the primary one first."""
        return self.finding.effects.get(self.claim.id, ()) if self.finding else ()

    @property
    def badges(self) -> tuple[tuple[str, str], ...]:
        """The verdict's badge and those that qualify it, each as its kind and its words."""
        verdict = self.verdict
        headline = verdict.headline.replace("smoke", "SMOKE")
        found = [(str(verdict.outcome).replace(" ", "-"), headline)]
        found += [("smoke", "SMOKE")] * (self.smoke and verdict.outcome is not Outcome.SMOKE)
        found += [("stand-in", "stand-in data")] * self.made_up
        return tuple(found + [("audit", AUDIT)] * verdict.audit)

    @property
    def deviations(self) -> tuple[str, ...]:
        """Where what was run departs from the paper."""
        declared = self.evidence.protocol.deviations if self.evidence else ()
        return tuple(dict.fromkeys((*declared, *(self.finding.deviations if self.finding else ()))))

    @property
    def command(self) -> str:
        """What to type to run the same again."""
        if self.reproduction is None or self.evidence is None:
            return ""
        protocol, seeds = self.evidence.protocol, self.evidence.seeds
        more = f" --seeds {seeds}" if seeds != protocol.seeds else ""
        more = " --until-decided" if self.looks else more
        return f"./repro.py run {self.reproduction.name} --protocol {protocol.name}{more}"

    @property
    def scale(self) -> str:
        """The protocol and the kind of device it ran on."""
        runs = self.evidence.runs if self.evidence else ()
        devices = sorted({r.record.conditions.get("device", "") for r in runs} - {""})
        return " on ".join([self.verdict.protocol, *devices]) if self.verdict.protocol else ""

    @property
    def progress(self) -> str:
        """How much of the plan has a record, what it cost, and what is still to come."""
        if self.evidence is None or not self.evidence.plan.trials:
            return ""
        missing, planned = len(self.evidence.missing), len(self.evidence.plan.trials)
        seconds = sum(r.cost.get("seconds", 0.0) for r in self.records)
        parts = [f"{planned - missing} of {planned} planned trials have a record"]
        parts += [f"{wording.duration(seconds)} of computing"] * bool(seconds)
        parts += [f"still to come: {self.evidence.plan.to_come}"] * bool(self.evidence.plan.to_come)
        return "; ".join(parts) + "."


@dataclass(frozen=True)
class Entry:
    """A section with everything drawn: tables to read, and tables to unfold."""

    section: Section
    slug: str  # the claim's id, with a number after it where a claim has several sections
    drawings: tuple[Drawing, ...]
    tables: tuple[Table, ...]
    folded: tuple[Table, ...]


def render(
    sections: Sequence[Section], out: Path, environment: Mapping[str, Any], notices: Sequence[str] = ()
) -> tuple[Path, Path]:
    """Writes report.html, report.md and figures/*.svg; StoreError where that cannot be done."""
    examined = [s for s in sections if s.examined]
    entries = [entry(s, slug) for s, slug in zip(examined, slugs(examined), strict=True)]
    page = _page(sections, entries, environment, notices)
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
    drawings = figures.draw(section.claim, slug, figure, section.evidence, section.finding)
    tried = attempts(section.evidence, section.records)
    return Entry(section, slug, tuple(drawings), _shown(section, tried), _folded(section, tried))


def _shown(section: Section, tried: Sequence[Attempt]) -> tuple[Table, ...]:
    own = section.finding.tables if section.finding else ()
    effects = tables.effect_table(section.claim, section.effects) if section.effects else None
    seeds = tables.seed_table(section.evidence) if section.evidence else None
    return tuple(t for t in (effects, *own, seeds, trouble_table(tried)) if t)


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
    examined = [e.section for e in entries]
    waiting = [s for s in sections if not s.examined]
    first = {s.claim.id: s.verdict.outcome for s in reversed(sections)}
    count = Counter(first.values())
    return {
        "notices": tuple(dict.fromkeys(notices)),
        "entries": entries,
        "verdicts": tables.verdict_table(examined),
        "waiting": tables.waiting_table(waiting),
        "tally": [(o, count[o]) for o in _in_order() if count[o]],
        "meanings": MEANINGS,
        "total": len(first),
        "environment": tables.key_values("Where this report was made", environment),
    }


def _in_order() -> list[Outcome]:
    return [outcome for outcome, _ in MEANINGS]


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
        "number": wording.number,
        "md": markdown.escape,
        "md_table": markdown.table,
    }
    found.filters.update(filters)
    found.globals.update(
        {"ours": tables.ours, "logged": tables.logged, "place": tables.place, "AUDIT": AUDIT}
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
