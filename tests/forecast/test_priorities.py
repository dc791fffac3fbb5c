"""Budgets: what decides most comes first, the plan says what it leaves out, and the time limit is kept."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reproductions
from harness.cli.commands import run as command
from harness.cli.running.dry_run import plan_rows
from harness.cli.running.work import RunRequest
from harness.contract.device import CPU, DeviceKind
from harness.contract.errors import BadValue
from harness.engines.deadline import Alarm, Deadline, parse
from harness.engines.runner import Limits, run
from harness.forecast import priorities
from harness.forecast.cost import SpeedSource
from harness.forecast.priorities import Intent, Standing, Step
from harness.plans.experiment import Experiment, Protocol, Reproduction
from harness.records import environment
from harness.records.conditions import Conditions
from harness.records.keys import key_of
from harness.records.store import Store
from harness.verdicts import sequential
from harness.verdicts.assess import Assessments
from tests.fakes.evidence.experiments import (
    HERE,
    Clock,
    Fake,
    Nobody,
    console,
    decisive,
    experiment,
    filled,
    local,
    printed,
    reproduction,
    vague,
)
from tests.fakes.evidence.trials import STAND_IN


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("20m", 1200), ("1.5h", 5400), ("0.5s", 0.5), ("999999h", 3599996400)]
)
def test_a_time_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "20", "m", "20 m", "-5m", "0s", "1e3s", "nan", "1.h", "20min", "٣m", "9999999h"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match=r"is not a time above 0 .*: write 90s, 20m or 1\.5h"):
        parse(text)


@given(st.text(max_size=8))
def test_no_text_breaks_the_parser(text: str) -> None:
    with suppress(BadValue):
        assert parse(text) > 0


def steps(draw: list[tuple[Standing, float, int]]) -> list[Step]:
    return [
        Step(experiment(5), standing, trials, seconds, SpeedSource.RECORDS)
        for standing, seconds, trials in draw
    ]


planned = st.lists(
    st.tuples(st.sampled_from(Standing), st.floats(0, 1e4), st.integers(1, 50)), min_size=1, max_size=8
)


@given(planned, st.floats(1, 1e4))
def test_what_is_done_whole_fits_into_the_time_and_comes_first(
    drawn: list[tuple[Standing, float, int]], seconds: float
) -> None:
    ordered = list(priorities.intended(sorted(steps(drawn), key=lambda step: step.price), seconds))
    intents = [step.intent for step in ordered]
    assert intents == sorted(intents, key=list(Intent).index)
    assert intents.count(Intent.PART) <= 1
    fits = [end <= seconds for end in accumulate(s.seconds for s in ordered)]
    assert [intent is Intent.WHOLE for intent in intents] == fits
    assert [s.standing for s in ordered] == sorted(s.standing for s in ordered)


def named(name: str, images: int = 1000) -> Experiment:
    return experiment(5, reproduction(name, images=images))


def test_no_verdict_comes_before_inconclusive_and_cheap_before_dear(tmp_path: Path) -> None:
    store = filled(tmp_path, 5, vague)
    store.ask("relu-speedup", "cifar10", HERE, 5)
    inconclusive = replace(experiment(5), seeds=10)
    experiments = [inconclusive, named("dear", 9000), named("cheap", 10)]
    ordered = priorities.plan(experiments, store, CPU, 1)
    assert [s.experiment.reproduction.name for s in ordered] == ["cheap", "dear", "relu-speedup"]
    assert [s.standing for s in ordered] == [0, 0, 1]
    assert [s.trials for s in ordered] == [10, 10, 10]


def test_many_claims_for_the_price_of_one_come_first(tmp_path: Path) -> None:
    two = replace(reproduction("two", images=1500), claims=("relu-speedup", "dropout-iterations"))
    ordered = priorities.plan([named("one"), experiment(5, two)], Store(tmp_path), CPU, 1)
    assert [s.experiment.reproduction.name for s in ordered] == ["two", "one"]


def test_decided_claims_wait_until_nothing_undecided_is_left(tmp_path: Path) -> None:
    store = filled(tmp_path, 5, decisive)
    store.ask("relu-speedup", "cifar10", HERE, 5)
    decided, dear = replace(experiment(5), seeds=10), named("dear", 10**9)
    ordered = priorities.plan([decided, dear], store, CPU, 1)
    assert [s.standing for s in ordered] == [Standing.NO_VERDICT, Standing.DECIDED]
    assert priorities.groups(ordered) == [[dear], [decided]]


def test_claims_that_pilots_showed_to_get_no_verdict_come_last(tmp_path: Path) -> None:
    known = Assessments(Store(tmp_path))
    standing = {
        name: priorities.known(Experiment(of, of.protocol("cifar10-scarce"), 5, HERE), known)
        for name, of in ((name, reproductions.named(name)) for name in ("weight-decay", "crop-flip"))
    }
    assert standing == {"weight-decay": Standing.UNDECIDABLE, "crop-flip": Standing.NO_VERDICT}


def test_claims_that_are_never_judged_at_a_protocol_come_last(tmp_path: Path) -> None:
    """Times are reported, two cores are not two devices, and an error at another scale has no band."""
    known, here = Assessments(Store(tmp_path)), replace(HERE, data=None)
    unjudged = (("training-time", "machine"), ("two-gpu-time", "two-cores"), ("error-rate", "cifar10-scarce"))
    for name, protocol in unjudged:
        of = reproductions.named(name)
        at = Experiment(of, of.protocol(protocol), 5, here)
        assert priorities.known(at, known) is Standing.UNDECIDABLE, name
    ordered = priorities.plan([at, named("dear", 10**9)], Store(tmp_path), CPU, 1)
    assert [s.experiment.reproduction.name for s in ordered] == ["dear", "error-rate"]


def test_a_verdict_from_another_machine_counts_as_known(tmp_path: Path) -> None:
    store = filled(tmp_path, 5, decisive)
    elsewhere = replace(experiment(5), conditions=Conditions(DeviceKind.CUDA, "2.13.0"))
    assert priorities.known(elsewhere, Assessments(store)) is Standing.DECIDED
    assert priorities.known(elsewhere, Assessments(Store(tmp_path / "empty"))) is Standing.NO_VERDICT


@pytest.mark.parametrize("name", [r.name for r in reproductions.every()])
def test_every_plan_unfolds_to_its_end_before_anything_has_run(tmp_path: Path, name: str) -> None:
    made = reproductions.named(name)
    for protocol in made.protocols:
        whole = Experiment(made, protocol, protocol.seeds, STAND_IN)
        known = whole.evidence(Store(tmp_path)).plan
        needed = {key_of(trial, STAND_IN) for trial in priorities.needed(whole, Store(tmp_path))}
        assert needed >= {key_of(p.trial, STAND_IN) for p in known.trials}
        assert len(needed) > len(known.trials) or not known.to_come


def test_the_end_of_the_time_is_kept() -> None:
    clock = Clock()
    deadline = Deadline(60, clock)
    assert not deadline.near(59)
    clock.now = 55
    assert deadline.left() == 5
    assert deadline.near(pace=5)
    clock.now = 100
    assert deadline.left() == 0
    assert deadline.near()


def test_trials_are_asked_to_stop_as_early_as_they_heed_it() -> None:
    clock, stopped = Clock(), threading.Event()
    with Alarm(Deadline(60, clock), lambda: 12.0, stopped.set) as alarm:
        assert not alarm.enough()
        clock.now = 49
        assert stopped.wait(10)
        assert alarm.enough()


def test_an_alarm_that_is_left_never_rings() -> None:
    clock, stopped = Clock(), threading.Event()
    with Alarm(Deadline(60, clock), lambda: 0.0, stopped.set):
        pass
    clock.now = 1000
    assert not stopped.is_set()


@given(each=st.floats(0.1, 30), seconds=st.floats(1, 60), under_way=st.integers(1, 4))
def test_no_trial_begins_after_the_end_and_all_before_it_is_kept(
    tmp_path_factory: pytest.TempPathFactory, each: float, seconds: float, under_way: int
) -> None:
    clock = Clock()
    engine, deadline = Fake(clock=clock, each=each), Deadline(seconds, clock)
    store = Store(tmp_path_factory.mktemp("store"))
    run([experiment(5)], engine, store, Nobody(), Limits(deadline.near, under_way))
    assert clock.now < seconds + each or not engine.order
    assert len(store.records) == len(engine.order)
    assert len(engine.pending) < under_way
    assert clock.now >= seconds or len(store.records) == 10


def test_fewer_trials_under_way_leave_the_first_experiment_first(tmp_path: Path) -> None:
    engine = Fake()
    run([named("first"), named("second")], engine, Store(tmp_path), Nobody(), Limits(under_way=2))
    assert [t.settings.experiment for t in engine.order] == ["first"] * 10 + ["second"] * 10


Start = Callable[..., str]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts the whole command on made-up experiments with a made-up clock; returns what it prints."""

    def started(
        engine: Fake, *made: Reproduction, seconds: float, fails: bool = False, **options: object
    ) -> str:
        monkeypatch.setattr(environment, "torch_version", lambda: "2.13.0")
        monkeypatch.setattr("harness.engines.local.LocalEngine", local(engine))
        monkeypatch.setattr("harness.engines.machine.calibration.measure", lambda device, precisions: {})
        monkeypatch.setattr(command, "Deadline", partial(Deadline, clock=engine.clock))
        out = console()
        asked = RunRequest(made, "cifar10", None, "cpu", 1, None, tmp_path, budget=seconds)
        assert command.start(replace(asked, **options), out) is not fails  # type: ignore[arg-type]
        return printed(out)

    return started


