"""The first sentences: sizes shown to differ, and the paper's figure for the very quantity that is judged."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from rich.console import Console

from harness.cli.commands import list as listing
from harness.contract.effect import Effect, Interval
from harness.paper.catalogue import claim
from harness.reporting import results
from harness.reporting.claims import downloads, phrases
from harness.reporting.claims.sections import Section
from harness.reporting.front import forest, overview
from harness.verdicts.verdict import Outcome, Qualifier
from tests.fakes.evidence import sections as made
from tests.reporting.claims.test_entries import SVG
from tests.reporting.test_first_screen import effect, said, section


def qualified(name: str, found: Effect, qualifier: Qualifier, scale: str | None = None) -> Section:
    """The claim's section with that directional verdict."""
    one = section(name, [found], scale=scale)
    return made.changed(one, verdict=replace(one.verdict, qualifier=qualifier))


def test_a_size_shown_to_differ_is_not_called_unknown() -> None:
    relu = qualified("relu-speedup", effect(1.1, 1.09, 1.12, "relu-speedup"), Qualifier.WEAKER)
    views = qualified("ten-view", effect(3.8, 3.7, 3.9, "ten-view"), Qualifier.STRONGER)
    open_size = qualified("depth", effect(1.0, 0.1, 1.9, "depth"), Qualifier.SIZE_UNPROVEN)
    decay = qualified("weight-decay", effect(0.2, 0.1, 0.3, "weight-decay"), Qualifier.NONE)
    assert said(relu, views).startswith("2 claims have the paper's direction but another size: ")
    assert "but its size is not shown: Removing any middle layer" in said(open_size)
    assert said(decay).startswith("One claim has the paper's direction: ")


def test_a_required_share_that_is_missed_is_not_an_opposite_direction() -> None:
    kernels = effect(0.0, 0.0, 19.5, "kernel-specialisation")
    text = said(section("kernel-specialisation", [kernels], Outcome.NOT_REPRODUCED, "cifar10"))
    assert text.count("One claim is contradicted at a smaller scale: ") == 1
    assert "opposite" not in text


LOSS = Effect("loss", "nats", 3, -0.01, None, Interval(-0.02, 0.0, 0.95))


@pytest.mark.parametrize(
    ("name", "found", "scale", "figure"),
    [
        ("ten-view", effect(3.807, 3.788, 3.825, "ten-view"), None, "1.5 points"),
        ("lrn-cifar", effect(-3.59, -3.74, -3.44, "lrn-cifar"), None, "2 points"),
        ("overlapping-pooling", LOSS, "cifar10", "no figure for loss"),
        ("colour-augmentation", effect(7.7, 7.6, 7.8, "colour-augmentation"), None, "≥ 1 point"),
        ("error-rate", effect(38.1, 37.9, 38.3, "error-rate"), None, "37.5 %"),
        ("weight-decay", effect(0.2, 0.1, 0.3, "weight-decay"), None, "direction only"),
    ],
)
def test_beside_ours_is_the_papers_figure_for_the_same_quantity(
    name: str, found: Effect, scale: str | None, figure: str
) -> None:
    one = section(name, [found], scale=scale)
    assert phrases.paper(one) == figure
    (row,) = forest.rows(overview.lines([one], {}))
    assert row.paper == figure
    screen = Console(file=io.StringIO(), width=120)
    listing._print_outcome(one.verdict.outcome, [one], screen)
    assert f"; the paper: {figure} " in screen.file.getvalue()  # type: ignore[attr-defined]
    tex = figure.replace("%", r"\%").replace("≥", r"$\geq$")
    assert f" & {tex} & " in downloads.latex_row(one)
    assert f" & {tex} & " in results.as_tex([one])
    if scale is None:
        assert f"; paper: {figure})." in said(one)


def test_what_is_reported_before_its_end_is_called_unfinished() -> None:
    cost = effect(0.99, 0.56, 1.75, "augmentation-cost")
    done = section("augmentation-cost", [cost], Outcome.REPORTED)
    assert done.evidence
    begun = made.changed(done, evidence=replace(done.evidence, runs=done.evidence.runs[:-1]))
    assert "(0.99× [0.56, 1.75], n = 3)" in said(done)
    assert "(0.99× [0.56, 1.75], n = 3; unfinished)" in said(begun)
    sentence = phrases.finding(begun)
    assert "trials done so far; it will be shown, never judged" in sentence


def test_counts_and_what_was_not_measured_have_the_claims_words() -> None:
    about = claim("architecture")
    counted = section("architecture", [Effect(m.name, m.unit, 1, m.paper, None, None) for m in about.metrics])
    assert phrases.paper(counted) == about.figure
    assert phrases.paper(section("ten-view", [])) == claim("ten-view").figure


def test_the_overview_is_as_wide_as_its_longest_line() -> None:
    wide = effect(-3.585, -13.743, 6.443)
    looked = made.changed(section("lrn", [replace(wide, interim95=wide.ci95)]), interim=True)
    verdict = replace(looked.verdict, outcome=Outcome.INCONCLUSIVE, qualifier=Qualifier.TURNS)
    rows = forest.rows(overview.lines([made.changed(looked, verdict=verdict)], {}))
    drawing = forest.picture("overview", rows)
    assert drawing
    svg = ElementTree.fromstring(drawing.svg)
    texts = {text.text: float(text.attrib["x"]) for text in svg.iter(f"{SVG}text")}
    (figures,) = [text for text in texts if text and text.endswith(", at a look")]
    ends = texts[figures] + forest.LETTER * len(figures)
    assert ends < texts[verdict.headline] - forest.LETTER * len(verdict.headline)
    assert texts[verdict.headline] < float(svg.attrib["viewBox"].split()[2])
