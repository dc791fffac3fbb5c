"""Keys of trials: a hash of all that determines a trial's result, and of nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness.contract.device import DeviceKind
from harness.contract.trial import LABEL, Trial
from harness.records.code_version import counts, version_of
from harness.records.conditions import Conditions


def plain(value: Any) -> Any:
    """`value` as JSON values, labels left out; a dataclass keeps its class name, so that kinds differ."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        counted = (f.name for f in dataclasses.fields(value) if f.metadata != LABEL)
        return {"is": type(value).__name__, **{name: plain(getattr(value, name)) for name in counted}}
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


# Modules that nothing on a CPU runs: what is changed for a GPU leaves the records of CPUs standing.
ON_A_GPU = frozenset({"harness.models.layers.lrn_triton", "harness.training.graphed"})


def code_version(trial: Trial, device: DeviceKind) -> str:
    """Hash of the definitions that can change this trial's result on such a device."""
    without = ON_A_GPU if device is DeviceKind.CPU else frozenset[str]()
    return version_of(entries(trial), without=without)


def entries(trial: Trial) -> frozenset[str]:
    """Where the trial's code begins: the classes in its settings, and the functions that these name."""
    found = {*_entries(trial.settings), "harness.contract.numerics:apply"}
    return frozenset(entry for entry in found if counts(entry.partition(":")[0]))


def _entries(value: Any) -> Iterator[str]:
    if isinstance(value, Trial):  # one that this one rests on: what changes its network changes this result
        yield from _entries(value.settings)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield f"{type(value).__module__}:{type(value).__qualname__}"
        if implementation := getattr(value, "implementation", ""):
            yield implementation
        for field in dataclasses.fields(value):
            yield from _entries(getattr(value, field.name))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _entries(item)


def key_of(trial: Trial, conditions: Conditions) -> str:
    """The trial's key: 24 hexadecimal digits."""
    return _digest(canonical(trial), canonical(conditions), code_version(trial, conditions.device))


def lineage_of(trial: Trial, conditions: Conditions) -> str:
    """Key of the trial with its budget left out: trials that differ only in how long they may go on."""
    described = plain(trial)
    described["settings"].pop("max_epochs", None)
    return _digest(canonical(described), canonical(conditions), code_version(trial, conditions.device))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
