"""A question that is no claim of the paper: shown with all that was measured, neither counted nor judged."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import reproductions
from harness.cli.commands import explain
from harness.cli.commands import list as listing
from harness.cli.terminal.progress import progress_on
from harness.contract.errors import UnknownName
from harness.contract.trial import Precision
from harness.forecast import priorities
from harness.forecast.priorities import Standing
from harness.plans.experiment import Experiment
from harness.records.store import Store
from harness.reporting.claims import beyond, sections
from harness.reporting.pages import render
from harness.reporting.report import Report
from harness.testing.records import REAL, answer
from harness.verdicts.assess import Assessments
from tests.reporting.test_report import Page

QUESTION = reproductions.named("implementations")


def experiment(protocol: str) -> Experiment:
    found = QUESTION.protocol(protocol)
    return Experiment(QUESTION, found, 2, REAL)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A smoke run of it, made up."""
    made = Store(tmp_path / "store")
    for planned in experiment("smoke").evidence(made).plan.trials:
        made.append(answer(planned.trial, REAL))
    return Store(tmp_path / "store")


def explained(store: Store, protocol: str | None = None) -> str:
    with (console := Console(width=200)).capture() as said:
        explain.show("implementations", protocol, store, False, console)
    return said.get()


def test_the_report_has_its_tables_and_no_verdict(store: Store, tmp_path: Path) -> None:
    found = sections.sections(Assessments(store))
    report = Report(found, questions=beyond.questions(Assessments(store)))
    assert report.origin.records == 8
    for page in render(report, tmp_path):
        text = page.read_text(encoding="utf-8")
        told = text[text.index("Which AlexNet is AlexNet?") :]
        assert beyond.STANDING in told
        assert "torchvision" in told
        assert "8 of 8 planned trials have a record" in told
        assert "./repro.py run implementations --protocol smoke" in told
    assert "implementations" not in {section.claim.id for section in found}


def test_a_report_without_records_says_what_it_would_take(tmp_path: Path) -> None:
    (asked,) = beyond.of(QUESTION, Assessments(Store(tmp_path)))
    assert asked.badges == (("not-run", "not run"),)
    assert (asked.shown, asked.folded, asked.said) == ((), (), ())
    assert asked.progress.startswith("For an answer, which is never judged: ./repro.py run impl")
    assert asked.command == "./repro.py run implementations --protocol cifar10-converged-short"


def test_of_further_experiments_the_seeds_are_folded_and_of_the_third_and_later_ones_nothing(
    store: Store,
) -> None:
    for minor in range(5):
        for planned in experiment("smoke").evidence(store).plan.trials:
            store.append(answer(planned.trial, replace(REAL, torch=f"2.{minor}")))
    asked = list(beyond.of(QUESTION, Assessments(Store(store.root))))
    folded = [[table.title for table in one.folded] for one in asked]
    assert "Every trial and every attempt" in folded[0]
    assert folded[1:] == [["Final runs, seed by seed"]] * 2 + [[]] * 3
    assert all(one.shown for one in asked)


def test_runs_in_two_precisions_are_told_apart_wherever_they_are_named(store: Store, tmp_path: Path) -> None:
    bf16 = replace(REAL, precision=Precision.BF16)
    for planned in replace(experiment("smoke"), conditions=bf16).evidence(store).plan.trials:
        store.append(answer(planned.trial, bf16))
    asked = beyond.questions(Assessments(Store(store.root)))
    scales = [one.scale for one in asked if one.reproduction is QUESTION]
    assert sorted(scales) == ["smoke on cpu, bf16", "smoke on cpu, fp32"]
    html, text = (page.read_text(encoding="utf-8") for page in render(Report([], questions=asked), tmp_path))
    Page(html)
    for scale in scales:
        assert html.count(f"<small>{scale}</small>") == 2, "in the contents and in the heading"
        assert f"<span>protocol {scale}</span>" in html
    titles = re.findall("^## .*$", text, flags=re.MULTILINE)
    assert len(set(titles)) == len(titles) > 2
    assert [scale for scale in scales if f"({scale})" in " ".join(titles)] == scales


def test_smoke_is_said_to_be_smoke(store: Store) -> None:
    (asked,) = beyond.of(QUESTION, Assessments(store))
    assert asked.badges[0] == ("smoke", "SMOKE")
    assert asked.said == QUESTION.protocol("smoke").deviations
    assert asked.stored == "8 of 8"


def test_explain_shows_the_question_and_never_a_verdict(store: Store) -> None:
    text = explained(store)
    assert text.startswith("implementations: beyond the paper\nWhich AlexNet is AlexNet?")
    assert beyond.STANDING in text
    assert "Ten-view top-1 error, %" in text
    assert "not run\nFor an answer, which is never judged: " in explained(store, "imagenette-short")
    with pytest.raises(UnknownName, match=r"unknown protocol 'imagenet' of implementations \(nearest: "):
        explained(store, "imagenet")


def test_explain_as_json_has_the_same_tables(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    explain.show("implementations", None, store, True, Console())
    found = json.loads(capsys.readouterr().out)
    assert found["protocol"] == "smoke"
    assert [row[0] for row in found["tables"][0]["rows"]] == [
        "paper", "source-2012", "torchvision", "biases of 0",
    ]  # fmt: skip


def test_the_list_names_it_behind_the_claims(store: Store) -> None:
    with (console := Console(width=200)).capture() as said:
        listing.show(store, False, console, progress_on(console))
    claims, _, questions = said.get().partition("Beyond the paper; never judged:")
    assert "implementations" not in claims
    assert "8 of 8" in questions


def test_within_a_given_time_it_comes_after_all_claims(tmp_path: Path) -> None:
    known = Assessments(Store(tmp_path))
    assert priorities.known(experiment("cifar10-converged-short"), known) is Standing.UNDECIDABLE
    assert max(Standing) is Standing.UNDECIDABLE
