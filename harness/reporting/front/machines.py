"""Where a report's records were made: what they share, then a row for each difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from harness.plans.experiment import Table
from harness.records.conditions import Conditions
from harness.records.record import Record
from harness.reporting.wording import text, words

# A network name is private: processor and GPU say which machine it was; the report's head says which code.
HIDDEN = {"hostname", "host", "user", "commit", "dirty", "source"}
NAMES = ("setting", "value")


def machines(records: Sequence[Record], here: Mapping[str, Any]) -> list[Table]:
    """What is the same for all records, their differences, and what differs where the report was made."""
    names, counts = _counted(records)
    if not counts:
        return _made(here, {})
    columns = dict(zip(names, zip(*counts, strict=True), strict=True))
    shared = {name: cells[0] for name, cells in columns.items() if len(set(cells)) == 1}
    differing = {name: cells for name, cells in columns.items() if name not in shared}
    one = counts.total() == 1
    every = Table(
        "The record" if one else f"The same for all {counts.total():,} records", NAMES, tuple(shared.items())
    )
    each = tuple(zip(counts.values(), *differing.values(), strict=True))
    differences = Table("Where they differ", ("records", *differing), each)
    return [every] * bool(shared) + [differences] * bool(differing) + _made(here, shared)


def _counted(records: Sequence[Record]) -> tuple[list[str], Counter[tuple[str, ...]]]:
    """The names of the settings, and how many records have each combination of values."""
    alike: dict[tuple[int, Conditions], list[Record]] = {}  # records from files share environments
    for record in records:
        alike.setdefault((id(record.environment), record.conditions), []).append(record)
    rows = [({**of.environment, **of.conditions.columns}, 1 + len(rest)) for of, *rest in alike.values()]
    names = sorted({name for row, _ in rows for name in row} - HIDDEN)
    counts: Counter[tuple[str, ...]] = Counter()
    for row, count in rows:
        counts[tuple(text(row.get(name)) for name in names)] += count
    return [words(name) for name in names], counts


def _made(here: Mapping[str, Any], shared: Mapping[str, str]) -> list[Table]:
    """Where the report was made, if not where the records were."""
    public = {words(name): text(value) for name, value in here.items() if name not in HIDDEN}
    rows = tuple((name, value) for name, value in public.items() if shared.get(name) != value)
    title = "Where this report was made (differences only)" if shared else "Where this report was made"
    return [Table(title, NAMES, rows)] if rows else []