def test_the_command_says_what_it_will_do_stops_on_time_and_says_what_is_left(start: Start) -> None:
    engine = Fake(each=10)
    said = start(engine, reproduction("dear", images=10**9), reproduction("cheap"), seconds=145)
    plan = said[: said.index("The time is up")]
    assert plan.index("cheap") < plan.index("dear")
    assert "all of it" in plan
    assert "costs at an assumed speed\n" in plan
    assert "as far as time allows" in plan
    assert [t.settings.experiment for t in engine.order] == ["cheap"] * 10 + ["dear"] * 5
    assert "cheap at cifar10: 10 of 10 trials" in said
    assert "not run for lack of time: dear (5 trials, at most" in said


def test_what_ended_before_the_time_was_up_did_not_lack_time(start: Start) -> None:
    said = start(Fake(lambda arm, seed: None), reproduction(), seconds=1000, fails=True)
    assert "failed or stopped before the time was up: relu-speedup (10 trials, at most" in said
    assert "lack of time" not in said


def test_fewer_seeds_than_before_leave_nothing_to_run(start: Start, tmp_path: Path) -> None:
    start(Fake(each=10), reproduction(), seconds=1000)
    store = Store(tmp_path)
    store.ask("relu-speedup", "cifar10", experiment(3).conditions, 9)
    said = start(Fake(), reproduction(), seconds=1000, seeds=3)
    assert "6 of 6 trials" in said
    assert "nothing is left to run" in said


