"""What a person sees while trials run, and what becomes of the trials if the output ends."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from harness.cli.commands import run as command
from harness.cli.running.rows import Rows
from harness.cli.running.trials import Trials
from harness.cli.running.work import RunRequest
from harness.cli.terminal.console import Output
from harness.cli.terminal.progress import Activity, Bars, Lines, Progress
from harness.contract import session
from harness.contract.device import CPU
from harness.contract.trial import Status, Trial
from harness.engines.local import Place, execute
from harness.engines.messages import Messages, Started, Waiting
from harness.engines.runner import Due
from harness.engines.so_far import SoFar
from harness.plans.experiment import Planned, Role
from harness.records import environment
from harness.records.store import Store
from tests.cli.terminal.test_progress import lines, plain, soon, terminal, written
from tests.fakes.evidence.experiments import Clock, Fake, experiment, local, reproduction
from tests.fakes.evidence.trials import STAND_IN, record_for, small


def queue() -> Messages:
    return SimpleQueue()


class Ending(Output):
    """The commands' console on a stream of the test's own."""

    def __init__(self, stream: io.StringIO) -> None:
        super().__init__()
        self.file = stream


@pytest.mark.parametrize("shown", [Bars(terminal()), Lines(plain())], ids=["bars", "lines"])
def test_a_row_a_trial_and_a_line_a_result(shown: Progress) -> None:
    messages, trial = queue(), Trial(small(), 3)
    record = record_for(trial, reached=1.0, epochs_high=1.75)
    view = Rows(shown)
    with shown, Trials(view, messages) as seen:
        seen.queued(Due(record.key, experiment(5), Planned(trial, "relu", Role.FINAL)))
        messages.put((record.key, Started()))
        messages.put((record.key, session.TrialProgress(0.5, 2.0, 0.42)))
        assert soon(lambda: record.key in view.rows and view.rows[record.key].total is not None)
        row = view.rows[record.key]
        assert (row.done, row.total, row.far) == (0.5, 2.0, "epoch 0.5 of 2, error 42.0%")
        seen.stored(record)
        assert view.rows == {}
        messages.put((record.key, session.TrialProgress(1.75, 2.0, 0.1)))  # a late message
        assert soon(messages.empty)
    assert view.rows == {}
    said = written(shown)
    assert "relu-speedup final relu seed 3 rate 0.004, 2 epochs: ok, target reached by epoch 1.75" in said
    assert ("relu seed 3 rate 0.004, 2 epochs: started" in said) == isinstance(shown, Lines)


def test_how_far_a_trial_is_waits_for_no_output() -> None:
    """A view that cannot write must not keep a driver from giving its signs of life."""
    messages, shown = queue(), lines()
    with shown, Trials(Rows(shown), messages) as seen:
        assert seen.so_far("key") is None
        messages.put(("key", Started()))
        messages.put(("key", session.TrialProgress(0.5, 2.0, 0.42)))
        assert soon(lambda: seen.so_far("key") is not None)
        with seen.lock, ThreadPoolExecutor(1) as other:
            found = other.submit(seen.so_far, "key").result(timeout=10)
    assert found == SoFar(session.TrialProgress(0.5, 2.0, 0.42), None)


def test_a_failure_says_its_last_line() -> None:
    shown = lines()
    seen = Trials(Rows(shown), queue())
    record = record_for(Trial(small(), 0), status=Status.FAILED)
    seen.stored(record)
    assert seen.failed == [record]
    assert "failed: it broke" in written(shown)


def test_every_running_trial_has_a_line_now_and_then_with_epoch_error_and_time_left() -> None:
    clock, messages = Clock(), queue()
    shown = lines(clock)
    view = Rows(shown)
    Trials(view, messages).thread.start()
    for key in ("one", "other", "third"):
        view.names[key] = key
        messages.put((key, Started()))
    messages.put(
        ("one", session.TrialProgress(10, 30, 0.5))
    )  # resumed: its pace is not ten epochs in no time
    assert soon(lambda: "one" in view.rows and view.rows["one"].total == 30)
    clock.now = 20
    messages.put(("one", session.TrialProgress(12, 30, 0.4)))
    messages.put(("other", Waiting("waiting for [others]")))
    assert soon(lambda: "waiting" in written(shown))
    shown.beat()
    assert "so far" not in written(shown), "a line for each was written when they started"
    clock.now = 30
    shown.beat()
    assert written(shown).splitlines()[-2:] == [
        "one: epoch 12 of 30, error 40.0%, at most 4.5 min left",
        "third: 30 s so far",
    ]
    clock.now = 50
    shown.beat()
    assert written(shown).splitlines()[-1] == "other: waiting for [others]"


def test_a_worker_says_that_it_waits_and_when_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def turn(alone: bool, stopping: Callable[[], bool], waiting: Callable[[str], None]) -> Iterator[None]:
        waiting("waiting for others")
        yield

    said: list[object] = []
    monkeypatch.setattr("harness.engines.local.turn", turn)
    monkeypatch.setattr("harness.engines.local._send", said.append)
    execute(Trial(small(images=999_999), 0), Place(CPU, STAND_IN, None, tmp_path))
    assert said == [Waiting("waiting for others"), Started()]


class Ends(io.StringIO):
    """An output that no longer accepts a certain text."""

    def __init__(self, last: str, error: OSError) -> None:
        super().__init__()
        self.last, self.error = last, error

    def write(self, text: str) -> int:
        if self.last in text:
            raise self.error
        return super().write(text)


ENDS = [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left")]


@pytest.mark.parametrize("error", ENDS)
def test_a_run_whose_output_ends_saves_its_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    monkeypatch.setattr(environment, "torch_version", lambda: "2.13.0")
    engine = local(Fake())
    monkeypatch.setattr("harness.engines.local.LocalEngine", engine)
    asked = RunRequest([reproduction()], "cifar10", None, "cpu", 1, None, tmp_path)
    with pytest.raises(type(error)):
        command.start(asked, Ending(Ends("   1  ", error)))
    assert engine.closed == ["closed"]
    assert len(Store(tmp_path).records) == 1


@pytest.mark.parametrize("error", ENDS)
def test_threads_that_write_end_quietly_with_the_output(error: OSError) -> None:
    shown = Lines(Ending(Ends("", error)), interval=0.01, patience=0)
    with shown, Trials(Rows(shown), queue()) as seen:
        shown.add(Activity("a row"))
        assert soon(lambda: not shown.thread.is_alive())
        seen.messages.put(("one", Started()))
        assert soon(lambda: not seen.thread.is_alive())
