"""Leases: one driver per trial, taken over from the dead and the silent, by a clock that nobody can set."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from harness.contract.errors import StoreError
from harness.contract.processes import this_process
from harness.contract.session import TrialProgress
from harness.contract.trial import Trial
from harness.engines import runner
from harness.engines.leases import UNKNOWN, Holder, Leases, held, leases
from harness.engines.runner import Limits, run
from harness.engines.so_far import SoFar, noted, publish
from harness.plans.experiment import Experiment
from harness.records.record import Record
from harness.records.store import Store
from tests.fakes.evidence.experiments import Clock, Fake, experiment
from tests.fakes.evidence.trials import record_for
from tests.fakes.running.two_stages import Collected

KEY = "0123456789abcdef01234567"
HERE = this_process()
FAR = replace(HERE, host="far", machine="another")


def left_by(folder: Path, holder: Holder | bytes, number: int = 1) -> Path:
    """A lease as another driver leaves it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{KEY}.{number}"
    path.write_bytes(holder if isinstance(holder, bytes) else msgspec.json.encode(holder))
    return path


def dead() -> Holder:
    """A driver of this machine that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return Holder(replace(HERE, pid=process.pid), "2026-01-01")


def nothing(key: str) -> None:
    """What is known of a trial's progress."""


def test_one_has_it_and_others_are_told_who(tmp_path: Path) -> None:
    first, second = Leases(tmp_path), Leases(tmp_path)
    assert first.take(KEY) is None
    holder = second.take(KEY)
    assert holder is not None
    assert str(holder).startswith(f"process {os.getpid()} on {HERE.host}, since 20")
    first.release(KEY)
    assert second.take(KEY) is None
    assert second.holds(KEY)
    assert not first.holds(KEY)


def test_of_many_at_once_one_has_it(tmp_path: Path) -> None:
    left_by(tmp_path, dead())
    start, outcomes = threading.Barrier(8), []

    def take() -> None:
        mine = Leases(tmp_path)
        start.wait()
        outcomes.append(mine.take(KEY))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(None) <= 1
    late = Leases(tmp_path)  # if all of them gave way to one another, the next look decides
    assert (late.take(KEY) is None) == (outcomes.count(None) == 0)


def test_of_a_driver_of_this_machine_that_is_gone_it_is_taken_at_once(tmp_path: Path) -> None:
    old = left_by(tmp_path, dead())
    mine = Leases(tmp_path)
    assert mine.take(KEY) is None
    assert not old.exists()
    mine.release(KEY)
    assert list(tmp_path.iterdir()) == []


