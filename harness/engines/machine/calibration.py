"""How fast this machine trains, measured in a process like a worker's, where no record tells it."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

from harness.contract.device import Device
from harness.contract.processes import end_with_parent
from harness.contract.trial import Precision
from harness.engines.machine import gpus
from harness.engines.machine.machine_lock import turn
from harness.engines.machine.workers import without_ctrl_c, worker_context
from harness.models.cifar10 import eleven

# With normalisation and local layers it does fewer multiply-adds a second than plain convolutions would, as
# the networks of most ablations do. A second suffices for it; large networks get more out of a GPU.
NETWORK = eleven()
BATCH = 128
SECONDS = 1.0  # of measuring, for each precision
TURN = 2.0  # seconds of waiting for a trial that must be alone; it may take hours
PATIENCE = 60.0  # seconds for all of it; a GPU may be slow to wake, or stuck


def measure(device: Device, precisions: Sequence[Precision]) -> Mapping[Precision, float]:
    """Images per second of NETWORK that one worker trains on, alone on its core or GPU, by precision.

    Empty where that fails or takes too long: it is worth no error.
    """
    context = worker_context()
    receiver, sender = context.Pipe(duplex=False)
    where = gpus.each(device)[0].torch
    process = context.Process(target=_measure, args=(sender, where, precisions, BATCH, SECONDS), daemon=True)
    with without_ctrl_c():
        process.start()
    sender.close()
    try:
        found: Mapping[Precision, float] = receiver.recv() if receiver.poll(PATIENCE) else {}
    except EOFError:  # it died without a word
        found = {}
    finally:
        process.kill()
        process.join()
        receiver.close()
    return found


def _measure(
    sender: Connection, device: str, precisions: Sequence[Precision], batch: int, seconds: float
) -> None:
    """In a process of its own; Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    end = time.monotonic() + TURN
    try:
        with turn(alone=False, stopping=lambda: time.monotonic() > end):
            from harness.training.timing.worker_speed import images_per_second

            found = {p: images_per_second(NETWORK, device, p, batch, seconds) for p in precisions}
    except Exception:  # whatever it was, the speed is not known
        found = {}
    sender.send(found)
