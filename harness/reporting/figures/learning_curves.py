"""Training error against epochs, as in Figure 1: one panel per network, one colour and dash per arm.

What is judged is the error of the current weights on a sample of the training images, evaluated only near the
target. The running error of the batches lags behind it, and is drawn faintly to lead up to it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.contract.formatting import number
from harness.contract.trial import Status
from harness.plans.experiment import Evidence, Run
from harness.records.schema import CurveColumn, Measured
from harness.reporting.figures.drawing import traces
from harness.reporting.figures.drawing.frame import ARMS, DASHES, INK, MUTED, PAPER, Drawing, frame, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RUNNING: Any = (0, (1, 1.2))
JUDGED = "error on a fixed sample"
HIGHEST = 80.0  # the paper's own axis ends near here; the first steps would squeeze the rest


@dataclass(frozen=True)
class Curve:
    """One run's errors in percent by epoch, and where it crossed the target, if it did."""

    seed: int
    epochs: tuple[float, ...]
    errors: tuple[float, ...]
    crossed: float | None
    status: Status


@dataclass(frozen=True)
class ErrorCurves:
    """An arm's curves, one per run: the judged error, and the running error of the batches."""

    judged: tuple[Curve, ...]
    running: tuple[Curve, ...]


@dataclass(frozen=True)
class Panel:
    """One network's curves by arm, the error to reach in percent, and the last epoch of any panel."""

    network: str
    arms: Mapping[str, ErrorCurves]
    target: float | None
    last: float

    @property
    def heading(self) -> str:
        """The network, if arms name one."""
        return f"{self.network} network" if self.network else ""


def learning_curves(name: str, evidence: Evidence, heading: str, caveat: str) -> list[Drawing]:
    """A drawing for each network, all on one scale; names after the first end in the network's."""
    drawn = panels(evidence)
    names = [name if i == 0 else f"{name}-{p.network}" for i, p in enumerate(drawn)]
    return [_draw(one, p, heading, caveat) for p, one in zip(drawn, names, strict=True)]


def panels(evidence: Evidence) -> list[Panel]:
    """The final runs by network and arm; an arm `19pct/relu` is the arm `relu` of the network `19pct`."""
    found: dict[str, dict[str, list[Run]]] = {}
    for run in evidence.final():
        network, _, arm = run.arm.rpartition("/")
        found.setdefault(network, {}).setdefault(arm, []).append(run)
    drawn = {network: _ordered(arms) for network, arms in found.items()}
    curves = [c for arms in drawn.values() for arm in arms.values() for c in (*arm.judged, *arm.running)]
    last = max((e for c in curves for e in c.epochs), default=1.0)
    order = list(dict.fromkeys(p.arm.rpartition("/")[0] for p in evidence.plan.trials))
    kept = sorted(drawn, key=lambda name: order.index(name) if name in order else len(order))
    return [Panel(name, drawn[name], _target(evidence.final()), last) for name in kept]


def _ordered(arms: Mapping[str, Sequence[Run]]) -> dict[str, ErrorCurves]:
    """ReLU first: the solid line in the paper."""
    return {arm: _arm(arms[arm]) for arm in sorted(arms, key=lambda arm: (arm != "relu", arm))}


def _arm(runs: Sequence[Run]) -> ErrorCurves:
    columns = (CurveColumn.SAMPLE_ERROR, CurveColumn.RUNNING_ERROR)
    judged, running = (tuple(_curve(run, column) for run in runs) for column in columns)
    return ErrorCurves(judged, running)


def _curve(run: Run, column: CurveColumn) -> Curve:
    rows = [(row.get("epoch"), row.get(column)) for row in run.record.curve]
    points = [(e, 100 * y) for e, y in rows if e is not None and y is not None and math.isfinite(y)]
    epochs, errors = tuple(e for e, _ in points), tuple(y for _, y in points)
    return Curve(run.seed, epochs, errors, run.record.metrics.get(Measured.EPOCHS_HIGH), run.record.status)


def _target(runs: Sequence[Run]) -> float | None:
    targets = (r.record.trial.get("settings", {}).get("target") for r in runs)
    return next((100 * float(t) for t in targets if t is not None), None)


def _draw(name: str, panel: Panel, heading: str, caveat: str) -> Drawing:
    label = f"Training error against epochs{f', {panel.heading}' if panel.network else ''}"
    said = [part for part in (heading, panel.heading) if part]
    with frame(3.5, " · ".join(said), caveat) as figure:
        axes = figure.add_axes((0.1, 0.145, 0.875, 0.7))
        _prepare(axes, panel)
        for style, (arm, drawn) in enumerate(panel.arms.items()):
            _draw_arm(axes, arm, drawn, style % len(ARMS), panel.target)
        _legend(axes)
        words = describe(panel)
        picture = svg(figure, name, label, words, traces.scale(figure, axes, "%"))
        return Drawing(name, picture, f"{label}. {words}")


def _prepare(axes: Axes, panel: Panel) -> None:
    drawn = [c for arm in panel.arms.values() for c in (*arm.judged, *arm.running)]
    top = max((y for c in drawn for y in c.errors), default=HIGHEST)
    axes.set_xlim(0, panel.last * 1.03)
    axes.set_ylim(0, min(HIGHEST, 10 * math.ceil(top / 10)))
    axes.set_xlabel("epochs")
    axes.set_ylabel("training error (%)")
    if panel.target is not None:
        axes.axhline(panel.target, color=MUTED, linewidth=0.8)
        axes.set_yticks(_ticks(panel.target, axes.get_ylim()[1]))


