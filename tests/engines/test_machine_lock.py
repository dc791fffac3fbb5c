"""Turns between trials: side by side, alone, and never stuck behind a holder that is gone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.contract.session import Interrupted
from harness.engines import machine_lock
from harness.engines.machine_lock import turn

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs flock")


@pytest.fixture(autouse=True)
def _own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_lock, "PLACE", tmp_path)


class Attempt(threading.Thread):
    """Someone else who wants a turn, and keeps it until told."""

    def __init__(self, alone: bool) -> None:
        super().__init__(daemon=True)
        self.alone, self.has, self.go = alone, threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with turn(self.alone):
            self.has.set()
            self.go.wait(20)


@pytest.fixture
def others() -> Iterator[list[Attempt]]:
    found: list[Attempt] = []
    yield found
    for attempt in found:
        attempt.go.set()
        attempt.join()


def test_ordinary_trials_run_side_by_side() -> None:
    with ExitStack() as place:
        for _ in range(3):
            place.enter_context(turn(alone=False))


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_one_is_alone(others: list[Attempt], first: bool, second: bool) -> None:
    with turn(first):
        others.append(Attempt(second))
        assert not others[0].has.wait(0.3)
    assert others[0].has.wait(10)


def test_who_waits_to_be_alone_comes_before_later_ones(others: list[Attempt]) -> None:
    with turn(alone=False):
        others.append(Attempt(alone=True))
        time.sleep(0.3)
        others.append(Attempt(alone=False))
        assert not others[1].has.wait(0.3)
    assert others[0].has.wait(10)
    assert not others[1].has.is_set()
    others[0].go.set()
    assert others[1].has.wait(10)


def test_waiting_ends_when_asked_to_stop() -> None:
    with turn(alone=True), pytest.raises(Interrupted), turn(alone=False, stopping=lambda: True):
        pytest.fail("it had no turn")


def test_a_holder_that_is_killed_leaves_the_place_free(tmp_path: Path) -> None:
    code = (
        "import time; from pathlib import Path; from harness.engines import turns\n"
        f"turns.PLACE = Path({str(tmp_path)!r})\n"
        "with turns.turn(alone=True):\n print('has it', flush=True)\n time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    with turn(alone=True):
        pass
