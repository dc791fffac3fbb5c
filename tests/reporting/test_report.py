"""The report: what it says, that two runs give the same bytes, and that no record can break it."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.contract.device import DeviceKind
from harness.contract.errors import StoreError
from harness.contract.trial import Status
from harness.plans.experiment import Finding
from harness.records.conditions import Conditions
from harness.records.record import Record
from harness.reporting.figures import selection
from harness.reporting.pages import render, write
from harness.reporting.report import Report
from harness.verdicts.verdict import Outcome, Qualifier, Verdict
from tests.fakes.evidence import sections as made
from tests.fakes.evidence.runs import ENVIRONMENT

VOID = {"meta", "br", "hr", "img", "link", "input"}
NOTICE = "CIFAR-10 was not found: a procedural stand-in was trained on."


class Page(HTMLParser):
    """Reads a page strictly: every tag closed in order, every identifier unique; collects text and links."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        found = dict(attrs)
        assert not [name for name in found if name.startswith("on")], "an event handler"
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [v or "" for n, v in attrs if n in ("href", "src", "xlink:href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        """All that a reader sees, in one line."""
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    """The page, the Markdown and the folder of a report with one section of every kind."""
    out = tmp_path_factory.mktemp("report")
    page, text = render(Report(made.everything(), ENVIRONMENT, [NOTICE]), out)
    return page.read_text(encoding="utf-8"), text.read_text(encoding="utf-8"), out


@pytest.fixture(scope="module")
def page(pages: tuple[str, str, Path]) -> Page:
    """The page, read strictly."""
    return Page(pages[0])


def test_the_page_is_well_formed_and_names_everything_once(page: Page) -> None:
    assert [i for i, count in Counter(page.ids).items() if count > 1] == []
    internal = {link[1:] for link in page.links if link.startswith("#")}
    assert internal <= set(page.ids)
    assert page.tags["h1"] == 1
    assert page.tags["main"] == 1


def test_nothing_is_loaded_and_only_the_pages_own_script_can_run(
    pages: tuple[str, str, Path], page: Page
) -> None:
    beside = re.compile(r"figures/[\w-]+\.(svg|csv|tex)|records/[0-9a-f]{24}-\d+\.json")
    assert [link for link in page.links if not link.startswith("#") and not beside.fullmatch(link)] == []
    assert page.tags["img"] == page.tags["link"] == page.tags["iframe"] == 0
    assert "@import" not in pages[0]
    assert re.findall(r"url\((?!#)", pages[0]) == []
    (script,) = re.findall(r"<script>(.*?)</script>", pages[0], flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; script-src 'sha256-{digest}'; style-src" in pages[0]
    assert not re.search(r"fetch|XMLHttp|WebSocket|innerHTML|eval\(", script)


def test_it_opens_on_the_verdicts(page: Page) -> None:
    opening = page.text[: page.text.index("How to read this")]
    for said in (
        "One claim holds, within its declared band: ReLU reaches 25 % training error sooner than tanh (5.86×",
        "[5.61, 6.12], n = 5; paper: 6×).",
        "reproduced 1",
        "Imaginary 9000, 2 cores",
        "from a clean commit",
        NOTICE,
    ):
        assert said in opening
    folded = page.text[len(opening) :]
    assert "1.37 / 1.152 points" in folded, "the authors' log"
    assert "Deviations from the paper bf16 arithmetic One CPU thread a trial" in folded
    assert "this project's policy" in folded


def test_a_smoke_result_has_its_badge_and_no_verdict(page: Page) -> None:
    start = page.text.index("relu-smoke § 3.1, Fig. 1 protocol")
    section = page.text[start : page.text.index("relu-stand-in § 3.1, Fig. 1 protocol")]
    assert "SMOKE" in section
    assert "This shows only that the code runs: 2 of 2 runs finished" in section
    assert "1.3×" not in section
    assert "./repro.py run relu-speedup --protocol cifar10: CIFAR-10 (170 MB), about 3 h" in section
    assert "reproduced" not in section


def test_a_smoke_protocol_is_marked_even_where_the_verdict_is_another() -> None:
    invalid = Verdict("relu-smoke", "smoke", Outcome.INVALID, ("seed twice",))
    section = made.changed(made.smoke(), verdict=invalid)
    assert [label for _, label in section.badges] == ["invalid", "SMOKE"]


def test_stand_in_data_is_named_in_its_section_and_in_its_figures(pages: tuple[str, str, Path]) -> None:
    for text in pages[:2]:
        assert "nothing in this section says anything about the paper" in text
    assert not list((pages[2] / "figures").glob("relu-stand-in*")), "no number of theirs is drawn"


def test_censored_failed_and_missing_trials_are_shown(page: Page) -> None:
    for said in ("≥ 8.2× [7.1, ∞], n = 3, 3 censored", "loss is not finite at epoch 9.25", "no record"):
        assert said in page.text
    assert "Failed and diverged runs" in page.text
    assert "Stale records" in page.text
    assert "3 of 3 runs reached the target, median 6.25 epochs" in page.text
    assert "0 of 3 runs reached the target" in page.text
    assert "5 of 6 planned trials have a record" not in page.text
    assert "6 of 7 planned trials have a record" in page.text


def test_a_claim_without_evidence_says_what_it_needs(page: Page) -> None:
    table = page.text[page.text.rindex("Next experiments") :]
    assert "training-time § 5 90 epochs take five to six days" in table
    assert "it would need ImageNet (138 GB)" in table
    assert "./repro.py explain training-time" in table


def test_the_network_name_of_a_machine_is_left_out(pages: tuple[str, str, Path]) -> None:
    assert "Imaginary 9000" in pages[0]
    assert "a-name-nobody-needs" not in pages[0] + pages[1]


def test_hostile_words_stay_words(pages: tuple[str, str, Path], page: Page) -> None:
    html, text, _ = pages
    assert "<script>alert('boo')</script>" in page.text
    assert html.count("<script") == 1, "the page's own"
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "a\\|b" in text
    assert "](javascript" not in text


def test_every_markdown_table_is_whole(pages: tuple[str, str, Path]) -> None:
    blocks = re.findall(r"(?:^\|.*\n)+", pages[1], flags=re.MULTILINE)
    assert len(blocks) > 20
    figures = 0
    for block in blocks:
        lines = block.splitlines()
        assert re.fullmatch(r"\|(:?-+:?\|)+", lines[1].replace(" ", ""))
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1, block
        sides, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines[1:])
        for side, *cells in zip(sides, *rows, strict=False):
            if cells and all(re.fullmatch(r"[\d.,]+", cell) for cell in cells):
                assert re.fullmatch(r"-+:", side), "figures flush right"
                figures += 1
    assert figures > 20


def test_markdown_and_page_hold_the_same_tables(pages: tuple[str, str, Path], page: Page) -> None:
    for cell in ("5.75–6", "tanh", "not reached", "Tuning 8"):
        assert cell in page.text
        assert cell.removesuffix(" 8") in pages[1]
    titles = re.findall(r"<summary>(.*?) \(\d+\)</summary>", pages[1])
    assert set(titles) >= {"Tuning", "How the arms differ"}
    assert all(title in page.text for title in titles)


def test_markdown_figures_lie_beside_it_and_are_whole(pages: tuple[str, str, Path]) -> None:
    linked = re.findall(r"\]\((figures/[^)]+)\)", pages[1])
    assert len(set(linked)) == len(list((pages[2] / "figures").iterdir())) == 15
    for name in (name for name in linked if name.endswith(".svg")):
        root = ElementTree.fromstring((pages[2] / name).read_text(encoding="utf-8"))
        assert root[0].tag.endswith("title")
        assert root[1].tag.endswith("desc")
        assert root[1].text


def test_the_same_records_give_the_same_bytes(pages: tuple[str, str, Path], tmp_path: Path) -> None:
    render(Report(made.everything(), ENVIRONMENT, [NOTICE]), tmp_path)
    files = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert [name for name in files if (tmp_path / name).read_bytes() != (pages[2] / name).read_bytes()] == []
    assert not [name for name in files if name.name.startswith(".")], "a half-written file"


def test_a_claim_has_one_section_whatever_was_run_of_it(tmp_path: Path) -> None:
    sections = [made.complete(), replace(made.complete(), stale=())]
    html = render(Report(sections), tmp_path)[0].read_text(encoding="utf-8")
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    assert "1 claim:" in page.text
    assert page.ids.count("relu-speedup") == 1
    assert "Other experiments" in page.text
    assert page.text.count("cifar10 on cpu, fp32, n = 5") == 2, "a row an experiment"


def test_nothing_at_all_is_still_a_report(tmp_path: Path) -> None:
    html, text = render(Report([]), tmp_path)
    assert "No claim has evidence yet" in Page(html.read_text(encoding="utf-8")).text
    assert "No claim has evidence yet" in text.read_text(encoding="utf-8")


def test_a_record_that_lacks_everything_is_shown_as_it_is(tmp_path: Path) -> None:
    bare = Record("0" * 24, "", {}, Conditions(DeviceKind.CPU, ""), "", Status.FAILED)
    section = replace(made.unwritten(), records=(bare,))
    assert "not in the plan" in Page(render(Report([section]), tmp_path)[0].read_text(encoding="utf-8")).text


def test_a_figure_that_is_copied_keeps_its_colours_and_on_the_page_follows_the_scheme() -> None:
    section = made.smoke()
    assert section.reproduction
    assert section.evidence
    (drawing,) = selection.FIGURES["learning-curves"]("one", section.evidence, "", "")
    assert "var(" not in drawing.svg
    assert "stroke: #0b62a4" in drawing.svg
    assert "stroke: var(--fig-arm-0, #0b62a4)" in drawing.inline


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    page = tmp_path / "a" / "page.html"
    write(page, "one")
    first = page.stat().st_ino
    write(page, "one")
    assert page.stat().st_ino == first
    write(page, "two")
    assert (page.read_text(), page.stat().st_ino == first) == ("two", False)


def test_a_folder_that_cannot_be_written_is_named_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(
        StoreError, match=r"taken.* cannot be written: .*; make its folder writable, or name another"
    ):
        render(Report([]), tmp_path / "taken")


def test_nothing_heavy_is_imported_before_something_is_drawn() -> None:
    heavy = "{'torch', 'matplotlib', 'pandas', 'numpy', 'jinja2', 'scipy'}"
    modules = "harness.reporting.pages, harness.reporting.front.overview"
    code = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_repeats_what_was_run() -> None:
    section = made.complete()
    assert section.command == "./repro.py run relu-speedup --protocol cifar10 --precision fp32"
    assert section.assessment
    more = made.changed(section, experiment=replace(section.assessment.experiment, seeds=10))
    assert more.command.endswith("--protocol cifar10 --seeds 10 --precision fp32")


def test_a_better_level_asks_for_an_audit() -> None:
    section = made.invalid()
    better = replace(section.verdict, outcome=Outcome.INCONCLUSIVE, qualifier=Qualifier.AUDIT)
    assert made.changed(section, verdict=better).badges == (
        ("inconclusive", "inconclusive (better than the paper: audit)"),
    )


def test_what_is_not_judged_says_so(page: Page, pages: tuple[str, str, Path]) -> None:
    assert "; CPU seconds 5.12× ([4.60, 5.70], n = 5), not judged" in page.text
    assert "; CPU seconds 5.12× ([4.60, 5.70], n = 5), not judged" in pages[1]
    assert "secondary, not judged" in page.text


def test_an_unfinished_plan_says_what_is_to_come() -> None:
    section = made.smoke()
    assert section.evidence
    plan = replace(section.evidence.plan, to_come="five final trials")
    unfinished = made.changed(section, evidence=replace(section.evidence, plan=plan), finding=Finding())
    assert "still to come: five final trials" in unfinished.progress
