"""Training error against epochs, as in Figure 1: one colour and dash per arm.

What is judged is the error of the current weights on a sample of the training images, evaluated only near the
target. The running error of the batches lags behind it, and is drawn faintly to lead up to it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.contract.formatting import count, number
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
    """The curves by arm, the error to reach in percent, the last epoch, and how the judged error is taken."""

    arms: Mapping[str, ErrorCurves]
    target: float | None
    last: float
    taken: str = "The sample is evaluated only near the target."


def learning_curves(name: str, evidence: Evidence, heading: str, caveat: str) -> list[Drawing]:
    """One drawing; none without final runs."""
    found = panel(evidence)
    return [_draw(name, found, heading, caveat)] if found.arms else []


def panel(evidence: Evidence) -> Panel:
    """The final runs by arm, ReLU first: the solid line in the paper."""
    runs = evidence.by_arm
    arms = {arm: _arm(runs[arm]) for arm in sorted(runs, key=lambda arm: (arm != "relu", arm))}
    curves = [curve for arm in arms.values() for curve in (*arm.judged, *arm.running)]
    last = max((epoch for curve in curves for epoch in curve.epochs), default=1.0)
    taken = next((_taken(run.record.trial.get("settings", {})) for run in evidence.final()), "")
    return Panel(arms, _target(evidence.final()), last, taken or Panel.taken)


def _taken(settings: Mapping[str, Any]) -> str:
    """What the judged error is, by the settings of a run; empty if they do not say."""
    names = ("sample", "images", "looks_per_epoch", "watch_from")
    if not all(isinstance(settings.get(name), (int, float)) for name in names):
        return ""
    sample, images, looks, near = (settings[name] for name in names)
    return (
        f"The judged error is that of the current weights on the same {number(sample)} of the "
        f"{number(images)} training images, {count(looks, 'time')} an epoch, once the running error is at "
        f"most {number(100 * near)} %."
    )


def _arm(runs: Sequence[Run]) -> ErrorCurves:
    columns = (CurveColumn.SAMPLE_ERROR, CurveColumn.RUNNING_ERROR)
    judged, running = (tuple(curve_of(run, column) for run in runs) for column in columns)
    return ErrorCurves(judged, running)


def curve_of(run: Run, column: CurveColumn) -> Curve:
    """A run's error in percent by epoch, from that column of its curve."""
    rows = [(row.get(CurveColumn.EPOCH), row.get(column)) for row in run.record.curve]
    points = [(e, 100 * y) for e, y in rows if e is not None and y is not None and math.isfinite(y)]
    epochs, errors = tuple(e for e, _ in points), tuple(y for _, y in points)
    return Curve(run.seed, epochs, errors, run.record.metrics.get(Measured.EPOCHS_HIGH), run.record.status)


def _target(runs: Sequence[Run]) -> float | None:
    targets = (r.record.trial.get("settings", {}).get("target") for r in runs)
    return next((100 * float(t) for t in targets if t is not None), None)


def _draw(name: str, panel: Panel, heading: str, caveat: str) -> Drawing:
    label = "Training error against epochs"
    with frame(3.5, heading, caveat) as figure:
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
    label = f"{said}, {count(len(curves), 'run')}:\nmedian {number(middle)} epochs"
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
    rings = (
        f"; rings mark the first evaluation at or under {number(panel.target)} %, and medians are theirs, "
        "while the ratio takes the midpoint between that evaluation and the one before"
    ) * crossed
    return f"{reached}. {marks}{rings}. {panel.taken}"


def _reached(curves: Sequence[Curve]) -> str:
    reached, middle = sum(c.crossed is not None for c in curves), median_epochs(curves)
    tail = "" if middle is None else f", median {number(middle)} epochs"
    return f"{reached} of {count(len(curves), 'run')} reached the target{tail}"


def _in_words(arm: str) -> str:
    return {"relu": "ReLU"}.get(arm, arm)
