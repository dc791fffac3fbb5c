"""What a process may do instead of measuring this machine's speed; it starts by importing this file."""

from __future__ import annotations

import os
import time
from typing import Any

from harness.engines.machine import calibration

measure = calibration._measure


def dies(*args: Any) -> None:
    os._exit(3)


def hangs(*args: Any) -> None:
    time.sleep(600)


def impatient(*args: Any) -> None:
    """Measures, but hardly waits for a trial that must be alone."""
    calibration.TURN = 0.1
    measure(*args)
