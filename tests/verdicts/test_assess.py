"""Which evidence is chosen, that all is computed once, and what is said about the seeds that would decide."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import pytest
from rich.console import Console

import reproductions
from harness.cli.commands import explain
from harness.contract.device import DeviceKind
from harness.contract.once import once
from harness.contract.trial import Trial
from harness.effects.statistics.intervals import level
from harness.paper.catalogue import claim
from harness.plans import experiment as plans
from harness.plans.experiment import (
    Evidence,
    Finding,
    Lookup,
    Plan,
    Planned,
    Protocol,
    Reproduction,
    Role,
    gather,
)
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.keys import canonical, key_of
from harness.records.record import Record
from harness.records.store import Store
from harness.reporting.claims.sections import Section, sections
from harness.reporting.effect_tables import effect_table
from harness.reporting.explanation import chain
from harness.reporting.wording import text
from harness.testing.records import answer
from harness.verdicts import assessment, rules
from harness.verdicts.assess import Assessments, best_first, most_first
from harness.verdicts.assessment import Assessment, assess, robust
from harness.verdicts.gates import Case
from harness.verdicts.verdict import Outcome, Qualifier, Verdict
from tests.fakes.evidence.experiments import (
    ARMS,
    HERE,
    REAL,
    decisive,
    experiment,
    filled,
    reproduction,
    trial,
)
from tests.fakes.evidence.trials import record_for

CIFAR = Conditions(DeviceKind.CPU, "2.13.0", DataIdentity("cifar10", Form.FILES, "made up"))
NAMES = ("depth", "lrn", "relu-speedup", "feature-neighbours")
AT = {"relu-speedup": "cifar10"}
PROXY = "cifar10-converged"


def stored(root: Path, *names: str, seeds: int = 3) -> Store:
    """A store with every record that the reproductions need at a proxy, or at `cifar10`."""
    records: dict[str, Record] = {}

    def lookup(trial: Trial) -> Record:
        return records.setdefault(canonical(trial), answer(trial, CIFAR))

    for name in names:
        found = reproductions.named(name)
        gather(found, found.protocol(AT.get(name, PROXY)), seeds, lookup)
    store = Store(root)
    for record in records.values():
        store.append(record)
    for name in names:
        store.ask(name, AT.get(name, PROXY), CIFAR, seeds)
    return store


def counted(counts: Counter[object], function: Callable[..., object], name: Callable[..., object]) -> object:
    """The function, with each call counted by `name` of its arguments."""

    def wrapped(*args: object, **options: object) -> object:
        counts[name(*args, **options)] += 1
        return function(*args, **options)

    return wrapped


def test_every_key_finding_and_verdict_of_a_report_is_computed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every ablation and measurement shares the paper's network.

    An experiment with arms at their own rates is estimated and judged once more at the shared one.
    """
    store = stored(tmp_path, *NAMES)
    keys, verdicts, decisions, findings = (Counter[object]() for _ in range(4))

    def trial_of(trial: Trial, conditions: Conditions) -> object:
        return canonical(trial), conditions

    def about(case: Case) -> object:
        return case.claim.id, case.evidence.protocol.name

    def estimating(one: Reproduction) -> Reproduction:
        name = one.name
        return replace(one, estimate=counted(findings, one.estimate, lambda evidence: name))  # type: ignore[arg-type]

    chosen = tuple(estimating(reproductions.named(name)) for name in NAMES)
    monkeypatch.setattr(reproductions, "every", lambda: chosen)
    monkeypatch.setattr(plans, "_keys", once(lambda trial: {}))
    monkeypatch.setattr(plans, "key_of", counted(keys, key_of, trial_of))
    monkeypatch.setattr(assessment, "judge", counted(verdicts, rules.judge, about))
    monkeypatch.setattr(rules, "decide", counted(decisions, rules.decide, about))
    found = [section for section in sections(Assessments(store)) if section.assessment]
    assert [s.claim.id for s in found] == [
        "relu-speedup", "lrn", "depth", "feature-neighbours",
    ]  # fmt: skip
    assert set(keys.values()) == {1}
    assert len(keys) >= len(store.records)
    rates = {
        s.claim.id: 1 + (s.assessment.evidence.at_shared_rate() is not None) for s in found if s.assessment
    }
    assert set(rates.values()) == {1, 2}
    assert verdicts == decisions == {(name, AT.get(name, PROXY)): times for name, times in rates.items()}
    assert findings == rates
    assert all(s.verdict is s.verdict for s in found)


