"""What a person sees while trials run, from messages and records of workers."""

from __future__ import annotations

import io
import multiprocessing
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from harness.cli.progress import Display
from harness.contract.session import Progress
from harness.contract.trial import Status, Trial
from tests.conftest import record_for, small


def soon(true: Callable[[], bool]) -> bool:
    """Whether something becomes true within ten seconds."""
    deadline = time.monotonic() + 10
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_row_a_trial_and_a_line_a_result(terminal: bool) -> None:
    out, messages = io.StringIO(), multiprocessing.get_context("spawn").SimpleQueue()
    display = Display(Console(file=out, force_terminal=terminal, width=140), messages)
    trial = Trial(small(), 3)
    record = record_for(trial, reached=1.0, epochs_high=1.75)
    with display:
        display.queued(record.key, trial, "relu-speedup final relu")
        messages.put((record.key, Progress(0.5, 2.0, 0.42)))
        assert soon(lambda: record.key in display.rows)
        row = next(task for task in display.progress.tasks if task.id == display.rows[record.key])
        assert (row.completed, row.total, row.fields["shown"]) == (0.5, 2.0, "epoch 0.5, error 42.0%")
        display.stored(record)
        assert display.rows == {}
        messages.put((record.key, Progress(1.75, 2.0, 0.1)))  # a message that was late
        assert soon(messages.empty)
    assert display.rows == {}
    assert "relu-speedup final relu seed 3 rate 0.004: ok, target reached by epoch 1.75" in out.getvalue()


def test_a_failure_says_its_last_line() -> None:
    out, messages = io.StringIO(), multiprocessing.get_context("spawn").SimpleQueue()
    display = Display(Console(file=out, width=140), messages)
    record = record_for(Trial(small(), 0), status=Status.FAILED)
    display.stored(record)
    assert display.failed == [record]
    assert "failed: it broke" in out.getvalue()
