"""Turns among the trials of several processes: in parallel, alone, never waiting for one that is gone."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.contract.errors import EngineError
from harness.contract.session import Interrupted
from harness.engines.local import LocalEngine
from harness.engines.machine import machine_lock
from harness.engines.machine.machine_lock import BEFORE_ALONE, BEHIND_ALONE, turn

LINUX = sys.platform == "linux"
ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
from harness.engines.machine import machine_lock
machine_lock.PATIENCE = 0.2
print("here", flush=True)
with machine_lock.turn(sys.argv[1] == "alone", waiting=lambda reason: print(reason, flush=True)):
    print("has it", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that no other test has."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


class Attempt:
    """Another process that wants a turn, and keeps it until it is let go."""

    def __init__(self, alone: bool) -> None:
        command = [sys.executable, "-c", PROGRAM, "alone" if alone else "together"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        assert self.says(60) == "here"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def says(self, seconds: float) -> str:
        """Its next line; empty where none comes in time."""
        try:
            return self.lines.get(timeout=seconds)
        except queue.Empty:
            return ""

    def end(self) -> None:
        """Kills it and leaves no pipe open."""
        self.process.kill()
        self.process.wait()
        self.reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def go(self) -> None:
        """Lets it end by itself."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


Start = Callable[[bool], Attempt]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts attempts, which end with the test."""
    found: list[Attempt] = []

    def started(alone: bool) -> Attempt:
        found.append(Attempt(alone))
        return found[-1]

    yield started
    for attempt in found:
        attempt.end()


def test_ordinary_trials_run_side_by_side(start: Start) -> None:
    with turn(alone=False):
        assert [start(False).says(10), start(False).says(10)] == ["has it", "has it"]


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_one_is_alone_and_the_other_says_what_it_waits_for(start: Start, first: bool, second: bool) -> None:
    with turn(first):
        other = start(second)
        expected = BEFORE_ALONE if second else BEHIND_ALONE
        assert other.says(10) == expected + (f" (process {os.getpid()})" if LINUX else "")
        assert other.says(0.3) == ""
    assert other.says(10) == "has it"


def test_nothing_is_said_of_a_short_wait(start: Start) -> None:
    said: list[str] = []
    holder = start(True)
    assert holder.says(10) == "has it"
    ends = time.monotonic() + 0.3
    gone = False

    def stopping() -> bool:
        nonlocal gone
        if time.monotonic() > ends and not gone:
            holder.go()
            gone = True
        return False

    with turn(False, stopping, said.append):
        assert said == []


def test_who_waits_to_be_alone_comes_before_later_ones(start: Start) -> None:
    with turn(alone=False):
        alone = start(True)
        assert alone.says(10).startswith(BEFORE_ALONE)
        later = start(False)
        assert later.says(10).startswith(BEHIND_ALONE)
    assert alone.says(10) == "has it"
    assert later.says(0.3) == ""
    alone.go()
    assert later.says(10) == "has it"


@pytest.mark.parametrize("alone", [True, False])
def test_waiting_ends_when_asked_to_stop_and_leaves_nothing_held(start: Start, alone: bool) -> None:
    holder = start(True)
    assert holder.says(10) == "has it"
    with pytest.raises(Interrupted), turn(alone, stopping=lambda: True):
        pytest.fail("it had no turn")
    holder.go()
    assert start(True).says(10) == "has it"


def test_a_holder_that_is_killed_leaves_the_place_free(start: Start) -> None:
    holder = start(True)
    assert holder.says(10) == "has it"
    holder.process.kill()
    assert start(True).says(10) == "has it"


def test_locks_are_in_a_folder_of_the_users_own(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with and without a login session: a cron job must see the locks of a shell."""
    for session in (str(tmp_path), None):
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        if session:
            monkeypatch.setenv("XDG_RUNTIME_DIR", session)
        assert {path.parent for path in machine_lock.places()} == {cache / "alexnet-repro"}
    assert (cache / "alexnet-repro").stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for useless in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", useless)
        assert machine_lock.places()[0].parent == tmp_path / "home" / ".cache" / "alexnet-repro"


def link(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))


def link_to_a_file(path: Path) -> None:
    path.with_name("elsewhere").write_text("precious")
    link(path)


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("put", [link, link_to_a_file, folder, os.mkfifo])
def test_what_is_no_file_of_ones_own_is_refused(tmp_path: Path, put: Callable[[Path], None]) -> None:
    gate, _ = machine_lock.places()
    gate.unlink()
    put(gate)
    with (
        pytest.raises(EngineError, match=r"gate.*\.lock is not a regular file of your own: delete it"),
        turn(True),
    ):
        pytest.fail("it had a turn")
    with pytest.raises(EngineError):
        LocalEngine("cpu", 1, tmp_path)


def test_a_file_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_lock.places()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(machine_lock, "_folder", lambda: Path(os.environ["XDG_CACHE_HOME"], "alexnet-repro"))
    with pytest.raises(EngineError, match="is not a regular file of your own"):
        machine_lock.places()


def test_a_folder_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EngineError, match=r"there is no folder for locks .*: set XDG_CACHE_HOME"):
        machine_lock.places()
