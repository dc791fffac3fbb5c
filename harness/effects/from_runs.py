"""What a single run measured, whether it learned anything, and the means for every arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

from harness.contract.once import once
from harness.contract.trial import Status
from harness.plans.experiment import Evidence, Run, Table
from harness.records.schema import Measured

Measure = Callable[[Run], float | None]

# Points below chance that a training error must reach: its standard error on a few hundred images is about 1.
LEARNED = 2.0


@dataclass(frozen=True)
class RunMetric:
    """A metric of the run's record, minus another if one is named; None if a run lacks it or diverged."""

    name: Measured
    less: Measured | None = None

    def __call__(self, run: Run) -> float | None:
        """The run's value."""
        if run.record.status is not Status.OK:
            return None
        found = run.record.metrics
        value, taken = found.get(self.name), 0.0 if self.less is None else found.get(self.less)
        return None if value is None or taken is None else value - taken

    @property
    def signs(self) -> Mapping[Measured, int]:
        """The metrics that it consists of, each with its sign."""
        return {self.name: 1} | ({} if self.less is None else {self.less: -1})


metric = RunMetric
gap = RunMetric(Measured.CENTRE_TOP1, Measured.TRAIN_TOP1)  # in points, both by the centre view


def idle(evidence: Evidence, arm: str | None = None) -> list[Run]:
    """Final runs, of one arm or of all, that finished but learned nothing: they say nothing about any claim.

    Their training error is chance level, 100 (1 − 1 / classes) %. In `smoke` no run needs to learn anything.
    """
    return [] if evidence.protocol.smoke else [run for run in evidence.final(arm) if _idle(run)]


@once  # asked for each of an arm's metrics
def _idle(run: Run) -> bool:
    error, count = run.record.metrics.get(Measured.TRAIN_TOP1), classes(run)
    if error is None or count is None or run.record.status is not Status.OK:
        return False
    return bool(error > 100 * (1 - 1 / count) - LEARNED)


def classes(run: Run) -> int | None:
    """How many classes the run's network distinguishes; None if it trained none."""
    network = run.record.settings.get("network")
    layers = network.get("layers") if isinstance(network, Mapping) else None
    return int(layers[-1]["units"]) if layers else None


COLUMNS = {
    "top-1, ten views, %": metric(Measured.TEN_TOP1),
    "top-5, ten views, %": metric(Measured.TEN_TOP5),
    "top-1, centre, %": metric(Measured.CENTRE_TOP1),
    "training top-1, %": metric(Measured.TRAIN_TOP1),
    "gap, points": gap,
}


def arms_table(evidence: Evidence) -> Table:
    """Every arm's mean errors over its seeds, with n."""
    rows = tuple(_row(arm, runs) for arm, runs in evidence.by_arm.items())
    return Table("Mean errors by arm", ("arm", *COLUMNS, "finished runs"), rows)


def _row(arm: str, runs: list[Run]) -> tuple[object, ...]:
    values = [[v for run in runs if (v := measure(run)) is not None] for measure in COLUMNS.values()]
    means = (round(fmean(v), 2) if v else None for v in values)
    return arm, *means, f"{len(values[0])} of {len(runs)}"
