"""`run --json`: a script reads, line by line, what happened and what the store holds afterwards."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from harness.cli.commands import run as command
from harness.cli.running.events import (
    FORMAT,
    AnyEvent,
    Event,
    ExperimentEnded,
    LookTaken,
    NoticeGiven,
    RunPlanned,
    RunStopping,
    TrialAdvanced,
    TrialEnded,
    TrialStarted,
    TrialWaiting,
)
from harness.cli.running.stream import EVERY, EventStream
from harness.cli.running.work import RunRequest
from harness.contract import session
from harness.contract.trial import Status, Trial
from harness.engines import messages
from harness.engines.runner import Due
from harness.plans import experiment as plans
from harness.plans.experiment import Finding, Lookup, Plan, Protocol, Reproduction, Role
from harness.records import environment
from harness.records.record import Record
from harness.records.store import Store
from tests.fakes.evidence.experiments import (
    Clock,
    Fake,
    console,
    decisive,
    experiment,
    local,
    printed,
    reproduction,
    trial,
    vague,
)
from tests.fakes.running.step_by_step import Fails, Steps

E = TypeVar("E", bound=Event)
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def told(text: str) -> list[Event]:
    """Every line, checked against the schema: one that it does not know, or an empty one, is an error."""
    assert text.isascii()
    assert text.endswith("\n")
    return [msgspec.json.decode(line, type=AnyEvent) for line in text.splitlines()]


@dataclass
class Call:
    """One call of `run` with a stream of events."""

    root: Path
    events: list[Event] = field(default_factory=list)
    said: str = ""

    def __call__(self, made: Reproduction, protocol: str = "cifar10", **options: object) -> bool:
        asked = RunRequest([made], protocol, None, "cpu", 1, None, self.root)
        out, stream = console(), io.StringIO()
        fine = command.start(replace(asked, **options), out, EventStream(stream))  # type: ignore[arg-type]
        self.events, self.said = told(stream.getvalue()), printed(out)
        return fine

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    return Call(tmp_path)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """An engine that takes no time, in place of this machine's."""
    fake = Fake()
    monkeypatch.setattr(environment, "torch_version", lambda: "2.13.0")
    monkeypatch.setattr("harness.engines.local.LocalEngine", local(fake))
    return fake


def walking(tries: Path) -> Reproduction:
    """Three trials for the real workers: two that take steps, and one that fails."""
    trials = {"walks": Steps(steps=3, length=0.01), "fails": Fails(str(tries))}

    def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
        walks = [plans.Planned(Trial(trials["walks"], seed), "walks", Role.FINAL) for seed in range(seeds)]
        return Plan((*walks, plans.Planned(Trial(trials["fails"], 1), "fails", Role.TUNING)))

    smoke = Protocol("smoke", "made up", None, 2)
    return Reproduction("walking", (), (smoke,), plan, lambda evidence: Finding(), question="does it walk?")


def test_a_run_of_real_workers_is_told_from_its_plan_to_its_end(call: Call, tmp_path: Path) -> None:
    began = datetime.now(UTC)
    assert not call(walking(tmp_path / "tries"), "smoke")
    first, *_, last = call.events
    assert isinstance(first, RunPlanned)
    assert (first.format, first.results_dir, first.trials, first.to_run) == (FORMAT, str(tmp_path), 3, 3)
    assert [(one.reproduction, one.seeds, one.to_run) for one in first.experiments] == [("walking", 2, 3)]
    records = {record.key: record for record in Store(tmp_path).records}
    ended = {event.key: event for event in call.of(TrialEnded)}
    assert len(records) == 3
    assert set(ended) == set(records)
    for key, record in records.items():
        event = ended[key]
        assert (event.status, event.metrics, event.error) == (record.status, record.metrics, record.error)
        assert msgspec.json.decode(Path(event.record).read_bytes())["key"] == key
        kinds = [type(one) for one in call.events if getattr(one, "key", "") == key]
        assert (kinds[0], kinds[-1]) == (TrialStarted, TrialEnded)
    assert {(one.arm, one.role, one.seed, one.status) for one in ended.values()} == {
        ("walks", Role.FINAL, 0, Status.OK),
        ("walks", Role.FINAL, 1, Status.OK),
        ("fails", Role.TUNING, 1, Status.FAILED),
    }
    walked = {(one.arm, one.epochs) for one in call.of(TrialAdvanced)}
    assert walked == {("walks", 3)}
    assert isinstance(last, ExperimentEnded)
    assert (last.trials, last.stored, last.failed, last.to_run, last.verdicts) == (3, 2, 1, 1, ())
    times = [began, *(event.time for event in call.events), datetime.now(UTC)]
    assert times == sorted(times)
    assert "walking at smoke: 2 of 3 trials" in call.said


def test_what_is_stored_is_planned_as_such_and_the_end_has_the_verdict(call: Call, engine: Fake) -> None:
    assert call(reproduction(), seeds=3)
    assert call(reproduction(), seeds=5)
    (first,), (last,) = call.of(RunPlanned), call.of(ExperimentEnded)
    assert (first.trials, first.stored, first.to_run) == (10, 6, 4)
    assert len(call.of(TrialEnded)) == 4
    assert [(one.claim, one.outcome) for one in last.verdicts] == [("relu-speedup", "reproduced")]
    assert "at a look" in last.verdicts[0].reasons[0]
    (notice,) = call.of(NoticeGiven)
    assert notice.words.startswith("relu-speedup at cifar10 already has a result with fewer seeds")


