"""`repro evaluate`."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.analysis import published_weights
from harness.analysis.published_weights import Evaluation, EvaluationRequest
from harness.cli.terminal.progress import Progress
from harness.cli.terminal.tables import print_json, say
from harness.contract import numerics
from harness.engines.machine import gpus
from harness.models import published
from harness.records import environment


def evaluate(asked: EvaluationRequest, progress: Progress) -> Evaluation:
    """The measured errors, in the arithmetic of training, but with all of a CPU's cores."""
    usual = numerics.usual(asked.device.kind)
    numerics.apply(replace(usual, threads=environment.cores()))
    gpus.use(asked.device)
    with progress as tracker:
        return published_weights.evaluate(asked, tracker)


def show(found: Evaluation, as_json: bool, console: Console) -> None:
    """A table for people, or JSON for scripts."""
    if as_json:
        print_json(plain(found))
        return
    asked = found.asked
    title = f"{asked.weights.name} as {asked.variant}, normalised as {found.normalisation}"
    table = Table(title=Text(title))
    for title in ("errors", "images", "views"):
        table.add_column(title)
    for title in ("top-1 %", "top-5 %"):
        table.add_column(title, justify="right")
    for result in found.results:
        where = f"{result.images:,} of {asked.dataset} {asked.split}"
        table.add_row("measured", where, result.views, f"{result.top1:.2f}", f"{result.top5:.2f}")
    for known in published.PUBLISHED.get(asked.variant, ()):
        row = f"published: {known.source}", f"{known.dataset} {known.split}", known.views
        table.add_row(*row, f"{known.top1:.1f}", f"{known.top5:.1f}", style="dim")
    console.print(table, markup=False)
    say(console, f"data: {found.data}")


def plain(found: Evaluation) -> dict[str, Any]:
    """The evaluation as JSON values; errors in percent."""
    asked = found.asked
    return {
        "weights": str(asked.weights),
        "variant": asked.variant,
        "data": {
            "name": asked.dataset,
            "split": asked.split,
            "form": found.data.form,
            "digest": found.data.digest,
        },
        "normalisation": found.normalisation,
        "results": [asdict(result) for result in found.results],
        "published": [asdict(known) for known in published.PUBLISHED.get(asked.variant, ())],
    }
