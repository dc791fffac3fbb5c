"""What a trial left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.contract.trial import Status


@dataclass(frozen=True)
class Record:
    """What a trial left behind; `details` are JSON values for tables and figures, and enter no effect."""

    key: str
    lineage: str
    trial: Mapping[str, Any]
    conditions: Mapping[str, str]
    meaning: str
    status: Status
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    curve: tuple[Mapping[str, float | None], ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    started: str = ""
    finished: str = ""
    error: str = ""
