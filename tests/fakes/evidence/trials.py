"""Trials small enough to be run in a test, and made-up records that answer for trials. Needs no torch."""

from __future__ import annotations

from harness.models.cifar10 import bare, nineteen
from harness.testing.records import GRATINGS, STAND_IN, record_for
from harness.training.settings import ToTarget

__all__ = ["GRATINGS", "STAND_IN", "record_for", "small"]


def small(rate: float = 0.004, max_epochs: int = 2, **changes: object) -> ToTarget:
    """Settings of a trial that takes a second or two."""
    chosen: dict[str, object] = {"images": 512, "sample": 256, "target": 0.1, "watch_from": 0.9, **changes}
    network = chosen.pop("network", bare(nineteen()))
    return ToTarget(network, rate, max_epochs, **chosen)  # type: ignore[arg-type]
