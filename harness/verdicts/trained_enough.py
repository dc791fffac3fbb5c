"""Whether a proxy's runs can show a claim at all: they are trained enough, and differ only where arms do.

Checked if a protocol declares it. How the loss falls and whether halves agree say nothing of the effect, so
these cannot select verdicts. The gap that must be wide does enter the effect on overfitting: where the
network does not overfit even without the remedy, the claim is not contradicted, but the proxy is *invalid*.

*Under-fitted.* A remedy for overfitting can show nothing where nothing overfits: without it, the mean test
error over seeds must exceed the training error by at least 10 points. An accuracy that still rises fast says
which arm learns sooner, not which ends better: the baseline's training loss must fall by less than 1 % over
the last tenth of its stage at the first rate. One evaluation varies by several percent, so the fall is that
of a line through the logarithms of the stage's last two fifths, averaged over seeds. As losses fall ever more
slowly, that exceeds the last tenth's own fall, by a fifth if they fall as a power of time: the gate errs on
the safe side.

*A/A.* Even and odd seeds of the baseline do not differ, so a two-sided t test at level .01 finds a
difference in 1 % of sound experiments, and more often if something besides the arms affects the results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import exp, inf, log
from statistics import fmean, linear_regression

from harness.contract.formatting import number, p_value, quantity
from harness.contract.once import once
from harness.contract.trial import Status
from harness.effects.early_learning import area
from harness.effects.from_runs import Measure, gap, metric
from harness.paper.claims import Claim, Fit
from harness.plans.experiment import AT_OWN_RATE, Evidence, Reproduction, Run
from harness.records.schema import CurveColumn, Measured

GAP = 10.0  # points between training and test error
FALL = 0.01  # of the training loss over a tenth of the stage
LATE = 0.4  # of the stage, from which the pace of the fall is taken
ALIKE = 0.01  # level of the A/A test
FEWEST_HALF = 2  # seeds in each half

# The quantity in which the baseline's halves are compared: the one behind the claim's primary effect, or
# for any other the ten-view error, which every trained network has.
OUTCOMES: Mapping[str, Measure] = {
    "gap": gap,
    "area": area,
    "training error": metric(Measured.TRAIN_TOP1),
    "training loss": metric(Measured.TRAIN_LOSS),
    "loss": metric(Measured.TEN_LOSS),
}
OUTCOME = metric(Measured.TEN_TOP1)


@dataclass(frozen=True)
class Answer:
    """What a gate answers, in words, whether the case stops there, and whether the question arose at all."""

    words: str
    stops: bool = False
    asked: bool = True


def not_asked(why: str) -> Answer:
    """The answer if the question does not arise."""
    return Answer(f"not asked: {why}", asked=False)


def fitted(about: Claim, evidence: Evidence, reproduction: Reproduction | None) -> Answer:
    """Whether the networks are trained enough to show what is claimed of them."""
    if about.fit is Fit.FLATTENED:
        return flattened(evidence, baseline(evidence))
    if about.fit is Fit.OVERFITTED and reproduction and reproduction.overfitting_arm:
        return overfits(evidence, reproduction.overfitting_arm)
    return not_asked("no arm is named that must overfit" if about.fit else "the claim is not about accuracy")


def baseline(evidence: Evidence) -> str:
    """The plan's first arm."""
    return next(iter(evidence.arms), "")


def overfits(evidence: Evidence, arm: str) -> Answer:
    """Whether the arm's mean gap between training and test error is wide enough."""
    gaps = [found for run in evidence.final(arm) if (found := gap(run)) is not None]
    if not gaps:
        return Answer(f"no run of '{arm}' has a gap between training and test error", stops=True)
    mean = fmean(gaps)
    said = f"the test error of '{arm}' exceeds its training error by {quantity(mean, 'points')}"
    return Answer(f"{said}; a claim about overfitting needs {number(GAP)}", stops=mean < GAP)


def flattened(evidence: Evidence, arm: str) -> Answer:
    """Whether the arm's training loss has almost stopped falling at its first rate."""
    fall = fall_at_first_rate([run.record.curve for run in _trained(evidence, arm)])
    if fall is None:
        return Answer(f"no curve of '{arm}' shows how its training loss fell", stops=True)
    over = "a tenth of its stage at the first rate, towards the end"
    said = f"the training loss of '{arm}' {'fell' if fall >= 0 else 'rose'} by {100 * abs(fall):.2f} % {over}"
    return Answer(f"{said}; a claim about accuracy needs a fall below {100 * FALL:g} %", stops=fall >= FALL)


Curve = Sequence[Mapping[str, float | None]]


def fall_at_first_rate(curves: Sequence[Curve]) -> float | None:
    """The fraction by which the loss falls in a tenth of the stage at the first rate, if known."""
    slopes = [slope for curve in curves if (slope := _slope(curve)) is not None]
    return 1 - exp(fmean(slopes) / 10) if slopes else None


def _stage(curve: Curve) -> Iterator[tuple[float, float]]:
    """Epochs and training losses of the rows up to the first change of the rate."""
    first = next((row[CurveColumn.RATE] for row in curve if row.get(CurveColumn.RATE) is not None), None)
    for row in takewhile(lambda row: row.get(CurveColumn.RATE) in (None, first), curve):
        epoch, loss = row.get(CurveColumn.EPOCH), row.get(CurveColumn.TRAIN_LOSS)
        if epoch is not None and loss is not None:
            yield epoch, loss


@once  # many experiments share the baseline's curves
def _slope(curve: Curve) -> float | None:
    """By how much the loss's logarithm changes in a whole stage, at the pace of its last two fifths."""
    stage = [(epoch, loss) for epoch, loss in _stage(curve) if 0 < loss < inf]
    end = stage[-1][0] if stage else 0.0
    late = [(epoch / end, log(loss)) for epoch, loss in stage if epoch > (1 - LATE) * end]
    return linear_regression(*zip(*late, strict=True)).slope if len(late) > 2 else None


def alike(about: Claim, evidence: Evidence) -> Answer:
    """Whether the baseline's even and odd seeds agree, as they must."""
    arm, measure = baseline(evidence), OUTCOMES.get(about.primary.name, OUTCOME)
    by_seed = {run.seed: value for run in _trained(evidence, arm) if (value := measure(run)) is not None}
    even, odd = ([v for seed, v in sorted(by_seed.items()) if seed % 2 == half] for half in (0, 1))
    if min(len(even), len(odd)) < FEWEST_HALF:
        needed = f"{FEWEST_HALF} even and {FEWEST_HALF} odd seeds"
        return Answer(f"cannot be checked: '{arm}' has {len(even)} and {len(odd)} of the {needed} it needs")
    p = same_mean(even, odd)
    probability = p_value(p) if p < 1e-4 else f"= {p_value(p)}"
    means = f"{number(fmean(even))} and {number(fmean(odd))}"
    said = f"even and odd seeds of '{arm}' have means of {means} (p {probability})"
    return Answer(f"{said}; below {ALIKE}, something besides the arms differs", stops=p < ALIKE)


def same_mean(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p of Student's t test with pooled variance; 0 or 1 if neither sample varies."""
    from harness.effects.statistics import intervals  # brings scipy, which `list` can do without

    p = intervals.pooled("", "", first, second).p_student
    return float(fmean(first) == fmean(second)) if p is None else p


def _trained(evidence: Evidence, arm: str) -> list[Run]:
    """The arm's successful runs at its own rate, or those of the networks that it measures."""
    runs = [run for run in evidence.runs if run.arm == arm and run.planned.role in AT_OWN_RATE]
    return [run for run in runs if run.record.status is Status.OK]
