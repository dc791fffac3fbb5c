"""Which runs of two arms are compared, or of one arm averaged, and what is computed from them.

Arms share seeds, but two trainings with one seed have only order and augmentation in common (intra-class
correlation .06 in the published records). So an arm is compared with all runs of another, and the baseline
may have more of them. Pairs are for what seeds do share: one run's weights tested in two ways, arms of one
block in timing experiments, times to a target.

Where the records say which test images were wrong, the interval generalises over images too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from harness.contract.effect import Effect
from harness.contract.formatting import number, quantity
from harness.effects.from_runs import Measure, RunMetric, idle, metric
from harness.plans.experiment import Evidence, Run
from harness.records.schema import Measured

if TYPE_CHECKING:
    from harness.effects.statistics.two_way import ImagePart

T = TypeVar("T")


def paired(
    evidence: Evidence, arms: Sequence[str], measure: Callable[[Run], T | None], dead: bool = False
) -> list[list[T]]:
    """Each arm's values over the seeds for which all arms have one, by seed.

    Networks that learned nothing are left out, unless `dead` says that learning nothing is a result too.
    """
    found = [{run.seed: v for run, v in counted(evidence, arm, measure, dead)} for arm in arms]
    seeds = sorted(set.intersection(*map(set, found))) if found else []
    return [[by_seed[seed] for seed in seeds] for by_seed in found]


def counted(
    evidence: Evidence, arm: str, measure: Callable[[Run], T | None], dead: bool = False
) -> list[tuple[Run, T]]:
    """All of an arm's final runs with a value, by seed; dead networks as in `paired`."""
    left_out = set() if dead else {run.record.key for run in idle(evidence, arm)}
    measured = ((r, measure(r)) for r in evidence.final(arm) if r.record.key not in left_out)
    return [(run, value) for run, value in measured if value is not None]


def difference(
    evidence: Evidence, first: str, second: str, name: str, measure: Measure, unit: str = "points"
) -> Effect:
    """First arm − second arm, over all runs of both."""
    from harness.effects import per_image  # brings numpy and scipy, which `list` can do without
    from harness.effects.statistics import intervals

    arms = [counted(evidence, arm, measure) for arm in (first, second)]
    images, lacking = per_image.image_part([[run for run, _ in arm] for arm in arms], signs(measure))
    values, others = ([value for _, value in arm] for arm in arms)
    effect = intervals.pooled_difference(name, unit, values, others, images)
    return generalised(effect, images, lacking)


def falls(evidence: Evidence, without: str, with_it: str, what: str = "") -> tuple[Effect, ...]:
    """How much the ten-view errors and cross-entropy fall from one arm to the other.

    `what` distinguishes further pairs. The cross-entropy varies less between seeds than the errors do.
    """
    measured = {"top-1 error": Measured.TEN_TOP1, "top-5 error": Measured.TEN_TOP5, "loss": Measured.TEN_LOSS}
    return tuple(
        difference(
            evidence,
            without,
            with_it,
            f"{name}, {what}" if what else name,
            metric(which),
            "nats" if which is Measured.TEN_LOSS else "points",
        )
        for name, which in measured.items()
    )


def gains(
    evidence: Evidence, arm: str, before: tuple[Measured, Measured], after: tuple[Measured, Measured]
) -> tuple[Effect, ...]:
    """How much top-1 and top-5 error fall from one metric of a run to another of the same run."""
    pairs = zip(("top-1 error", "top-5 error"), before, after, strict=True)
    return tuple(_gain(evidence, arm, name, b, a) for name, b, a in pairs)


def _gain(evidence: Evidence, arm: str, name: str, before: Measured, after: Measured) -> Effect:
    from harness.effects import per_image
    from harness.effects.statistics import intervals

    gain = metric(before, after)
    runs = [run for run, _ in counted(evidence, arm, gain)]
    first, second = ([run.record.metrics[which] or 0.0 for run in runs] for which in (before, after))
    images, lacking = per_image.image_part([runs], gain.signs)
    effect = intervals.paired_difference(name, "points", first, second, images)
    return generalised(effect, images, lacking)


def levels(evidence: Evidence, arm: str, top1: Measured, top5: Measured) -> tuple[Effect, ...]:
    """Mean errors of one arm in percent, over its runs."""
    names = {"top-1 error": top1, "top-5 error": top5}
    return tuple(_level(evidence, arm, name, metric(measured)) for name, measured in names.items())


def _level(evidence: Evidence, arm: str, name: str, measure: RunMetric) -> Effect:
    from harness.effects import per_image
    from harness.effects.statistics import intervals

    found = counted(evidence, arm, measure)
    images, lacking = per_image.image_part([[run for run, _ in found]], measure.signs)
    effect = intervals.level(name, "%", [value for _, value in found], images)
    return generalised(effect, images, lacking)


def alone(evidence: Evidence, arm: str, name: Measured) -> list[float]:
    """One arm's values of a metric, by seed."""
    return paired(evidence, (arm,), metric(name))[0]


def signs(measure: Measure) -> Mapping[Measured, int]:
    """The errors that a measure consists of; empty if it is not a metric of the record."""
    return measure.signs if isinstance(measure, RunMetric) else {}


def generalised(effect: Effect, images: ImagePart | None, lacking: str, of: str = "images") -> Effect:
    """The effect with a note on what its interval generalises over, and the number of runs."""
    if effect.standard_error is None or effect.seed_error is None:
        return effect
    whole, seeds = (quantity(error, effect.unit) for error in (effect.standard_error, effect.seed_error))
    over = f"standard error {seeds} over seeds alone, as {lacking}"
    if images is not None:
        both = f"seeds and {number(images.images)} {of}"
        over = f"standard error {whole} over {both}, {seeds} over seeds alone"
    counts = [f"{' runs against '.join(map(str, effect.counts))}"] if effect.counts else []
    said = "; ".join([*counts, over])
    return replace(effect, note=f"{effect.note}; {said}" if effect.note else said)
