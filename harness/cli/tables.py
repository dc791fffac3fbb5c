"""How commands print rows: a table for people, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

Row = Mapping[str, Any]
UNBROKEN = ("claim", "key", "experiment", "protocol", "data")  # columns of a table


def print_rows(rows: Sequence[Row], as_json: bool, console: Console) -> None:
    """The rows under their names."""
    if as_json:
        print(json.dumps(rows, indent=1, default=asdict))
        return
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name, no_wrap=name in UNBROKEN)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table, highlight=False, markup=False)
