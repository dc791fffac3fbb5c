"""The only training loop: steps over gathered batches, in epochs that are cut into parts.

Training may stop after any part, and resumes later as if it had not stopped. Only steps count as training
time: evaluations between parts do not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from harness.contract.session import Interrupted, Session, TrialProgress
from harness.contract.streams import generator
from harness.contract.trial import Precision
from harness.models.layers.dropout import generators
from harness.models.network import Net
from harness.training import checkpoint
from harness.training.data_parallel import ALONE, Ranks, replicated
from harness.training.graphed import Captured, Graphed
from harness.training.step import logits, step
from harness.training.update import Momentum2012

CurveRow = dict[str, float | None]


class BatchSource(Protocol):
    """Images by number, as batches on the device of `mean`."""

    mean: Tensor

    def each(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (n, maps, height, width) and labels (n,) of the images at `order`, `size` at a time."""


class Clock:
    """Seconds of training, wall-clock and CPU; stopped outside `running`."""

    def __init__(self, device: torch.device) -> None:
        """On a GPU, both ends of every interval wait for the device to finish."""
        self.device, self.wall, self.cpu = device, 0.0, 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts the time spent inside."""
        wall, cpu = self._now()
        yield
        end_wall, end_cpu = self._now()
        self.wall += end_wall - wall
        self.cpu += end_cpu - cpu

    def _now(self) -> tuple[float, float]:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter(), time.process_time()


class Loop:
    """A network in training, with running sums and a clock."""

    def __init__(
        self,
        net: Net,
        update: Momentum2012,
        batches: BatchSource,
        precision: Precision,
        size: int,
        ranks: Ranks = ALONE,
    ) -> None:
        """`net` and `batches` live on the same device; `size` is the number of images in a rank's batch."""
        self.net, self.update, self.batches = net, update, batches
        self.precision, self.size, self.ranks = precision, size, ranks
        self.device = batches.mean.device
        self.clock = Clock(self.device)
        self.images = 0  # of all ranks
        self.loss_sum = torch.zeros((), device=self.device)
        self.wrong = torch.zeros((), dtype=torch.int64, device=self.device)
        graphs = self.device.type == "cuda" and ranks.world == 1  # replicas exchange gradients by hooks
        self.graphed = Graphed(partial(self._step, net), self._captured, size) if graphs else None

    def train(self, order: Tensor) -> tuple[float, float]:
        """Trains on the rank's images at `order` (N,), in that order.

        Returns the mean loss and error over the images of all ranks, each by the weights at its step.
        """
        self.loss_sum.zero_()
        self.wrong.zero_()
        self.net.train()
        with replicated(self.net, self.ranks) as net, self.clock.running():
            self.steps(net, order)
        self.images += len(order) * self.ranks.world
        sums = float(self.loss_sum) / len(order), int(self.wrong) / len(order)
        return self.ranks.mean(sums, self.device)

    def steps(self, net: nn.Module, order: Tensor) -> None:
        """Steps of `net`, the network or its replica, on the images at `order`; none waits for the device."""
        take = self.graphed or partial(self._step, net)
        for inputs, labels in self.batches.each(order, self.size):
            take(inputs, labels)

    def _step(self, net: nn.Module, inputs: Tensor, labels: Tensor) -> None:
        loss, found = step(net, self.update, self.precision, inputs, labels)
        self.loss_sum += loss * len(labels)
        self.wrong += (found.argmax(1) != labels).sum()

    def _captured(self) -> Captured:
        """What a step takes from the host: another rate or frozen layer needs another graph."""
        rates = [(group.rate, group.decay) for group in self.update.groups]
        return Captured((*rates, *(p.requires_grad for p in self.net.parameters())), generators(self.net))

    @torch.no_grad()
    def error(self, sample: Tensor, size: int = 1000) -> float:
        """Fraction of the images at `sample` that the current weights get wrong; the clock is stopped."""
        self.net.eval()
        wrong = torch.zeros((), dtype=torch.int64, device=self.device)
        for inputs, labels in self.batches.each(sample, size):
            wrong += (logits(self.net, inputs, self.precision).argmax(1) != labels).sum()
        return int(wrong) / len(sample)

    def cost(self) -> dict[str, float]:
        """Seconds (wall-clock and CPU), images, images per second, and on a GPU its peak memory in bytes."""
        spent = {
            "seconds": self.clock.wall,
            "cpu_seconds": self.clock.cpu,
            "images": float(self.images),
            "images_per_second": self.images / self.clock.wall if self.clock.wall else 0.0,
        }
        if self.device.type == "cuda":
            spent["peak_memory_bytes"] = float(torch.cuda.max_memory_allocated(self.device))
        return spent

    def state(self) -> dict[str, Any]:
        """All that is needed to resume, except the position in the data."""
        return {
            "net": self.net.state_dict(),
            "update": self.update.state_dict(),
            "wall": self.clock.wall,
            "cpu": self.clock.cpu,
            "images": self.images,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restores a `state`."""
        self.net.load_state_dict(state["net"])
        self.update.load_state_dict(state["update"])
        self.clock.wall, self.clock.cpu, self.images = state["wall"], state["cpu"], state["images"]


@dataclass(frozen=True)
class Parts:
    """Epochs of `images`, cut between batches into `most` parts each, or as many as there are batches.

    Parts are numbered through all epochs.
    """

    images: int
    batch_size: int
    most: int

    @property
    def batches(self) -> int:
        """Batches of an epoch; the last one may be smaller."""
        return math.ceil(self.images / self.batch_size)

    @property
    def count(self) -> int:
        """Parts of an epoch."""
        return min(self.most, self.batches)

    def iteration(self, part: int) -> int:
        """Batches before the part, through all epochs."""
        epoch, place = divmod(part, self.count)
        return epoch * self.batches + place * self.batches // self.count

    def order(self, seed: int, part: int) -> Tensor:
        """The order of all images in the part's epoch, int64 (images,)."""
        return torch.randperm(self.images, generator=generator(seed, "order", part // self.count))

    def cut(self, order: Tensor, part: int) -> Tensor:
        """The part's stretch of its epoch's order."""
        place = part % self.count
        begin, end = (p * self.batches // self.count * self.batch_size for p in (place, place + 1))
        return order[begin:end]


class Epochs:
    """Training part by part: a row of the curve after each, and checkpoints to resume from."""

    def __init__(self, loop: Loop, parts: Parts, session: Session, most: int) -> None:
        """Resumes from the session's checkpoint, unless that is beyond `most` epochs."""
        self.loop, self.parts, self.session, self.most = loop, parts, session, most
        self.curve: list[CurveRow] = []
        state = checkpoint.load(session.checkpoint)
        if state is not None and len(state["curve"]) <= most * parts.count:
            loop.restore(state["loop"])
            self.curve = state["curve"]

    @property
    def part(self) -> int:
        """The next part's number."""
        return len(self.curve)

    @property
    def epoch_complete(self) -> bool:
        """Whether the last part was an epoch's last."""
        return self.part % self.parts.count == 0

    @property
    def spent(self) -> bool:
        """Whether the maximum number of epochs has been reached."""
        return self.part >= self.most * self.parts.count

    def train(self, order: Tensor) -> CurveRow:
        """Trains on the rank's images of the next part; the curve's new row, its loss None if not finite."""
        loss, error = self.loop.train(order)
        row: CurveRow = {
            "epoch": (self.part + 1) / self.parts.count,
            "running_error": error,
            "loss": loss if math.isfinite(loss) else None,
            "seconds": self.loop.clock.wall,
            "cpu_seconds": self.loop.clock.cpu,
        }
        self.curve.append(row)
        return row

    def keep(self) -> None:
        """Reports; saves a checkpoint after an epoch. If asked to stop, saves one and raises Interrupted."""
        row, ranks = self.curve[-1], self.loop.ranks
        self.session.report(TrialProgress(row["epoch"] or 0.0, self.most, row["running_error"]))
        stopping = ranks.any(self.session.stopping(), self.loop.device)
        if ranks.rank == 0 and (stopping or self.epoch_complete):
            checkpoint.save(self.session.checkpoint, {"loop": self.loop.state(), "curve": self.curve})
        if stopping:
            raise Interrupted
