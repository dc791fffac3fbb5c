"""Settings of the training programs, as data. Needs no torch: plans and reports are made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.contract.device import DeviceKind
from harness.models.description import Network


@dataclass(frozen=True)
class ToTarget:
    """Trains at a constant rate until a training error is reached, or for `max_epochs` (§3.1, Figure 1)."""

    implementation: ClassVar[str] = "harness.training.to_target:run"
    exclusive: ClassVar[bool] = False
    device: ClassVar[DeviceKind | None] = None
    network: Network
    rate: float
    max_epochs: int
    dataset: str = "cifar10"
    images: int = 50_000
    crop: int | None = None  # side of a centre crop
    bias_rate_factor: float = 2.0
    momentum: float = 0.9
    batch_size: int = 128
    target: float = 0.25
    watch_from: float = 0.35  # running error at which looking starts
    sample: int = 10_000
    looks_per_epoch: int = 4

    @property
    def summary(self) -> str:
        """`rate 0.004, 40 epochs`."""
        return f"rate {self.rate:g}, {self.max_epochs} epochs"

    def most_images(self, training_set: int) -> int:
        """The most images that a trial may train on; an upper bound on its cost."""
        return self.images * self.max_epochs

    def most_evaluated(self, test_set: int) -> int:
        """Its looks at the sample, in every epoch: they begin only near the target."""
        return self.sample * self.looks_per_epoch * self.max_epochs
