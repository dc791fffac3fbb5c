"""`run --check`: whether a verdict says less after the run than it did in earlier evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from harness.cli import junit
from harness.cli.commands.compare import changed
from harness.cli.terminal.tables import FAILURE, WARNING, say
from harness.contract.errors import BadValue
from harness.plans.experiment import Experiment
from harness.records.store import Store
from harness.reporting.sides import EvidenceSide, of_store, side, side_by_side
from harness.verdicts.verdict import Fails


def earlier(
    place: Path | None, report: Path | None, experiments: Sequence[Experiment]
) -> EvidenceSide | None:
    """The evidence at `place` on what will be run; BadValue, before anything runs, if there is none."""
    if place is None:
        if report is not None:
            raise BadValue(f"--junit {report} reports what --check finds: give --check too, or leave it out")
        return None
    if not place.exists():
        raise BadValue(
            f"--check {place} does not exist; name a results folder, a published report or an export"
        )
    before = side(place).among(_run(experiments))
    if not before.rows:
        names = ", ".join(experiment.name for experiment in experiments)
        raise BadValue(f"--check {place} has no evidence on {names}; name other evidence, or leave it out")
    return before


def _run(experiments: Sequence[Experiment]) -> set[tuple[str, str]]:
    return {(claim, one.protocol.name) for one in experiments for claim in one.reproduction.claims}


def check(
    before: EvidenceSide,
    experiments: Sequence[Experiment],
    store: Store,
    console: Console,
    report: Path | None,
) -> bool:
    """Whether no verdict on what was run says less for its claim than in the earlier evidence."""
    compared = side_by_side(before, of_store(store).among(_run(experiments))).comparison
    for change in compared.changes:
        say(console, changed(change), FAILURE if change.worse else WARNING)
    if report is not None:
        junit.write(compared, Fails.WORSE, report)
    return not compared.failing(Fails.WORSE)
