"""The report's first page and `list`: every claim is accounted for, with a command and its cost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import reproductions
from harness.contract.device import CPU, DeviceKind
from harness.contract.effect import Effect
from harness.contract.trial import Precision
from harness.forecast import kept_speeds, next_runs
from harness.forecast.cost import FASTEST, SpeedSource, assumed
from harness.forecast.next_runs import NextRun, Outlook, Price, sources
from harness.paper.catalogue import CLAIMS, claim
from harness.plans.experiment import Experiment, Finding, Protocol, Reproduction, Role
from harness.records import environment
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.store import Store
from harness.reporting import effect_tables, tables
from harness.reporting.claims import sections
from harness.reporting.front import needs, overview
from harness.reporting.front.origin import origin
from harness.reporting.front.summary import summary
from harness.reporting.pages import render
from harness.reporting.report import Report
from harness.testing.records import answer
from harness.verdicts.assess import Assessments
from harness.verdicts.verdict import Outcome, Qualifier
from tests.fakes.evidence import sections as made
from tests.fakes.evidence.experiments import ARMS, HERE, REAL, SMOKE, filled, reproduction, trial, vague
from tests.fakes.evidence.trials import record_for
from tests.reporting.test_report import Page

ROOT = Path(reproductions.__file__).parent.parent
RELU = claim("relu-speedup")
OTHER = Protocol("cifar10-short", "made up", None, 5)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Reproduction:
    """The made-up experiment, in place of all others, with a protocol below the paper's scale."""
    one = replace(reproduction(), protocols=(SMOKE, OTHER, REAL))
    monkeypatch.setattr(reproductions, "every", lambda: (one,))
    return one


def of_relu(store: Store) -> list[sections.Section]:
    return [s for s in sections.sections(Assessments(store)) if s.claim is RELU]


def test_every_claim_has_a_line_a_standing_and_a_command(tmp_path: Path) -> None:
    found = sections.sections(Assessments(Store(tmp_path / "none")))
    assert [s.claim.id for s in sections.leading(found)] == [c.id for c in CLAIMS]
    html, text = render(Report(found), tmp_path / "report")
    page = Page(html.read_text(encoding="utf-8")).text
    table = page[page.rindex("Next experiments") :]
    below = text.read_text(encoding="utf-8").split("## Next experiments")[1]
    rows = below.split("\n\n")[2].splitlines()[2:]
    counted = claim("architecture")  # from descriptions, so that it is judged without any record
    assert "- Judged at the paper's scale: [architecture](#architecture).\n" in below
    assert "Judged at the paper's scale: architecture" in table
    assert len(CLAIMS) == 24
    for row, one in zip(rows, [one for one in CLAIMS if one is not counted], strict=True):
        _, name, standing, *runs, _ = (cell.strip() for cell in row.split("|"))
        assert name == one.id
        assert standing
        commands = re.findall(r"\./repro\.py (?:run|explain) [\w-]+", " ".join(runs))
        assert commands
        assert all(command in table for command in commands)
    by_claim = {s.claim.id: s for s in found}
    assert by_claim["lrn"].needs.startswith("No record. For a direction at a smaller scale")
    # Not on CIFAR-10 or a quarter of the width, where pilots were under-fitted for claims about accuracy.
    for run in by_claim["lrn"].runs:
        assert f"{run.command} ({run.data}; {run.cost})" in by_claim["lrn"].needs
    assert [(run.paper, run.dataset) for run in by_claim["lrn"].runs] == [
        (False, "imagenette"), (True, "imagenet-2010"),
    ]  # fmt: skip
    assert by_claim["crop-flip"].runs[0].dataset == "cifar10"
    assert by_claim["architecture"].next_command == "./repro.py run architecture --protocol exact"


