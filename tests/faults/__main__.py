"""The fault suite: `python -m tests.faults --kills 200 --fuzz 100000 --drivers 5 --nodes 3 --seed 1`.

Each part is a module whose `run(count, seed)` returns its `Findings`; `--publish` puts them on the page.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated

import typer

from tests.faults.page import Findings, publish


def main(
    kills: Annotated[int, typer.Option(help="Programs to kill at random moments.")] = 0,
    fuzz: Annotated[int, typer.Option(help="Damaged inputs to have read.")] = 0,
    drivers: Annotated[int, typer.Option(help="Times that four commands share one store.")] = 0,
    nodes: Annotated[int, typer.Option(help="Nodes of a Ray cluster to lose.")] = 0,
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    page: Annotated[bool, typer.Option("--publish", help="Write what was found to the page.")] = False,
) -> None:
    """Breaks the program on purpose; exit status 1 if that lost, damaged or hung anything."""
    asked = {
        "processes.kills": kills,
        "inputs.fuzz": fuzz,
        "processes.drivers": drivers,
        "processes.nodes": nodes,
    }
    found: list[Findings] = [
        import_module(f"tests.faults.{part}").run(count, seed) for part, count in asked.items() if count
    ]
    for one in found:
        typer.echo(f"{one.heading}\n\n{one.text}\n")
        if page:
            publish(one)
    sys.exit(any(one.faults for one in found))


if __name__ == "__main__":
    typer.run(main)
