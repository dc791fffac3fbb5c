"""Sections: p-values adjusted over the report, and nothing of an assessment computed again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as sp

from harness.effects.statistics.exact import permutation
from harness.effects.statistics.intervals import pooled_difference
from harness.plans.experiment import Finding
from harness.reporting import effect_tables
from harness.reporting.claims.sections import Section, adjusted, leading
from harness.reporting.front import overview
from harness.reporting.pages import render
from harness.reporting.report import Report
from harness.verdicts.verdict import Outcome
from tests.fakes.evidence import sections as made


def judged(name: str, p: float | None, outcome: Outcome = Outcome.DIRECTIONAL) -> Section:
    """A section of a claim of that name, whose primary effect has this p and whose secondary one .001."""
    claim = replace(made.SIX, id=name)
    section = made.renamed(made.complete(), claim)
    primary, secondary = section.effects
    finding = Finding(
        {name: (replace(primary, p_student=p, p_value=0.5), replace(secondary, p_student=0.001))}
    )
    return made.changed(section, finding=finding, verdict=replace(section.verdict, outcome=outcome))


def test_holm_adjusts_the_primary_effects_of_the_claims_that_are_judged() -> None:
    """Wikipedia's example of four: .01, .04, .03 and .005 become .03, .06, .06 and .02."""
    family = [judged(f"h{i}", p) for i, p in enumerate((0.01, 0.04, 0.03, 0.005))]
    others = [
        judged("smoke", 0.001, Outcome.SMOKE),
        judged("a level", None),
        judged("h0", 0.0001),  # a second section of a claim: the first has its best evidence
        made.unwritten(),
    ]
    found = adjusted([*family, *others])
    assert [s.adjusted_p for s in found[:4]] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [s.adjusted_p for s in found[4:]] == [None] * 4
    assert [s.claim.id for s in leading(found)] == [
        "h0",
        "h1",
        "h2",
        "h3",
        "smoke",
        "a level",
        "training-time",
    ]


def test_a_p_value_of_a_look_counts_three_times_before_holm_s_adjustment() -> None:
    family = [made.changed(judged("h0", 0.01), interim=True), judged("h1", 0.02)]
    found = adjusted(family)
    assert [s.adjusted_p for s in found] == pytest.approx([0.04, 0.04])  # of .03 and .02
    assert "here 2 (1 at interim looks: first multiplied by 3" in overview.family(found)


def test_the_raw_and_the_adjusted_p_stand_side_by_side_for_the_primary_effect_alone() -> None:
    section = judged("h0", 0.01)
    six = [replace(effect, n=6) for effect in section.effects]
    table = effect_tables.effect_table(section.claim, six, 0.03)
    at = [table.columns.index(f"p, {name}") for name in ("Student", "exact", "Holm")]
    assert [[row[i] for i in at] for row in table.rows] == [
        ["0.0100", "0.5000", "0.0300"], ["0.0010", "< 0.0001", None],
    ]  # fmt: skip
    assert not {"p", "p, Dunnett"} & set(table.columns)
    assert effect_tables.HOLM in table.note
    assert "p, Holm" not in effect_tables.effect_table(section.claim, section.effects).columns


def test_an_exact_p_that_could_show_nothing_is_left_out() -> None:
    """Flipping five signs gives at least .0625, which was once shown without comment next to a direction."""
    section = judged("h0", 0.01)
    effect = section.effects[0]
    assert [effect_tables.least_exact_p(replace(effect, n=n)) for n in (3, 5, 6)] == [0.25, 0.0625, 0.03125]
    for first, second in ((3, 3), (4, 3), (3, 9), (2, 1)):  # arms that do not overlap
        least = permutation([float(i) for i in range(first)], [99.0 + i for i in range(second)])
        assert effect_tables.least_exact_p(replace(effect, counts=(first, second))) == pytest.approx(least)
    assert "p, exact" not in effect_tables.effect_table(section.claim, section.effects).columns


def test_the_overview_has_both_p_values_of_every_claim_in_the_family(tmp_path: Path) -> None:
    family = [judged(f"h{i}", p) for i, p in enumerate((0.01, 0.04, 0.03, 0.005))]
    found = adjusted([*family, judged("smoke", 0.001, Outcome.SMOKE)])
    table = overview.verdict_table(overview.lines(found, {}))
    at = [table.columns.index(name) for name in overview.P_VALUES]
    assert [[row[i] for i in at] for row in table.rows] == [
        ["0.0100", "0.0300"], ["0.0400", "0.0600"], ["0.0300", "0.0600"], ["0.0050", "0.0200"], [None, None],
    ]  # fmt: skip
    assert "here 4" in overview.family(found)
    html, text = render(Report(found), tmp_path)
    assert '>0.0400</td><td class="figure">0.0600</td>' in html.read_text(encoding="utf-8")
    for page in (html, text):
        assert "No verdict rests on either" in page.read_text(encoding="utf-8")
    assert overview.family(adjusted([made.unwritten()])) == ""


def test_arms_that_share_a_baseline_have_dunnett_s_p() -> None:
    stream = np.random.default_rng(4)
    base, arms = stream.normal(0, 1, 15), stream.normal(1, 1, (3, 5))
    effects = [pooled_difference(f"arm {i}", "points", arm, base) for i, arm in enumerate(arms)]
    other = pooled_difference("another pair", "points", stream.normal(0, 1, 5), stream.normal(0, 1, 5))
    table = effect_tables.effect_table(made.LRN, [other, *effects])
    shown = [row[table.columns.index("p, Dunnett")] for row in table.rows]
    theirs = sp.dunnett(*arms, control=base, random_state=np.random.default_rng(0)).pvalue
    assert shown[0] == ""
    for cell, p in zip(shown[1:], theirs, strict=True):
        number, _, count = str(cell).partition(" ")
        assert count == "(3 arms)"
        assert float(number) == pytest.approx(p, abs=2e-3)
    assert [row[table.columns.index("n")] for row in table.rows] == ["5 against 5", *["5 against 15"] * 3]
    assert effect_tables.DUNNETT in table.note
