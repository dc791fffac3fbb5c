"""Checkpoints: the whole state of a training run in one file, replaced atomically."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from harness.records.files import whole


def save(path: Path, state: dict[str, Any]) -> None:
    """Writes `state` atomically."""
    with whole(path) as beside:
        torch.save(state, beside)


def load(path: Path) -> dict[str, Any] | None:
    """The state in `path`, on the CPU; None if it is missing or cannot be read."""
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a damaged checkpoint costs time, never a result: the trial starts over
        return None
    return state
