"""One training step on every device: when each layer computes, and when it exchanges data or waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.contract.formatting import number
from harness.effects.step_times import STEP
from harness.plans.experiment import Evidence, Run
from harness.reporting.figures.drawing.frame import ARMS, INK, MUTED, PAPER, Drawing, frame, svg

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

BAR, AXIS, HEAD = 0.42, 0.55, 0.75  # inches: a device's bar, the axis below, the legend above
EXCHANGE = ARMS[1]
SHADES = (0.30, 0.50)  # neighbouring layers differ
LEFT, WIDTH = 0.27, 0.705  # of the figure's width: where the bars begin, and their width
LETTER = 0.0165  # of the bars' width, a letter of a layer's name


@dataclass(frozen=True)
class DrawnSpan:
    """A stretch of a step, in milliseconds."""

    layer: str
    exchange: bool
    start: float
    end: float


@dataclass(frozen=True)
class Lane:
    """What one device did in one step of an arm."""

    arm: str
    rank: int
    spans: tuple[DrawnSpan, ...]
    untraced: float | None = None  # milliseconds of the run's median untraced step

    @property
    def end(self) -> float:
        """Milliseconds from the step's beginning to its end."""
        return max((span.end for span in self.spans), default=0.0)

    @property
    def exchanged(self) -> float:
        """Milliseconds of exchange."""
        return sum(span.end - span.start for span in self.spans if span.exchange)


def step_timeline(name: str, evidence: Evidence, heading: str, caveat: str) -> list[Drawing]:
    """A bar for every device of every arm; empty if no record has a timeline."""
    found = lanes(evidence)
    return [_draw(name, found, heading, caveat)] if found else []


def lanes(evidence: Evidence) -> list[Lane]:
    """The devices of each arm's most typical run with a timeline, in the plan's order."""
    usual = (_usual([run for run in evidence.final(arm) if _spans(run)]) for arm in evidence.arms)
    return [lane for run in usual if run for lane in _lanes(run)]


def _usual(runs: Sequence[Run]) -> Run | None:
    """The run whose untraced step is nearest the arm's median; the first if none has one."""
    timed = [(seconds, run) for run in runs if (seconds := STEP(run)) is not None]
    if not timed:
        return next(iter(runs), None)
    middle = median(seconds for seconds, _ in timed)
    return min(timed, key=lambda one: abs(one[0] - middle))[1]


def _lanes(run: Run) -> list[Lane]:
    found: dict[int, list[DrawnSpan]] = {}
    for rank, span in _spans(run):
        found.setdefault(rank, []).append(span)
    seconds = STEP(run)
    untraced = None if seconds is None else 1000 * seconds
    return [Lane(run.arm, rank, tuple(found[rank]), untraced) for rank in sorted(found)]


def _spans(run: Run) -> list[tuple[int, DrawnSpan]]:
    """Every stretch with the device it belongs to; those without two ends are left out."""
    rows = run.record.details.get("timeline") or ()
    whole = [r for r in rows if r.get("start") is not None and r.get("end") is not None]
    return [(int(r.get("rank") or 0), _span(r)) for r in whole]


def _span(row: dict[str, Any]) -> DrawnSpan:
    start, end = 1000 * float(row["start"]), 1000 * float(row["end"])
    return DrawnSpan(str(row.get("layer") or ""), row.get("kind") == "exchange", start, end)


def _draw(name: str, found: Sequence[Lane], heading: str, caveat: str) -> Drawing:
    label = "One training step, device by device"
    height = AXIS + HEAD + BAR * len(found)
    with frame(height, heading, caveat) as figure:
        axes = figure.add_axes((LEFT, AXIS / height, WIDTH, BAR * len(found) / height))
        for row, lane in enumerate(found):
            _draw_lane(axes, lane, row, max(map(_last, found)))
        _prepare(axes, found)
        said = describe(found)
        return Drawing(name, svg(figure, name, label, said), f"{label}. {said}", wide=True)


