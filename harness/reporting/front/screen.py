"""What the templates need for a page's frame and its first screen."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.plans.experiment import Table
from harness.reporting.claims.sections import Section, leading
from harness.reporting.figures.drawing.frame import Drawing
from harness.reporting.front import forest, needs, overview
from harness.reporting.front.forest import ForestRow
from harness.reporting.front.machines import machines
from harness.reporting.front.overview import Line
from harness.reporting.front.summary import Sentence, summary
from harness.reporting.report import Report
from harness.verdicts.verdict import Outcome

TEMPLATES = Path(__file__).parent.parent / "templates"
SCRIPTS = ("report.js", "curves.js")  # the page's one script, in two parts


@dataclass(frozen=True)
class Screen:
    """All that the templates may refer to besides the report itself."""

    lines: Sequence[Line]
    leading: Sequence[Section]
    told: Sequence[Line]  # the lines that have a section on the page
    links: Mapping[str, str]  # from claims to those sections
    summary: Sequence[Sentence]
    tally: Sequence[tuple[Outcome, int, int]]
    overview: Drawing | None
    sized: Sequence[ForestRow]
    unsized: Sequence[ForestRow]
    unknown_rows: Sequence[ForestRow]
    verdicts: Table
    family: str
    deviations: Mapping[str, int]
    needs: Table
    unsettled: Sequence[Section]
    settled: Sequence[tuple[str, Sequence[str]]]
    data: Sequence[str]
    machines: Sequence[Table]
    files: Sequence[str]  # beside the page, for programs
    script: str
    script_hash: str


def screen(report: Report, files: Sequence[str]) -> Screen:
    """The frame and the first screen of a page beside which `files` lie."""
    sections, lines = report.sections, report.lines
    rows = forest.rows(overview.shown(lines))
    told = [line for line in lines if line.first and line.section.examined]
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Screen(
        lines=lines,
        leading=leading(sections),
        told=told,
        links={line.section.claim.id: line.target for line in told},
        summary=summary(lines),
        tally=overview.tally(sections),
        overview=forest.picture("overview", rows),
        sized=[row for row in rows if row.strip],
        unsized=[r for r in rows if r.line.first and not r.strip and overview.measured(r.section)],
        unknown_rows=[row for row in rows if not overview.measured(row.section)],
        verdicts=overview.verdict_table(lines),
        family=overview.family(sections),
        deviations=overview.deviations(sections),
        needs=needs.needs_table(sections),
        unsettled=needs.unsettled(sections),
        settled=needs.settled(sections),
        data=needs.data_needed(sections),
        machines=machines(report.evidence, report.here),
        files=files,
        script=script,
        script_hash=f"sha256-{digest}",
    )