# Prints whether a trial can be taken at once after its driver ended before the first, the second … request to
# the system that it made to take the trial, up to the driver that ran to its end.
ENDING = """
import os, sys
from itertools import count
from pathlib import Path
from harness.engines.leases import Leases

def take(folder, steps):
    left = iter(range(steps))
    sys.addaudithook(lambda *event: next(left, None) is None and os._exit(9))
    Leases(folder).take("key")
    os._exit(0)

for steps in count():
    folder = Path(sys.argv[1], str(steps))
    child = os.fork()
    if not child:
        take(folder, steps)
    status = os.waitpid(child, 0)[1]
    print(Leases(folder).take("key") is None, flush=True)
    if not status:
        break
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_of_a_driver_that_was_killed_while_it_took_it_it_is_taken_at_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING, str(tmp_path)], capture_output=True, text=True, check=True
    )
    found = done.stdout.split()
    assert len(found) > 5
    assert set(found) == {"True"}


def test_a_number_that_another_process_has_by_now_is_not_the_driver(tmp_path: Path) -> None:
    left_by(tmp_path, Holder(replace(HERE, began="1"), "2026-01-01"))
    assert Leases(tmp_path).take(KEY) is None


@pytest.mark.parametrize("holder", [Holder(FAR, "2026-01-01"), b"", b"[[[", b"{}"])
def test_of_a_silent_one_elsewhere_it_is_taken_when_it_expires(tmp_path: Path, holder: Holder) -> None:
    left_by(tmp_path, holder)
    clock = Clock()
    mine = Leases(tmp_path, expiry=60, clock=clock)
    assert mine.take(KEY) == (holder if isinstance(holder, Holder) else UNKNOWN)
    clock.now = 59
    assert mine.take(KEY) is not None
    clock.now = 60
    assert mine.take(KEY) is None


@pytest.mark.parametrize("years", [-30, -1, 0, 30])
def test_a_clock_that_is_set_changes_nothing(tmp_path: Path, years: float) -> None:
    """Signs of life count whatever their date, and so does silence."""
    path, clock = left_by(tmp_path, Holder(FAR, "2026-01-01")), Clock()
    mine = Leases(tmp_path, expiry=60, clock=clock)
    for beat in range(5):
        assert mine.take(KEY) is not None
        clock.now += 50
        os.utime(path, (1, 1_700_000_000 + years * 31_536_000 - beat))
    assert mine.take(KEY) is not None
    clock.now += 60
    assert mine.take(KEY) is None


def test_a_driver_shows_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engines.leases.BEAT", 0.01)
    clock = Clock()
    other = Leases(tmp_path / "leases", expiry=60, clock=clock)
    with leases(tmp_path / "leases", nothing) as mine:
        assert mine.take(KEY) is None
        (path,) = mine.held.values()
        for _ in range(2):
            assert other.take(KEY) is not None
            before, seen = path.stat().st_mtime_ns, threading.Event()
            for _ in range(2000):
                if path.stat().st_mtime_ns != before:
                    break
                seen.wait(0.005)
            assert path.stat().st_mtime_ns != before
            clock.now += 100
    assert not (tmp_path / "leases").exists()


def test_a_disk_that_fails_once_does_not_end_the_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Leases(tmp_path / "leases")
    assert mine.take(KEY) is None

    def fails(key: str) -> bool:
        raise OSError(116, "Stale file handle")

    with monkeypatch.context() as once:
        once.setattr(mine, "holds", fails)
        mine.beat(nothing)
    os.utime(mine.held[KEY], (0, 0))
    mine.beat(nothing)
    assert mine.held[KEY].stat().st_mtime > 0


def so_far(epoch: float) -> SoFar:
    return SoFar(TrialProgress(epoch, 4.0, 0.5), 90.0)


def test_how_far_a_trial_is_lies_beside_its_lease_and_goes_with_it(tmp_path: Path) -> None:
    mine = Leases(tmp_path)
    assert mine.take(KEY) is None
    mine.beat(nothing)
    assert [lease.so_far for lease in held(tmp_path)] == [None]
    for epoch in (1.0, 2.0):
        mine.beat({KEY: so_far(epoch)}.get)
        assert [lease.so_far for lease in held(tmp_path)] == [so_far(epoch)]
    assert Leases(tmp_path).take(KEY) is not None  # a note is not a lease
    (note,) = tmp_path.glob("*.so-far")
    note.write_bytes(note.read_bytes()[:20])
    assert [lease.so_far for lease in held(tmp_path)] == [None]
    mine.release(KEY)
    assert list(tmp_path.iterdir()) == []


def test_whoever_looks_while_a_note_is_written_sees_the_last_one(tmp_path: Path) -> None:
    path = left_by(tmp_path, Holder(this_process(), "2026-01-01"), 1)
    publish(path, so_far(0.0))
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            publish(path, so_far(1.0))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert None not in [noted(path) for _ in range(2000)]
    finally:
        over.set()
        writer.join()


def test_a_note_that_comes_too_late_is_not_left(tmp_path: Path) -> None:
    mine = Leases(tmp_path)
    assert mine.take(KEY) is None

    def released_meanwhile(key: str) -> SoFar:
        mine.release(key)
        return so_far(1.0)

    mine.beat(released_meanwhile)
    assert list(tmp_path.iterdir()) == []


def test_notes_of_the_dead_go_with_their_leases(tmp_path: Path) -> None:
    for number, holder in enumerate((dead(), dead(), Holder(FAR, "2026-01-01")), 1):
        publish(left_by(tmp_path, holder, number), so_far(number))
    (tmp_path / f"{KEY}.2").unlink()
    Leases(tmp_path).sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{KEY}.3", f"{KEY}.3.so-far"]
    clock = Clock()
    mine = Leases(tmp_path, expiry=60, clock=clock)
    assert mine.take(KEY) is not None
    clock.now = 60
    assert mine.take(KEY) is None
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY}.4"]


def taken_over(folder: Path) -> tuple[Leases, Leases]:
    """The leases of a driver that was suspended for long, and of the one that took its trial over."""
    clock = Clock()
    suspended, other = Leases(folder), Leases(folder, expiry=60, clock=clock)
    assert suspended.take(KEY) is None
    assert other.take(KEY) is not None
    clock.now = 60
    assert other.take(KEY) is None
    return suspended, other


def test_one_that_was_suspended_for_long_finds_its_trial_taken(tmp_path: Path) -> None:
    suspended, other = taken_over(tmp_path)
    assert not suspended.holds(KEY)
    suspended.release(KEY)
    assert other.holds(KEY)


def test_one_that_was_suspended_leaves_a_later_lease_of_the_same_number_alone(tmp_path: Path) -> None:
    suspended, other = taken_over(tmp_path)
    other.release(KEY)
    third = Leases(tmp_path)
    assert third.take(KEY) is None
    assert third.held == suspended.held  # the first number again
    assert not suspended.holds(KEY)
    suspended.release(KEY)
    assert third.holds(KEY)


def test_a_lease_that_may_not_be_read_hangs_and_ends_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of another user with umask 077: its times alone say whether that driver lives."""
    there = left_by(tmp_path, Holder(FAR, "2026-01-01"), 1)
    readable = Path.open

    def refused(path: Path, *more: object, **options: object) -> object:
        if path == there:
            raise PermissionError(13, "Permission denied", str(path))
        return readable(path, *more, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refused)
    clock = Clock()
    mine = Leases(tmp_path, expiry=60, clock=clock)
    assert mine.take(KEY) == UNKNOWN
    assert [lease.holder for lease in held(tmp_path)] == [UNKNOWN]
    clock.now = 60
    assert mine.take(KEY) is None


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_lease_hangs_nobody(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / f"{KEY}.1")
    clock = Clock()
    mine = Leases(tmp_path, expiry=60, clock=clock)
    assert mine.take(KEY) == UNKNOWN
    clock.now = 60
    assert mine.take(KEY) is None


