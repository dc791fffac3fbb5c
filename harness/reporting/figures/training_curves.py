"""Training and unseen error of whole trainings against epochs: one colour and mark per arm."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from harness.contract.formatting import count, number
from harness.contract.trial import Status
from harness.plans.experiment import Evidence, Run
from harness.records.schema import CurveColumn
from harness.reporting.figures.drawing import traces
from harness.reporting.figures.drawing.frame import ARMS, FRAME, INK, MUTED, PAPER, Drawing, frame, svg
from harness.reporting.figures.drawing.labels import HARD, ROOM, Label, at_ends
from harness.reporting.figures.learning_curves import Curve, curve_of, mean_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS = ("o", "s", "^", "D", "v", "P")  # tell the arms apart without colour
UNSEEN = (0, (4, 2))
HEIGHT = 3.3  # inches
TRAINING, UNSEEN_ERROR = "error on training images", "error on unseen images"
MOST_LABELS = 4  # of the rates that a schedule drops to


@dataclass(frozen=True)
class ArmCurves:
    """One arm's curves in percent, seed by seed, and the drops of the learning rate."""

    name: str
    training: tuple[Curve, ...]
    unseen: tuple[Curve, ...]
    drops: tuple[tuple[float, float], ...]  # epoch, and the rate from there on


def training_curves(name: str, evidence: Evidence, heading: str, caveat: str) -> list[Drawing]:
    """One drawing of all arms; empty if no record has such a curve."""
    drawn = [arm for arm in arms(evidence) if arm.training]
    return [_draw(name, drawn, heading, caveat)] if drawn else []


def arms(evidence: Evidence) -> list[ArmCurves]:
    """The final runs by arm, in the plan's order."""
    names = dict.fromkeys(p.arm for p in evidence.plan.trials)
    return [_arm(name, evidence.final(name)) for name in names]


def _arm(name: str, runs: Sequence[Run]) -> ArmCurves:
    curves = {
        column: [curve_of(run, column) for run in runs]
        for column in (CurveColumn.TRAIN_ERROR, CurveColumn.VALIDATION_ERROR)
    }
    kept = {column: tuple(c for c in found if c.epochs) for column, found in curves.items()}
    drops = dict.fromkeys(drop for run in runs for drop in rate_drops(run.record.curve))
    return ArmCurves(
        name, kept[CurveColumn.TRAIN_ERROR], kept[CurveColumn.VALIDATION_ERROR], tuple(sorted(drops))
    )


def rate_drops(rows: Sequence[Mapping[str, float | None]]) -> list[tuple[float, float]]:
    """Where the learning rate fell: the epoch, and the rate from there on."""
    known = [row for row in rows if row.get(CurveColumn.RATE) is not None]
    rates = [(row.get(CurveColumn.EPOCH) or 0.0, row[CurveColumn.RATE]) for row in known]
    steps = itertools.pairwise(rates)
    return [(at, new) for (at, old), (_, new) in steps if old is not None and new is not None and new < old]


def _draw(name: str, drawn: Sequence[ArmCurves], heading: str, caveat: str) -> Drawing:
    label = "Training and unseen error against epochs"
    with frame(HEIGHT, heading, caveat) as figure:
        axes = figure.add_axes((0.11, 0.16, 0.89 - ROOM, 0.62))
        _prepare(axes, drawn)
        for style, arm in enumerate(drawn):
            _draw_arm(axes, arm, style % len(ARMS))
        _mark_drops(axes, drawn)
        _key(axes)
        at_ends(figure, axes, [end for i, arm in enumerate(drawn) for end in _label(arm, i)])
        said = describe(drawn)
        picture = svg(figure, name, label, said, traces.scale(figure, axes, "%"))
        return Drawing(name, picture, f"{label}. {said}")


def _label(arm: ArmCurves, style: int) -> Iterator[Label]:
    """The arm's name at the end of its mean."""
    mean = list(zip(*_mean(arm.training), strict=True))
    said = f"{arm.name} ({count(len(arm.training), 'run').replace(' ', HARD)})"
    if mean:
        yield Label(arm.name, said, mean[-1], ARMS[style % len(ARMS)])