def test_what_is_known_of_a_store_is_gathered_once(tmp_path: Path) -> None:
    known = Assessments(filled(tmp_path, 5))
    assert known.of(experiment(5)) is known.of(experiment(5))
    assert known.of(experiment(5)).evidence is known.evidence(experiment(5))
    assert known.of(experiment(5)) is not known.of(experiment(3))


def test_trials_that_are_equal_and_have_two_keys_are_not_confused(tmp_path: Path) -> None:
    one, other = Trial(("rate", 1), 0), Trial(("rate", 1.0), 0)
    assert one == other
    assert [experiment(5).key(trial) for trial in (one, other)] == [key_of(t, HERE) for t in (one, other)]
    assert experiment(5).key(one) != experiment(5).key(other)


def test_whole_and_sound_evidence_comes_first(tmp_path: Path) -> None:
    """Two machines: one has all records, the other stopped halfway."""
    store = filled(tmp_path, 3)
    started = replace(HERE, device=DeviceKind.CUDA)
    for arm in ("tanh", "relu"):
        store.append(record_for(trial(arm, 0), started, epochs=5.0))
    store.ask("relu-speedup", "cifar10", HERE, 3)
    found = Assessments(store).of_claim(claim("relu-speedup"), reproduction())
    assert [one.experiment.conditions.device for one in found] == ["cpu", "cuda"]
    assert found[1].verdict(claim("relu-speedup")).outcome is Outcome.INCONCLUSIVE


def test_an_experiment_with_one_arm_s_record_was_begun_only_if_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record_for(trial("tanh", 0), HERE, epochs=30.0))
    assert Assessments(store).at_protocol(reproduction(), REAL) == []
    store.ask("relu-speedup", "cifar10", HERE, 3)
    (found,) = Assessments(store).at_protocol(reproduction(), REAL)
    assert found.seeds == 3


def test_tuning_trials_shared_with_another_claim_do_not_begin_an_experiment(tmp_path: Path) -> None:
    """The error rate and dropout share their baseline, and with it the trials that choose its rate."""
    store, data = Store(tmp_path), DataIdentity("cifar10", Form.FILES, "made up")
    here = Conditions(DeviceKind.CPU, "2.13.0", data)
    dropout, error_rate = (reproductions.named(name) for name in ("dropout", "error-rate"))
    asked = plans.Experiment(dropout, dropout.protocol("cifar10-scarce"), 3, here)
    asked.ask(store)

    def begun(of: Reproduction) -> list[str]:
        return [one.protocol.name for one in Assessments(store).experiments(of)]

    def run(most: int | None = None) -> None:
        for planned in asked.evidence(store).to_run[:most]:
            store.append(answer(planned.trial, here))

    run(1)
    assert (begun(dropout), begun(error_rate)) == (["cifar10-scarce"], [])
    run()
    assert begun(error_rate) == []
    run()
    assert begun(error_rate) == ["cifar10-scarce"]


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Reproduction:
    """The made-up experiment as the only reproduction there is."""
    made = reproduction()
    monkeypatch.setattr(reproductions, "every", lambda: (made,))
    return made


def at(protocol: Protocol, seeds: int, day: int, root: Path) -> Assessment:
    """Complete evidence at a protocol, the last record finished on that day."""
    store = Store(root / f"{protocol.name}-{seeds}-{day}")
    for arm, seed in product(ARMS, range(seeds)):
        made = record_for(trial(arm, seed), HERE, epochs=decisive(arm, seed))
        store.append(replace(made, finished=f"2027-01-{day:02d}T00:00:00Z"))
    begun = replace(experiment(seeds), protocol=protocol)
    return assess(begun, begun.evidence(store), False)


def test_of_sound_evidence_the_papers_scale_comes_first_then_more_seeds_then_the_newest(
    tmp_path: Path,
) -> None:
    proxy, variant = replace(REAL, name="a-proxy"), replace(REAL, name="a-variant", scale=REAL.name)
    found = [
        at(REAL, 3, 1, tmp_path),
        at(variant, 5, 9, tmp_path),
        *(at(proxy, n, day, tmp_path) for n, day in ((5, 2), (5, 1), (3, 9))),
    ]
    assert claim("relu-speedup").paper_scale == REAL.name
    for order in permutations(found):
        assert best_first(claim("relu-speedup"), order) == found


