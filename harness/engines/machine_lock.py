"""Turns between the trials of this machine: one that times itself runs alone, others side by side.

The lock is advisory and the system's own (flock): it holds between any number of invocations, and is free as
soon as its holder ends, however that comes about.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.contract.session import Interrupted
from harness.contract.trial import Trial

PLACE = Path(tempfile.gettempdir())
POLL = 0.1  # seconds between two attempts


def exclusive(trial: Trial) -> bool:
    """Whether the trial must be alone on the machine, as its settings say (`exclusive`)."""
    return trial.settings.exclusive


@contextmanager
def turn(alone: bool, stopping: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Waits until this trial may run, and holds its place; Interrupted if it is asked to stop meanwhile.

    Who waits to be alone stands at a gate that nobody else passes, so that others cannot go on for ever.
    """
    if sys.platform == "win32":  # which has no flock
        yield
        return
    with ExitStack() as place:
        gate = place.enter_context(_opened("gate"))
        room = place.enter_context(_opened("room"))
        _wait(gate, alone, stopping)
        _wait(room, alone, stopping)
        if not alone:
            _leave(gate)
        yield


@contextmanager
def _opened(name: str) -> Iterator[int]:
    path = PLACE / f"alexnet-repro.{name}.lock"
    file = os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
    try:
        yield file
    finally:
        os.close(file)


def _wait(file: int, alone: bool, stopping: Callable[[], bool]) -> None:
    import fcntl

    kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    while True:
        try:
            return fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if stopping():
                raise Interrupted from None
            time.sleep(POLL)


def _leave(file: int) -> None:
    import fcntl

    fcntl.flock(file, fcntl.LOCK_UN)
