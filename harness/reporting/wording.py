"""How a report writes cells, effects and identifiers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from harness.contract.effect import Effect
from harness.contract.formatting import NOTHING, decimals, interval, number, quantity
from harness.contract.visible import HALVES, HIDDEN

T = TypeVar("T")
UNREACHED = "not reached"
LONGEST = 200  # letters of an error shown on a page; its record has the rest
UNSEEN = re.compile(f"[{HIDDEN}{HALVES}]")  # a record may hold any
FIGURE = re.compile(r"[<>≥]? ?\[?−?[\d.,∞]+(e-?\d+)?([ –%×,\]].*)?$")


def neutral(said: T) -> T:
    """The text with invisible characters replaced by a mark; all text of a page passes through here."""
    if not isinstance(said, str) or (said.isascii() and said.isprintable()):  # as nearly all is
        return said
    return type(said)(UNSEEN.sub("\N{REPLACEMENT CHARACTER}", said))


def shortened(said: str) -> str:
    """One line of an error, of at most `LONGEST` letters."""
    line = " ".join(said.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST].rstrip()} …"


def text(value: object) -> str:
    """Any cell as text."""
    return neutral(_text(value))


def _text(value: object) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def words(name: str) -> str:
    """An identifier as words."""
    return name.replace("_", " ")


def opened(line: str) -> str:
    """The line with an initial capital, unless it begins with a name such as bf16."""
    first = line.partition(" ")[0].rstrip(".,:;").replace("-", "")
    return line[:1].upper() + line[1:] if first.isalpha() and first.islower() else line


def numeric(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers, and so is right-aligned."""
    return all(FIGURE.match(c) for c in cells if c not in (NOTHING, "NaN") and not c.startswith(UNREACHED))


def alarming(cell: str) -> bool:
    """Whether a reader should stop at the cell."""
    return cell in ("failed", "diverged", "no record", "NaN") or cell.startswith(UNREACHED)


def estimate(effect: Effect) -> str:
    """An effect's estimate, rounded like its interval, or the bound that censoring leaves."""
    if effect.estimate is not None:
        return quantity(effect.estimate, effect.unit, decimals(effect.ci95))
    if effect.lower_bound is not None:
        return f"≥ {quantity(effect.lower_bound, effect.unit)}"
    return NOTHING


def support(effect: Effect) -> str:
    """What an estimate rests on: its interval, n and how many runs are censored."""
    parts = (
        interval(effect.ci95) if effect.ci95 else "",
        f"n = {effect.n}" if effect.n else "",
        f"{effect.censored} censored" if effect.censored else "",
    )
    return ", ".join(filter(None, parts))
