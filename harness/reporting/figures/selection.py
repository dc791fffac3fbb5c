"""Which figures a claim's section has: its reproduction's own, then its effects, declared ones first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.contract.effect import Effect
from harness.paper.claims import Claim
from harness.plans.experiment import Evidence
from harness.reporting.figures.effect_plot import intervals
from harness.reporting.figures.frame import Drawing
from harness.reporting.figures.kernels import kernels
from harness.reporting.figures.learning_curves import learning_curves
from harness.reporting.figures.neighbours import neighbours
from harness.reporting.figures.secondary import secondary
from harness.reporting.figures.step_timeline import step_timeline
from harness.reporting.figures.training_curves import training_curves

# By the name that a reproduction gives; each takes the file's stem, the evidence and the caveat.
FIGURES: Mapping[str, Callable[[str, Evidence, str], list[Drawing]]] = {
    "architecture": lambda name, evidence, caveat: [architecture(name)],
    "kernels": kernels,
    "learning-curves": learning_curves,
    "neighbours": neighbours,
    "step-timeline": step_timeline,
    "training-curves": training_curves,
}


def draw(
    claim: Claim, name: str, figure: str | None, evidence: Evidence | None, effects: Sequence[Effect]
) -> list[Drawing]:
    """The claim's figures; their files are called `name`, with a suffix after the first."""
    drawings: list[Drawing] = []
    if figure and evidence:
        drawings += FIGURES[figure](name, evidence, caveat(evidence))
    shown = [e for e in effects if e.values or e.ci95]
    declared = [e for e in shown if claim.metric(e.metric)]
    further = [e for e in shown if e not in declared]
    if declared:
        stem = f"{name}-effect" if drawings else name
        drawings.append(intervals(claim, declared, caveat(evidence), stem))
    if further:
        stem = f"{name}-secondary" if drawings else name
        drawings.append(secondary(claim, further, caveat(evidence), stem))
    return drawings


def architecture(name: str) -> Drawing:
    """The paper's network, as Figure 2 draws it."""
    from harness.models.alexnet import VARIANTS
    from harness.reporting.figures.architecture import architecture_svg

    caption = "The network of the paper, drawn from its description: sizes are computed, not copied."
    return Drawing(name, architecture_svg(VARIANTS["paper"]), caption, wide=True)


def stand_in(evidence: Evidence | None) -> bool:
    """Whether any run was made on the procedural stand-in for a data set."""
    runs = evidence.runs if evidence else ()
    return any(run.stand_in for run in runs)


def caveat(evidence: Evidence | None) -> str:
    """What a figure must say of itself wherever it is copied to."""
    smoke = evidence is not None and evidence.protocol.smoke
    return " · ".join(["SMOKE"] * smoke + ["stand-in data"] * stand_in(evidence))
