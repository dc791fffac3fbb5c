"""What a workload is: one piece of work, the ways to do it, and the processes that do it. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.bench.statistics import MedianAndRange
from harness.contract.device import Device
from harness.contract.progress import Tracker
from harness.contract.trial import Precision
from harness.records import environment

# One go at the work with batches of so many images. The number of images that were done, or that would have
# cost as much: a ceiling counts the images of which it did the least that must be done.
Work = Callable[[int], float]
PAPER_BATCH = 128  # §5
SMALLER = (128, 64, 32, 16, 8)  # batches to choose from where a machine is slow


class WayKind(StrEnum):
    """What a way stands for."""

    OURS = "ours"
    STOCK = "stock"  # what others would write
    PART = "part"  # of ours
    CEILING = "ceiling"  # the least that has to be done


class Unit(StrEnum):
    """What is shown of a way; the more images a second the better, the fewer milliseconds the better."""

    RATE = "images/s"
    TIME = "ms"  # a batch


@dataclass(frozen=True)
class Player:
    """A process, or as many at once as `copies`, that does the work of one or several ways.

    `make(*arguments)` gives the works by the names of their ways. `numerics`: torch is set up as for a trial,
    else as it is by itself. `allocator`: memory is handled as in the engine's workers.
    """

    make: Callable[..., Mapping[str, Work]]
    arguments: tuple[Any, ...]
    threads: int
    copies: int = 1
    allocator: bool = True
    numerics: bool = True


@dataclass(frozen=True)
class Way:
    """A way to do the work, no faster than its `ceiling`; `lead` goes come before a turn is timed."""

    name: str
    kind: WayKind
    player: Player
    ceiling: str = ""
    lead: int = 0


@dataclass(frozen=True)
class Ways:
    """The ways of a workload on this machine, the first of them ours.

    The largest of `batches` with which there is time for enough rounds is taken.
    """

    ways: tuple[Way, ...]
    batches: tuple[int, ...] = (PAPER_BATCH,)
    notes: tuple[str, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)  # that were measured on the way, once


@dataclass(frozen=True)
class Asked:
    """What a person asked for; `folder` is empty and goes when the workload has been measured."""

    device: Device
    precision: Precision
    seconds: float  # for the turns of one workload
    rounds: int  # that are meant to fit into them
    folder: Path
    data_dir: Path | None = None
    results_dir: Path = Path("results")
    recipe: str = "paper"
    images: int | None = None  # to pack or to make up; None: as many as the workload needs
    profile: bool = False  # whether to look, after the turns, at where the time of each way goes

    @property
    def workers(self) -> int:
        """Single-threaded trials at a time: one a core, and on a GPU one."""
        return 1 if self.device.cuda else environment.cores()


@dataclass(frozen=True)
class WayResult:
    """What was measured of one way; `ratio` is our speed ÷ this one's, `share` this one's ÷ its ceiling's.

    `profile`: each operator's share of the time, the largest first, where that was asked for.
    """

    name: str
    kind: WayKind
    value: MedianAndRange
    values: tuple[float, ...]
    ratio: MedianAndRange
    ceiling: str = ""
    share: MedianAndRange | None = None
    profile: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Projection:
    """Seconds that something would take, as follows from what was measured by the `basis`; never measured."""

    name: str
    seconds: float
    basis: str


@dataclass(frozen=True)
class WorkloadResult:
    """A measured workload. `others` is the number of cores that other programs kept busy meanwhile."""

    workload: str
    title: str
    unit: Unit
    batch: int
    precision: Precision
    rounds: int
    seconds: float
    others: float | None
    rows: tuple[WayResult, ...]
    failed: Mapping[str, str]  # ways that could not be measured, and why
    notes: tuple[str, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    projections: tuple[Projection, ...] = ()
    of: str = ""  # the workload whose turns these are, if it is another

    def row(self, name: str) -> WayResult | None:
        """The row of a way, if it was measured."""
        return next((row for row in self.rows if row.name == name), None)

    def rate(self, row: WayResult) -> float:
        """Images a second, the median."""
        return row.value.median if self.unit is Unit.RATE else 1e3 * self.batch / row.value.median


def nothing(asked: Asked, result: WorkloadResult) -> tuple[Projection, ...]:
    """What most workloads project."""
    return ()


@dataclass(frozen=True)
class Workload:
    """A file of `workloads/` says this of itself; one that looks at another's turns is `of` that one."""

    title: str
    unit: Unit
    plan: Callable[[Asked, Tracker], Ways] | None = None
    project: Callable[[Asked, WorkloadResult], tuple[Projection, ...]] = nothing
    of: str = ""
    precision: Precision | None = None  # None: as asked for
