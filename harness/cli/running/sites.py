"""Where a call of `run` runs its trials: on this machine, or on a Ray cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Protocol as Interface

from harness.cli.options import EngineOption
from harness.cli.running import choices
from harness.contract.device import Device
from harness.contract.errors import BadValue, EngineError

if TYPE_CHECKING:
    from harness.engines.engine import Engine


class Site(Interface):
    """What `run` asks of the place where trials run."""

    @property
    def here(self) -> bool:
        """Whether trials run on this machine, and so at its speed."""

    def device(self, asked: str, gpus: int) -> Device:
        """The requested device or, for `auto`, the one found."""

    def workers(self, asked: int | None, device: Device) -> int:
        """How many trials run in parallel."""

    def gpus(self, device: Device) -> int | None:
        """The most GPUs in one machine; None: those of this machine."""

    def under_way(self, asked: int | None, workers: int) -> float:
        """How many trials the engine may hold at a time."""

    def engine(self, device: Device, workers: int, results: Path) -> Engine:
        """What runs the trials."""


@dataclass(frozen=True)
class ThisMachine:
    """The cores and GPUs at hand."""

    here = True

    def device(self, asked: str, gpus: int) -> Device:
        """The device requested, or found, on this machine."""
        return choices.choose_device(asked, gpus)

    def workers(self, asked: int | None, device: Device) -> int:
        """The number requested, else as many as the device takes."""
        return choices.choose_workers(asked, device)

    def gpus(self, device: Device) -> None:
        """Those at hand."""

    def under_way(self, asked: int | None, workers: int) -> float:
        """As many as there are workers: other drivers of the store may run the rest elsewhere."""
        return workers

    def engine(self, device: Device, workers: int, results: Path) -> Engine:
        """Worker processes."""
        from harness.engines.local import LocalEngine

        return LocalEngine(device, workers, results)


HERE = ThisMachine()


@dataclass(frozen=True)
class RayCluster:
    """A running Ray cluster; `device` connects to it."""

    address: str
    storage: Path | None
    here = False

    def device(self, asked: str, gpus: int) -> Device:
        """The requested device or, for `auto`, a GPU if the cluster has any."""
        from harness.engines.cluster import connection, nodes

        connection.connect(self.address)
        found = Device.parse(nodes.best_kind() if asked == "auto" else asked)
        if found.index is not None:
            raise BadValue(f"--device {asked} names one GPU, but Ray assigns GPUs: use --device cuda")
        if gpus < 1:
            raise BadValue(f"--gpus {gpus} must be at least 1")
        return replace(found, count=gpus)

    def workers(self, asked: int | None, device: Device) -> int:
        """The number requested, else as many as fit on the nodes; EngineError if none fit."""
        from harness.engines.cluster import nodes

        if asked is not None and asked < 1:
            raise BadValue(f"--workers {asked} must be at least 1")
        room = sum(node.room(device) for node in nodes.alive())
        if not room:
            raise EngineError(f"no node of the cluster has room for a trial on {device}: see 'ray status'")
        return asked or room

    def gpus(self, device: Device) -> int:
        """Those of the node with most, on which a trial with several would run."""
        from harness.engines.cluster import nodes

        return max((node.gpus for node in nodes.alive()), default=0) if device.cuda else 0

    def under_way(self, asked: int | None, workers: int) -> float:
        """The number requested; without one, all, so that the cluster sees how far to grow."""
        return asked or math.inf

    def engine(self, device: Device, workers: int, results: Path) -> Engine:
        """Tasks on the cluster's nodes."""
        from harness.engines.ray import RayEngine

        return RayEngine(device, self.storage or results)


def chosen_site(engine: EngineOption, address: str | None, storage: Path | None) -> Site:
    """The place that the options choose; BadValue for options of the other engine."""
    if engine is EngineOption.RAY:
        if util.find_spec("ray") is None:
            raise EngineError(
                "--engine ray needs Ray: install it with 'pip install \".[cluster]\"' in the checkout"
            )
        return RayCluster(address or "auto", storage)
    if address is not None or storage is not None:
        named = f"--address {address}" if address is not None else f"--storage {storage}"
        raise BadValue(f"{named} is for a cluster: give --engine ray too, or leave it out")
    return HERE
