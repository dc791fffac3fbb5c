"""Records as pandas frames: a row a record, or a row a point of a curve. Brings pandas: import it late.

docs/export.md describes every column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pandas as pd

from harness.records.conditions import Conditions
from harness.records.keys import spelled
from harness.records.record import Record, described


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """A row a record, by key and in order: what it is of, where it ran, its status, cost and metrics."""
    found = pd.DataFrame([_row(record) for record in records])
    return found.set_index("key") if len(found) else found


def _row(record: Record) -> dict[str, object]:
    held = record.conditions
    return {
        "key": record.key,
        "program": record.settings.get("is"),
        "settings": spelled(record.settings),
        "seed": record.trial.get("seed"),
        "precision": str(record.precision),
        "device": str(held.device),
        "devices": held.devices,
        "cpu": record.environment.get("cpu"),
        "gpu": record.environment.get("gpu"),
        "torch": held.torch,
        "data": str(held.data or "none"),
        "status": str(record.status),
        "error": record.error,
        "started": record.started,
        "finished": record.finished,
        "code": record.code,
        "made_by": record.made_by,
        **{f"cost_{name}": value for name, value in record.cost.items()},
        **record.metrics,
    }


def curves(records: Iterable[Record]) -> pd.DataFrame:
    """A row a point of a record's curve: the record's key and seed, then the curve's columns."""
    rows = (
        {"key": record.key, "seed": record.trial.get("seed"), **point}
        for record in records
        for point in record.curve
    )
    return pd.DataFrame(list(rows))


def environments(records: Iterable[Record], without: Collection[str] = ()) -> pd.DataFrame:
    """A row for each distinct environment with its conditions; the column `records` counts them.

    The names in `without` are left out, as of what is private or beside the point.
    """
    alike: dict[tuple[int, Conditions], list[Record]] = {}  # records that were read share environments
    for record in records:
        alike.setdefault((id(record.environment), record.conditions), []).append(record)
    if not alike:
        return pd.DataFrame()
    several = alike.values()
    rows = [{n: v for n, v in described(first).items() if n not in without} for first, *_ in several]
    found = pd.DataFrame(rows).assign(records=[len(those) for those in several])
    named = [name for name in found.columns if name != "records"]
    return found if len(found) == 1 else found.groupby(named, dropna=False, sort=False).sum().reset_index()