@pytest.mark.parametrize(
    ("name", "protocols"),
    [
        ("weight-decay", ["imagenette", "imagenet"]),
        ("crop-flip", ["cifar10-scarce --precision fp32", "imagenet"]),
    ],
)
def test_evidence_is_not_continued_where_pilots_showed_that_it_gives_no_verdict(
    tmp_path: Path, name: str, protocols: list[str]
) -> None:
    store, of = Store(tmp_path), reproductions.named(name)
    here = Conditions(DeviceKind.CPU, "2.13.0", DataIdentity("cifar10", Form.FILES, "made up"))
    begun = Experiment(of, of.protocol("cifar10-scarce"), 5, here)
    begun.ask(store)
    for planned in begun.evidence(store).plan.trials[:9]:
        store.append(answer(planned.trial, here))
    section = next(s for s in sections.sections(Assessments(store)) if s.claim.id == name)
    assert section.verdict.protocol == "cifar10-scarce"
    assert section.command == f"./repro.py run {name} --protocol cifar10-scarce --precision fp32"
    assert [run.protocol for run in section.runs] == protocols


def test_a_claim_without_a_reproduction_says_so(tmp_path: Path, only: Reproduction) -> None:
    section = next(s for s in sections.sections(Assessments(Store(tmp_path))) if s.claim.id == "fall-2009")
    said = "declared but has no reproduction; it would need the ImageNet Fall 2009 release"
    assert needs.standing(section).startswith(said)
    assert section.next_command == "./repro.py explain fall-2009"
    assert "some four times the arithmetic of error-rate" in section.needs


def test_the_cost_is_that_of_the_trials_that_are_missing(tmp_path: Path, only: Reproduction) -> None:
    each = 1000 * 1_000_000 * 3
    (section,) = of_relu(Store(tmp_path / "none"))
    first, second = section.runs
    assert [(run.protocol, run.paper, run.trials) for run in section.runs] == [
        ("cifar10-short", False, 10), ("cifar10", True, 10),
    ]  # fmt: skip
    on_a_core, on_a_gpu = 10 * each / assumed(CPU, Precision.FP32), 10 * 1000 / FASTEST
    assert [price.seconds for price in second.prices] == pytest.approx([on_a_core, on_a_gpu])
    assert {price.speed for price in first.prices} == {SpeedSource.ASSUMED}
    section = of_relu(filled(tmp_path / "some", 2))[0]
    assert section.verdict.outcome is Outcome.INCONCLUSIVE
    assert [(run.command, run.trials) for run in section.runs] == [
        ("./repro.py run relu-speedup --protocol cifar10", 6)
    ]
    core = [price.seconds for price in section.runs[0].prices if price.device == "core"]
    assert core == [pytest.approx(0.6 * on_a_core)]


def test_what_is_judged_at_the_papers_scale_needs_nothing(tmp_path: Path, only: Reproduction) -> None:
    store = filled(tmp_path, 5)
    first = of_relu(store)[0]
    assert first.verdict.protocol == "cifar10"
    assert (first.outlook.why, first.runs, first.needs) == ("", (), "")
    assert needs.standing(first) == "judged at the paper's scale"
    assert first.next_command == "./repro.py run relu-speedup --protocol cifar10"


def test_an_undecided_claim_is_advised_to_add_seeds_at_the_next_look(
    tmp_path: Path, only: Reproduction
) -> None:
    first = of_relu(filled(tmp_path, 5, vague))[0]
    assert first.verdict.outcome is Outcome.INCONCLUSIVE
    assert first.runs[0].command == "./repro.py run relu-speedup --protocol cifar10 --until-decided"
    assert first.runs[0].trials == 10
    assert "CI₉₅" in first.outlook.why


def test_evidence_is_continued_in_its_own_precision_and_priced_on_its_own_device(tmp_path: Path) -> None:
    """On other hardware `auto` may be another precision, and so another experiment."""
    store, of = Store(tmp_path), reproductions.named("crop-flip")
    data = DataIdentity("cifar10", Form.FILES, "made up")
    there = Conditions(DeviceKind.CUDA, "2.13.0", data, Precision.BF16)
    begun = Experiment(of, of.protocol("cifar10-scarce"), 5, there)
    begun.ask(store)
    while tuning := [p for p in begun.evidence(store).to_run if p.role is Role.TUNING]:
        for planned in tuning:
            store.append(answer(planned.trial, there))
    for planned in begun.evidence(store).to_run[2:]:
        store.append(answer(planned.trial, there))
    section = next(s for s in sections.sections(Assessments(store)) if s.claim.id == "crop-flip")
    run = section.runs[0]
    assert run.command == "./repro.py run crop-flip --protocol cifar10-scarce --precision bf16"
    assert run.trials == 2
    assert [price.device for price in run.prices] == ["GPU"]  # on a core all 38 would be to run


