"""The first screen: its sentences follow from the verdicts, its plot's positions from the paper's figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.effect import Effect, Interval
from harness.paper.catalogue import CLAIMS, claim
from harness.paper.claims import Kind
from harness.paper.papers import title
from harness.paper.titles import TITLES
from harness.plans.experiment import Finding
from harness.records.provenance import Declared
from harness.reporting.claims.sections import Section
from harness.reporting.formats import Format
from harness.reporting.front import forest, overview
from harness.reporting.front.machines import machines
from harness.reporting.front.origin import origin
from harness.reporting.front.summary import FEW, SMOKE_ONLY, summary
from harness.reporting.pages import render
from harness.reporting.report import Report
from harness.reporting.wording import estimate, support
from harness.verdicts.verdict import Outcome, Verdict
from tests.fakes.evidence import sections as made
from tests.fakes.evidence.runs import ENVIRONMENT

LRN = claim("lrn")


WIDEST = forest.Window()


def effect(estimate: float | None, low: float, high: float, claim_id: str = "lrn", **more: object) -> Effect:
    """An effect on the claim's primary metric."""
    primary = claim(claim_id).primary
    interval = Interval(low, high, 0.95)
    return Effect(primary.name, primary.unit, 3, estimate, interval, interval, **more)  # type: ignore[arg-type]


def section(
    name: str, found: Sequence[Effect], outcome: Outcome = Outcome.DIRECTIONAL, scale: str | None = None
) -> Section:
    """The claim's section, at the paper's scale unless another is named."""
    about = claim(name)
    proof = made.evidence([], scale or about.paper_scale or "machine")
    whole = made.changed(made.renamed(made.complete(), about), finding=Finding({name: tuple(found)}))
    assert whole.evidence
    protocol = replace(whole.evidence.protocol, name=proof.protocol.name)
    verdict = Verdict(name, protocol.name, outcome, ("made up",))
    return made.changed(whole, evidence=replace(whole.evidence, protocol=protocol), verdict=verdict)


def said(*sections: Section) -> str:
    """The summary in one line."""
    lines = overview.lines(sections, {})
    return " ".join("".join(part.words for part in sentence) for sentence in summary(lines))


def test_every_claim_has_a_title_and_no_other() -> None:
    assert set(TITLES) == {one.id for one in CLAIMS}
    assert max(map(len, TITLES.values())) < 60


def test_the_sentences_say_what_holds_what_does_not_and_what_a_proxy_leaves_open() -> None:
    relu = replace(effect(6.0, 5.0, 7.0, "relu-speedup"), metric="epochs")
    text = said(
        section("relu-speedup", [relu], Outcome.REPRODUCED),
        section("lrn", [effect(-3.0, -4.0, -2.0)], Outcome.NOT_REPRODUCED),
        section("depth", [effect(1.0, 0.5, 1.5, "depth")], Outcome.DIRECTIONAL, "cifar10"),
        section("ensemble", [effect(0.0, -1.0, 1.0, "ensemble")], Outcome.INCONCLUSIVE, "cifar10"),
        made.unwritten(),
    )
    assert (
        "One claim holds, within its declared band: ReLU reaches 25 % training error sooner than tanh" in text
    )
    assert f"({estimate(relu)} {support(relu)}; paper: 6×)." in text
    assert "One claim does not hold as stated: Local response normalisation lowers the error (−3" in text
    smaller = (
        "One claim points in the paper's direction at a smaller scale: "
        "Removing any middle layer costs accuracy (1."
    )
    assert smaller in text
    assert (
        "One claim is undecided at a smaller scale: Averaging five networks beats one. A smaller scale"
        in text
    )
    assert "never the size. One claim has no result in these records: it was not run." in text


def test_what_is_not_known_is_counted_by_its_reason() -> None:
    relu = section("relu-speedup", [effect(6.0, 5.0, 7.0, "relu-speedup")], Outcome.REPRODUCED)
    other = replace(made.unwritten(), claim=LRN)
    assert said(relu, made.unwritten(), other).endswith(
        "2 claims have no result in these records: they were not run."
    )
    begun = made.changed(made.renamed(made.complete(), LRN), verdict=other.verdict)
    text = said(relu, made.unwritten(), begun, made.smoke())
    end = "3 claims have no result in these records: 1 was not run, 1 is unfinished, 1 has only smoke runs."
    assert text.endswith(end)