def _draw_lane(axes: Axes, lane: Lane, row: int, last: float) -> None:
    layers = list(dict.fromkeys(span.layer for span in lane.spans))
    exchanges = [span for span in lane.spans if span.exchange]
    over, tick = list(exchanges), 0.004 * last  # half as wide as it is drawn
    if lane.untraced is not None:
        over.append(DrawnSpan("", False, lane.untraced - tick, lane.untraced + tick))
    for span in lane.spans:
        shade = SHADES[layers.index(span.layer) % len(SHADES)]
        look: dict[str, Any] = {"facecolor": ARMS[0], "alpha": shade}
        look = {"facecolor": EXCHANGE, "hatch": "////", "edgecolor": PAPER} if span.exchange else look
        axes.broken_barh([(span.start, span.end - span.start)], (row - 0.36, 0.72), linewidth=0, **look)
        start, end = (0.0, 0.0) if span.exchange else free(span, over)
        if end - start > LETTER * len(span.layer) * last:
            axes.text((start + end) / 2, row, span.layer, ha="center", va="center", fontsize=6.5, color=INK)
    if lane.untraced is not None:
        axes.plot([lane.untraced] * 2, [row - 0.48, row + 0.48], color=INK, linewidth=2, zorder=5)


def free(span: DrawnSpan, over: Sequence[DrawnSpan]) -> tuple[float, float]:
    """The longest part of the stretch over which nothing else is drawn: its name is legible there."""
    within = sorted((o for o in over if o.end > span.start and o.start < span.end), key=lambda o: o.start)
    begins = accumulate((o.end for o in within), max, initial=span.start)
    ends = (*(o.start for o in within), span.end)
    return max(zip(begins, ends, strict=True), key=lambda part: part[1] - part[0])


def _last(lane: Lane) -> float:
    """The last millisecond drawn of a lane."""
    return max(lane.end, lane.untraced or 0.0)


def _prepare(axes: Axes, found: Sequence[Lane]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_yticks(range(len(found)), [_label(lane, found) for lane in found])
    axes.tick_params(axis="y", left=False, labelcolor=INK, labelsize=8)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, 1.01 * max(map(_last, found)))
    axes.set_xlabel("milliseconds from the beginning of the step")
    axes.xaxis.label.set_color(MUTED)
    names: list[Artist] = [Patch(facecolor=ARMS[0], alpha=SHADES[1], label="computes")]
    names.append(Patch(facecolor=EXCHANGE, hatch="////", edgecolor=PAPER, label="exchanges or waits"))
    if any(lane.untraced is not None for lane in found):
        names.append(Line2D([], [], color=INK, linewidth=2, label="untraced step"))
    axes.legend(
        handles=names,
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(-LEFT / WIDTH, 1),
        ncols=3,
        borderaxespad=0.1,
        columnspacing=1.4,
    )


def _label(lane: Lane, found: Sequence[Lane]) -> str:
    alone = sum(one.arm == lane.arm for one in found) == 1
    return lane.arm if alone else f"{lane.arm}, {lane.rank + 1}"


def describe(found: Sequence[Lane]) -> str:
    """How long each device's step took, and how much of it was exchange."""
    each = "; ".join(f"{_label(lane, found)}: {_took(lane)}" for lane in found)
    return (
        "One bar per device, from the run of each arm whose untraced step is nearest the median. A layer is "
        "one with weights and all that follows it; the forward pass comes first, then the backward pass. "
        f"Tracing changes how long a step takes, so the result is that of the untraced steps. {each}."
    )


def _took(lane: Lane) -> str:
    traced = (
        f"{number(round(lane.end, 1))} ms traced, of which {number(round(lane.exchanged, 1))} ms exchange"
    )
    return traced if lane.untraced is None else f"{traced}; {number(round(lane.untraced, 1))} ms untraced"
