"""Where each claim stands, and the runs that would say more about it."""

from __future__ import annotations

from collections.abc import Sequence

from harness.forecast.next_runs import NextRun, sources
from harness.plans.experiment import Table
from harness.reporting.claims.sections import Section, leading
from harness.verdicts.verdict import Outcome


def unsettled(sections: Sequence[Section]) -> list[Section]:
    """Each claim's best evidence, if a run would say more or the page has no section on it."""
    return [s for s in leading(sections) if s.runs or not s.examined]


def settled(sections: Sequence[Section]) -> list[tuple[str, list[str]]]:
    """All other claims, grouped by where they stand."""
    found: dict[str, list[str]] = {}
    for section in leading(sections):
        if section.examined and not section.runs:
            found.setdefault(standing(section), []).append(section.claim.id)
    return list(found.items())


def needs_table(sections: Sequence[Section]) -> Table:
    """One line per claim: why there is no verdict at the paper's scale, and the runs that would say more."""
    columns = ("claim", "standing", "next run", "its cost", "at the paper's scale", "its cost there")
    return Table("Next experiments", columns, tuple(map(_needs_row, unsettled(sections))))


def _needs_row(section: Section) -> tuple[object, ...]:
    return (
        section.claim.id,
        standing(section),
        *_run(section.cheapest, "" if section.at_paper_scale else section.next_command),
        *_run(section.at_paper_scale, ""),
    )


def _run(run: NextRun | None, instead: str) -> tuple[str, str]:
    return (run.command, f"{run.data}; {run.cost}") if run else (instead, "")


def standing(section: Section) -> str:
    """Why there is no verdict at the paper's scale, or that there is one."""
    if section.outlook.why:
        return section.outlook.why
    if section.verdict.outcome is Outcome.REPORTED:
        return "measured but never judged"
    if section.verdict.outcome.judged:
        return "judged at the paper's scale"
    return section.needs or "; ".join(section.verdict.sentences)


def data_needed(sections: Sequence[Section]) -> list[str]:
    """How to get the data sets for all those runs."""
    return list(sources([run for s in leading(sections) for run in s.runs]))