def test_a_run_that_is_complete_is_not_advised(
    tmp_path: Path, only: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = Assessments(filled(tmp_path, 5, vague)).of(Experiment(only, REAL, 5, HERE))
    done, open_ = (NextRun("a verdict", False, f"./repro.py run {n}", None, n, ()) for n in (0, 3))
    monkeypatch.setattr(next_runs, "_next_runs", lambda *given: (done, open_))
    known = Assessments(Store(tmp_path))
    assert next_runs.outlook(RELU, only, known, best).runs == (open_,)
    assert next_runs.outlook(RELU, only, known, None).runs == (done, open_)  # counts need no trials


def test_a_search_for_rates_makes_a_cost_rough(tmp_path: Path) -> None:
    found = sections.sections(Assessments(Store(tmp_path)))
    by_claim = {s.claim.id: s for s in found}
    assert all(p.open_ended for run in by_claim["crop-flip"].runs[:1] for p in run.prices)
    assert not any(p.open_ended for run in by_claim["training-time"].runs for p in run.prices)
    assert replace(Price("core", 7200.0, SpeedSource.RECORDS), open_ended=True).words.startswith("about 2 h")


def test_once_the_rates_are_chosen_a_cost_is_an_upper_bound(tmp_path: Path) -> None:
    of, data = reproductions.named("crop-flip"), DataIdentity("cifar10", Form.FILES, "made up")
    conditions = Conditions(DeviceKind.CPU, environment.torch_version(), data)
    at = Experiment(of, of.protocol("cifar10-scarce"), 5, conditions)
    store = Store(tmp_path)
    at.ask(store)
    while at.evidence(store).plan.to_come:
        for planned in at.evidence(store).missing:
            store.append(answer(planned.trial, conditions))
    (section,) = (s for s in sections.sections(Assessments(store)) if s.claim.id == "crop-flip")
    core = next(price for price in section.runs[0].prices if price.device == "core")
    assert not core.open_ended


def test_records_of_another_precision_do_not_price_a_run(tmp_path: Path) -> None:
    """Those of other questions in bf16 say nothing about what a protocol fixed to fp32 takes."""
    store = Store(tmp_path)
    kept_speeds.keep(store.root, CPU, {Precision.FP32: 20e9, Precision.BF16: 50e9})

    def cost() -> float:
        (run,) = (s for s in sections.sections(Assessments(Store(tmp_path))) if s.claim is RELU)
        return next(p.seconds for p in run.runs[0].prices if p.device == "core")

    before = cost()
    data = DataIdentity("cifar10", Form.FILES, "made up")
    here = Conditions(DeviceKind.CPU, environment.torch_version(), data, Precision.BF16)
    other = reproductions.named("does-not-train")
    for planned in Experiment(other, other.protocols[-1], 1, here).evidence(store).plan.trials[:1]:
        store.append(answer(planned.trial, here))
    assert cost() == before


def of_scales(seeds: dict[str, int], root: Path) -> tuple[Reproduction, Store]:
    """An experiment whose protocols have their own trials, with this many seeds on record."""
    base = reproduction()

    def plan(protocol: Protocol, count: int, lookup: object) -> object:
        images = {"cifar10": 1000, "cifar10-short": 500, "smoke": 10}[protocol.name]
        return reproduction(images=images).plan(protocol, count, lookup)  # type: ignore[arg-type]

    store = Store(root)
    for name, images in (("cifar10", 1000), ("cifar10-short", 500), ("smoke", 10)):
        for arm in ARMS[: 2 if seeds.get(name) else 0]:
            for seed in range(seeds.get(name, 0)):
                made_up = trial(arm, seed, images=images)
                store.append(record_for(made_up, HERE, epochs=5.0 + seed / 10 + 25 * (arm == "tanh")))
    return replace(base, plan=plan, protocols=(SMOKE, OTHER, REAL)), store  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seeds", "first"),
    [
        ({"cifar10": 5, "cifar10-short": 5, "smoke": 2}, "cifar10"),
        ({"cifar10": 2, "cifar10-short": 5}, "cifar10-short"),
        ({"cifar10-short": 5, "smoke": 2}, "cifar10-short"),
        ({"smoke": 2}, "smoke"),
    ],
)
def test_the_best_evidence_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: dict[str, int], first: str
) -> None:
    one, store = of_scales(seeds, tmp_path)
    monkeypatch.setattr(reproductions, "every", lambda: (one,))
    found = of_relu(store)
    assert found[0].verdict.protocol == first
    lines = overview.lines(found, {})
    assert [line.first for line in lines] == [True] + [False] * (len(lines) - 1)
    if first == "smoke":
        assert found[0].outlook.why == "only smoke runs, which never give a verdict"
        assert found[0].runs[0].command.endswith("--protocol cifar10-short")
    if first == "cifar10-short":
        assert found[0].outlook.why == "the paper's scale is cifar10, but this is cifar10-short"
        assert [run.paper for run in found[0].runs] == [True]


