"""How fast this machine trains, measured in a process like a worker's if no record gives it."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

from harness.contract.device import Device
from harness.contract.processes import end_with_parent, without_ctrl_c
from harness.contract.trial import Precision
from harness.engines.machine import gpus
from harness.engines.machine.machine_lock import turn
from harness.engines.machine.workers import worker_context
from harness.models.alexnet import PAPER
from harness.models.proxy import small

# The proxy in the small batches of scarce images: of all networks it does the fewest multiply-adds per
# second, half as many as those of Figure 1, so that costs are upper bounds. One second suffices.
NETWORK = small(PAPER)
BATCH = 32
SECONDS = 1.0  # of measuring per precision
TURN = 2.0  # seconds to wait for a trial that must run alone, which may take hours
PATIENCE = 60.0  # seconds for everything; a GPU may be slow to wake, or stuck


def measure(device: Device, precisions: Sequence[Precision]) -> Mapping[Precision, float]:
    """Images per second that one worker trains NETWORK on, alone on its core or GPU, by precision.

    Empty if that fails or takes too long: it is not worth an error.
    """
    context = worker_context()
    receiver, sender = context.Pipe(duplex=False)
    where = gpus.each(device)[0]
    process = context.Process(target=_measure, args=(sender, where, precisions, BATCH, SECONDS), daemon=True)
    with without_ctrl_c():
        process.start()
    sender.close()
    try:
        found: Mapping[Precision, float] = receiver.recv() if receiver.poll(PATIENCE) else {}
    except EOFError:  # it died without an answer
        found = {}
    finally:
        process.kill()
        process.join()
        receiver.close()
    return found


def _measure(
    sender: Connection, device: Device, precisions: Sequence[Precision], batch: int, seconds: float
) -> None:
    """Measures in its own process; Ctrl-C is handled by the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    end = time.monotonic() + TURN
    try:
        with turn(alone=False, stopping=lambda: time.monotonic() > end):
            from harness.training.timing.worker_speed import images_per_second

            gpus.use(device)
            found = {p: images_per_second(NETWORK, device.torch, p, batch, seconds) for p in precisions}
    except Exception:  # whatever it was, the speed is unknown
        found = {}
    sender.send(found)
