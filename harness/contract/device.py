"""Devices: the kind that enters a key, and the one that torch is to use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from harness.contract.errors import BadValue


class DeviceKind(StrEnum):
    """What does the arithmetic."""

    CPU = "cpu"
    CUDA = "cuda"


@dataclass(frozen=True)
class Device:
    """Where trials run: on a kind of device, on a certain one of them, or one trial on several (`count`)."""

    kind: DeviceKind
    index: int | None = None
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Device:
        """`cpu`, `cuda` or `cuda:<number>`; BadValue for anything else."""
        found = re.fullmatch(r"(cpu|cuda)|cuda:(\d{1,3})", text, re.ASCII)
        if found is None:
            raise BadValue(f"--device {text} is none of auto, cpu, cuda, cuda:<number>")
        return cls(DeviceKind.CUDA if found[2] else DeviceKind(found[1]), int(found[2]) if found[2] else None)

    @property
    def torch(self) -> str:
        """The name by which torch knows it."""
        return f"{self.kind}" if self.index is None else f"{self.kind}:{self.index}"

    @property
    def cuda(self) -> bool:
        """Whether it is a GPU."""
        return self.kind is DeviceKind.CUDA

    def __str__(self) -> str:
        return self.torch if self.count == 1 else f"{self.count} × {self.torch}"


CPU = Device(DeviceKind.CPU)
CUDA = Device(DeviceKind.CUDA)
