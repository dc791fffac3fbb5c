"""Ctrl-C and SIGTERM as requests: the first asks for a stop, any further one ends the run at once.

In a run neither raises anything: an exception while a process starts or ends would leave a driver that
waits forever.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def second_ctrl_c_ends_at_once() -> Iterator[None]:
    """For work that the first Ctrl-C interrupts, and whose cleanup a further one would interrupt."""

    def first(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, lambda *_: os._exit(1))
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass
class Requests:
    """How often a stop was requested."""

    count: int = 0


@contextmanager
def stop_requests(at_once: Callable[[], None]) -> Iterator[Requests]:
    """Counts requests while the block lasts; from the second on, the handler calls `at_once`."""
    requests = Requests()

    def ask(number: int, frame: object) -> None:
        requests.count += 1
        if requests.count > 1:
            at_once()

    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