def _prepare(axes: Axes, drawn: Sequence[ArmCurves]) -> None:
    curves = [c for arm in drawn for c in (*arm.training, *arm.unseen)]
    errors = [y for c in curves for y in c.errors]
    axes.set_xlim(0, 1.02 * max(e for c in curves for e in c.epochs))
    axes.set_ylim(10 * math.floor(min(errors) / 10), min(100, 10 * math.ceil(max(errors) / 10 + 1e-9)))
    axes.set_xlabel("epochs")
    axes.set_ylabel("error (%)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda x, _: number(round(x, 9)))


def _draw_arm(axes: Axes, arm: ArmCurves, style: int) -> None:
    for curve in arm.training:
        (thin,) = axes.plot(curve.epochs, curve.errors, color=ARMS[style], linewidth=0.6, alpha=0.4)
        traces.mark(thin, arm.name, TRAINING, curve.seed)
        if curve.status is Status.DIVERGED:
            at = curve.epochs[-1], curve.errors[-1]
            (end,) = axes.plot(*at, "x", color=ARMS[style], markersize=6, zorder=5)
            traces.mark(end, arm.name, seed=curve.seed)
    looks = ((arm.training, TRAINING, _solid(style)), (arm.unseen, UNSEEN_ERROR, _dashed(style)))
    for curves, shows, look in looks:
        epochs, errors = _mean(curves)
        (thick,) = axes.plot(epochs, errors, color=ARMS[style], markevery=_every(epochs), **look)
        traces.mark(thick, arm.name, shows)


def _mean(curves: Sequence[Curve]) -> tuple[list[float], list[float]]:
    """Mean over seeds, as far as every seed extends, which may be one point."""
    if all(len(c.epochs) > 1 for c in curves):
        return mean_curve(curves)
    return [curves[0].epochs[0]], [fmean(c.errors[0] for c in curves)]


def _solid(style: int) -> dict[str, Any]:
    return {"linewidth": 2.0, "marker": MARKS[style], "markersize": 4}


def _dashed(style: int) -> dict[str, Any]:
    return _solid(style) | {"linewidth": 1.2, "linestyle": UNSEEN, "markerfacecolor": PAPER}


def _every(epochs: Sequence[float]) -> list[int]:
    """Places of about eight marks, at the ends of epochs."""
    whole = [i for i, e in enumerate(epochs) if float(e).is_integer()]
    return whole[:: max(1, math.ceil(len(whole) / 8))]


def _mark_drops(axes: Axes, drawn: Sequence[ArmCurves]) -> None:
    drops = sorted({drop for arm in drawn for drop in arm.drops})
    for epoch, rate in drops:
        axes.axvline(epoch, color=FRAME, linewidth=0.9, linestyle=(0, (1, 2)), zorder=0)
        if len(drops) <= MOST_LABELS:
            place: dict[str, Any] = {"xytext": (-3, -2), "textcoords": "offset points", "ha": "right"}
            at = (epoch, axes.get_ylim()[1])
            axes.annotate(f"rate {number(rate)}", at, color=MUTED, va="top", rotation=90, fontsize=8, **place)


def _key(axes: Axes) -> None:
    """What solid and dashed lines are, above the axes."""
    from matplotlib.lines import Line2D

    solid, dashed = Line2D([], [], color=INK, linewidth=2.0), Line2D([], [], color=INK, linewidth=1.2)
    dashed.set_linestyle(UNSEEN)
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0, "ncols": 2}
    axes.legend((solid, dashed), ("on training images", "on unseen images"), frameon=False, **place)


def describe(drawn: Sequence[ArmCurves]) -> str:
    """What is drawn, and the final values."""
    ends = "; ".join(f"{arm.name}: {_end(arm.training)} and {_end(arm.unseen)}" for arm in drawn)
    dropped = " Dotted lines mark drops of the learning rate." if any(arm.drops for arm in drawn) else ""
    return (
        "Centre-view errors of the current weights, on training images (solid) and at the end of each epoch "
        "on unseen ones (dashed). Thin lines are seeds; thick ones are their mean, as far as every seed "
        f"extends.{dropped} Final means, training and unseen: {ends}."
    )


def _end(curves: Sequence[Curve]) -> str:
    mean = _mean(curves)[1]
    return f"{mean[-1]:.1f} %" if mean else "none"
