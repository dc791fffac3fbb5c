"""Which figures a claim's section has: what is judged, then one interval per protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.plans.experiment import Evidence, Figure
from harness.reporting.figures.drawing.frame import Drawing
from harness.reporting.figures.kernels import kernels
from harness.reporting.figures.learning_curves import learning_curves
from harness.reporting.figures.neighbours import neighbours
from harness.reporting.figures.plateaus import plateaus
from harness.reporting.figures.step_timeline import step_timeline
from harness.reporting.figures.training_curves import training_curves

# By the name a reproduction declares; each takes the file's stem, the evidence, the heading and the caveat.
# These show what is judged; any other figure is accompanied by a drawing of every run's value.
OF_WHAT_IS_JUDGED: Mapping[str, Callable[[str, Evidence, str, str], list[Drawing]]] = {
    Figure.ARCHITECTURE: lambda name, evidence, heading, caveat: [architecture(name)],
    Figure.KERNELS: kernels,
    Figure.LEARNING_CURVES: learning_curves,
    Figure.NEIGHBOURS: neighbours,
    Figure.PLATEAUS: plateaus,
    Figure.STEP_TIMELINE: step_timeline,
}
FIGURES = {**OF_WHAT_IS_JUDGED, Figure.TRAINING_CURVES: training_curves}


def architecture(name: str) -> Drawing:
    """The paper's network, as Figure 2 draws it."""
    from harness.models.alexnet import VARIANTS
    from harness.reporting.figures.architecture import architecture_svg

    caption = "The network of the paper, drawn from its description: sizes are computed, not copied."
    return Drawing(name, architecture_svg(VARIANTS["paper"]), caption, wide=True)


def caveat(evidence: Evidence | None) -> str:
    """The warning that a figure must carry wherever it is copied."""
    if evidence is None:
        return ""
    return " · ".join(["SMOKE"] * evidence.protocol.smoke + ["stand-in data"] * evidence.stand_in)