def test_of_answers_to_a_question_whole_ones_come_first_then_more_seeds_then_the_newest(
    tmp_path: Path,
) -> None:
    found = [at(REAL, n, day, tmp_path) for n, day in ((5, 2), (5, 1), (3, 9))]
    part = replace(found[0], evidence=replace(found[0].evidence, runs=found[0].evidence.runs[1:]))
    for order in permutations([*found, part]):
        assert most_first(order) == [*found, part]


@pytest.mark.parametrize("latest", ["2.11.0", "2.13.0"])
def test_all_commands_show_the_newest_of_two_equal_pieces_of_evidence(
    latest: str, tmp_path: Path, only: Reproduction
) -> None:
    store = Store(tmp_path)
    for torch, arm, seed in product(("2.11.0", "2.13.0"), ARMS, range(3)):
        made = record_for(trial(arm, seed), replace(HERE, torch=torch), epochs=decisive(arm, seed))
        store.append(replace(made, finished=f"2027-01-0{2 if torch == latest else 1}T00:00:00Z"))
        store.ask("relu-speedup", "cifar10", replace(HERE, torch=torch), 3)
    told = [chain(claim("relu-speedup"), protocol, store).assessment for protocol in (None, "cifar10")]
    assert {one and one.experiment.conditions.torch for one in (*told, of_relu(store).assessment)} == {latest}


def spread(sd: float) -> Callable[[str, int], float]:
    """Ratios of six whose logarithms differ by `sd`: five seeds decide nothing."""
    steps = (-1.26, -0.63, 0.0, 0.63, 1.26)
    return lambda arm, seed: 5.0 if arm == "relu" else 30.0 * math.exp(sd * steps[seed])


def of_relu(store: Store) -> Section:
    return next(section for section in sections(Assessments(store)) if section.claim.id == "relu-speedup")


@pytest.mark.parametrize(("sd", "shown"), [(1.5, r"\d\d+"), (9.0, "> 1,000")])
def test_the_seeds_that_would_decide_are_the_same_in_the_table_the_json_and_the_advice(
    tmp_path: Path, only: Reproduction, capsys: pytest.CaptureFixture[str], sd: float, shown: str
) -> None:
    store = filled(tmp_path, 5, spread(sd))
    section = of_relu(store)
    assert section.verdict.outcome is Outcome.INCONCLUSIVE
    table = effect_table(section.claim, section.effects)
    said = text(table.rows[0][table.columns.index("n that would decide")])
    assert re.fullmatch(shown, said)
    words = f"n = {said}" if said.isdigit() else f"more than {said.removeprefix('> ')} seeds"
    assert f"{words} would decide with 80 % power" in section.verdict.advice[-1]
    explain.show("relu-speedup", None, store, True, Console())
    effect = json.loads(capsys.readouterr().out)["experiment"]["effects"][0]
    assert effect["n_to_decide"] == (int(said) if said.isdigit() else None)


def test_nothing_would_decide_what_cannot_be_judged(tmp_path: Path) -> None:
    """A level at a scale other than the paper's has no band to lie in, whatever n."""
    known = Assessments(stored(tmp_path, "error-rate"))
    (found,) = known.of_claim(claim("error-rate"), reproductions.named("error-rate"))
    level, gain = (found.effects(claim(name))[0] for name in ("error-rate", "ten-view"))
    assert level.ci95
    assert level.n_to_decide is None
    assert gain.n_to_decide is not None


def test_effects_that_a_claim_does_not_declare_are_not_planned(tmp_path: Path) -> None:
    (found,) = Assessments(stored(tmp_path, "lrn")).of_claim(claim("lrn"), reproductions.named("lrn"))
    declared = {effect.metric: effect.n_to_decide for effect in found.effects(claim("lrn"))}
    assert {name: n is not None for name, n in declared.items()} == {
        name: claim("lrn").metric(name) is not None for name in declared
    }


def estimates_nothing(evidence: Evidence) -> Finding:
    return Finding()


def test_an_experiment_without_an_effect_is_assessed_too(tmp_path: Path) -> None:
    bare = replace(reproduction(), estimate=estimates_nothing)
    found = Assessments(filled(tmp_path, 5)).of(replace(experiment(5), reproduction=bare, protocol=REAL))
    assert found.effects(claim("relu-speedup")) == ()
    assert found.verdict(claim("relu-speedup")).outcome is Outcome.INCONCLUSIVE


