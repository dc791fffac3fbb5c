"""What every engine must do, tested for this machine's and for Ray's alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.device import CPU, DeviceKind
from harness.contract.session import TrialProgress
from harness.contract.trial import Status, Trial
from harness.engines.deadline import Alarm, Deadline
from harness.engines.engine import Engine
from harness.engines.local import LocalEngine
from harness.engines.messages import Started
from harness.engines.runner import Limits, run
from harness.plans.experiment import Experiment, Finding, Lookup, Plan, Planned, Protocol, Reproduction, Role
from harness.records.conditions import Conditions
from harness.records.environment import torch_version
from harness.records.record import Record
from harness.records.store import Store
from harness.verdicts import sequential
from tests.fakes.evidence.experiments import ARMS
from tests.fakes.evidence.experiments import reproduction as race
from tests.fakes.running.step_by_step import Alone, Fails, Steps
from tests.fakes.running.two_stages import Collected

HERE = Conditions(DeviceKind.CPU, torch_version())
PROTOCOL = Protocol("cifar10", "made up", None, 3)
LONG = 60.0  # seconds that anything may take on a busy machine
Make = Callable[[Path], Engine]


def local(folder: Path) -> Engine:
    return LocalEngine(CPU, 2, folder)


def on_ray(folder: Path) -> Engine:
    from harness.engines.ray import RayEngine

    return RayEngine(CPU, folder)


@pytest.fixture(
    scope="module", params=[local, pytest.param(on_ray, marks=pytest.mark.cluster)], ids=["local", "ray"]
)
def make(request: pytest.FixtureRequest) -> Make:
    """Makes an engine of a kind."""
    if request.param is on_ray:
        request.getfixturevalue("cluster")
    made: Make = request.param
    return made


@pytest.fixture(scope="module")
def home(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the engine that several tests share."""
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def engine(make: Make, home: Path) -> Iterator[Engine]:
    """An engine that several tests share."""
    engine = make(home)
    yield engine
    engine.close()


def experiment(*trials: Trial) -> Experiment:
    """An experiment of all these trials at once."""

    def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
        return Plan(tuple(Planned(trial, "a", Role.FINAL) for trial in trials))

    made = Reproduction("test", (), (PROTOCOL,), plan, lambda evidence: Finding())
    return Experiment(made, PROTOCOL, 3, HERE)


def ran(engine: Engine, folder: Path, *trials: Trial, limits: Limits | None = None) -> list[Record]:
    """The records that the runner stores of these trials, in order."""
    seen = Collected()
    run([experiment(*trials)], engine, Store(folder), seen, limits)
    return seen.records


def said(engine: Engine, until: int) -> list[tuple[str, object]]:
    """The next messages, this many."""
    return [engine.messages.get() for _ in range(until)]


def test_one_trial_at_a_time_is_in_the_plans_order_and_says_how_far_it_is(
    engine: Engine, tmp_path: Path
) -> None:
    trials = [Trial(Steps(), seed) for seed in (2, 0, 1)]
    records = ran(engine, tmp_path, *trials, limits=Limits(under_way=1))
    assert [record.trial["seed"] for record in records] == [2, 0, 1]
    assert all(record.status is Status.OK and record.conditions == HERE for record in records)
    assert records[0].curve == ({"step": 0.0}, {"step": 1.0})
    assert records[0].environment["torch"]
    expected = [
        (record.key, what)
        for record in records
        for what in (Started(), TrialProgress(0, 2), TrialProgress(1, 2))
    ]
    assert said(engine, 9) == expected


def test_a_trial_that_fails_is_a_record_tried_once_and_stops_no_other(engine: Engine, tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    bad = [Trial(Fails(str(tries)), seed) for seed in (0, 1)]
    found = {record.key: record for record in ran(engine, tmp_path, *bad, Trial(Steps(), 7))}
    assert sorted(record.status for record in found.values()) == ["failed", "failed", "ok"]
    bug, sentence = (found[experiment().key(trial)].error for trial in bad)
    assert bug.startswith("Traceback")
    assert "ZeroDivisionError: a bug" in bug
    assert sentence == "a sentence"
    assert tries.read_text() == "xx"


def test_a_trial_that_must_be_alone_is(engine: Engine, tmp_path: Path) -> None:
    """Also where both are given to the engine at once, as two invocations would."""
    engine.submit(Trial(Steps(length=0.2), 3), HERE, None)
    engine.submit(Trial(Alone(length=0.2), 3), HERE, None)
    records: list[Record] = []
    while engine.pending:
        records += engine.finished()
    first, second = sorted((record.details for record in records), key=lambda details: details["began"])
    assert first["ended"] <= second["began"]


def test_seeds_are_added_at_looks(engine: Engine, tmp_path: Path) -> None:
    def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
        trials = [(arm, Trial(Steps(arm), seed)) for arm in ARMS for seed in range(seeds)]
        return Plan(tuple(Planned(trial, arm, Role.FINAL) for arm, trial in trials))

    one = Experiment(replace(race(), plan=plan), replace(PROTOCOL, name="cifar10"), 3, HERE)
    store, heard = Store(tmp_path), list[int]()
    sequential.begin(one, store)
    due = [one]
    while due:
        run(due, engine, store, Collected())
        due = sequential.settle(due, store, lambda experiment, look, further: heard.append(look.n))
    assert heard == [3, 5, 10]
    assert len(store.records) == 20


def test_when_the_time_is_up_a_trial_is_saved_and_another_engine_goes_on_from_there(
    make: Make, engine: Engine, home: Path, tmp_path: Path
) -> None:
    def clock() -> float:
        """The time is up once something has been saved."""
        return float(any(home.glob("checkpoints/*.pt")))

    trial = Trial(Steps(steps=400, length=0.05), 0)
    first, deadline = make(home), Deadline(1, clock)
    with Alarm(deadline, lambda: 0.0, first.stop.set) as alarm:
        assert ran(first, tmp_path, trial, limits=Limits(alarm.enough)) == []
    assert len(first.pending) == 0
    first.close()
    (checkpoint,) = (home / "checkpoints").iterdir()
    reached = int(checkpoint.read_text())
    assert 0 <= reached < 399
    checkpoint.write_text("395")
    (record,) = ran(engine, tmp_path, trial)
    assert record.details["first"] == 395
    assert len(record.curve) == 400
    assert not checkpoint.exists()


def test_trials_that_are_killed_save_nothing_more_and_leave_no_record(make: Make, tmp_path: Path) -> None:
    engine = make(tmp_path)
    for seed in range(4):
        engine.submit(Trial(Steps(length=40.0), seed), HERE, None)
    while not list(tmp_path.glob("checkpoints/*.pt")):
        assert list(engine.finished()) == []
    engine.interrupt()
    engine.kill()
    begun = time.monotonic()
    while engine.pending:
        assert list(engine.finished()) == []
    assert time.monotonic() - begun < 15
    engine.close()