def test_trials_that_are_shared_with_another_experiment_are_no_evidence(
    tmp_path: Path, only: Reproduction
) -> None:
    store = Store(tmp_path)
    for seed in range(3):
        store.append(record_for(trial("relu", seed), HERE, epochs=5.0))
    (section,) = of_relu(store)
    assert section.outlook.why == "no record"
    store.ask("relu-speedup", "cifar10", HERE, 5)
    (section,) = of_relu(store)
    assert section.outlook.why.startswith("incomplete: 3 of 10 trials")


def test_old_records_that_are_shared_with_another_experiment_are_no_evidence(
    tmp_path: Path, only: Reproduction
) -> None:
    store = Store(tmp_path)
    store.append(replace(record_for(trial("relu", 0), HERE, epochs=5.0), key="0" * 24, code="old"))
    (section,) = of_relu(store)
    assert section.outlook.why == "no record"
    store.ask("relu-speedup", "cifar10", HERE, 5)
    (section,) = of_relu(store)
    assert section.outlook.why == "no record except 1 made by other code"


def test_deviations_are_said_once_and_referred_to_by_number() -> None:
    one = made.complete()
    assert one.evidence
    protocol = replace(one.evidence.protocol, deviations=("bf16 arithmetic.", "fewer epochs"))
    evidence = replace(one.evidence, protocol=protocol)
    other = made.changed(made.renamed(one, made.LRN), evidence=evidence, finding=Finding())
    lines = overview.lines([one, other], {})
    assert overview.deviations([one, other]) == {
        "bf16 arithmetic": 1, "one CPU thread a trial": 2, "fewer epochs": 3,
    }  # fmt: skip
    assert [line.marks for line in lines] == [(1, 2), (1, 3)]
    assert overview.verdict_table(lines).rows[1][-1] == "1, 3"
    assert replace(lines[0], marks=(4, 1, 2, 3, 6)).marked == "1–4, 6"


def test_every_count_is_judged() -> None:
    about = claim("architecture")
    effects = tuple(Effect(m.name, m.unit, 1, m.paper, None, None) for m in about.metrics)
    table = effect_tables.effect_table(about, effects)
    assert {row[1] for row in table.rows} == {"judged"}
    assert table.note.startswith("The verdict rests on each of these counts.")
    section = made.changed(made.renamed(made.complete(), about), finding=Finding({about.id: effects}))
    assert all(one.judged for one in overview.ours(section))
    assert "not judged" not in str(overview.verdict_table(overview.lines([section], {})).rows[0][3])


def test_at_another_scale_the_seeds_are_those_that_would_show_the_direction() -> None:
    effects = (replace(made.ratio(), n_to_decide=7), made.seconds())
    here, elsewhere = (effect_tables.effect_table(made.SIX, effects, proxy=proxy) for proxy in (False, True))
    assert here.columns[-1] == "n that would decide"
    assert elsewhere.columns[-1] == "n that would show the direction"
    assert here.rows == elsewhere.rows
    proxy = replace(made.SIX, paper_scale="imagenet")
    assert [made.complete().proxy, made.renamed(made.complete(), proxy).proxy] == [False, True]