def test_undecided_claims_are_named_while_they_are_few() -> None:
    found = [effect(0.0, -1.0, 1.0)]
    undecided = [section(one.id, found, Outcome.INCONCLUSIVE) for one in CLAIMS if one.paper_scale]
    few, many = said(*undecided[:FEW]), said(*undecided)
    assert all(title(s.claim) in few for s in undecided[:FEW])
    assert f"{len(undecided)} claims are undecided: see the tables below." in many


def test_counts_are_told_apart_by_their_bands() -> None:
    about = claim("architecture")
    found = [Effect(m.name, m.unit, 1, m.paper, None, None) for m in about.metrics]
    found[-1] = replace(found[-1], estimate=1.45)
    text = said(section("architecture", found, Outcome.NOT_REPRODUCED))
    assert "(parameters, neurons, convolutions, dense layers: as stated; largest share" in text
    assert ": 1.45 %, where the paper has ≤ 1 %)" in text


def test_smoke_runs_say_that_they_ran_and_nothing_else(tmp_path: Path) -> None:
    smoke = made.smoke()
    assert said(smoke) == SMOKE_ONLY
    assert overview.ours(smoke) == []
    assert [row.strip for row in forest.rows(overview.lines([smoke], {}))] == [None]
    html, text = render(Report([smoke]), tmp_path)
    front = html.read_text(encoding="utf-8").split('<section id="relu-smoke"')[0]
    for first_screen in (front, text.read_text(encoding="utf-8").split("## relu-smoke")[0]):
        assert SMOKE_ONLY in first_screen
        assert "1.3×" not in first_screen


def test_nought_is_no_effect_and_one_the_papers_figure() -> None:
    difference = forest.CommonScale(LRN, LRN.primary)
    assert [difference.place(x) for x in (0.0, 1.4, 0.7, -1.4)] == pytest.approx([0, 1, 0.5, -1])
    relu = claim("relu-speedup")
    ratio = forest.CommonScale(relu, relu.primary)
    assert [ratio.place(x) for x in (1.0, 6.0, math.sqrt(6), 36.0)] == pytest.approx([0, 1, 0.5, 2])
    assert ratio.place(0.0) == -math.inf
    assert WIDEST.share(forest.LOW) == WIDEST.share(-99.0) == 0
    assert WIDEST.share(forest.HIGH) == 100


def strip(one: Section) -> forest.Strip | None:
    found = forest.marks_of(one)
    return found and found.within(WIDEST)


@pytest.mark.parametrize(
    ("found", "bar"),
    [
        ([effect(0.7, 0.5, 0.9)], (0.5, 0.9)),  # 0 and 1 are shown even where nothing reaches them
        ([effect(0.7, -0.7, 2.8), effect(50.0, 49.0, 51.0)], (-0.7, 2.8)),  # what is far is cut off
    ],
)
def test_the_scale_is_as_wide_as_what_is_drawn(found: list[Effect], bar: tuple[float, float]) -> None:
    rows = forest.rows(overview.lines([section("lrn", [one]) for one in found], {}))
    strips = [row.strip for row in rows if row.strip]
    assert len(strips) == len(found)
    assert len({(one.none, one.paper) for one in strips}) == 1
    first = strips[0]
    a_point = first.paper - first.none  # the width of 1 on the scale, in percent
    assert 0 < first.none < first.paper < 100
    assert first.bar == pytest.approx([first.none + a_point * end / 1.4 for end in bar], abs=0.02)
    assert a_point > 100 / (forest.HIGH - forest.LOW)


def test_a_bar_beyond_the_scale_is_clipped_and_has_an_arrow() -> None:
    marks = strip(section("lrn", [effect(0.0, -99.0, 1.4)]))
    assert marks
    assert marks.arrows == (True, False)
    assert marks.bar == (0, WIDEST.share(1))
    assert marks.dot == WIDEST.share(0)
    assert marks.band == (WIDEST.share(0.5), WIDEST.share(1.5))
    far = strip(section("lrn", [effect(50.0, 49.0, 51.0)]))
    assert far
    assert (far.dot, far.arrows, far.bar) == (None, (False, True), (100, 100))


def test_what_is_filled_and_shaded_is_at_the_papers_scale() -> None:
    scales = [None, "cifar10"]
    found = [strip(section("lrn", [effect(1.0, 0.5, 1.5)], scale=scale)) for scale in scales]
    assert [marks.filled for marks in found if marks] == [True, False]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("error-rate", effect(37.0, 36.0, 38.0, "error-rate")),  # no point marks "no effect"
        ("crop-flip", effect(2.0, 1.0, 3.0, "crop-flip")),  # the paper gives no size
        ("augmentation-cost", effect(1.0, 0.9, 1.1, "augmentation-cost")),  # its figure is not an effect
        ("lrn", effect(math.nan, math.nan, math.nan)),
    ],
)
def test_what_has_no_size_has_no_strip(name: str, found: Effect) -> None:
    assert strip(section(name, [found])) is None