def said(outcome: Outcome, qualifier: Qualifier = Qualifier.NONE) -> Verdict:
    return Verdict("lrn", "cifar10", outcome, ("why",), qualifier, advice=("more seeds",))


SIDES = {Outcome.REPRODUCED: 1, Outcome.DIRECTIONAL: 1, Outcome.NOT_REPRODUCED: -1}


@pytest.mark.parametrize("shared", Outcome)
@pytest.mark.parametrize("own", Outcome)
def test_a_verdict_that_turns_with_the_learning_rate_is_none(own: Outcome, shared: Outcome) -> None:
    """Directional and not reproduced are opposite; anything else only adds what was found."""
    found = robust(said(own), said(shared, Qualifier.PROXY))
    told = f"with all arms at the shared learning rate: {shared} (proxy)"
    if own not in (*SIDES, Outcome.INCONCLUSIVE):
        assert found == said(own)
    elif SIDES.get(own, 0) * SIDES.get(shared, 0) == -1:
        assert found.headline == "inconclusive (turns with the learning rate)"
        assert (found.reasons, found.advice) == (("why", told), ())
    else:
        assert found == replace(said(own), reasons=("why", told))


SLOWER = 2000  # images of a trial at the shared rate: what distinguishes the two here


def at_two_rates(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
    """A tuning trial, then tanh at its own rate and at ReLU's."""
    shared = [Planned(trial("tanh", s, images=SLOWER), "tanh", Role.SHARED_RATE) for s in range(seeds)]
    own = [Planned(trial(a, s), a, Role.FINAL) for a in ("tanh", "relu") for s in range(seeds)]
    return Plan((Planned(trial("tanh", 100), "tanh", Role.TUNING), *own, *shared))


def judged(own: float, shared: float, seeds: int = 5) -> Assessment:
    """ReLU takes 5 epochs, and tanh these multiples of that at its own rate and at the shared one."""

    def lookup(asked: Trial) -> Record:
        if asked.settings.arm == "relu":
            return record_for(asked, HERE, epochs=5.0)
        times = shared if asked.settings.count == SLOWER else own
        return record_for(asked, HERE, epochs=5 * times * (1 + 0.01 * asked.seed))

    made = replace(reproduction(), plan=at_two_rates, manipulated=("arm", "count"))
    return assess(replace(experiment(seeds), reproduction=made), gather(made, REAL, seeds, lookup), False)


@pytest.mark.parametrize(
    ("shared", "headline", "told"),
    [
        (6.0, "reproduced", "reproduced"),
        (2.0, "reproduced", "directional (weaker)"),
        (0.5, "inconclusive (turns with the learning rate)", "not reproduced"),
    ],
)
def test_an_experiment_is_judged_again_at_the_shared_rate(shared: float, headline: str, told: str) -> None:
    found = judged(6.0, shared).verdict(claim("relu-speedup"))
    assert found.headline == headline
    assert found.reasons[-1] == f"with all arms at the shared learning rate: {told}"


WHY = "the norms are constants here"


def test_a_void_claim_is_invalid_and_its_neighbour_is_not(tmp_path: Path) -> None:
    both = reproduction(claims=("relu-speedup", "lrn"))

    def estimating(void: dict[str, str]) -> Callable[[Evidence], Finding]:
        def estimate(evidence: Evidence) -> Finding:
            epochs = both.estimate(evidence).effects["relu-speedup"]
            points = level("top-1 error", "points", epochs[0].values)
            return Finding({"relu-speedup": epochs, "lrn": (points,)}, void=void)

        return estimate

    store = filled(tmp_path, 5, spread(0.1))
    sound, void = (
        Assessments(store).of(experiment(5, replace(both, estimate=estimating(why))))
        for why in ({}, {"lrn": WHY})
    )
    assert sound.verdict(claim("lrn")).outcome is Outcome.DIRECTIONAL
    assert void.verdict(claim("lrn")).headline == "invalid"
    assert void.verdict(claim("lrn")).reasons == (f"gate invalid: {WHY}",)
    assert void.case(claim("lrn")).invalid == (WHY,)
    assert void.verdict(claim("relu-speedup")) == sound.verdict(claim("relu-speedup"))
    assert void.case(claim("relu-speedup")).invalid == ()
    assert void.invalid == ()
