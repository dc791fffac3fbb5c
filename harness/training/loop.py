"""The only training loop: steps over gathered batches, with a clock that can be paused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from harness.contract.trial import Precision
from harness.data.images import Batches
from harness.models.network import Net
from harness.training.update import Momentum2012


class Clock:
    """Seconds of training, wall and CPU; stands still outside `running`."""

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
    """A network in training: gradients of the mean cross-entropy, the 2012 update, running sums."""

    def __init__(
        self, net: Net, update: Momentum2012, batches: Batches, precision: Precision, size: int
    ) -> None:
        """`net` and `batches` live on the same device; `size` is the number of images in a batch."""
        self.net, self.update, self.batches, self.size = net, update, batches, size
        self.device = batches.mean.device
        self.half = precision is Precision.BF16
        self.clock = Clock(self.device)
        self.images = 0

    def train(self, order: Tensor) -> tuple[float, float]:
        """Trains on the images at `order` (N,), in that order; mean loss and error of the passing weights."""
        loss_sum = torch.zeros((), device=self.device)
        wrong = torch.zeros((), dtype=torch.int64, device=self.device)
        self.net.train()
        with self.clock.running():
            for chosen in torch.split(order.to(self.device), self.size):
                inputs, labels = self.batches.gather(chosen)
                logits = self._logits(inputs)
                loss = functional.cross_entropy(logits, labels)
                loss.backward()  # type: ignore[no-untyped-call]
                self.update.step()
                self.update.zero_grad(set_to_none=True)
                loss_sum += loss.detach() * len(chosen)
                wrong += (logits.argmax(1) != labels).sum()
        self.images += len(order)
        return float(loss_sum) / len(order), int(wrong) / len(order)

    @torch.no_grad()
    def error(self, sample: Tensor, size: int = 1000) -> float:
        """Fraction of the images at `sample` that the current weights get wrong; the clock stands still."""
        self.net.eval()
        wrong = torch.zeros((), dtype=torch.int64, device=self.device)
        for chosen in torch.split(sample.to(self.device), size):
            inputs, labels = self.batches.gather(chosen)
            wrong += (self._logits(inputs).argmax(1) != labels).sum()
        return int(wrong) / len(sample)

    def state(self) -> dict[str, Any]:
        """All that going on later needs, but for the position in the data."""
        return {
            "net": self.net.state_dict(),
            "update": self.update.state_dict(),
            "wall": self.clock.wall,
            "cpu": self.clock.cpu,
            "images": self.images,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up a `state`."""
        self.net.load_state_dict(state["net"])
        self.update.load_state_dict(state["update"])
        self.clock.wall, self.clock.cpu, self.images = state["wall"], state["cpu"], state["images"]

    def _logits(self, inputs: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            logits: Tensor = self.net(inputs)
        return logits.float()
