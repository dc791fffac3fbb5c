"""Seconds of a training step (§3.2, §4.1, §5): one block in processes that are started for it.

A step is what training does: a batch, forward and backward pass, the 2012 update. A device is a GPU, or a
thread or a few on a CPU; they are not tied to cores, since gloo's own threads would then wait for their turn.
Every rank times each step; a step ends when the slowest rank ends it. Waiting for another rank, or packing
for it, counts as exchange and the rest as computation; an exchange hidden behind computation does not show.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn import functional

from harness.contract.device import DeviceKind
from harness.contract.errors import BadValue, EngineError
from harness.contract.ranks import Group, Rank, launch
from harness.contract.session import Outcome, Session
from harness.contract.streams import generator, stream_seed
from harness.contract.trial import Precision, Status, Trial
from harness.models.columns import Both, Column
from harness.models.exchange import Swap
from harness.models.layers.dropout import reseed
from harness.models.network import Net
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


def run(trial: Trial, session: Session) -> Outcome:
    """Times the trial's steps in fresh processes; BadValue or EngineError where they cannot run here."""
    settings: StepTime = trial.settings
    _check(settings, session.device)
    start = time.monotonic()
    slow = () if settings.feed is Feed.RESIDENT else ("harness.data.augmentation",)
    group = Group(settings.ranks, session.device, settings.threads, preload=slow)
    blocks = launch(measure, group, trial, stopping=session.stopping)
    return Outcome(
        Status.OK,
        metrics(settings, blocks),
        cost={"seconds": time.monotonic() - start},
        details=_details(settings, blocks),
    )


def metrics(settings: StepTime, blocks: Sequence[Block]) -> dict[str, float | None]:
    """The block's numbers: medians over steps; exchange is the mean over ranks, memory the largest rank's."""
    step = median(_slowest(blocks))
    exchange = fmean(median(block.exchanges) for block in blocks)
    return {
        "step_seconds": step,
        "compute_seconds": step - exchange,
        "exchange_seconds": exchange,
        "bytes_exchanged": float(sum(block.sent for block in blocks)),
        "peak_memory_bytes": float(max(block.memory for block in blocks)),
        "images_per_second": settings.images_a_step / step,
    }


def measure(rank: Rank, trial: Trial) -> Block:
    """One rank's part: warm-up, timed steps, and one more for the timeline."""
    settings: StepTime = trial.settings
    device = torch.device(rank.device)
    timeline = Timeline(device)
    worker = _worker(rank, trial, timeline)
    own = settings.arrangement is Arrangement.DATA_PARALLEL  # columns see the same images
    feed = batches(settings, stream_seed(trial.seed, "rank", rank.index * own), device)
    for _ in range(settings.warm_up):
        worker.step(feed)
    sent = worker.sent
    timed = [worker.step(feed) for _ in range(settings.steps)]
    steps, exchanges = zip(*timed, strict=True)
    sent = (worker.sent - sent) // settings.steps
    spans = worker.observed(feed)
    return Block(steps, exchanges, sent, _memory(device), spans)


class Worker:
    """A rank's network in training."""

    def __init__(self, net: Net, update: Momentum2012, timeline: Timeline, precision: Precision) -> None:
        """`net` lives on the timeline's device."""
        self.net, self.update, self.timeline = net, update, timeline
        self.device, self.half = timeline.device, precision is Precision.BF16

    @property
    def sent(self) -> int:
        """Bytes sent so far."""
        return 0

    def step(self, feed: Iterator[Batch]) -> tuple[float, float]:
        """One training step; its seconds, and those of exchange among them."""
        start = self._now()
        self.timeline.begin()
        inputs, labels = next(feed)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            logits: Tensor = self.net(inputs)
        functional.cross_entropy(logits.float(), labels).backward()  # type: ignore[no-untyped-call]
        self.timeline.enter("update")
        self._exchange()
        self.update.step()
        self.update.zero_grad(set_to_none=True)
        self.timeline.enter("end")
        seconds = self._now() - start
        return seconds, self.timeline.waited()

    def observed(self, feed: Iterator[Batch]) -> list[Span]:
        """The spans of one more step."""
        if dist.is_initialized():
            dist.barrier()  # so that the ranks' zeros agree
        with nullcontext() if isinstance(self.net, Both) else self.timeline.watching(self.net):
            self.step(feed)
        return self.timeline.spans()

    def _exchange(self) -> None:
        """What ranks tell one another before the update."""

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


