"""The deadline of a run, and the thread that asks trials to stop before it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

from harness.contract.errors import BadValue

SECONDS = {"s": 1, "m": 60, "h": 3600}
POLL = 0.2  # seconds between two checks of the clock


def parse(text: str) -> float:
    """Seconds in `90s`, `20m` or `1.5h`; BadValue for anything else."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smh])", text, re.ASCII)
    seconds = float(found[1]) * SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise BadValue(
            f"--budget {text} is not a time above 0 and below 1,000,000 s, m or h: write 90s, 20m or 1.5h"
        )
    return seconds


class Deadline:
    """The end of the time; running trials are asked to stop `pace` seconds earlier, as they react late."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """The time starts now."""
        self.seconds, self.clock = seconds, clock
        self.end = clock() + seconds

    def left(self) -> float:
        """Seconds until the end; never negative."""
        return max(0.0, self.end - self.clock())

    def near(self, pace: float = 0.0) -> bool:
        """Whether something that takes `pace` seconds would end after the deadline."""
        return self.left() <= pace


class Alarm:
    """A thread that asks trials to stop when the deadline is near; leaving the block ends it."""

    def __init__(self, deadline: Deadline, pace: Callable[[], float], stop: Callable[[], None]) -> None:
        """`pace` returns how many seconds a trial takes to react to a stop, as far as known."""
        self.deadline, self.pace, self.stop = deadline, pace, stop
        self.rung, self.over = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Alarm:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def enough(self) -> bool:
        """Whether the time is up."""
        return self.rung.is_set() or self.deadline.near(self.pace())

    def _watch(self) -> None:
        while not self.over.wait(min(POLL, self.deadline.left())):
            if self.deadline.near(self.pace()):
                self.rung.set()
                self.stop()
                return