def test_the_same_command_goes_on_where_the_time_ended(start: Start) -> None:
    start(Fake(each=10), reproduction(), seconds=45)
    engine = Fake(each=10)
    said = start(engine, reproduction(), seconds=1000)
    assert len(engine.order) == 5
    assert "nothing is left to run, with 16 min to spare" in said


def test_looks_and_a_budget_go_together(start: Start, tmp_path: Path) -> None:
    start(Fake(decisive, each=10), reproduction(), seconds=25, until_decided=True)
    assert sequential.begun(experiment(3), Store(tmp_path))
    assert sequential.taken(experiment(3), Store(tmp_path)) == []
    engine = Fake(decisive, each=10)
    start(engine, reproduction(), seconds=45, until_decided=True)
    assert [look.n for look in sequential.taken(experiment(3), Store(tmp_path))] == [3]
    assert len(engine.order) == 5
    start(engine, reproduction(), seconds=75, until_decided=True)
    assert [look.n for look in sequential.taken(experiment(3), Store(tmp_path))] == [3, 5]


def test_a_claim_without_its_data_is_named_and_the_others_run(start: Start, tmp_path: Path) -> None:
    lacking = replace(reproduction("lacking"), protocols=(Protocol("cifar10", "made up", "cifar10", 5),))
    elsewhere = pytest.MonkeyPatch()
    elsewhere.delenv("REPRO_DATA", raising=False)
    elsewhere.chdir(tmp_path)
    engine = Fake()
    said = start(engine, lacking, reproduction(), seconds=1000)
    elsewhere.undo()
    assert "cannot run: lacking: no cifar10 found" in said
    assert len(engine.order) == 10


def test_the_table_says_of_every_experiment_what_will_be_done() -> None:
    some = [
        replace(step, intent=intent)
        for step, intent in zip(steps([(Standing.NO_VERDICT, 5.0, 3)] * len(Intent)), Intent, strict=True)
    ]
    rows = plan_rows(some)
    assert [row["will be done"] for row in rows] == list(Intent)
    assert [row["trials"] for row in rows] == [3] * len(Intent)


def test_a_wrong_time_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    root = Path(reproductions.__file__).parent.parent
    command = [sys.executable, root / "repro.py", "run", "--budget", "soon", "--results-dir", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (
        done.stderr.strip()
        == "repro: --budget soon is not a time above 0 and below 1,000,000 s, m or h: write 90s, 20m or 1.5h"
    )


def test_of_two_that_cost_as_much_the_one_that_may_decide_more_claims_comes_first() -> None:
    """Those that it answers but cannot decide count for nothing: a level at a proxy, or a decided claim."""
    one, two = (
        Step(experiment(5), Standing.NO_VERDICT, 3, 60.0, SpeedSource.RECORDS, undecided)
        for undecided in (1, 2)
    )
    assert sorted([one, two], key=lambda step: step.price) == [two, one]


def test_only_claims_that_the_protocol_can_decide_count(tmp_path: Path) -> None:
    """On photographs `error-rate` is a level, which is only reported; `ten-view` may be judged."""
    both = reproductions.named("error-rate")
    assert set(both.claims) >= {"error-rate", "ten-view"}
    conditions = experiment(5).conditions
    for name, undecided in (("imagenette", 1), ("imagenet", 2)):
        protocol = both.protocol(name)
        (step,) = priorities.plan(
            [Experiment(both, protocol, protocol.seeds, conditions)], Store(tmp_path), CPU, 1
        )
        assert (step.undecided, step.standing) == (undecided, Standing.NO_VERDICT)
