"""How a report writes cells, effects and identifiers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from harness.contract.effect import Effect
from harness.contract.formatting import NOTHING, number, quantity, span

UNREACHED = "not reached"
FIGURE = re.compile(r"[<>≥]? ?\[?−?[\d.,∞]+(e-?\d+)?([ –%×,\]].*)?$")


def text(value: object) -> str:
    """Any cell as text."""
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
    """The line with a capital at its head, unless it begins with a name such as bf16."""
    first = line.partition(" ")[0].rstrip(".,:;").replace("-", "")
    return line[:1].upper() + line[1:] if first.isalpha() and first.islower() else line


def numeric(cells: Sequence[str]) -> bool:
    """Whether a column holds figures, and so is set flush right."""
    return all(FIGURE.match(c) for c in cells if c not in (NOTHING, "NaN") and not c.startswith(UNREACHED))


def alarming(cell: str) -> bool:
    """Whether a reader should stop at the cell."""
    return cell in ("failed", "diverged", "no record", "NaN") or cell.startswith(UNREACHED)


def estimate(effect: Effect) -> str:
    """An effect's estimate, or what censoring leaves of it."""
    if effect.estimate is not None:
        return quantity(effect.estimate, effect.unit)
    if effect.lower_bound is not None:
        return f"≥ {quantity(effect.lower_bound, effect.unit)}"
    return NOTHING


def support(effect: Effect) -> str:
    """What an estimate rests on: its interval, n and how many runs are censored."""
    parts = [span(effect.ci95)] * bool(effect.ci95) + [f"n = {effect.n}"] * bool(effect.n)
    return ", ".join(parts + [f"{effect.censored} censored"] * bool(effect.censored))
