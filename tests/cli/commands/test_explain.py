"""`explain`: the whole chain, every gate with its answer, one sentence for a wrong name, and no torch."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

import reproductions
from harness.cli.commands.explain import show
from harness.cli.terminal.tables import bounded
from harness.contract.errors import BadValue, UnknownName
from harness.contract.trial import Trial
from harness.paper.catalogue import CLAIMS, claim
from harness.plans.experiment import Evidence, Experiment, Lookup, Plan, Protocol
from harness.plans.protocols import CONVERGED_SHORT
from harness.records.record import Record
from harness.records.store import Store
from harness.reporting import explanation
from harness.verdicts import sequential
from harness.verdicts.assess import Assessments
from harness.verdicts.gates import GATES
from reproductions import crop_flip, feature_neighbours
from tests.fakes.evidence.experiments import HERE, Value, decisive, experiment, filled, reproduction, vague
from tests.fakes.evidence.trials import STAND_IN, record_for

ROOT = Path(reproductions.__file__).parent.parent
TITLES = (
    "relu-speedup: reproduced",
    "The paper, § 3.1, Fig. 1",
    "Declared in advance",
    "Experiment relu-speedup",
    "Final runs, seed by seed",
    "Effects, the primary one first",
    "Gates, in this order",
    "Verdict",
)


@pytest.fixture(autouse=True)
def _only_the_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproductions, "every", lambda: (reproduction(),))


def shown(store: Store, name: str = "relu-speedup", protocol: str | None = None) -> str:
    out = Console(width=300, file=io.StringIO())
    show(name, protocol, store, False, out)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize(("claims", "found"), [(("relu-speedup",), True), (("lrn", "lrn-cifar"), False)])
def test_a_reproduction_is_asked_for_by_its_name_too(
    claims: tuple[str, ...], found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = replace(reproduction(), name="race", claims=claims)
    monkeypatch.setattr(reproductions, "every", lambda: (made,))
    if found:
        assert shown(Store(tmp_path), "race").startswith("relu-speedup: ")
    else:
        with pytest.raises(BadValue, match="race answers the claims lrn, lrn-cifar: name one of them"):
            shown(Store(tmp_path), "race")


def gates(
    root: Path, seeds: int, value: Value = decisive, looked: bool = False
) -> list[explanation.GateAnswer]:
    store = filled(root, seeds, value)
    store.ask("relu-speedup", "cifar10", HERE, seeds)
    if looked:
        sequential.begin(experiment(seeds), store)
    return explanation.answers(Assessments(store).of(experiment(seeds)).case(claim("relu-speedup")))


def test_the_chain_goes_from_the_papers_sentence_to_the_verdict(tmp_path: Path) -> None:
    text = shown(filled(tmp_path, 5))
    places = [text.index(title) for title in TITLES]
    assert places == sorted(places)
    for words in (
        "figure: 6×",
        "estimand: epochs to 25 % training error, tanh ÷ ReLU",
        "direction: no effect is 1; the paper's effect is above it",
        "band, epochs (primary): [4, 9] ×; this project's policy, from the paper's 6: a ratio",
        "conditions: CIFAR-10, all 50,000 training images",
        "protocol cifar10: made up",
        "95 % interval",
        "90 % interval",
        "reproduced\n  because: CI₉₀ [",
    ):
        assert words in text


@pytest.mark.parametrize("of", [crop_flip, feature_neighbours])
@pytest.mark.parametrize(("tuned", "said"), [(True, "learning rate 0.01"), (False, "not known yet")])
def test_the_rate_that_tuning_chose_is_told_also_of_networks_that_are_then_measured(
    of: ModuleType, tuned: bool, said: str
) -> None:
    """Half of the shared rate, .02, errs least."""

    def lookup(trial: Trial) -> Record | None:
        rate = getattr(getattr(trial.settings, "schedule", None), "rate", None)
        return record_for(trial, ten_top1=20.0 if rate == 0.01 else 30.0) if tuned else None

    evidence = Evidence(CONVERGED_SHORT, of.REPRODUCTION.plan(CONVERGED_SHORT, 3, lookup), ())
    assert set(explanation.chosen(evidence).values()) == {said}


@pytest.mark.parametrize(("more", "said"), [(0, "; 3 seeds an arm"), (2, "; 3 to 5 seeds an arm")])
def test_an_arm_with_more_seeds_than_the_others_is_not_hidden(
    more: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = reproduction()

    def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
        found = made.plan(protocol, seeds, lookup)
        again = [
            replace(p, trial=replace(p.trial, seed=seeds + i)) for i in range(more) for p in found.trials[:1]
        ]
        return replace(found, trials=(*found.trials, *again))

    monkeypatch.setattr(reproductions, "every", lambda: (replace(made, plan=plan),))
    store = filled(tmp_path, 3)
    store.ask("relu-speedup", "cifar10", HERE, 3)
    assert HERE.data is None  # and so no data set is named
    assert f"on cpu, fp32, torch {HERE.torch}{said}" in shown(store)


def test_a_required_share_is_declared_as_what_it_is(tmp_path: Path) -> None:
    said = shown(Store(tmp_path), "kernel-specialisation")
    assert "direction: required: 80 %; the paper's effect is above it" in said


def test_every_gate_answers_for_itself(tmp_path: Path) -> None:
    found = gates(tmp_path, 5)
    assert [g.name for g in found] == [
        "not run", "invalid", "smoke", "reported", "incomplete", "few seeds", "looks", "under-fitted", "A/A",
        "scale",
    ]  # fmt: skip
    assert found[5].answer == "n = 5; a verdict needs 3"


def test_what_is_not_asked_is_not_said_to_be_passed(tmp_path: Path) -> None:
    """The protocol declares no check of its own, and its seeds are fixed."""
    found = {g.name: g for g in gates(tmp_path / "fixed", 5)}
    unasked = {name for name, g in found.items() if g.passed is None}
    assert unasked == {"looks", "under-fitted", "A/A"}
    assert {found[name].answer.partition(":")[0] for name in unasked} == {"not asked"}
    assert all(g.passed for name, g in found.items() if name not in unasked)
    assert gates(tmp_path / "look", 5, looked=True)[6].passed


def test_every_gate_has_a_question_of_its_own() -> None:
    assert len({gate.question for gate in GATES}) == len({gate.name for gate in GATES}) == len(GATES)
    assert all(gate.question.endswith("?") for gate in GATES)


def test_gates_after_the_one_that_answers_are_not_asked(tmp_path: Path) -> None:
    found = gates(tmp_path, 2)
    assert [g.passed for g in found] == [True] * 5 + [False, None, None, None, None]
    assert found[5].answer == "gate few seeds: n = 2, but a verdict needs 3"
    assert {g.answer for g in found[6:]} == {explanation.NOT_ASKED}


def test_a_cap_by_few_seeds_and_a_look_are_said(tmp_path: Path) -> None:
    assert "at most a direction can be shown" in gates(tmp_path / "few", 3)[5].answer
    assert gates(tmp_path / "look", 5, looked=True)[6].answer == "n = 5 is a declared look"
    off = gates(tmp_path / "off", 7, looked=True)
    assert off[6].answer == "gate looks: n = 7 is not a declared look (3, 5, 10)"


def test_looks_that_were_taken_are_shown(tmp_path: Path) -> None:
    store = filled(tmp_path, 5, vague)
    sequential.begin(experiment(5), store)
    sequential.take(experiment(3), store)
    assert "seeds are added at looks (3, 5, 10); taken: n = 3: " in shown(store)


@pytest.mark.parametrize("name", [c.id for c in CLAIMS])
def test_every_claim_can_be_explained_without_any_record(tmp_path: Path, name: str) -> None:
    text = shown(Store(tmp_path), name)
    assert text.startswith(f"{name}: not run\n")
    assert "\nnot run\n" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lrn", "a difference in points"),
        ("relu-speedup", "a ratio"),
        ("error-rate", "a top-1 error"),
        ("architecture", "a count that the paper rounds"),
        ("colour-augmentation", "from the paper's 1: a figure that the paper gives as a lower bound"),
        ("two-gpu-time", "none; its size is not judged"),
    ],
)
def test_a_band_says_which_policy_it_comes_from(name: str, words: str) -> None:
    assert words in explanation.origin(claim(name).primary)


def test_json_holds_the_same_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show("relu-speedup", "cifar10", filled(tmp_path, 5), True, Console())
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"]["headline"] == "reproduced"
    assert found["experiment"]["effects"][0]["n"] == 5
    assert len(found["experiment"]["runs"]) == 10
    assert found["experiment"]["gates"][0] == {
        "name": "not run",
        "question": "does any final trial have a record?",
        "passed": True,
        "answer": "10 final runs have a record",
    }
    assert found["claim"]["bands"]["epochs"].startswith("this project's policy")


def test_a_band_with_one_end_is_a_bound_in_words_and_null_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = shown(Store(tmp_path), "colour-augmentation")
    assert "band, top-1 error: ≥ 1 point; this project's policy" in " ".join(said.split())
    show("colour-augmentation", None, Store(tmp_path), True, Console())
    text = capsys.readouterr().out
    assert "Infinity" not in text
    assert json.loads(text)["claim"]["metrics"][0]["band"] == {"low": 1.0, "high": None}


def test_an_open_end_of_an_interval_is_null_in_json() -> None:
    assert bounded({"ci95": {"low": 1.5, "high": math.inf}, "n": [6]}) == {
        "ci95": {"low": 1.5, "high": None},
        "n": [6],
    }


def test_square_brackets_are_text_and_no_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = reproduction()
    said = replace(made.protocols[1], summary="[red]no colour[/red]")
    monkeypatch.setattr(reproductions, "every", lambda: (replace(made, protocols=(said,)),))
    assert "[red]no colour[/red]" in shown(filled(tmp_path, 3))


def test_an_unknown_protocol_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"unknown protocol 'cifar1' of relu-speedup \(nearest: cifar10"):
        shown(Store(tmp_path), protocol="cifar1")
    with pytest.raises(BadValue, match="--protocol cifar10: lrn has no reproduction yet"):
        shown(Store(tmp_path), "lrn", "cifar10")


def test_nothing_is_written_by_looking(tmp_path: Path) -> None:
    shown(Store(tmp_path))
    assert list(tmp_path.iterdir()) == []


HEAVY = ("torch", "scipy.special", "scipy.stats", "pandas", "matplotlib", "jinja2")


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in its own process; the last line of stderr names what it imported."""
    program = (
        "import sys, json, repro\n"
        "try: repro.main()\n"
        f"finally: print(json.dumps([m for m in {HEAVY} if m in sys.modules]), file=sys.stderr)"
    )
    words = (sys.executable, "-c", program, *words)
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)


