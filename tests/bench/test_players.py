"""Processes that take turns, and what is said about those that cannot."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.bench import players
from harness.bench.measure import seated
from harness.bench.players import Failed, Seat, Turn, _environment
from harness.bench.workload import Ways
from harness.contract.device import CPU
from harness.contract.progress import SILENT
from tests.fakes.bench import PLAYER, asked, unable, way


def test_turns_in_processes_of_their_own() -> None:
    """One that could not do its work may do another; one that died or hung cannot. One looks at operators."""
    seat = Seat(replace(PLAYER, copies=2), CPU)
    try:
        seat.ready()
        done = seat.take(Turn("ours", 64, 0.0))
        assert [one.images for one in done] == [64, 64]
        with pytest.raises(Failed, match="RuntimeError: CUDA out of memory: tried to allocate"):
            seat.take(Turn("broken", 64, 0.0))
        assert len(seat.take(Turn("ours", 64, 0.001))) == 2
        plain, profiled = (seat.take(Turn("products", 20, 0.0, profiled=asked))[0] for asked in (False, True))
        assert (plain.images, plain.operators) == (20, {})
        assert max(profiled.operators, key=profiled.operators.__getitem__) == "aten::mm"
        assert 0.1 < sum(profiled.operators.values()) / (1e6 * (profiled.end - profiled.start)) < 1.1
        with pytest.raises(Failed, match=r"died \(exit code -9; out of memory\?\)"):
            seat.take(Turn("dying", 64, 0.0))
        with pytest.raises(Failed, match="exit code -9"):
            seat.take(Turn("ours", 64, 0.0))
    finally:
        seat.close()


def test_a_process_that_hangs_is_waited_for_no_longer_than_it_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(players, "LEAVING", 0.1)
    seat = Seat(PLAYER, CPU)
    try:
        seat.ready()
        seat.patience = 0.1
        with pytest.raises(Failed, match="there was no answer within"):
            seat.take(Turn("hanging", 1, 0.0))
    finally:
        seat.close()
    assert [process.exitcode for process in seat.processes] == [-9]


def test_ctrl_c_waits_for_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    close = Seat.close

    def timed(seat: Seat) -> None:
        begun = time.monotonic()
        close(seat)
        if time.monotonic() - begun > players.LEAVING / 2:
            waited.append("for a process that hangs")

    monkeypatch.setattr(Seat, "close", timed)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def hang() -> None:
        with seated(Ways((way("ours"),)), asked(tmp_path), SILENT, "made up") as take:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            take(way("ours"), Turn("hanging", 1, 0.0))

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            hang()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert waited == []


def test_a_process_that_cannot_get_ready_says_why_at_every_turn() -> None:
    seat = Seat(replace(PLAYER, make=unable), CPU)
    try:
        seat.ready()
        for _ in range(2):
            with pytest.raises(Failed, match="ImportError: libcudart"):
                seat.take(Turn("ours", 1, 0.0))
    finally:
        seat.close()


def test_settings_of_the_allocator_are_there_for_a_start_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "mine")
    monkeypatch.delenv("ADDED", raising=False)
    with _environment({"KEPT": "theirs", "ADDED": "1"}):
        assert (os.environ["KEPT"], os.environ["ADDED"]) == ("mine", "1")
    assert os.environ["KEPT"] == "mine"
    assert "ADDED" not in os.environ
