"""Validation loss by epoch up to its first plateau, which decides how many iterations training needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.contract.formatting import number
from harness.effects.plateau import LEAST, PATIENCE, SMOOTHED, plateau, smoothed
from harness.plans.experiment import Evidence, Run
from harness.reporting.figures.drawing import traces
from harness.reporting.figures.drawing.frame import ARMS, DASHES, PAPER, Drawing, frame, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class LossCurve:
    """One run's smoothed loss by epoch, and the epoch of its plateau; None if it has none."""

    seed: int
    losses: tuple[float, ...]
    plateau: float | None

    @classmethod
    def of(cls, run: Run) -> LossCurve | None:
        """The run's curve, None if it has no validation loss."""
        found = plateau(run)
        return None if found is None else cls(run.seed, tuple(smoothed(run)), found.high)


def plateaus(name: str, evidence: Evidence, heading: str, caveat: str) -> list[Drawing]:
    """One drawing of all arms; empty if no run has a validation loss."""
    arms = {arm: [c for run in evidence.final(arm) if (c := LossCurve.of(run))] for arm in evidence.arms}
    drawn = {arm: curves for arm, curves in arms.items() if curves}
    return [_draw(name, drawn, heading, caveat)] if drawn else []


def _draw(name: str, arms: dict[str, list[LossCurve]], heading: str, caveat: str) -> Drawing:
    label = "Validation loss against epochs, up to its first plateau"
    with frame(3.5, heading, caveat) as figure:
        axes = figure.add_axes((0.11, 0.145, 0.865, 0.7))
        axes.set_xlabel("epochs")
        axes.set_ylabel("validation loss (nats)")
        for style, (arm, curves) in enumerate(arms.items()):
            _draw_arm(axes, arm, curves, style % len(ARMS))
        axes.margins(y=0.12)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda x, _: number(round(x, 9)))
        said = describe(arms)
        drawn = svg(figure, name, label, said, traces.scale(figure, axes, "nats"))
        return Drawing(name, drawn, f"{label}. {said}")


def _draw_arm(axes: Axes, arm: str, curves: Sequence[LossCurve], style: int) -> None:
    """Every run's loss, a ring at its plateau, and the arm's name at the median run's."""
    look: dict[str, Any] = {"color": ARMS[style], "linestyle": DASHES[style]}
    rings: list[float] = []
    for curve in curves:
        (line,) = axes.plot(range(1, len(curve.losses) + 1), curve.losses, linewidth=1.2, alpha=0.6, **look)
        traces.mark(line, arm, "validation loss", curve.seed)
        if curve.plateau:
            rings.append(curve.plateau)
            (ring,) = axes.plot(curve.plateau, curve.losses[int(curve.plateau) - 1], "o", **_ring(style))
            traces.mark(ring, arm, seed=curve.seed)
    if rings:
        _mark_median(axes, arm, median(rings), style)


def _ring(style: int) -> dict[str, Any]:
    edge = {"markerfacecolor": PAPER, "markeredgewidth": 1.6}
    return {"color": ARMS[style], "markersize": 6, "zorder": 5} | edge


def _mark_median(axes: Axes, arm: str, middle: float, style: int) -> None:
    line = axes.axvline(middle, color=ARMS[style], linewidth=0.9, linestyle=(0, (1, 2)))
    place: dict[str, Any] = {"xytext": (4, -4 - 25 * style), "textcoords": "offset points", "va": "top"}
    said = f"{arm}:\nmedian {number(middle)} epochs"
    at, over = (middle, 1.0), axes.get_xaxis_transform()
    words = axes.annotate(said, at, xycoords=over, color=ARMS[style], fontweight="bold", **place)
    for part in (line, words):
        traces.mark(part, arm)


def describe(arms: dict[str, list[LossCurve]]) -> str:
    """What is drawn, and what a plateau is."""
    reached = "; ".join(
        f"{arm}: {sum(c.plateau is not None for c in curves)} of {len(curves)} runs reached a plateau"
        for arm, curves in arms.items()
    )
    return (
        f"Rings mark plateaus: the last epoch whose loss was {100 * LEAST:g} % below the best before it, "
        f"followed by {PATIENCE} epochs without such a fall, in means of {SMOOTHED} epochs. "
        f"Dotted lines are medians. {reached}."
    )
