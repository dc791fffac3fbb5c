"""Keys of trials: a hash of everything that determines a trial's result, and of nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.contract.device import DeviceKind
from harness.contract.once import once
from harness.contract.trial import LABEL, Trial
from harness.records.code_version import CHECKOUT, counts, version_of
from harness.records.conditions import Conditions

if TYPE_CHECKING:
    from harness.records.record import Record


def plain(value: Any) -> Any:
    """`value` as JSON values without labels; a dataclass keeps its class name, so that kinds differ."""
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
    """`value` as canonical JSON: sorted keys, no spaces, and no NaN.

    Equals `spelled(plain(value))`, without serialising the same settings again for every seed.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return spelled(value)
    if isinstance(value, Trial):  # composed of its settings' text, which is remembered once for all seeds
        return _object(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _whole(value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(canonical, value))}]"
    return spelled(plain(value))


def spelled(value: Any) -> str:
    """JSON values in canonical form."""
    simple = _SIMPLE.get(type(value))
    return simple(value) if simple else _ENCODER.encode(value)


def spelled_trial(trial: Mapping[str, Any]) -> str:
    """A record's trial, serialised as `canonical` does the trial itself; records share their settings."""
    return f"{{{','.join(f'{spelled(name)}:{_part(trial[name])}' for name in sorted(trial))}}}"


def _part(value: Any) -> str:
    return _spelled_once(value) if isinstance(value, dict) else spelled(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
# What the encoder writes for single values, without creating one of its iterators for each.
_SIMPLE: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    int: int.__repr__,
    float: lambda value: float.__repr__(value) if math.isfinite(value) else _ENCODER.encode(value),
    str: json.encoder.encode_basestring_ascii,
}


def _object(value: Any) -> str:
    """A dataclass in canonical form."""
    return f"{{{','.join([_field(value, name) for name in _names(type(value))])}}}"


def _field(value: Any, name: str) -> str:
    if name == "is":
        return f'"is":"{type(value).__name__}"'
    return f'"{name}":{canonical(getattr(value, name))}'


@once
def _names(kind: type) -> tuple[str, ...]:
    """The serialised fields of a dataclass, in order."""
    return tuple(sorted(["is", *(f.name for f in dataclasses.fields(kind) if f.metadata != LABEL)]))


_spelled_once = once(spelled)


@once
def _whole(value: Any) -> str:
    return _object(value)


# Modules that never run on a CPU: changes for GPUs leave the records of CPUs valid.
ON_A_GPU = frozenset({"harness.models.layers.lrn_triton", "harness.training.graphed"})


def code_version(trial: Trial, device: DeviceKind) -> str:
    """Hash of the definitions that can change this trial's result on such a device."""
    without = ON_A_GPU if device is DeviceKind.CPU else frozenset[str]()
    return version_of(entries(trial), without=without)


def entries(trial: Trial) -> frozenset[str]:
    """The entry points of the trial's code: the classes in its settings, and the functions these name."""
    return _begun(trial.settings)


@once
def _begun(settings: Any) -> frozenset[str]:
    return _entered(settings) | {"harness.contract.numerics:apply"}


@once
def _entered(settings: Any) -> frozenset[str]:
    return frozenset(e for e in entered(settings) if counts(e.partition(":")[0], CHECKOUT.others))


def entered(value: Any) -> Iterator[str]:
    """The classes in settings and the functions these name, whether or not their code counts."""
    if isinstance(value, Trial):  # one this trial builds on: what changes its network changes this result
        yield from _entered(value.settings)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from _of_object(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from entered(item)


@once
def _of_object(value: Any) -> frozenset[str]:
    """The class of a dataclass and those within it, found only once for all settings that hold it."""
    named = (f"{type(value).__module__}:{type(value).__qualname__}", getattr(value, "implementation", ""))
    below = (entered(getattr(value, field.name)) for field in dataclasses.fields(value))
    return frozenset(filter(None, named)).union(*below)


def key_of(trial: Trial, conditions: Conditions) -> str:
    """The trial's key: 24 hexadecimal digits."""
    return _digest(canonical(trial), canonical(conditions), code_version(trial, conditions.device))


def holds(record: Record) -> bool:
    """Whether a record's key matches its trial, conditions and code in the current canonical form."""
    parts = spelled_trial(record.trial), canonical(record.conditions), record.code
    return record.key == _digest(*parts)


def lineage_of(trial: Trial, conditions: Conditions) -> str:
    """Key of the trial without its budget: shared by trials that differ only in how long they may train."""
    described = plain(trial)
    described["settings"].pop("max_epochs", None)
    return _digest(canonical(described), canonical(conditions), code_version(trial, conditions.device))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
