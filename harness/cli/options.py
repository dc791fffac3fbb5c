"""Options that several commands share, and the store and console that follow from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from harness.records.store import Store

Claims = Annotated[
    list[str] | None, typer.Argument(metavar="CLAIM...", help="Claims, as './repro.py list' names them.")
]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder that holds the data sets; else $REPRO_DATA, then ./data.")
]
ResultsDir = Annotated[Path, typer.Option(help="Folder of the store and the report.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:<number>.")]
RESULTS = Path("results")


def store(results_dir: Path) -> Store:
    """The store in the results folder."""
    from harness.records.store import Store

    return Store(results_dir)


def console(stderr: bool = False) -> Console:
    """Standard output, or standard error."""
    from rich.console import Console

    return Console(stderr=stderr)
