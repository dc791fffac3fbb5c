"""Settings of the measurements of trained networks. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.contract.trial import Trial


@dataclass(frozen=True)
class Kernels:
    """Chroma of conv1's kernels by column, against random splits of the same kernels (§6.1, Figure 3)."""

    implementation: ClassVar[str] = "harness.analysis.kernels"
    of: Trial
    splits: int = 10_000

    @property
    def dataset(self) -> str:
        """What the network was trained on."""
        return str(self.of.settings.dataset)


@dataclass(frozen=True)
class Neighbours:
    """Classes of the nearest training images, by the last hidden layer and by pixels (§6.1, Figure 4)."""

    implementation: ClassVar[str] = "harness.analysis.neighbours"
    of: Trial
    queries: int = 1_000
    nearest: int = 6
    shown: int = 5

    @property
    def dataset(self) -> str:
        """What the network was trained on."""
        return str(self.of.settings.dataset)


@dataclass(frozen=True)
class Ensemble:
    """The average of several networks' predictions (§6, Table 2)."""

    implementation: ClassVar[str] = "harness.analysis.ensemble"
    of: tuple[Trial, ...]

    @property
    def dataset(self) -> str:
        """What the networks were trained on."""
        return str(self.of[0].settings.dataset)
