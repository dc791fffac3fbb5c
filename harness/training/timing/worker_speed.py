"""How fast one worker trains: some training steps on noise, for the cost of trials that no record informs."""

from __future__ import annotations

import time

import torch

from harness.contract import numerics
from harness.contract.device import Device
from harness.contract.trial import Precision
from harness.models.description import Network
from harness.models.network import Net
from harness.training.step import step
from harness.training.timing.batches import batches
from harness.training.timing.settings import StepTime
from harness.training.update import for_network

RATE, MOMENTUM = 1e-4, 0.9  # too small to diverge on noise; speed does not depend on it
WARM_UP = 2  # steps in which libraries choose their algorithms
ROUNDS = 4


def images_per_second(
    network: Network, device: str, precision: Precision, batch: int = 128, seconds: float = 1.0
) -> float:
    """Images that a worker's one thread, or a GPU that it has to itself, trains on in a second.

    The fastest of ROUNDS rounds that take `seconds` in all: whatever else goes on can only slow one down.
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

    def seconds(self, count: int) -> float:
        """Of so many steps: of a GPU with all that it waits for, of a CPU those that the thread had it."""
        start = self._now()
        for _ in range(count):
            step(self.net, self.update, self.precision, *self.batch)
        return self._now() - start

    def _now(self) -> float:
        if self.device.type != "cuda":
            return time.process_time()  # on a busy machine, others' turns are not this worker's speed
        torch.cuda.synchronize(self.device)
        return time.perf_counter()
