"""Sections: p-values adjusted over the report, and that nothing of an assessment is computed again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.plans.experiment import Finding
from harness.reporting import tables
from harness.reporting.sections import Section, adjusted, leading
from harness.verdicts.verdict import Outcome
from tests.fakes import sections as made


def judged(name: str, p: float | None, outcome: Outcome = Outcome.DIRECTIONAL) -> Section:
    """A section of a claim of that name, whose primary effect has this p and whose secondary one .001."""
    claim = replace(made.SIX, id=name)
    section = made.renamed(made.complete(("19pct",)), claim)
    primary, secondary = section.effects
    finding = Finding({name: (replace(primary, p_value=p), replace(secondary, p_value=0.001))})
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


def test_the_raw_and_the_adjusted_p_stand_side_by_side_for_the_primary_effect_alone() -> None:
    section = judged("h0", 0.01)
    table = tables.effect_table(section.claim, section.effects, 0.03)
    at = table.columns.index("p, Holm")
    assert [row[at - 1 : at + 1] for row in table.rows] == [("0.0100", "0.0300"), ("0.0010", None)]
    assert tables.HOLM in table.note
    assert "p, Holm" not in tables.effect_table(section.claim, section.effects).columns
