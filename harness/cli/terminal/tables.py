"""How commands print: rows as a table for people or JSON for scripts, and sentences verbatim.

A table never breaks a number, since half of one is another number. If it does not fit, it lies on its side.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from itertools import repeat
from typing import Any

from rich.cells import cell_len
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from harness.contract.visible import visible

Row = Mapping[str, Any]
UNBROKEN = ("claim", "question", "key", "experiment", "data")  # columns never wrapped
WHOLE_WORDS = ("protocol",)  # columns wrapped between words alone
FIGURE = re.compile(r"[~<>≥≤(\[ ]*[−-]?\d")  # how a number, an interval or a duration begins
LONGEST, WORD = 30, 16  # letters of a figure, which is never wrapped, and of a word kept whole
GAP = 2  # between two columns
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
    cells = [[str(value) for value in row.values()] for row in rows]
    console.print(grid(list(rows[0]), cells, console.width), highlight=False, markup=False)


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Group:
    """The rows below their column names, or beside them in as many parts as a terminal so narrow needs."""
    shown = [[visible(cell) for cell in row] for row in rows]
    least = [max(map(_least, repeat(name), [name, *cells])) for name, cells in _columns(columns, shown)]
    if sum(least) + GAP * (len(least) - 1) <= width:
        return Group(_drawn(columns, shown, least, width))
    return Group(*_on_its_side(columns, shown, width))


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[tuple[str, list[str]]]:
    for i, name in enumerate(names):
        yield name, [row[i] for row in rows]


def _least(column: str, cell: str) -> int:
    """The width below which a cell, or the column's name, would be broken where it must not be."""
    if cell != column and (column in UNBROKEN or (FIGURE.match(cell) and len(cell) <= LONGEST)):
        return cell_len(cell)
    word = max(map(cell_len, cell.split()), default=0)
    return word if column in WHOLE_WORDS else min(word, WORD)


def _drawn(columns: Sequence[str], rows: Sequence[Sequence[str]], least: Sequence[int], width: int) -> Table:
    """A table whose columns have at least these widths, and as much more as they need and there is."""
    most = [max(map(_longest, [name, *cells])) for name, cells in _columns(columns, rows)]
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for name, wide in zip(columns, _widths(least, most, width - GAP * (len(least) - 1)), strict=True):
        drawn.add_column(Text(name), width=wide, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    return drawn


def _longest(cell: str) -> int:
    return max(map(cell_len, cell.splitlines()), default=0)


def _widths(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """The least widths, grown from the narrowest on until the room is used."""
    widths = list(least)
    for _ in range(room - sum(widths)):
        growing = [i for i, wide in enumerate(widths) if wide < most[i]]
        if growing:
            widths[min(growing, key=widths.__getitem__)] += 1
    return widths


def _on_its_side(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[Table]:
    """A column for each row, beside the names of what it holds; as many together as fit."""
    names, left = list(columns), list(rows)
    beside = min(max(map(cell_len, names)), width // 2)
    while left:
        taken, room = 0, width - beside
        while taken < len(left) and (room := room - GAP - _needs(names, left[taken])) >= 0:
            taken += 1
        part, left = left[: max(taken, 1)], left[max(taken, 1) :]
        least = [beside, *(_needs(names, row) for row in part)]
        turned = [[name, *cells] for name, cells in _columns(names[1:], [row[1:] for row in part])]
        yield _drawn([names[0], *(row[0] for row in part)], turned, least, width)


def _needs(columns: Sequence[str], row: Sequence[str]) -> int:
    """The least width of a row that stands upright."""
    return max(map(_least, columns, row))


def table(rows: Sequence[Row]) -> Table:
    """The rows below their column names, in whatever width there is."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        drawn.add_column(name, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(visible(str(value))) for value in row.values()))
    return drawn


def _plain(rows: Sequence[Row]) -> str:
    """The rows as lines, each column as wide as its widest cell."""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)
    return "".join(f"{line}\n" for line in padded)
