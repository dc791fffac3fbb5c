"""How a process is told from all others, also where the system hides those of other users."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract import processes
from harness.contract.processes import this_process


def test_this_process_is_not_gone_and_one_that_ended_is() -> None:
    mine = this_process()
    assert not mine.gone
    assert replace(mine, began="1").gone  # the number belongs to another process by now
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert replace(mine, pid=ended.pid).gone
    assert not replace(mine, machine="another", pid=ended.pid).gone


def test_a_process_that_the_system_hides_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `hidepid`, /proc shows no process of another user, though it can be sent a signal."""
    mine, read = this_process(), Path.read_text

    def hidden(path: Path, *more: object, **options: object) -> str:
        if path == Path(f"/proc/{mine.pid}/stat"):
            raise FileNotFoundError(path)
        return read(path, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", hidden)
    assert processes._beginning(os.getpid()) == ""
    assert not mine.gone
