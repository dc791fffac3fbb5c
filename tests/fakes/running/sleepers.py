"""Ranks that sleep, and a worker that starts two of them; a process that only starts it needs no torch."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any


def sleeps(rank: Any, folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


def two_sleep(folder: str) -> None:
    from harness.contract.ranks import Group, launch

    launch(sleeps, Group(2), folder)