def test_only_the_first_effect_of_a_claim_is_primary() -> None:
    effects = (made.ratio(), made.seconds(), replace(made.ratio(), metric="epochs, with another network"))
    table = effect_tables.effect_table(made.SIX, effects)
    assert [row[1] for row in table.rows] == ["primary", "secondary, not judged", "secondary, not judged"]
    assert table.note.startswith("The verdict rests on the primary effect alone.")
    assert tables.kinds(table)[:2] == ["name", "word"]
    assert [row[1] for row in effect_tables.effect_table(made.COST, effects[:1]).rows] == [
        "shown, not judged"
    ]
    section = made.changed(made.complete(), finding=Finding({made.SIX.id: effects}))
    assert [(one.name, one.judged) for one in overview.ours(section)] == [
        ("epochs", True),
        ("CPU seconds", False),
    ]


def test_the_tally_tells_proxies_apart() -> None:
    verdict = replace(made.censored().verdict, qualifier=Qualifier.PROXY)
    proxy = made.changed(made.complete(), verdict=verdict)
    found = [made.unwritten(), proxy, made.renamed(proxy, made.LRN)]
    assert overview.tally(found) == [(Outcome.DIRECTIONAL, 2, 2), (Outcome.NOT_RUN, 1, 0)]


def test_the_list_has_the_same_columns_for_people_and_for_scripts(tmp_path: Path) -> None:
    """Its rows name every run with its data and cost, and none of it needs torch."""
    code = (
        "import sys, repro\n"
        "try: repro.app(sys.argv[1:])\nexcept SystemExit: pass\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    said = []
    for more in ((), ("--json",)):
        command = [sys.executable, "-c", code, "list", "--results-dir", str(tmp_path), *more]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    rows = {row["claim"]: row for row in json.loads(said[1]) if row["claim"]}
    assert list(rows) == [one.id for one in CLAIMS]
    run = f"./repro.py run lrn --protocol imagenette --results-dir {tmp_path}"
    assert rows["lrn"]["command"] == run
    assert [run["protocol"] for run in rows["lrn"]["runs"]] == ["imagenette", "imagenet"]
    lines = said[0].splitlines()
    for name in rows:
        assert any(name in line for line in lines), name
    assert any(re.match(r"lrn +imagenette", line) for line in lines)
    assert "the most time that they take" in said[0]
    assert max(len(line) for line in lines if "./repro.py" not in line) <= 80  # a command is copied whole


def test_a_sentence_says_why_and_what() -> None:
    price = Price("core", 7200.0, SpeedSource.RECORDS)
    run = NextRun("a verdict", True, "./repro.py run x --protocol y", "cifar10", 1, (price,))
    cost = "1 trial, at most 2 h of one core (speed measured)"
    said = f"For a verdict: ./repro.py run x --protocol y (CIFAR-10; {cost})."
    assert run.words == said
    assert replace(run, trials=0).cost == "nothing left to run"
    assert Outlook("no record", (run,)).sentence == f"No record. {said}"
    assert Outlook("no record", smoke_alone=True).sentence == "No record. Only a smoke protocol exists."
    assert Outlook("no record").sentence == "No record."
    assert Outlook().sentence == ""
    assert list(sources([run, run])) == [
        "CIFAR-10, 50,000 training images: get it with './repro.py data fetch'"
    ]


def test_a_store_of_other_code_is_not_called_empty() -> None:
    of_today = made.complete()
    line = origin([], of_today.records, {"commit": "abc"}, None).parts[0]
    assert line == f"no record of today's code, {len(of_today.records)} stale records"
    assert origin([], [], {"commit": "abc"}, None).parts[0] == "no records"
    renamed = made.renamed(of_today, claim("lrn"))
    old = replace(renamed, assessment=None, records=(), stale=of_today.records)
    found = summary(overview.lines([of_today, old], {}))
    said = "".join(phrase.words for phrase in found[-1])
    assert said == "One claim has no result in these records: it has only records of other code."


def test_an_unfinished_experiment_is_not_in_the_family_of_judged_claims() -> None:
    whole = made.complete()
    assert whole.evidence
    part = made.changed(
        made.renamed(whole, claim("lrn")), evidence=replace(whole.evidence, runs=whole.evidence.runs[:-1])
    )
    found = sections.adjusted([whole, part])
    assert found[0].adjusted_p == pytest.approx(whole.effects[0].p_student)
    assert found[1].adjusted_p is None
