"""What a trial left behind, and its form on disk: JSON with a format number and its own digest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from harness.contract.device import DeviceKind
from harness.contract.trial import Precision, Status
from harness.contract.visible import visible, visible_json
from harness.records import shape
from harness.records.conditions import Conditions
from harness.records.provenance import Provenance
from harness.records.shape import Stored

# 1 had no number, and strings for devices and data; 2 had a digest of its values, not of its text.
FORMAT = 3
VALUES = 2
LONGEST = 300  # characters of a message about a text
HEAD = re.compile(rb'\s*\{\s*"digest": "([0-9a-f]+)",')


class Unreadable(ValueError):
    """A text that is not a whole record."""


class OtherFormat(ValueError):
    """A record written by another version of this program."""


@dataclass(frozen=True)
class Record:
    """What a trial left behind; `details` are JSON values for tables and figures, never used in effects."""

    key: str
    lineage: str
    trial: Mapping[str, Any]
    conditions: Conditions
    code: str
    status: Status
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    curve: tuple[Mapping[str, float | None], ...] = field(default_factory=tuple)
    cost: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    started: str = ""
    finished: str = ""
    error: str = ""

    if not TYPE_CHECKING:  # type checkers see only the declared fields

        def __getattr__(self, name: str) -> Any:
            """Decodes the curve and details of a record read from disk on first use."""
            raw = self.__dict__.get(LATER, {}).get(name)
            if raw is None:
                raise AttributeError(name)
            value = msgspec.json.decode(raw() if callable(raw) else raw)
            self.__dict__[name] = tuple(value) if isinstance(value, list) else value
            return self.__dict__[name]

    @property
    def precision(self) -> Precision:
        """The trial's precision."""
        return Precision(self.trial.get("precision", Precision.FP32))

    @property
    def processor(self) -> Any:
        """What did the arithmetic, by its name: the GPU, else the CPU; None if that is not known."""
        return self.environment.get("gpu" if self.conditions.device is DeviceKind.CUDA else "cpu")

    @property
    def odd(self) -> str:
        """The name of the first non-finite number in metrics and curve; a record read from disk has none."""
        if LATER in self.__dict__:
            return ""
        rows = {"metrics": self.metrics, **{f"curve row {i}": row for i, row in enumerate(self.curve)}}
        named = ((f"{name} in {where}", value) for where, row in rows.items() for name, value in row.items())
        return next((name for name, value in named if value is not None and not math.isfinite(value)), "")

    @property
    def made_by(self) -> str:
        """The commit that made it, marked if the tree differed; without git, the source hash."""
        made_on = self.environment
        return str(Provenance(made_on.get("commit"), made_on.get("dirty"), str(made_on.get("source", ""))))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The trial's settings as JSON values."""
        found: Mapping[str, Any] = self.trial.get("settings") or {}
        return found


FIELDS = tuple(field.name for field in dataclasses.fields(Record))
LATER = "later"  # where a record read from disk keeps the text of undecoded fields, or how to get it


class _Head(msgspec.Struct):
    format: Any = 1  # that of records before formats had numbers
    digest: Any = None


def encode(record: Record) -> str:
    """A record as JSON text with its format and, at the start, the digest of the text that follows."""
    rest = json.dumps({"format": FORMAT, **dataclasses.asdict(record)}, indent=1, allow_nan=False)[1:]
    return f'{{\n "digest": "{_digest(rest.encode())}",{rest}'


def without_curve(record: Record) -> dict[str, Any]:
    """The fields of a record read from disk, for msgspec to encode; `details` may still be text."""
    fields = record.__dict__
    return {
        name: fields[name] if name in fields else fields[LATER][name] for name in FIELDS if name != "curve"
    }


def decode(text: str | bytes) -> Record:
    """The record in a text of `encode`; fields that a later version added to this format are ignored.

    OtherFormat for another format, Unreadable if the text is damaged or has another shape.
    """
    data = text.encode() if isinstance(text, str) else text
    try:
        return _decoded(data)
    except (OtherFormat, Unreadable):
        raise
    except msgspec.ValidationError as error:
        raise Unreadable(visible(str(error))[:LONGEST]) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Unreadable("it is cut short or is not JSON") from None


def _decoded(data: bytes) -> Record:
    shown = visible_json(data)
    try:
        stored = msgspec.json.decode(shown, type=Stored)
    except msgspec.ValidationError:
        _check(data, msgspec.json.decode(shown, type=_Head))  # another version's shape is not damage,
        raise  # and damage is not another shape
    _check(data, stored)
    shape.check(stored)
    return from_stored(stored)


def _check(data: bytes, found: _Head | Stored) -> None:
    _check_format(found.format)
    if found.digest != _found_digest(data, found.format):
        raise Unreadable("its digest does not match its content")


def from_stored(stored: Stored, curve: Callable[[], msgspec.Raw] | None = None) -> Record:
    """The record; its curve, which may have to be read first, and details are decoded on first use."""
    record = object.__new__(Record)
    fields = {name: getattr(stored, name) for name in FIELDS}
    later = {name: fields.pop(name) for name in ("curve", "details")}
    fields["trial"] = shape.trial(stored.trial)
    fields["conditions"] = shape.conditions(bytes(stored.conditions))
    fields["environment"] = shape.environment(bytes(stored.environment))
    record.__dict__.update(fields, **{LATER: later | ({"curve": curve} if curve else {})})
    return record


def _check_format(found: object) -> None:
    if found in (FORMAT, VALUES):
        return
    if not isinstance(found, int):
        raise Unreadable("its format is not a number")
    known = f"this one reads formats {VALUES} and {FORMAT}"
    if found > FORMAT:
        newer = f"a newer version of this program wrote it (format {str(found)[:9]}; {known})"
        raise OtherFormat(f"{newer}; update this program")
    raise OtherFormat(f"an older version of this program wrote it ({known}); use that version")


def _found_digest(data: bytes, format_: int) -> str:
    """What the digest should be; for an older record it takes fifty times as long to compute."""
    if format_ == VALUES:
        content = {name: value for name, value in msgspec.json.decode(data).items() if name != "digest"}
        return _digest(json.dumps(content, sort_keys=True).encode())
    head = HEAD.match(data)
    return _digest(data[head.end() :]) if head else ""


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