def test_an_unknown_claim_is_one_sentence_with_the_nearest_names(tmp_path: Path) -> None:
    done = command("explain", "relu-speedop", "--results-dir", str(tmp_path))
    assert done.returncode == 2
    said, _ = done.stderr.splitlines()
    assert said.startswith("repro: unknown claim 'relu-speedop' (nearest: relu-speedup")


LOOKING = (("list",), ("status",), ("status", "--why"), ("explain", "relu-speedup"))


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_looking_at_an_empty_store_imports_nothing_heavy(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = command(*words, "--results-dir", str(tmp_path))
    assert (done.returncode, json.loads(done.stderr)) == (0, [])


@pytest.mark.parametrize("words", [*LOOKING, ("report",)], ids=" ".join)
def test_looking_at_records_needs_no_torch(
    tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    made = reproductions.named("relu-speedup")
    store = Store(tmp_path)
    asked = Experiment(made, made.protocol("smoke"), 2, STAND_IN)
    asked.ask(store)
    for seed, planned in enumerate(asked.evidence(store).plan.trials):
        metrics = {"reached": 1.0, "epochs_low": 1.0, "epochs_high": 1.25 + seed % 3}
        store.append(record_for(planned.trial, **metrics))
    done = command(*words, "--results-dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "torch" not in json.loads(done.stderr.splitlines()[-1])
    if words[0] == "explain":
        assert "0.016" in done.stdout