def _ticks(target: float, top: float) -> list[float]:
    """Ticks at the target and its multiples, few enough to read easily."""
    step = target * math.ceil(top / target / 6)
    return sorted({target, *(i * step for i in range(int(top / step) + 1))})


def _draw_arm(axes: Axes, name: str, arm: ErrorCurves, style: int, target: float | None) -> None:
    """The running error's mean as a faint lead, then each run's judged error and their mean."""
    said, colour = _in_words(name), ARMS[style]
    (lead,) = axes.plot(*mean_curve(arm.running), color=colour, linewidth=1.1, linestyle=RUNNING, alpha=0.7)
    traces.mark(lead, said, "running error")
    for curve in arm.judged:
        (thin,) = axes.plot(curve.epochs, curve.errors, color=colour, linewidth=0.7, alpha=0.45)
        traces.mark(thin, said, JUDGED, curve.seed)
    for curve in arm.running:
        if curve.status is Status.DIVERGED and curve.epochs:
            (end,) = axes.plot(curve.epochs[-1], curve.errors[-1], "x", color=colour, markersize=6, zorder=5)
            traces.mark(end, said, seed=curve.seed)
    (mean,) = axes.plot(*mean_curve(arm.judged), color=colour, linewidth=2.2, linestyle=DASHES[style])
    traces.mark(mean, said, JUDGED)
    if target is not None:
        _mark_crossings(axes, said, arm.judged, style, target)


def _mark_crossings(axes: Axes, said: str, curves: Sequence[Curve], style: int, target: float) -> None:
    """A ring where each run was first at or under the target, and the arm's name at their median."""
    look: dict[str, Any] = {"color": ARMS[style], "markersize": 4, "markerfacecolor": PAPER, "zorder": 5}
    for curve in curves:
        if curve.crossed is not None:
            (ring,) = axes.plot(curve.crossed, _error_at(curve, target), "o", **look)
            traces.mark(ring, said, seed=curve.seed)
    middle = median_epochs(curves)
    if middle is None:
        return
    (drop,) = axes.plot(
        [middle, middle], [0, target], color=ARMS[style], linewidth=0.9, linestyle=(0, (1, 2))
    )
    side, shift = ("left", 5) if middle < 0.6 * axes.get_xlim()[1] else ("right", -5)
    place: dict[str, Any] = {
        "xytext": (shift, 4 + 27 * (style % 2)),
        "textcoords": "offset points",
        "ha": side,
    }
    label = f"{said}, {_runs(len(curves))}:\nmedian {number(middle)} epochs"
    words = axes.annotate(label, (middle, 0), color=ARMS[style], fontweight="bold", **place)
    for part in (drop, words):
        traces.mark(part, said)


def _error_at(curve: Curve, target: float) -> float:
    """The judged error where the run crossed; the target if the curve does not have it."""
    return next((y for e, y in zip(curve.epochs, curve.errors, strict=True) if e == curve.crossed), target)


def mean_curve(curves: Sequence[Curve]) -> tuple[list[float], list[float]]:
    """Mean over seeds, only as far as every seed extends: beyond that only the slow ones would count."""
    import numpy

    drawn = [c for c in curves if len(c.epochs) > 1]
    if not drawn:
        return [], []
    start, end = max(c.epochs[0] for c in drawn), min(c.epochs[-1] for c in drawn)
    grid = sorted({e for c in drawn for e in c.epochs if start <= e <= end})
    mean = numpy.mean([numpy.interp(grid, c.epochs, c.errors) for c in drawn], axis=0)
    return grid, [float(y) for y in mean]


def median_epochs(curves: Sequence[Curve]) -> float | None:
    """Median epochs to the target; None if half of the runs never reached it."""
    if not curves:
        return None
    middle = statistics.median(math.inf if c.crossed is None else c.crossed for c in curves)
    return middle if math.isfinite(middle) else None


def _legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    solid, faint = Line2D([], [], color=INK, linewidth=2.2), Line2D([], [], color=INK, linewidth=1.1)
    faint.set_linestyle(RUNNING)
    names = (f"{JUDGED}: judged", "running error of the batches: not judged")
    axes.legend((solid, faint), names, frameon=False, loc="upper right", handlelength=2.6, fontsize=8.5)


def describe(panel: Panel) -> str:
    """What the panel shows, in words."""
    marks = "Thin lines are runs; thick ones are their mean, as far as every run extends"
    if panel.target is None:
        return f"{marks}."
    reached = "; ".join(f"{_in_words(name)}: {_reached(arm.judged)}" for name, arm in panel.arms.items())
    crossed = any(c.crossed is not None for arm in panel.arms.values() for c in arm.judged)
    rings = f"; rings mark the first evaluation at or under {number(panel.target)} %" if crossed else ""
    return f"{reached}. {marks}{rings}. The sample is evaluated only near the target."


def _reached(curves: Sequence[Curve]) -> str:
    count, middle = sum(c.crossed is not None for c in curves), median_epochs(curves)
    tail = "" if middle is None else f", median {number(middle)} epochs"
    return f"{count} of {_runs(len(curves))} reached the target{tail}"


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"


def _in_words(arm: str) -> str:
    return {"relu": "ReLU"}.get(arm, arm)
