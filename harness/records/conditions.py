"""Where a trial runs and on what data, as far as they can change the result: both are part of its key."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from harness.contract.device import Device, DeviceKind
from harness.contract.numerics import NUMERICS, Numerics
from harness.contract.trial import Precision


class Form(StrEnum):
    """How a data set is stored on disk."""

    FILES = "files"  # as its authors distribute it
    PACK = "pack"  # decoded once, see `data prepare`
    STAND_IN = "stand-in"  # procedural images, if the data set is missing


@dataclass(frozen=True)
class DataIdentity:
    """Which images: the data set, its form, and a digest of its content.

    `decoder` names the library that decodes photographs during training and so determines their pixels.
    """

    dataset: str
    form: Form
    digest: str
    decoder: str = ""

    def of(self, dataset: str) -> bool:
        """Whether these are the images that a protocol means by `dataset`, or their stand-in."""
        return self.dataset == dataset

    @property
    def stand_in(self) -> bool:
        """Whether results on these images say nothing about the data set."""
        return self.form is Form.STAND_IN

    def __str__(self) -> str:
        return f"{self.dataset} ({self.form}, {self.digest[:12]})"


@dataclass(frozen=True)
class Conditions:
    """What an experiment runs under; none of it may differ between compared runs."""

    device: DeviceKind
    torch: str  # version
    data: DataIdentity | None = None  # None: none is needed
    precision: Precision = Precision.FP32
    devices: int = 1  # that train one network together: several round differently from one
    numerics: Numerics = NUMERICS

    def suit(self, dataset: str | None) -> bool:
        """Whether a protocol on `dataset` (None: on none) can have been run under these conditions."""
        return self.data is None if dataset is None else self.data is not None and self.data.of(dataset)

    def on(self, device: Device) -> bool:
        """Whether they are those of trials on `device`, or on any other of its kind."""
        return (self.device, self.devices) == (device.kind, device.count)

    @property
    def columns(self) -> dict[str, Any]:
        """Each of them under the name that it has in tables, comparisons and exports."""
        return {
            "device": self.device,
            "devices": self.devices,
            "torch": self.torch,
            "precision": self.precision,
            "data": str(self.data or "none"),
            "decoder": self.data.decoder if self.data else "",
            **asdict(self.numerics),
        }
