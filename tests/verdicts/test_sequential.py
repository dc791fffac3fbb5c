"""Interim looks: taken at 3, 5 and 10 seeds, recorded, never forgotten, never taken twice."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import repro
import reproductions
from harness.cli.commands import run as command
from harness.cli.commands import status
from harness.cli.running.work import RunRequest
from harness.contract.errors import BadValue, StoreError
from harness.effects.statistics.significance import LOOKS
from harness.engines.runner import run
from harness.plans.experiment import Experiment, Reproduction
from harness.records import environment
from harness.records.conditions import Conditions
from harness.records.store import Store
from harness.reporting.claims import sections
from harness.verdicts import sequential
from harness.verdicts.assess import Assessments
from harness.verdicts.assessment import Assessment, assess
from harness.verdicts.sequential import Look
from tests.fakes.evidence.experiments import (
    REAL,
    Fake,
    Nobody,
    Value,
    console,
    decisive,
    experiment,
    filled,
    local,
    printed,
    reproduction,
    vague,
)


def until_decided(root: Path, value: Value) -> tuple[Fake, list[tuple[Look, int | None]]]:
    """Runs the made-up experiment look by look; the engine, and each look with the seeds that follow it."""
    store, engine, heard = Store(root), Fake(value), []

    def report(experiment: Experiment, look: Look, further: Experiment | None) -> None:
        heard.append((look, further.seeds if further else None))

    sequential.begin(experiment(3), store)
    waiting = sequential.settle([sequential.at_look(experiment(3), store)], store, report)
    while waiting:
        run(waiting, engine, store, Nobody())
        waiting = sequential.settle([j for j in waiting if j.evidence(store).complete], store, report)
    return engine, heard


def judged(seeds: int, store: Store) -> Assessment:
    """What a store says about the made-up experiment."""
    return Assessments(store).of(experiment(seeds))


def test_seeds_are_added_at_the_next_look_until_the_verdict_is_decided(tmp_path: Path) -> None:
    engine, heard = until_decided(tmp_path, decisive)
    assert [(look.n, further) for look, further in heard] == [(3, 5), (5, None)]
    assert heard[0][0].verdicts == {"relu-speedup": "directional (size unproven)"}
    assert heard[1][0].verdicts == {"relu-speedup": "reproduced"}
    assert len(engine.order) == 10


def test_the_last_look_is_the_last_though_nothing_is_decided(tmp_path: Path) -> None:
    _, heard = until_decided(tmp_path, vague)
    assert [look.n for look, _ in heard] == list(LOOKS)
    assert not heard[-1][0].decided
    assert heard[-1][1] is None


def test_an_interrupted_experiment_goes_on_at_its_look_and_takes_none_twice(tmp_path: Path) -> None:
    until_decided(tmp_path, vague)
    engine, heard = until_decided(tmp_path, vague)
    assert engine.order == []
    assert [look.n for look, _ in heard] == [10]
    assert [look.n for look in sequential.taken(experiment(10), Store(tmp_path))] == list(LOOKS)


def test_a_failed_trial_is_no_look(tmp_path: Path) -> None:
    _, heard = until_decided(tmp_path, lambda arm, seed: None if seed == 2 else 5.0)
    assert heard == []
    assert sequential.taken(experiment(3), Store(tmp_path)) == []


def test_a_look_on_record_says_what_was_seen_of_what_and_when(tmp_path: Path) -> None:
    until_decided(tmp_path, decisive)
    path = next(tmp_path.glob("looks/relu-speedup.cifar10.*/3-1.json"))
    content = json.loads(path.read_text())
    assert (content["reproduction"], content["protocol"], content["n"]) == ("relu-speedup", "cifar10", 3)
    assert content["conditions"]["device"] == "cpu"
    assert len(content["records"]) == 6
    assert content["time"].endswith("+00:00")


def test_looks_are_judged_with_wider_intervals_for_ever(tmp_path: Path) -> None:
    store = filled(tmp_path, 5)
    assert not judged(5, store).interim
    sequential.begin(experiment(3), store)
    found = judged(5, Store(tmp_path))
    assert found.interim
    assert "at a look (nominal 98.10 %)" in "; ".join(found.verdicts["relu-speedup"].reasons)


def test_a_copy_that_drops_empty_folders_knows_what_was_begun(tmp_path: Path) -> None:
    """As git and many archives do, before a look was taken."""
    sequential.begin(experiment(3), Store(tmp_path / "here"))
    for file in filter(Path.is_file, (tmp_path / "here").rglob("*")):
        there = tmp_path / "there" / file.relative_to(tmp_path / "here")
        there.parent.mkdir(parents=True)
        shutil.copyfile(file, there)
    assert sequential.begun(experiment(3), Store(tmp_path / "there"))
    assert sequential.taken(experiment(3), (store := Store(tmp_path / "there"))) == []
    assert store.damaged == ()


def near(arm: str, seed: int) -> float:
    """Ratios of about six whose spread is small enough for a fixed n = 5, but too large for a look."""
    return 5.0 if arm == "relu" else 30.0 * math.exp(0.36 * (-1.26, -0.63, 0.0, 0.63, 1.26)[seed])


def test_what_a_fixed_number_of_seeds_would_decide_a_look_may_not(tmp_path: Path) -> None:
    store = filled(tmp_path, 5, near)
    fixed = assess(experiment(5), experiment(5).evidence(store), interim=False)
    assert fixed.verdicts["relu-speedup"].headline == "reproduced"
    look = sequential.take(experiment(5), store)
    assert (look.decided, look.verdicts["relu-speedup"]) == (False, "directional (size unproven)")


def test_a_damaged_look_is_named_and_the_experiment_stays_one_of_looks(tmp_path: Path) -> None:
    until_decided(tmp_path, decisive)
    path = next(tmp_path.glob("looks/*/3-1.json"))
    path.write_text(path.read_text()[:40])
    store = Store(tmp_path)
    assert [look.n for look in sequential.taken(experiment(5), store)] == [5]
    sequential.taken(experiment(5), store)
    assert [str(path) in sentence for sentence in store.damaged] == [True]
    assert judged(5, store).interim


def test_looks_at_records_that_no_code_stands_for_are_not_shown(tmp_path: Path) -> None:
    until_decided(tmp_path, decisive)
    for record in (tmp_path / "records").glob("*.json"):
        record.unlink()
    store = Store(tmp_path)
    assert len(sequential.taken(experiment(5), store)) == 2
    assert sequential.valid(experiment(5), experiment(5).evidence(store), store) == []
    assert sequential.begun(experiment(5), store)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "looks").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match=r"a look cannot be written to .*--results-dir"):
        sequential.begin(experiment(3), Store(tmp_path))


@given(asked=st.integers(0, 40))
def test_the_next_look_is_the_first_that_drops_no_seed(asked: int) -> None:
    class RunRequest(Store):
        def asked(self, reproduction: str, protocol: str, conditions: Conditions) -> int:
            return asked

    store = RunRequest(Path("nowhere"))
    if asked > LOOKS[-1]:
        with pytest.raises(BadValue, match=f"{asked} seeds of .* were requested before, and no look is"):
            sequential.at_look(experiment(3), store)
    else:
        seeds = sequential.at_look(experiment(3), store).seeds
        assert seeds in LOOKS
        assert seeds >= asked
        assert all(n < asked for n in LOOKS if n < seeds)


@given(seeds=st.sampled_from(LOOKS))
def test_exact_claims_need_no_looks(seeds: int) -> None:
    counted = replace(experiment(seeds), reproduction=reproduction("architecture", ("architecture",)))
    assert not sequential.sequential(counted)
    assert sequential.at_look(counted, Store(Path("nowhere"))).seeds == seeds


def test_seeds_added_after_a_fixed_result_was_there_make_it_one_of_looks(tmp_path: Path) -> None:
    store = filled(tmp_path, 5, vague)
    store.ask("relu-speedup", "cifar10", experiment(5).conditions, 5)
    assert not sequential.note_earlier(experiment(5), store)
    assert sequential.note_earlier(experiment(10), store)
    assert [look.n for look in sequential.taken(experiment(10), store)] == [5]
    assert judged(10, store).interim
    assert not sequential.note_earlier(experiment(10), store)


@pytest.mark.parametrize(("asked", "stored"), [(2, 2), (5, 4)])
def test_seeds_added_before_a_verdict_was_there_are_no_look(tmp_path: Path, asked: int, stored: int) -> None:
    store = filled(tmp_path, stored)
    store.ask("relu-speedup", "cifar10", experiment(5).conditions, asked)
    assert not sequential.note_earlier(experiment(10), store)
    assert not sequential.begun(experiment(10), store)


def test_seeds_that_no_look_would_judge_are_refused_before_they_are_trained(tmp_path: Path) -> None:
    store = filled(tmp_path, 5, vague)
    store.ask("relu-speedup", "cifar10", experiment(5).conditions, 5)
    with pytest.raises(BadValue, match=r"--seeds 7: .* judged at 3, 5, 10 seeds only; give --until-decided"):
        sequential.check_seeds(experiment(7), store)
    sequential.check_seeds(experiment(10), store)
    sequential.check_seeds(experiment(4), store)  # adds none
    assert sequential.note_earlier(experiment(10), store)
    store.ask("relu-speedup", "cifar10", experiment(5).conditions, 10)
    with pytest.raises(BadValue, match="--seeds 12: "):
        sequential.check_seeds(experiment(12), store)


def test_a_first_result_may_have_any_number_of_seeds(tmp_path: Path) -> None:
    sequential.check_seeds(experiment(7), Store(tmp_path))
    store = filled(tmp_path, 4)
    store.ask("relu-speedup", "cifar10", experiment(5).conditions, 5)
    sequential.check_seeds(experiment(7), store)  # of five seeds one is missing: nothing was seen


def test_a_claim_that_no_look_can_show_keeps_its_number_of_seeds(tmp_path: Path) -> None:
    """Ten networks of ten leave a lower bound of 63 %, below the 80 % that the claim needs."""
    declared = replace(experiment(17), protocol=replace(REAL, seeds=17))
    store = filled(tmp_path, 3)
    store.ask("relu-speedup", "cifar10", declared.conditions, 3)
    assert sequential.at_look(declared, store).seeds == 17
    sequential.begin(declared, store)
    sequential.check_seeds(declared, store)
    assert not sequential.note_earlier(declared, store)
    assert not sequential.begun(declared, store)


def test_the_command_refuses_such_seeds(tmp_path: Path, only: Reproduction) -> None:
    store = filled(tmp_path, 5, vague)
    store.ask("relu-speedup", "cifar10", experiment(5).conditions, 5)
    with pytest.raises(BadValue, match="--seeds 7"):
        command.start(replace(ask(tmp_path, only, until_decided=False), seeds=7), console())


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Reproduction:
    """The made-up experiment as the only reproduction there is."""
    made = reproduction()
    monkeypatch.setattr(reproductions, "every", lambda: (made,))
    monkeypatch.setattr(environment, "torch_version", lambda: "2.13.0")
    return made


def ask(root: Path, made: Reproduction, **options: object) -> RunRequest:
    values = {"until_decided": True, **options}
    return RunRequest([made], "cifar10", None, "cpu", 1, None, root, **values)  # type: ignore[arg-type]


def test_the_command_runs_look_by_look_and_status_and_report_know(
    tmp_path: Path, only: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, out = Fake(decisive), console()
    monkeypatch.setattr("harness.engines.local.LocalEngine", local(engine))
    assert command.start(ask(tmp_path, only), out)
    assert "n = 3: directional (size unproven); on to 5 seeds" in printed(out)
    assert "10 of 10 trials" in printed(out)
    status.show(Store(tmp_path), False, False, out := console(), console())
    assert "n = 3: directional (size unproven); n = 5: reproduced" in " ".join(printed(out).split())
    (section,) = [s for s in sections.sections(Assessments(Store(tmp_path))) if s.claim.id == "relu-speedup"]
    assert section.verdict.headline == "reproduced"
    assert "at a look" in section.verdict.reasons[0]


def test_a_later_fixed_run_of_it_is_a_look_too(
    tmp_path: Path, only: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Fake(decisive)
    monkeypatch.setattr("harness.engines.local.LocalEngine", local(engine))
    fixed = replace(ask(tmp_path, only, until_decided=False), seeds=10)
    shown = []
    for asked in (ask(tmp_path, only), fixed, fixed):
        out = console()
        assert command.start(asked, out)
        shown.append(re.findall(r"n = (\d+):", printed(out)))
    assert shown == [["3", "5"], ["10"], []]  # each look when it is taken, and only then
    assert [look.n for look in sequential.taken(experiment(10), Store(tmp_path))] == [3, 5, 10]


def test_nothing_starts_where_everything_is_decided(
    tmp_path: Path, only: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engines.local.LocalEngine", local(Fake(decisive)))
    assert command.start(ask(tmp_path, only), console())
    monkeypatch.setattr("harness.engines.local.LocalEngine", None)
    assert command.start(ask(tmp_path, only), console())


def test_what_fixed_seeds_have_decided_is_never_turned_into_looks(
    tmp_path: Path, only: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same runs would be judged by wider intervals from then on, and nothing be learned."""
    monkeypatch.setattr("harness.engines.local.LocalEngine", local(Fake(decisive)))
    assert command.start(ask(tmp_path, only, until_decided=False), console())
    assert command.start(ask(tmp_path, only), out := console())
    assert "is decided with a fixed number of seeds: none is added, and no look is taken" in printed(out)
    assert "relu-speedup: reproduced; to see why: ./repro.py explain relu-speedup" in printed(out)
    assert not sequential.begun(experiment(5), Store(tmp_path))


def test_what_fixed_seeds_left_open_may_go_on_at_looks(
    tmp_path: Path, only: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engines.local.LocalEngine", local(Fake(vague)))
    assert command.start(ask(tmp_path, only, until_decided=False), console())
    assert command.start(ask(tmp_path, only), console())
    assert [look.n for look in sequential.taken(experiment(10), Store(tmp_path))] == [5, 10]


def test_a_number_of_seeds_and_looks_contradict_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["repro.py", "run", "relu-speedup", "--seeds", "4", "--until-decided"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as left:
        repro.main()
    assert left.value.code == 2
    assert "--seeds 4 fixes the number of seeds and --until-decided adds them" in capsys.readouterr().err
