"""Where a trial runs, as far as it can change the result."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conditions:
    """Where a trial runs, as far as it can change the result."""

    device: str  # "cpu" or "cuda"
    torch: str
    data: str  # fingerprint of the data set; names the stand-in where it is one