def test_what_has_no_strip_is_not_said_to_be_at_another_scale(tmp_path: Path) -> None:
    sized = section("lrn", [effect(1.0, 0.5, 1.5)])
    level = section("error-rate", [effect(37.0, 36.0, 38.0, "error-rate")], Outcome.REPRODUCED)
    (page,) = render(Report([sized, level]), tmp_path, formats=(Format.HTML,))
    html = page.read_text(encoding="utf-8")
    assert "<h2>Measured, without a common axis</h2>" in html
    assert "on other scales" not in html


def test_runs_that_never_got_there_are_a_bar_to_the_end() -> None:
    bound = replace(
        effect(None, 0, 0, "relu-speedup"), ci95=None, ci90=None, metric="epochs", lower_bound=6.0
    )
    marks = strip(section("relu-speedup", [bound]))
    assert marks
    assert (marks.dot, marks.bar, marks.arrows) == (None, (WIDEST.share(1), 100), (False, True))


def test_at_looks_the_interval_that_counts_is_shown() -> None:
    wider = replace(effect(1.0, 0.5, 1.5), interim95=Interval(0.0, 2.0, 0.95))
    fixed = section("lrn", [wider])
    looked = made.changed(fixed, interim=True)
    assert overview.ours(fixed)[0].rest == support(wider)
    assert overview.ours(looked)[0].rest == f"{support(replace(wider, ci95=wider.interim95))}, at a look"


def test_a_claim_judged_elsewhere_too_has_a_line_below_its_first() -> None:
    at_scale, proxy = (section("lrn", [effect(1.0, 0.5, 1.5)], scale=s) for s in (None, "cifar10"))
    again = replace(proxy, stale=())
    labels = [line.label for line in overview.shown(overview.lines([at_scale, proxy, again], {}))]
    assert labels == ["Local response normalisation lowers the error", "… at cifar10"]


def test_where_the_records_come_from() -> None:
    declared = Declared("a.py", "abc1234", "2029-12-31T10:00:00Z", False)
    whole = made.complete()
    dirty = replace(whole.records[1], environment={**ENVIRONMENT, "dirty": True})
    found = origin([whole.records[0], dirty], whole.stale, ENVIRONMENT, declared)
    assert (found.records, found.clean, found.stale) == (2, 1, 1)
    assert "2 records, 1 from a clean commit" in found.parts
    assert found.judged_by == "0123abc"
    assert found.declaration.endswith(
        "last changed in commit abc1234 on 2029-12-31, before the first of these records (2030-01-01)."
    )
    later = replace(found, declared=replace(declared, when="2031-01-01T00:00:00Z"))
    assert "before" not in later.declaration
    assert "each claim says whether what is judged has changed since" in later.declaration


def test_one_record_shares_nothing() -> None:
    alone, *_ = machines(made.complete().records[:1], ENVIRONMENT)
    assert alone.title == "The record"


def test_what_machines_share_is_told_once() -> None:
    one, two, *_ = made.complete().records
    other = replace(two, environment={**ENVIRONMENT, "cpu": "Other"})
    shared, differing, made_on = machines([one, other], {**ENVIRONMENT, "os": "Plan 9"})
    assert ("python", "3.11.9") in shared.rows
    assert differing.columns == ("records", "cpu")
    assert differing.rows == ((1, "Imaginary 9000"), (1, "Other"))
    assert dict(made_on.rows) == {"cpu": "Imaginary 9000", "os": "Plan 9"}
    assert "a-name-nobody-needs" not in str((shared, differing, made_on))


def test_only_the_page_of_a_run_that_goes_on_loads_itself_again(tmp_path: Path) -> None:
    for seconds, loads in ((0, 0), (7, 1)):
        (page,) = render(Report([made.unwritten()], live=seconds), tmp_path, formats=(Format.HTML,))
        assert page.read_text(encoding="utf-8").count('http-equiv="refresh" content="7"') == loads


def test_ratios_alone_are_logarithmic() -> None:
    assert claim("relu-speedup").kind is Kind.RATIO
    assert forest.scalable(claim("lrn"), LRN.primary)
    assert not forest.scalable(replace(claim("relu-speedup"), null=0.0), claim("relu-speedup").primary)
