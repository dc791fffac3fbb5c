"""Seconds of a training step (§3.2, §4.1, §5): one block in freshly started processes.

The step is the one used in training, including fetching its batch; on a GPU its kernels are launched one by
one, where training replays them from a CUDA graph. A device is a GPU, or one or a few threads
on a CPU; they are not pinned to cores, since gloo's own threads would then wait for their turn. Every rank
times each step; a step ends when the slowest rank ends it. Waiting for another rank, or packing for it,
counts as exchange and the rest as computation; an exchange hidden behind computation does not show.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Any

import torch
from torch import distributed as dist
from torch import nn

from harness.contract import numerics
from harness.contract.device import Device, DeviceKind
from harness.contract.errors import BadValue, EngineError
from harness.contract.ranks import Group, Rank, launch
from harness.contract.session import Session, TrialResult
from harness.contract.streams import generator, stream_seed
from harness.contract.trial import Precision, Status, Trial
from harness.models.columns import Both, Column
from harness.models.exchange import Swap
from harness.models.layers.dropout import reseed
from harness.models.network import Net
from harness.records import environment
from harness.training.data_parallel import ALONE, Ranks, replicated
from harness.training.step import step
from harness.training.timing.batches import Batch, batches
from harness.training.timing.settings import Arrangement, Feed, StepTime
from harness.training.timing.timeline import Span, Timeline
from harness.training.update import Momentum2012, for_network

RATE, MOMENTUM = 1e-4, 0.9  # too small to diverge on noise; speed does not depend on it


@dataclass(frozen=True)
class Block:
    """What one rank measured: seconds of each step, and of each step's exchange; bytes that a step sends."""

    steps: tuple[float, ...]
    exchanges: tuple[float, ...]
    sent: int
    memory: int
    timeline: list[Span]


def run(trial: Trial[StepTime], session: Session) -> TrialResult:
    """Times the trial's steps in fresh processes; BadValue or EngineError where they cannot run here."""
    settings = trial.settings
    _check(settings, session.device)
    start = time.monotonic()
    slow = () if settings.feed is Feed.RESIDENT else ("harness.data.augmentation",)
    usual = numerics.usual(Device.parse(session.device).kind)
    group = Group(settings.ranks, session.device, replace(usual, threads=settings.threads), preload=slow)
    blocks = launch(measure, group, trial, stopping=session.stopping)
    return TrialResult(
        Status.OK,
        metrics(settings, blocks),
        cost={"seconds": time.monotonic() - start},
        details=_details(settings, blocks),
    )


def metrics(settings: StepTime, blocks: Sequence[Block]) -> dict[str, float | None]:
    """The block's numbers: medians over steps; exchange is the mean over ranks, memory the largest rank's."""
    seconds = median(_slowest(blocks))
    exchange = fmean(median(block.exchanges) for block in blocks)
    return {
        "step_seconds": seconds,
        "compute_seconds": seconds - exchange,
        "exchange_seconds": exchange,
        "bytes_exchanged": float(sum(block.sent for block in blocks)),
        "peak_memory_bytes": float(max(block.memory for block in blocks)),
        "images_per_second": settings.images_a_step / seconds,
    }


def measure(rank: Rank, trial: Trial[StepTime]) -> Block:
    """One rank's part: warm-up, timed steps, and one more for the timeline."""
    settings = trial.settings
    timeline = Timeline(torch.device(rank.device))
    net = network(trial, timeline)
    parallel = settings.arrangement is Arrangement.DATA_PARALLEL  # columns see the same images
    ranks = Ranks(rank.index, rank.count) if parallel else ALONE
    feed = batches(settings, stream_seed(trial.seed, "rank", ranks.rank), timeline.device)
    with replicated(net, ranks) as replica:
        steps = TimedSteps(replica, net, for_network(net, RATE, 1.0, MOMENTUM), timeline, trial.precision)
        for _ in range(settings.warm_up):
            steps.take(feed)
        before = _swapped(net)
        timed = [steps.take(feed) for _ in range(settings.steps)]
        seconds, exchanges = zip(*timed, strict=True)
        sent = (_swapped(net) - before) // settings.steps + _averaged(net, ranks)
        return Block(seconds, exchanges, sent, _memory(timeline.device), steps.observed(feed))


