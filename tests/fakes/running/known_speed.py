"""A results folder that knows this machine's speed, so commands that estimate costs measure nothing."""

from __future__ import annotations

from pathlib import Path

from harness.contract.device import CPU
from harness.contract.trial import Precision
from harness.forecast import kept_speeds


def keep(results: Path) -> None:
    """Keeps a made-up speed of the processor in every precision."""
    kept_speeds.keep(results, CPU, dict.fromkeys(Precision, 1e9))