def test_with_fewer_seeds_than_were_requested_the_end_has_the_verdict_on_all(
    call: Call, engine: Fake
) -> None:
    assert call(reproduction(), seeds=5)
    (all_of_them,), verdict = call.of(ExperimentEnded), call.said.splitlines()[-1]
    assert verdict.startswith("relu-speedup: reproduced; to see why")
    assert call(reproduction(), seeds=3)
    (last,) = call.of(ExperimentEnded)
    assert (last.seeds, last.trials, last.verdicts) == (3, 6, all_of_them.verdicts)
    assert "relu-speedup at cifar10: 6 of 6 trials" in call.said
    assert call.said.splitlines()[-1] == verdict


def test_a_trial_that_two_experiments_share_counts_once(call: Call, engine: Fake) -> None:
    both = [reproduction(), replace(reproduction(), claims=(), question="the same?")]
    assert call(both[0], reproductions=both)
    (first,) = call.of(RunPlanned)
    assert (first.trials, [one.trials for one in first.experiments]) == (10, [10, 10])
    assert len(call.of(TrialEnded)) == 10


@pytest.mark.parametrize(("value", "looks"), [(decisive, [3, 5]), (vague, [3, 5, 10])])
def test_every_look_is_told(call: Call, engine: Fake, value: object, looks: list[int]) -> None:
    engine.value = value  # type: ignore[assignment]
    assert call(reproduction(), until_decided=True)
    taken = call.of(LookTaken)
    assert [look.seeds for look in taken] == looks
    assert [look.next_seeds for look in taken] == [*looks[1:], None]
    assert taken[-1].decided is (value is decisive)
    (last,) = call.of(ExperimentEnded)
    assert last.seeds == looks[-1]
    assert taken[-1].verdicts["relu-speedup"].startswith(last.verdicts[0].outcome)


def test_a_failed_trial_is_told_with_its_error(call: Call, engine: Fake) -> None:
    engine.value = lambda arm, seed: None if (arm, seed) == ("relu", 1) else decisive(arm, seed)
    assert not call(reproduction(), seeds=3)
    bad = [one for one in call.of(TrialEnded) if one.status is Status.FAILED]
    assert [(one.arm, one.seed, one.error, one.metrics) for one in bad] == [("relu", 1, "it broke", {})]
    (last,) = call.of(ExperimentEnded)
    assert (last.stored, last.failed, last.to_run) == (5, 1, 1)


class Interrupted(Fake):
    """An engine whose second trial ends when somebody presses Ctrl-C."""

    def finished(self) -> Iterator[Record]:
        yield from super().finished()
        if len(self.order) == 2:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_is_told_and_so_is_what_is_left(
    call: Call, engine: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Local(Interrupted, local(engine)):  # type: ignore[misc]
        """The same, in place of the engine."""

    monkeypatch.setattr("harness.engines.local.LocalEngine", Local)
    assert not call(reproduction(), workers=2)
    assert [type(one) for one in call.events[-4:]] == [TrialEnded, TrialEnded, RunStopping, ExperimentEnded]
    last = call.events[-1]
    assert isinstance(last, ExperimentEnded)
    assert (last.trials, last.stored, last.to_run) == (10, 2, 8)
    assert [one.outcome for one in last.verdicts] == ["inconclusive"]


def test_progress_is_told_now_and_then_with_the_seconds_that_are_left() -> None:
    clock, out = Clock(), io.StringIO()
    stream = EventStream(out, clock, lambda: NOON + timedelta(seconds=clock.now))
    for key in ("one", "other"):
        stream.queued(Due(key, experiment(1), plans.Planned(trial("relu", 0), "relu", Role.FINAL)))
    stream.heard("one", messages.Waiting("waiting for [others]"))
    for second in range(12):
        clock.now = second
        for key in ("one", "other"):
            stream.heard(key, session.TrialProgress(10 + second, 30, 0.5))
    waiting, *progress = told(out.getvalue())
    assert isinstance(waiting, TrialWaiting)
    assert waiting.reason == "waiting for [others]"
    seen = [
        (one.time - NOON, one.epoch, one.seconds_left)
        for one in progress
        if isinstance(one, TrialAdvanced) and one.key == "one"
    ]
    assert seen == [
        (timedelta(0), 10, None),  # resumed: its pace is not ten epochs in no time
        (timedelta(seconds=EVERY), 15, 15.0),
        (timedelta(seconds=2 * EVERY), 20, 10.0),
    ]
    assert len(progress) == 6


def test_what_is_not_finite_is_null() -> None:
    out = io.StringIO()
    stream = EventStream(out, Clock())
    stream.queued(Due("one", experiment(1), plans.Planned(trial("relu", 0), "relu", Role.FINAL)))
    stream.heard("one", session.TrialProgress(1, 2, float("nan")))
    (event,) = told(out.getvalue())
    assert isinstance(event, TrialAdvanced)
    assert event.error is None