class TimedSteps:
    """Training steps of a rank's network, with the seconds that they take."""

    def __init__(
        self, replica: nn.Module, net: Net, update: Momentum2012, timeline: Timeline, precision: Precision
    ) -> None:
        """`net` lives on the timeline's device; `replica` is what trains: `net`, or its parallel replica."""
        self.replica, self.net, self.update, self.precision = replica, net, update, precision
        self.timeline = timeline
        if replica is not net:
            timeline.watch_averaging(net)

    def take(self, feed: Iterator[Batch]) -> tuple[float, float]:
        """Takes one step; returns its seconds, and how many of them are exchange."""
        start = self._now()
        self.timeline.begin()
        step(self.replica, self.update, self.precision, *next(feed), self.timeline.updating)
        self.timeline.enter("end")
        seconds = self._now() - start
        return seconds, self.timeline.waited()

    def observed(self, feed: Iterator[Batch]) -> list[Span]:
        """The spans of one more step."""
        if dist.is_initialized():
            dist.barrier()  # so that the ranks' zero times agree
        with nullcontext() if isinstance(self.net, Both) else self.timeline.watching(self.net):
            self.take(feed)
        return self.timeline.spans()

    def _now(self) -> float:
        if self.timeline.device.type == "cuda":
            torch.cuda.synchronize(self.timeline.device)
        return time.perf_counter()


def network(trial: Trial[StepTime], timeline: Timeline) -> Net:
    """The rank's network or column, initialised from the trial's seed, on the timeline's device."""
    settings = trial.settings
    net: Net
    match settings.arrangement:
        case Arrangement.COLUMNS:
            net = Column(settings.network, Swap())
            net.swap.timed = timeline.exchanging
        case Arrangement.STREAMS:
            net = Both(settings.network, timeline.device)
        case _:
            net = Net(settings.network)
    net.initialise(trial.seed).on(timeline.device).train()
    reseed(net, generator(trial.seed, "dropout", device=timeline.device))
    return net


def _swapped(net: Net) -> int:
    """Bytes of maps, units, logits and their gradients that a column has sent so far."""
    return net.swap.sent if isinstance(net, Column) else 0


def _averaged(net: Net, ranks: Ranks) -> int:
    """Bytes that a rank sends in a step to average gradients in a ring: 2 (n − 1) / n of all gradients."""
    return 2 * (ranks.world - 1) * sum(p.nbytes for p in net.parameters()) // ranks.world


def _check(settings: StepTime, device: str) -> None:
    kind = DeviceKind(device.partition(":")[0])
    if settings.device not in (None, kind):
        raise BadValue(
            f"this protocol times steps on '{settings.device}': run it with --device {settings.device}"
        )
    if settings.arrangement is Arrangement.STREAMS and kind is not DeviceKind.CUDA:
        raise EngineError("two streams need a GPU, and this runs on a CPU: choose another protocol")


def _slowest(blocks: Sequence[Block]) -> list[float]:
    return [max(together) for together in zip(*(block.steps for block in blocks), strict=True)]


def _details(settings: StepTime, blocks: Sequence[Block]) -> dict[str, Any]:
    return {
        "steps": _slowest(blocks),
        "timeline": [{"rank": rank, **span} for rank, b in enumerate(blocks) for span in b.timeline],
        "peak_memory_bytes": [block.memory for block in blocks],
        "crowded": settings.busy_threads > environment.cores(),
    }


def _memory(device: torch.device) -> int:
    """Peak memory of this process: that of the GPU, or all of it on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
