"""The printed report: what paper leaves out, and nothing else; and how long the page is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.plans.experiment import Table
from harness.reporting.claims.attempts import TROUBLE
from harness.reporting.claims.sections import sections
from harness.reporting.pages import render, templates
from harness.reporting.report import Report
from harness.verdicts.assess import Assessments
from tests.fakes.browser import browse, copied, left_in_title, needed
from tests.fakes.evidence import judged_store
from tests.fakes.evidence import sections as made
from tests.fakes.evidence.runs import ENVIRONMENT

pytestmark = needed

# What a reader of the print would see, on a copy whose print rules also apply on screen.
PRINTED = """<script>addEventListener('load', () => {
const all = selector => [...document.querySelectorAll(selector)];
const drawn = element => element.getClientRects().length > 0;
const titles = found => [...new Set(found.map(table => table.caption.textContent))];
const tables = all('[data-table] table');
document.title = JSON.stringify({
  controls: all('nav, :not(th) > button, input, .permalink').filter(drawn).map(e => e.outerHTML),
  boxes: all('thead button').filter(drawn).length,
  tables: titles(tables.filter(drawn)),
  unprinted: titles(tables.filter(table => !drawn(table))),
  keys: titles(all('td.key').filter(drawn).map(cell => cell.closest('table'))),
  folded: all('details').filter(fold => drawn(fold) && !fold.open).length,
  unseen: all('.badge, .finding, .deviations li, figure svg, .folds li').filter(e => !drawn(e)).length,
  files: getComputedStyle(document.querySelector('.files a'), '::after').content,
  ground: getComputedStyle(document.documentElement).backgroundColor,
  ink: getComputedStyle(document.documentElement).color,
});
})</script>"""
SCREENS = """<script>addEventListener('load', () => {
const height = document.documentElement.scrollHeight, sections = document.querySelectorAll('.claim').length;
document.title = JSON.stringify({ height, sections });
})</script>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a section of every kind."""
    page, _ = render(Report(made.everything(), ENVIRONMENT), tmp_path_factory.mktemp("report"))
    return page


@pytest.fixture(scope="module")
def printed(report: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a reader with a dark screen sees on paper."""
    text = report.read_text(encoding="utf-8").replace("@media screen and", "@media not all and")
    on_paper = report.with_name("on-paper.html")
    on_paper.write_text(text.replace("@media print", "@media all"), encoding="utf-8")
    profile = tmp_path_factory.mktemp("profile")
    dark = "--blink-settings=preferredColorScheme=0"
    return left_in_title(copied(on_paper, "printed", PRINTED), profile, dark)


def test_paper_is_light_and_has_no_controls(printed: dict[str, Any]) -> None:
    assert printed["controls"] == []
    assert printed["ground"] == "rgb(255, 255, 255)"
    assert max(map(int, re.findall(r"\d+", printed["ink"]))) < 80


def test_headings_have_no_button_for_the_next_page_to_leave_out(printed: dict[str, Any]) -> None:
    """Chromium repeats a table's head on each page, but not the buttons in it."""
    assert printed["boxes"] == 0


def test_folds_are_opened_but_for_tables_of_single_trials(printed: dict[str, Any]) -> None:
    assert printed["folded"] > 5
    assert (printed["unseen"], printed["keys"]) == (0, ["Failed and diverged runs"])
    assert {"Effects", "Failed and diverged runs", "Where the arms differ"} <= set(printed["tables"])
    singly = {
        "Final runs, seed by seed",
        "How the learning rates were chosen",
        "Every trial and every attempt",
    }
    assert singly <= set(printed["unprinted"])


def test_runs_that_failed_without_a_word_are_on_paper_too() -> None:
    source = """{% from "parts.html.j2" import table %}{{ table(t) }}"""
    trouble = Table(TROUBLE, ("arm", "seed", "key"), (("relu", 0, "abc"),))
    for found, kind in ((trouble, "brief"), (replace(trouble, title="Every trial"), "trials")):
        assert f'<div data-table class="{kind}">' in templates().from_string(source).render(t=found)


def test_a_figure_names_its_files(printed: dict[str, Any]) -> None:
    assert printed["files"] == "attr(href)" or "figures/" in printed["files"]


def test_it_prints_on_numbered_pages_of_its_own(report: Path, tmp_path: Path) -> None:
    pdf = tmp_path / "report.pdf"
    browse(report, tmp_path / "p", f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    assert 3 <= len(re.findall(rb"/Type ?/Page\b", pdf.read_bytes())) <= 20
    assert 'content: counter(page) " / " counter(pages)' in report.read_text(encoding="utf-8")


def test_the_whole_catalogue_judged_is_less_than_twenty_five_screens(tmp_path: Path) -> None:
    known = Assessments(judged_store.fill(tmp_path / "store"))
    page, _ = render(Report(sections(known), ENVIRONMENT), tmp_path / "report")
    seen = left_in_title(copied(page, "long", SCREENS), tmp_path / "p", "--window-size=1440,900")
    assert seen["sections"] > 20
    assert seen["height"] < 25 * 900
