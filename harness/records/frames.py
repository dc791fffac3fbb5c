"""Records as pandas frames: one row per record, or per point of a curve. Imports pandas: import it late.

docs/export.md describes every column.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from harness.records.keys import spelled
from harness.records.record import Record


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """One row per record, in order, indexed by key: its trial, where it ran, status, cost and metrics."""
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
    """One row per point of a record's curve: the record's key and seed, then the curve's columns."""
    rows = (
        {"key": record.key, "seed": record.trial.get("seed"), **point}
        for record in records
        for point in record.curve
    )
    return pd.DataFrame(list(rows))
