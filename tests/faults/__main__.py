"""The fault suite: `python -m tests.faults --kills 200 --fuzz 100000 --seed 1`.

Each half is a module whose `run(count, seed)` returns its `Findings`; `--publish` puts them on the page.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tests.faults.page import Findings, publish


def main(
    kills: Annotated[int, typer.Option(help="Programs to kill at random moments.")] = 0,
    fuzz: Annotated[int, typer.Option(help="Damaged inputs to have read.")] = 0,
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    page: Annotated[bool, typer.Option("--publish", help="Write what was found to the page.")] = False,
) -> None:
    """Breaks the program on purpose; exit status 1 where that lost, damaged or hung anything."""
    found: list[Findings] = []
    if kills:
        from tests.faults import kills as killing

        found.append(killing.run(kills, seed))
    if fuzz:
        from tests.faults import fuzz as fuzzing

        found.append(fuzzing.run(fuzz, seed))
    for one in found:
        typer.echo(f"{one.heading}\n\n{one.text}\n")
        if page:
            publish(one)
    sys.exit(any(one.faults for one in found))


if __name__ == "__main__":
    typer.run(main)
