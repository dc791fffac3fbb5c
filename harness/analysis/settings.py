"""Settings of the measurements of trained networks. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.contract.device import DeviceKind
from harness.contract.trial import Trial
from harness.training.scheduled.recipe import Scheduled


class OfTrained:
    """What the settings of all measurements of trained networks share: they train nothing."""

    exclusive: ClassVar[bool] = False
    device: ClassVar[DeviceKind | None] = None
    network: ClassVar[None] = None
    summary: ClassVar[str] = ""

    def most_images(self, training_set: int) -> int:
        """0: a measurement takes seconds."""
        return 0

    def most_evaluated(self, test_set: int) -> int:
        """0, for the same reason."""
        return 0


@dataclass(frozen=True)
class Kernels(OfTrained):
    """Chroma of conv1's kernels by column, against random splits of the same kernels (§6.1, Figure 3)."""

    implementation: ClassVar[str] = "harness.analysis.kernels:run"
    of: Trial[Scheduled]
    splits: int = 10_000

    @property
    def dataset(self) -> str:
        """What the network was trained on."""
        return self.of.settings.dataset


@dataclass(frozen=True)
class Neighbours(OfTrained):
    """Classes of the nearest training images, by the last hidden layer and by pixels (§6.1, Figure 4)."""

    implementation: ClassVar[str] = "harness.analysis.neighbours:run"
    of: Trial[Scheduled]
    queries: int = 1_000
    nearest: int = 6
    shown: int = 5  # queries in the picture

    @property
    def dataset(self) -> str:
        """What the network was trained on."""
        return self.of.settings.dataset


@dataclass(frozen=True)
class Ensemble(OfTrained):
    """The average of several networks' predictions (§6, Table 2)."""

    implementation: ClassVar[str] = "harness.analysis.ensemble:run"
    of: tuple[Trial[Scheduled], ...]

    @property
    def dataset(self) -> str:
        """What the networks were trained on."""
        return self.of[0].settings.dataset
