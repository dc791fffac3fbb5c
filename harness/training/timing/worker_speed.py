"""How fast one worker trains: some training steps on noise, to price trials for which no record can."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from harness.contract import numerics
from harness.contract.device import Device
from harness.contract.trial import Precision
from harness.models.description import Network
from harness.models.layers.dropout import generators
from harness.models.network import Net
from harness.training.graphed import Captured, Graphed
from harness.training.step import step
from harness.training.timing.batches import batches
from harness.training.timing.settings import StepTime
from harness.training.update import for_network

RATE, MOMENTUM = 1e-4, 0.9  # too small to diverge on noise; speed does not depend on it
WARM_UP = 4  # steps in which libraries choose their algorithms; on a GPU the last is captured
ROUNDS = 4


def images_per_second(
    network: Network, device: str, precision: Precision, batch: int = 128, seconds: float = 1.0
) -> float:
    """Images per second that a worker trains on with one thread, or with a GPU to itself, as graphs.

    The fastest of ROUNDS rounds that take `seconds` in all: other load can only slow a round down.
    """
    numerics.apply(numerics.usual(Device.parse(device).kind))
    steps = _Steps(network, torch.device(device), precision, batch)
    steps.seconds(WARM_UP)
    count = max(1, round(seconds / ROUNDS / steps.seconds(1)))
    return batch * count / min(steps.seconds(count) for _ in range(ROUNDS))


class _Steps:
    """Training steps of a new network, all on one batch of noise."""

    def __init__(self, network: Network, device: torch.device, precision: Precision, batch: int) -> None:
        self.device, self.precision = device, precision
        self.net = Net(network).initialise(0).on(device).train()
        self.update = for_network(self.net, RATE, 1.0, MOMENTUM)
        self.batch = next(batches(StepTime(network, batch=batch), 0, device))
        fixed = Captured((), generators(self.net))
        self.take = Graphed(self._step, lambda: fixed, batch) if device.type == "cuda" else self._step

    def _step(self, inputs: Tensor, labels: Tensor) -> None:
        step(self.net, self.update, self.precision, inputs, labels)

    def seconds(self, count: int) -> float:
        """Seconds of `count` steps: on a GPU including all waits, on a CPU the CPU time alone."""
        start = self._now()
        for _ in range(count):
            self.take(*self.batch)
        return self._now() - start

    def _now(self) -> float:
        if self.device.type != "cuda":
            return time.process_time()  # on a busy machine, time given to others does not count
        torch.cuda.synchronize(self.device)
        return time.perf_counter()
