"""Settings that answer everything and need nothing: a base for the tests' own."""

from __future__ import annotations

from typing import ClassVar

from harness.contract.device import DeviceKind


class Idle:
    """Settings of a trial that trains nothing and reads no data."""

    implementation: ClassVar[str] = "tests.fakes.running.settings:nothing"
    exclusive: ClassVar[bool] = False
    device: ClassVar[DeviceKind | None] = None
    dataset: ClassVar[str | None] = None
    network: ClassVar[None] = None
    summary: ClassVar[str] = ""

    def most_images(self, training_set: int) -> int:
        return 0

    def most_evaluated(self, test_set: int) -> int:
        return 0