def test_what_the_dead_left_is_swept_and_no_more(tmp_path: Path) -> None:
    gone = left_by(tmp_path, dead(), 1)
    there = left_by(tmp_path, Holder(FAR, "2026-01-01"), 2)
    with leases(tmp_path, nothing):
        assert not gone.exists()
    assert there.exists()


def test_where_none_can_be_written_it_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "leases").write_text("")
    with pytest.raises(StoreError, match=r"the lease .*leases/0123.* cannot be written: .*; fix that"):
        Leases(tmp_path / "leases").take(KEY)


def test_four_drivers_run_each_trial_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten trials, two in parallel per driver, all drivers at once; each driver ends with all the records."""
    monkeypatch.setattr(runner, "POLL", 0.01)
    engines = [Fake() for _ in range(4)]
    watchers, begin = [Collected() for _ in engines], threading.Barrier(4)

    def drive(engine: Fake, watcher: Collected) -> None:
        begin.wait()
        run([experiment(5)], engine, Store(tmp_path), watcher, Limits(under_way=2))

    drivers = [threading.Thread(target=drive, args=pair) for pair in zip(engines, watchers, strict=True)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join(60)
    assert sum(len(engine.order) for engine in engines) == 10
    records = Store(tmp_path).records
    assert len(records) == len({record.key for record in records}) == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records"]


class During(Fake):
    """An engine that lets something happen while its first trial runs."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self.happens = [happens]

    def finished(self) -> Iterator[Record]:
        while self.happens:
            self.happens.pop()()
        yield from super().finished()


def held_elsewhere(root: Path, trial: Trial, of: Experiment) -> Leases:
    """Another driver that has the trial."""
    other = Leases(root / "leases")
    assert other.take(of.key(trial)) is None
    return other


def test_what_another_runs_is_waited_for_and_its_record_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else comes first; then it says who has the trial, until that one is done."""
    of, engine, watcher = experiment(2), Fake(), Collected()
    first = of.evidence(Store(tmp_path)).to_run[0].trial
    other = held_elsewhere(tmp_path, first, of)

    def sleep(seconds: float) -> None:
        if len(watcher.reasons) == 2:
            Store(tmp_path).append(record_for(first, of.conditions, epochs=1.0))
            other.release(of.key(first))

    monkeypatch.setattr(runner.time, "sleep", sleep)
    run([of], engine, Store(tmp_path), watcher)
    assert len(engine.order) == 3
    assert first not in engine.order
    assert len(watcher.reasons) == 2
    said = f"another driver runs it: process {os.getpid()} on {HERE.host}, since 20"
    assert all(reason.startswith(said) for reason in watcher.reasons)
    assert watcher.records[-1].key == of.key(first)
    assert of.evidence(Store(tmp_path)).complete


def test_a_trial_of_a_driver_that_ends_without_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, engine, watcher = experiment(2), Fake(), Collected()
    first = of.evidence(Store(tmp_path)).to_run[0].trial
    other = held_elsewhere(tmp_path, first, of)
    monkeypatch.setattr(runner.time, "sleep", lambda seconds: other.release(of.key(first)))
    run([of], engine, Store(tmp_path), watcher)
    assert [trial == first for trial in engine.order] == [False, False, False, True]


def test_two_that_ran_the_same_trial_leave_one_record(tmp_path: Path) -> None:
    """As when a driver was suspended for so long that another took over its trial and finished it."""
    of, store = experiment(2), Store(tmp_path)
    first = of.evidence(store).to_run[0].trial

    def taken_over() -> None:
        (lease,) = (tmp_path / "leases").glob(f"{of.key(first)}.1")
        lease.rename(lease.with_suffix(".2"))
        Store(tmp_path).append(record_for(first, of.conditions, epochs=1.0))

    run([of], During(taken_over), store, Collected())
    assert len(Store(tmp_path).attempts(of.key(first))) == 1
    assert of.evidence(Store(tmp_path)).complete