class ColumnWorker(Worker):
    """One of two columns."""

    @property
    def sent(self) -> int:
        """Bytes of maps, units, logits and their gradients."""
        assert isinstance(self.net, Column)
        return self.net.swap.sent


class ParallelWorker(Worker):
    """One of several whole networks; gradients are averaged while the backward pass goes on."""

    def __init__(self, net: Net, update: Momentum2012, timeline: Timeline, precision: Precision) -> None:
        """Every gradient leaves as soon as it is complete."""
        super().__init__(net, update, timeline, precision)
        self.under_way: list[tuple[dist.Work, nn.Parameter]] = []
        self.bytes = 0
        for parameter in net.parameters():
            parameter.register_post_accumulate_grad_hook(self._send)  # type: ignore[no-untyped-call]

    @property
    def sent(self) -> int:
        """Bytes as a ring sends them: 2 (n − 1) / n of all gradients."""
        count = dist.get_world_size()
        return 2 * (count - 1) * self.bytes // count

    def _send(self, parameter: Tensor) -> None:
        assert isinstance(parameter, nn.Parameter)
        assert parameter.grad is not None
        work = dist.all_reduce(parameter.grad, async_op=True)
        self.under_way.append((work, parameter))
        self.bytes += parameter.grad.nbytes

    def _exchange(self) -> None:
        with self.timeline.exchanging():
            for work, _ in self.under_way:
                work.wait()
        gradients = [parameter.grad for _, parameter in self.under_way if parameter.grad is not None]
        torch._foreach_div_(gradients, float(dist.get_world_size()))
        self.under_way.clear()


def _worker(rank: Rank, trial: Trial, timeline: Timeline) -> Worker:
    settings: StepTime = trial.settings
    net: Net
    kind = Worker
    match settings.arrangement:
        case Arrangement.COLUMNS:
            net, kind = Column(settings.network, Swap()), ColumnWorker
            net.swap.timed = timeline.exchanging
        case Arrangement.STREAMS:
            net = Both(settings.network, timeline.device)
        case _:
            net = Net(settings.network)
            kind = ParallelWorker if rank.count > 1 else Worker
    net.initialise(trial.seed).to(timeline.device)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    reseed(net.train(), generator(trial.seed, "dropout", device=timeline.device))
    return kind(net, for_network(net, RATE, RATE, MOMENTUM), timeline, trial.precision)


def _check(settings: StepTime, device: str) -> None:
    kind = DeviceKind(device.partition(":")[0])
    if settings.device not in (None, kind):
        raise BadValue(
            f"this protocol times steps on '{settings.device}': run it with --device {settings.device}"
        )
    if settings.arrangement is Arrangement.STREAMS and kind is not DeviceKind.CUDA:
        raise EngineError("two streams need a GPU, and this runs on a CPU: take another protocol")


def _slowest(blocks: Sequence[Block]) -> list[float]:
    return [max(together) for together in zip(*(block.steps for block in blocks), strict=True)]


def _details(settings: StepTime, blocks: Sequence[Block]) -> dict[str, Any]:
    return {
        "steps": _slowest(blocks),
        "timeline": [{"rank": rank, **span} for rank, b in enumerate(blocks) for span in b.timeline],
        "peak_memory_bytes": [block.memory for block in blocks],
        "crowded": settings.busy_threads > cores(),
    }


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory(device: torch.device) -> int:
    """The most memory that this process held: of the GPU, or all of it on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
