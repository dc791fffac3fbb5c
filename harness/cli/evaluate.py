"""`repro evaluate`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.analysis.published_weights import (
    Evaluation,
)
from harness.models import published


def show(found: Evaluation, as_json: bool, console: Console) -> None:
    """A table for people, or JSON for scripts."""
    if as_json:
        print(json.dumps(plain(found), indent=1))
        return
    asked = found.asked
    table = Table(title=f"{asked.weights.name} as {asked.variant}, normalised as {found.normalisation}")
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
    console.print(table)
    console.print(f"data: {found.data}", soft_wrap=True)


def plain(found: Evaluation) -> dict[str, Any]:
    """All of it as JSON takes it; errors in percent."""
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
