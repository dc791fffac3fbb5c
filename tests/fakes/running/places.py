"""A worker that runs no trial and reports its device; without torch, so that it starts at once."""

from __future__ import annotations

import multiprocessing
import time
from contextlib import suppress
from multiprocessing.connection import Connection

from harness.contract.device import Device
from harness.engines.machine.workers import Stop

LONG = 120.0  # seconds that processes may take to start on a busy machine


def its_process(end: Connection, stop: Stop, device: Device) -> None:
    """It answers every request with its process's number and then with the outcome asked for."""
    with suppress(EOFError):
        while True:
            (outcome,) = end.recv()
            end.send(multiprocessing.current_process().pid)
            end.send(outcome)


def its_device(end: Connection, stop: Stop, device: Device) -> None:
    """It answers every request, but only once all workers have been seen."""
    with suppress(EOFError):
        while True:
            folder, together = end.recv()
            (folder / str(multiprocessing.current_process().pid)).touch()
            deadline = time.monotonic() + LONG
            while len(list(folder.iterdir())) < together and time.monotonic() < deadline:
                time.sleep(0.05)
            end.send((multiprocessing.current_process().pid, device))
            end.send(None)
