"""The original's own uncertainty and the replication panel, in page, Markdown, `explain` and JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.commands.explain import show
from harness.paper.catalogue import CLAIMS, claim
from harness.records.conditions import Form
from harness.records.store import Store
from harness.reporting.claims import replication
from harness.reporting.claims.sections import Section, sections
from harness.reporting.pages import render
from harness.reporting.report import Report
from harness.verdicts.assess import Assessments
from harness.verdicts.verdict import Outcome
from tests.fakes.evidence.replication import stored

LIKE_THE_PAPER = (1.2, 1.5, 1.1, 1.4, 1.3)


def section_of(store: Store, name: str) -> Section:
    return next(s for s in sections(Assessments(store)) if s.claim.id == name)


def written(section: Section, out: Path) -> tuple[str, str]:
    """The section's page with the words as they are read, and its Markdown."""
    page, text = render(Report([section]), out)
    return page.read_text(encoding="utf-8").replace("&#39;", "'"), text.read_text(encoding="utf-8")


def explained(store: Store, name: str, as_json: bool = False) -> str:
    out = Console(width=300, file=io.StringIO())
    show(name, None, store, as_json, out)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lrn", "the paper's 1.4 points are 3.6 to 7.5 standard errors from zero."),
        ("two-gpu-error", "the paper's 1.7 points are 4.4 to 9.2 standard errors from zero."),
        (
            "overlapping-pooling",
            "0.4 points are 1.0 to 2.1 standard errors from zero: indistinguishable from",
        ),
        ("colour-augmentation", "the paper's 1 point is at least 2.6 to 5.4 standard errors from zero."),
        ("depth", "the paper's 2 points are 5.2 to 10.9 standard errors from zero."),
    ],
)
def test_each_difference_says_how_far_it_is_from_nothing(name: str, said: str) -> None:
    sentence = replication.own_uncertainty(claim(name), None)
    assert sentence.startswith("By the authors' own log, ")
    assert said in sentence
    assert "standard deviation is 0.13 or 0.27 points" in sentence


def test_other_claims_say_nothing_of_it() -> None:
    for one in CLAIMS:
        has = one.id in {
            "lrn", "overlapping-pooling", "two-gpu-error", "colour-augmentation", "depth"
        }  # fmt: skip
        assert bool(replication.own_uncertainty(one, None)) is has
        assert (replication.uncertainty_data(one) is not None) is has


def test_at_the_papers_scale_page_markdown_and_explain_have_the_panel(tmp_path: Path) -> None:
    store = stored(tmp_path / "store", "lrn", LIKE_THE_PAPER)
    section = section_of(store, "lrn")
    panel = replication.panel(section.claim, section.assessment)
    assert panel
    assert section.verdict.outcome is Outcome.REPRODUCED
    assert panel.columns == ("if a single run's SD is", "0.13 points", "0.27 points")
    assert panel.rows[0][1:] == ("0.1838 points", "0.3818 points")
    assert (
        "In points, the paper's difference is 1.37; ours 1.3 with a standard error of 0.07071" in panel.note
    )
    assert "the authors' run log, 110 against 101: 1; caffenet-benchmark, 128 pixels: −0.1." in panel.note
    terminal = explained(store, "lrn")
    for text in (*written(section, tmp_path / "out"), terminal):
        assert replication.TITLE in text
        assert "3.6 to 7.5 standard errors from zero" in text
        assert replication.SIGN_ALONE not in text
        cells = ("0.1838 points", "sceptical p, one-sided", "contains ours", "90 % interval ends above it")
        for cell in cells:
            assert cell in text


def test_json_has_both_spreads_and_every_measure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    explained(
        stored(tmp_path, "overlapping-pooling", (0.1, 0.3, -0.1, 0.25, 0.2)), "overlapping-pooling", True
    )
    found = json.loads(capsys.readouterr().out)
    log = found["claim"]["own uncertainty"]
    assert log["difference"] == 0.394
    assert log["standard errors from nothing"] == pytest.approx([1.03, 2.14], abs=0.005)
    assert [s["sd"] for s in log["spreads"]] == [0.13, 0.27]
    first, second = found["experiment"]["replication"]["comparisons"]
    assert (first["too_small"], second["too_small"]) == (False, True)
    assert first["heterogeneity"]["df"] == 2
    assert first["studies"][-1]["name"] == "ours"


def test_at_a_proxy_only_the_sign_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = stored(tmp_path / "store", "lrn", LIKE_THE_PAPER, "cifar10-converged")
    section = section_of(store, "lrn")
    assert section.verdict.headline == "directional (proxy)"
    for text in (*written(section, tmp_path / "out"), explained(store, "lrn")):
        assert replication.SIGN_ALONE in text
        assert replication.TITLE not in text
    explained(store, "lrn", True)
    assert json.loads(capsys.readouterr().out)["experiment"]["replication"] is None


def test_smoke_and_stand_in_have_neither_panel_nor_proxy(tmp_path: Path) -> None:
    smoke = stored(tmp_path / "smoke", "lrn", LIKE_THE_PAPER[:2], "smoke")
    invented = stored(tmp_path / "invented", "lrn", LIKE_THE_PAPER, form=Form.STAND_IN)
    for one in (section_of(smoke, "lrn"), section_of(invented, "lrn")):
        assert one.verdict.outcome is Outcome.SMOKE
        assert replication.panel(one.claim, one.assessment) is None
        assert replication.SIGN_ALONE not in replication.own_uncertainty(one.claim, one.assessment)


def test_what_the_paper_gives_as_a_bound_is_called_one(tmp_path: Path) -> None:
    section = section_of(stored(tmp_path, "colour-augmentation", (0.9, 1.1, 1.2)), "colour-augmentation")
    panel = replication.panel(section.claim, section.assessment)
    assert panel
    assert "the paper's difference is 1 (a lower bound); ours 1.067" in panel.note
    assert "Q also covers" not in panel.note


@pytest.mark.parametrize(
    ("factor", "shown"), [(1e9, "> 10,000"), (float("inf"), "> 10,000"), (1e-9, "< 0.0001"), (0.52, "0.52")]
)
def test_a_bayes_factor_is_shown_as_far_as_it_says_anything(factor: float, shown: str) -> None:
    assert replication._factor(factor) == shown
