"""How the report writes numbers, intervals and identifiers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence

from harness.contract.effect import Effect, Interval
from harness.paper.claims import Claim, Metric

NOTHING = "–"
UNREACHED = "not reached"
FIGURE = re.compile(r"[<≥]? ?\[?−?[\d.,∞]+(e-?\d+)?([ –%×,\]].*)?$")


def number(value: float) -> str:
    """Four significant digits; whole numbers in full, with thousands separated."""
    if math.isnan(value):
        return "NaN"
    if value < 0:
        return f"−{number(-value)}"
    if math.isinf(value):
        return "∞"
    if value >= 1e4 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}".replace("e-0", "e-")


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


def span(interval: Interval | None) -> str:
    """An interval in square brackets."""
    return f"[{number(interval.low)}, {number(interval.high)}]" if interval else NOTHING


def quantity(value: float, unit: str) -> str:
    """A number with its unit; a ratio's `x` as the sign that it stands for."""
    return f"{number(value)}{'×' if unit == 'x' else f' {unit}' if unit else ''}"


def duration(seconds: float) -> str:
    """Seconds in the unit a person would use."""
    for size, unit in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def opened(line: str) -> str:
    """The line with a capital at its head, unless it begins with a name such as bf16."""
    first = line.partition(" ")[0].rstrip(".,:;").replace("-", "")
    return line[:1].upper() + line[1:] if first.isalpha() and first.islower() else line


def numeric(cells: Sequence[str]) -> bool:
    """Whether a column holds figures, and so is set flush right."""
    return all(FIGURE.match(c) for c in cells if c not in (NOTHING, "NaN") and not c.startswith(UNREACHED))


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


def alarming(cell: str) -> bool:
    """Whether a reader should stop at the cell."""
    return cell in ("failed", "diverged", "no record", "NaN") or cell.startswith(UNREACHED)


def metric_of(claim: Claim, effect: Effect) -> Metric | None:
    """What the claim declares of the effect's metric."""
    return next((m for m in claim.metrics if m.name == effect.metric), None)


def p_value(p: float) -> str:
    """A p-value, never rounded to nought."""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"
