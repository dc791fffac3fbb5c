"""Where a call of `run` has its trials run: on this machine, or on a Ray cluster."""

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
    """What `run` asks of the place where trials are run."""

    @property
    def here(self) -> bool:
        """Whether trials run on this machine, so that its speed is theirs."""

    def device(self, asked: str, gpus: int) -> Device:
        """The device asked for or, for `auto`, found."""

    def workers(self, asked: int | None, device: Device) -> int:
        """How many trials run at a time."""

    def under_way(self, asked: int | None, workers: int) -> float:
        """How many trials the engine may be given at a time."""

    def engine(self, device: Device, workers: int, results: Path) -> Engine:
        """What runs the trials."""


@dataclass(frozen=True)
class ThisMachine:
    """The cores and GPUs at hand."""

    here = True

    def device(self, asked: str, gpus: int) -> Device:
        """The device asked for or found on this machine."""
        return choices.choose_device(asked, gpus)

    def workers(self, asked: int | None, device: Device) -> int:
        """As many as asked, else as many as the device takes."""
        return choices.choose_workers(asked, device)

    def under_way(self, asked: int | None, workers: int) -> float:
        """As many as workers: the rest may run elsewhere, under other drivers of the store."""
        return workers

    def engine(self, device: Device, workers: int, results: Path) -> Engine:
        """Worker processes."""
        from harness.engines.local import LocalEngine

        return LocalEngine(device, workers, results)


HERE = ThisMachine()


@dataclass(frozen=True)
class RayCluster:
    """A Ray cluster that is running; it is joined when its devices are asked for."""

    address: str
    storage: Path | None
    here = False

    def device(self, asked: str, gpus: int) -> Device:
        """The device asked for or, for `auto`, a GPU where the cluster has any."""
        from harness.engines.cluster import connection, nodes

        connection.connect(self.address)
        found = Device.parse(nodes.best_kind() if asked == "auto" else asked)
        if found.index is not None:
            raise BadValue(f"--device {asked} names one GPU, and Ray deals them out: say --device cuda")
        if gpus < 1:
            raise BadValue(f"--gpus {gpus} must be at least 1")
        return replace(found, count=gpus)

    def workers(self, asked: int | None, device: Device) -> int:
        """As many as asked, else as many as the nodes have room for; EngineError where that is none."""
        from harness.engines.cluster import nodes

        if asked is not None and asked < 1:
            raise BadValue(f"--workers {asked} must be at least 1")
        room = sum(node.room(device) for node in nodes.alive())
        if not room:
            raise EngineError(f"no node of the cluster has room for a trial on {device}: see 'ray status'")
        return asked or room

    def under_way(self, asked: int | None, workers: int) -> float:
        """As many as asked; without that, what does not fit shows the cluster how far to grow."""
        return asked or math.inf

    def engine(self, device: Device, workers: int, results: Path) -> Engine:
        """Tasks on the cluster's nodes."""
        from harness.engines.ray import RayEngine

        return RayEngine(device, self.storage or results)


def chosen_site(engine: EngineOption, address: str | None, storage: Path | None) -> Site:
    """Where the options say that trials are to run; BadValue for those of the other engine."""
    if engine is EngineOption.RAY:
        if util.find_spec("ray") is None:
            raise EngineError(
                "--engine ray needs Ray: install it with 'pip install \"alexnet-repro[cluster]\"'"
            )
        return RayCluster(address or "auto", storage)
    if address is not None or storage is not None:
        named = f"--address {address}" if address is not None else f"--storage {storage}"
        raise BadValue(f"{named} is for a cluster: give --engine ray too, or leave it out")
    return HERE
