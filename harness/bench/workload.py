"""What a workload is: one piece of work, the ways to do it, and the processes for it. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.bench.statistics import MedianAndRange
from harness.contract.device import Device
from harness.contract.trial import Precision
from harness.engines.machine.gpus import PER_GPU
from harness.records import USUAL, environment

# One run of the work with batches of the given number of images. Returns the number of images done, or that
# would have cost as much: a ceiling counts the images for which it did the least necessary work.
Work = Callable[[int], float]
PAPER_BATCH = 128  # §5
SMALLER = (128, 64, 32, 16, 8)  # batches to choose from on a slow machine


class WayKind(StrEnum):
    """The kind of a way."""

    OURS = "ours"
    STOCK = "stock"  # what others would write
    PART = "part"  # of ours
    CEILING = "ceiling"  # the least work that has to be done


class Unit(StrEnum):
    """What is shown for a way; more images per second or fewer milliseconds are better."""

    RATE = "images/s"
    TIME = "ms"  # per batch


@dataclass(frozen=True)
class Player:
    """A process, or `copies` of it at once, that does the work of one or several ways.

    `make(*arguments)` returns the works by the names of their ways. `numerics`: torch is configured as for a
    trial, else left at its defaults. `allocator`: memory is handled as in the engine's workers.
    """

    make: Callable[..., Mapping[str, Work]]
    arguments: tuple[Any, ...]
    threads: int
    copies: int = 1
    allocator: bool = True
    numerics: bool = True


@dataclass(frozen=True)
class Way:
    """A way to do the work, no faster than its `ceiling`; `lead` runs come before a turn is timed.

    `many_steps`: a run takes so many that one warms up a GPU.
    """

    name: str
    kind: WayKind
    player: Player
    ceiling: str = ""
    lead: int = 0
    many_steps: bool = False


@dataclass(frozen=True)
class Ways:
    """The ways of a workload on this machine, ours first.

    The largest of `batches` that leaves time for enough rounds is used.
    """

    ways: tuple[Way, ...]
    batches: tuple[int, ...] = (PAPER_BATCH,)
    notes: tuple[str, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)  # measured once along the way


@dataclass(frozen=True)
class Asked:
    """The user's request; `folder` starts empty and is removed once the workload has been measured."""

    device: Device
    precision: Precision
    seconds: float  # for the turns of one workload
    rounds: int  # intended to fit into them
    folder: Path
    data_dir: Path | None = None
    results_dir: Path = USUAL
    recipe: str = "paper"
    images: int | None = None  # to pack or make up; None: as many as the workload needs
    profile: bool = False  # whether to profile each way after the turns

    @property
    def workers(self) -> int:
        """Single-threaded trials in parallel, as the engine has them: one per core, or several on a GPU."""
        return min(PER_GPU, environment.cores()) if self.device.cuda else environment.cores()


@dataclass(frozen=True)
class WayResult:
    """The measurements of one way; `ratio` is our speed ÷ this one's, `share` this one's ÷ its ceiling's.

    There is no ratio if our way could not be measured.
    `profile`: each operator's share of the time, largest first, if requested.
    """

    name: str
    kind: WayKind
    value: MedianAndRange
    values: tuple[float, ...]
    ratio: MedianAndRange | None
    ceiling: str = ""
    share: MedianAndRange | None = None
    profile: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Projection:
    """Seconds that something would take, derived from measurements as `basis` says; never measured."""

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
    of: str = ""  # the workload whose turns these are, if another

    @property
    def compared(self) -> bool:
        """Whether our way was measured, so that the others have ratios."""
        return all(row.ratio is not None for row in self.rows)

    def row(self, name: str) -> WayResult | None:
        """The row of a way, if it was measured."""
        return next((row for row in self.rows if row.name == name), None)

    def rate(self, row: WayResult) -> float:
        """Images per second, the median."""
        return row.value.median if self.unit is Unit.RATE else 1e3 * self.batch / row.value.median


def nothing(asked: Asked, result: WorkloadResult) -> tuple[Projection, ...]:
    """What most workloads project: nothing."""
    return ()


@dataclass(frozen=True)
class Workload:
    """A file of `workloads/`; one that reuses another's turns is `of` that one."""

    title: str
    unit: Unit
    plan: Callable[[Asked], Ways] | None = None
    project: Callable[[Asked, WorkloadResult], tuple[Projection, ...]] = nothing
    of: str = ""
    precision: Precision | None = None  # None: as requested
