"""Which figures a claim's section has: the one its reproduction names, then its effects."""

from __future__ import annotations

from harness.claims import Claim
from harness.experiments import Evidence, Finding
from reports.curves import learning_curves
from reports.frame import Drawing
from reports.intervals import intervals


def draw(
    claim: Claim, name: str, figure: str | None, evidence: Evidence | None, finding: Finding | None
) -> list[Drawing]:
    """The claim's figures; their files are called `name`, with a suffix after the first."""
    drawings: list[Drawing] = []
    if figure == "learning-curves" and evidence:
        drawings += learning_curves(name, evidence, caveat(evidence))
    if figure == "architecture":
        drawings.append(architecture(name))
    effects = finding.effects.get(claim.id, ()) if finding else ()
    shown = [e for e in effects if e.values or e.ci95]
    second = f"{name}-effect" if drawings else name
    return [*drawings, intervals(claim, shown, caveat(evidence), second)] if shown else drawings


def architecture(name: str) -> Drawing:
    """The paper's network, as Figure 2 draws it."""
    from harness.models.alexnet import VARIANTS
    from reports.drawing import architecture_svg

    caption = "The network of the paper, drawn from its description: sizes are computed, not copied."
    return Drawing(name, architecture_svg(VARIANTS["paper"]), caption, wide=True)


def stand_in(evidence: Evidence | None) -> bool:
    """Whether any run was made on the procedural stand-in for a data set."""
    runs = evidence.runs if evidence else ()
    return any("stand-in" in r.record.conditions.get("data", "") for r in runs)


def caveat(evidence: Evidence | None) -> str:
    """What a figure must say of itself wherever it is copied to."""
    smoke = evidence is not None and evidence.protocol.smoke
    return " · ".join(["SMOKE"] * smoke + ["stand-in data"] * stand_in(evidence))
