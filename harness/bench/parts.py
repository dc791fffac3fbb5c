"""Parts of a long check: each a separate process with a time limit, whose outcome is always reported."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

TAIL = 4000  # characters kept of a part's output
GRACE = 10.0  # seconds between asking a process to end and killing it


class PartState(StrEnum):
    """The outcome of a part."""

    PASSED = "passed"
    FAILED = "failed"  # it ran and failed, or crashed
    TIMED_OUT = "timed out"
    SKIPPED = "skipped"  # it has nothing to do on this device
    NOT_RUN = "not run"  # the time for all of them was spent


@dataclass(frozen=True)
class Part:
    """A command, and the seconds it may take; `kind` says how to read its output."""

    name: str
    command: tuple[str, ...]
    limit: float
    kind: str = "check"


@dataclass(frozen=True)
class PartOutcome:
    """The outcome of a part: its state in a sentence, what it measured, and the end of its output."""

    name: str
    kind: str
    state: PartState
    sentence: str
    seconds: float = 0.0
    measured: Mapping[str, Any] = field(default_factory=dict)
    output: str = ""

    @property
    def wrong(self) -> bool:
        """Whether it needs attention or another run."""
        return self.state not in (PartState.PASSED, PartState.SKIPPED)


@dataclass(frozen=True)
class Ended:
    """A process that has ended: its exit code (None: killed at its limit) and its output."""

    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def sentence(self) -> str:
        """How it ended."""
        if self.code is None:
            return f"killed after {self.seconds:.0f} s: it exceeded its time limit"
        if self.code < 0:
            return f"crashed: {signal_name(-self.code)} after {self.seconds:.0f} s"
        return f"exit code {self.code} after {self.seconds:.0f} s"


def signal_name(number: int) -> str:
    """`SIGSEGV`, or its number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def run(command: Sequence[str], limit: float, folder: Path, where: Path) -> Ended:
    """Runs the command in `where`, killed with its children at its limit; output goes to files in `folder`.

    Files, because we would wait for a pipe that a hung grandchild holds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "stdout.txt", folder / "stderr.txt"
    start = time.monotonic()
    with paths[0].open("wb") as out, paths[1].open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=where, start_new_session=True)
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
    said, wrong = (path.read_text(encoding="utf-8", errors="replace") for path in paths)
    return Ended(code, said, wrong, time.monotonic() - start)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the process and its children."""
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
            process.wait(seconds)
        except (ProcessLookupError, PermissionError):
            break
        except subprocess.TimeoutExpired:
            continue
    process.poll()


def tail(text: str) -> str:
    """The end of the output."""
    return text[-TAIL:].strip()
