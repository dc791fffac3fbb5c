"""What a trial left behind, and its form on the disk: JSON with a format number and its own digest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from harness.contract.trial import Precision, Status
from harness.records.conditions import Conditions
from harness.records.provenance import Provenance

FORMAT = 2  # 1 had no number, and texts in the place of devices and data


class Unreadable(ValueError):
    """A text that is no whole record."""


class OtherFormat(ValueError):
    """A record that another version of this program wrote."""


@dataclass(frozen=True)
class Record:
    """What a trial left behind; `details` are JSON values for tables and figures, and enter no effect."""

    key: str
    lineage: str
    trial: Mapping[str, Any]
    conditions: Conditions
    code: str
    status: Status
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    curve: tuple[Mapping[str, float | None], ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    started: str = ""
    finished: str = ""
    error: str = ""

    @property
    def precision(self) -> Precision:
        """The trial's precision."""
        return Precision(self.trial.get("precision", Precision.FP32))

    @property
    def made_by(self) -> str:
        """The commit that made it, marked where the tree differed; without git the hash of the source."""
        made_on = self.environment
        return str(Provenance(made_on.get("commit"), made_on.get("dirty"), str(made_on.get("source", ""))))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The trial's settings as JSON values."""
        found: Mapping[str, Any] = self.trial.get("settings") or {}
        return found


def encode(record: Record) -> str:
    """A record as JSON text that carries its format and the digest of its own content."""
    content = {"format": FORMAT, **dataclasses.asdict(record)}
    return json.dumps({"digest": _digest(content), **content}, indent=1, allow_nan=False)


def decode(text: str | bytes) -> Record:
    """The record in a text of `encode`; what a later version added to this format is passed over.

    OtherFormat where the format is another, Unreadable where the text is damaged or of another shape.
    """
    try:
        content = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("it is cut short or is no JSON") from None
    if not isinstance(content, dict):
        raise Unreadable("it is no JSON object")
    _check_format(content.get("format", 1))
    if content.pop("digest", None) != _digest(content):
        raise Unreadable("its digest does not fit its content")
    try:
        return msgspec.convert(content, Record)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)) from None


def _check_format(found: object) -> None:
    if found == FORMAT:
        return
    if isinstance(found, int) and found > FORMAT:
        raise OtherFormat(f"a newer version of this program wrote it (format {found}, known: {FORMAT})")
    raise OtherFormat(f"an older version of this program wrote it (format {found}, known: {FORMAT})")


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
