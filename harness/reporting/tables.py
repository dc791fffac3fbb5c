"""Every table of the report as plain rows of text, so that the page and the Markdown say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.contract.formatting import NOTHING
from harness.contract.once import once
from harness.plans.experiment import Table
from harness.reporting.wording import numeric, text


@dataclass(frozen=True)
class Key:
    """A trial's key in a table, linked to the record of one attempt if the name of its file is known."""

    key: str
    file: str = ""

    def __str__(self) -> str:
        """The first letters, enough to distinguish trials."""
        return self.key[:12]


@once
def cells(table: Table) -> list[list[str]]:
    """The table's rows as text."""
    return [[text(value) for value in row] for row in table.rows]


@once
def linked(table: Table) -> list[list[tuple[str, str]]]:
    """The table's cells as text, each with the name of the record that it links to, if any."""
    return [
        [(said, value.file if isinstance(value, Key) else "") for said, value in zip(line, row, strict=True)]
        for line, row in zip(cells(table), table.rows, strict=True)
    ]


def trimmed(table: Table) -> Table:
    """The table without its empty columns."""
    columns = zip(*cells(table), strict=True)
    kept = [i for i, column in enumerate(columns) if i == 0 or any(cell != NOTHING for cell in column)]
    shown = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return Table(table.title, tuple(table.columns[i] for i in kept), shown, table.note) if shown else table


@once
def kinds(table: Table) -> list[str]:
    """What each column holds: numbers, keys, long sentences, breakable names, or words."""
    columns = zip(*cells(table), strict=True) if table.rows else [()] * len(table.columns)
    return [_kind(name, column) for name, column in zip(table.columns, columns, strict=True)]


def _kind(name: str, column: Sequence[str]) -> str:
    if name in ("key", "version of the code"):
        return "key"
    widest = max(map(len, column), default=0)
    return "figure" if numeric(column) else "long" if widest > 44 else "name" if widest > 22 else "word"
