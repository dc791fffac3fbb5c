"""How commands print: rows as a table for people or JSON for scripts, and sentences verbatim."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.contract.visible import visible

Row = Mapping[str, Any]
UNBROKEN = ("claim", "key", "experiment", "protocol", "data")  # columns never wrapped
MANY = 1_000  # rows: nobody reads so many on a screen, and fitting them to its width would take seconds
WARNING, FAILURE = "yellow", "red"  # styles of a sentence


def say(console: Console, sentence: str, style: str = "") -> None:
    """Prints a sentence verbatim: brackets are not markup, lines do not wrap, hidden characters show."""
    console.print(visible(sentence), style=style, markup=False, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Prints JSON in ASCII, which any terminal and file can hold."""
    print(json.dumps(bounded(value), indent=1, allow_nan=False))


def bounded(value: Any) -> Any:
    """The value with null in place of infinite interval ends, which JSON cannot express."""
    if is_dataclass(value) and not isinstance(value, type):
        return bounded(asdict(value))
    if isinstance(value, Mapping):
        return {name: bounded(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [bounded(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_rows(rows: Sequence[Row], as_json: bool, console: Console) -> None:
    """Prints the rows below their column names."""
    if as_json:
        print_json(rows)
        return
    if not rows:
        return
    if len(rows) > MANY:
        console.file.write(visible(_plain(rows)))
        return
    console.print(table(rows), highlight=False, markup=False)


def table(rows: Sequence[Row]) -> Table:
    """The rows below their column names, as a terminal draws them."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        drawn.add_column(name, no_wrap=name in UNBROKEN, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(visible(str(value))) for value in row.values()))
    return drawn


def _plain(rows: Sequence[Row]) -> str:
    """The rows as lines, each column as wide as its widest cell."""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)
    return "".join(f"{line}\n" for line in padded)
