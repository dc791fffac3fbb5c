"""The measuring machine: one line about it, and how busy other programs kept it."""

from __future__ import annotations

import platform
import resource
import time
from contextlib import suppress
from pathlib import Path

from harness.contract.device import Device
from harness.records import environment


def hardware(device: Device) -> str:
    """GPU, CPU and versions."""
    cores = f"{environment.cpu_name()}, {environment.cores()} cores"
    where = f"{environment.gpu_name(device.index or 0)}; {cores}" if device.cuda else cores
    return f"{where}; torch {environment.torch_version()}, Python {platform.python_version()}"


class Others:
    """The cores kept busy, from now on, by programs other than this one and its processes."""

    def __init__(self) -> None:
        """Starts the clocks."""
        self.start, self.busy, self.own = time.monotonic(), _busy(), _own()

    def cores(self) -> float | None:
        """The average until now; None if unknown to the system. Own processes count once they have ended."""
        busy = _busy()
        if busy is None or self.busy is None:
            return None
        return max(0.0, busy - self.busy - (_own() - self.own)) / (time.monotonic() - self.start)


def _busy() -> float | None:
    """Total busy seconds of all cores since the machine started."""
    with suppress(OSError, ValueError):
        words = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()
        ticks = [int(word) for word in words[1:9]]  # user to steal; these include the guests'
        return (sum(ticks) - ticks[3] - ticks[4]) / 100  # idle, and waiting for a disk
    return None


def _own() -> float:
    """CPU seconds of this process and of its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
