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
from harness.reporting.sides import of_store, side, side_by_side
from harness.verdicts.verdict import Fails


def there(place: Path | None, report: Path | None) -> None:
    """Raises BadValue, before anything runs, if there is nothing to check against."""
    if place is None and report is not None:
        raise BadValue(f"--junit {report} reports what --check finds: give --check too, or leave it out")
    if place is not None and not place.exists():
        raise BadValue(
            f"--check {place} does not exist; name a results folder, a published report or an export"
        )


def check(
    place: Path, experiments: Sequence[Experiment], store: Store, console: Console, report: Path | None
) -> bool:
    """Whether no verdict on what was run says less for its claim than in the evidence at `place`."""
    run = {(claim, one.protocol.name) for one in experiments for claim in one.reproduction.claims}
    before, after = (one.among(run) for one in (side(place), of_store(store)))
    compared = side_by_side(before, after).comparison
    for change in compared.changes:
        say(console, changed(change), FAILURE if change.worse else WARNING)
    if not before.rows:
        say(console, f"--check: {place} has no evidence on what was run", WARNING)
    if report is not None:
        junit.write(compared, Fails.WORSE, report)
    return not compared.failing(Fails.WORSE)
