"""Devices: the kind, which enters keys, and the specific device that torch uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from harness.contract.errors import BadValue


class DeviceKind(StrEnum):
    """The kind of hardware that does the arithmetic."""

    CPU = "cpu"
    CUDA = "cuda"


@dataclass(frozen=True)
class Device:
    """Where trials run: any device of a kind, a certain one (`index`), or several for one trial (`count`)."""

    kind: DeviceKind
    index: int | None = None
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Device:
        """The device named `cpu`, `cuda` or `cuda:<number>`; BadValue for anything else."""
        found = re.fullmatch(r"(cpu|cuda)|cuda:(\d{1,3})", text, re.ASCII)
        if found is None:
            raise BadValue(f"--device {text} is not one of auto, cpu, cuda, cuda:<number>")
        return cls(DeviceKind.CUDA if found[2] else DeviceKind(found[1]), int(found[2]) if found[2] else None)

    @property
    def torch(self) -> str:
        """Its name in torch."""
        return f"{self.kind}" if self.index is None else f"{self.kind}:{self.index}"

    @property
    def cuda(self) -> bool:
        """Whether it is a GPU."""
        return self.kind is DeviceKind.CUDA

    def __str__(self) -> str:
        return self.torch if self.count == 1 else f"{self.count} × {self.torch}"


CPU = Device(DeviceKind.CPU)
CUDA = Device(DeviceKind.CUDA)
