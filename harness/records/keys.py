"""Trials, records and keys. A key hashes all that determines a trial's result, and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from harness.contract.trial import Trial
from harness.records.conditions import Conditions
from harness.records.meaning import meaning_of


def plain(value: Any) -> Any:
    """`value` as JSON values; a dataclass keeps its class name, so that equal fields of two kinds differ."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"is": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"a trial cannot hold {value!r} of type {type(value).__name__}")


def canonical(value: Any) -> str:
    """`value` as JSON with one spelling: sorted keys, no spaces, and no NaN."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def implementations(value: Any) -> set[str]:
    """Names of the modules that `value`'s parts say they are implemented by (`implementation`)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = {value.implementation} if hasattr(value, "implementation") else set()
        return own.union(*(implementations(getattr(value, f.name)) for f in dataclasses.fields(value)))
    if isinstance(value, (list, tuple)):
        return set().union(*map(implementations, value))
    return set()


def trial_meaning(trial: Trial) -> str:
    """Hash of the meaning of all code that can change this trial's result."""
    return meaning_of(frozenset(implementations(trial.settings)))


def key_of(trial: Trial, conditions: Conditions) -> str:
    """The trial's key: 24 hexadecimal digits."""
    return _digest(canonical(trial), canonical(conditions), trial_meaning(trial))


def lineage_of(trial: Trial, conditions: Conditions) -> str:
    """Key of the trial with its budget left out: trials that differ only in how long they may go on."""
    described = plain(trial)
    described["settings"].pop("max_epochs", None)
    return _digest(canonical(described), canonical(conditions), trial_meaning(trial))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
