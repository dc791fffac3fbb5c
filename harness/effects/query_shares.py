"""Shares of neighbours that have the query's class (§6.1): the queries are a sample, like the seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.contract.effect import Effect
from harness.effects.by_seed import counted, generalised
from harness.effects.from_runs import metric
from harness.plans.experiment import Evidence, Run
from harness.records.image_bits import unpacked
from harness.records.schema import Measured

if TYPE_CHECKING:
    from harness.effects.statistics.two_way import ImagePart

Signs = Mapping[Measured, int]  # the shares that are added, and those that are subtracted


def share(evidence: Evidence, arm: str, name: str, of: Measured) -> Effect:
    """The mean share in percent."""
    from harness.effects.statistics import intervals  # brings scipy, which `list` can do without

    runs = _runs(evidence, arm, of)
    part, lacking = query_part(runs, {of: 1})
    return generalised(intervals.level(name, "%", _values(runs, of), part), part, lacking, "queries")


def difference(evidence: Evidence, arm: str, name: str, first: Measured, second: Measured) -> Effect:
    """The first share minus the second, of the same networks, in points."""
    from harness.effects.statistics import intervals

    runs = _runs(evidence, arm, first, second)
    part, lacking = query_part(runs, {first: 1, second: -1})
    effect = intervals.paired_difference(name, "points", _values(runs, first), _values(runs, second), part)
    return generalised(effect, part, lacking, "queries")


def query_part(runs: Sequence[Run], signs: Signs) -> tuple[ImagePart | None, str]:
    """What the queries add to the variance of a mean over runs; None, with the reason, if that is unknown."""
    from harness.effects.statistics.two_way import of_sets

    if not runs:
        return None, "there are no runs"
    lacking = sum(not all(name in _kept(run) for name in signs) for run in runs)
    if lacking:
        return None, f"{lacking} of {len(runs)} runs have no bits of their queries"
    if len({_kept(run)["queries"] for run in runs}) > 1:
        return None, "not all runs have the same queries"
    import numpy as np

    cells = np.stack([sum(sign * _shares(run, name) for name, sign in signs.items()) for run in runs])
    return of_sets([[cells]]), ""


def _shares(run: Run, name: str) -> Any:
    """The share of each query's neighbours that have its class, float64 (queries,)."""
    kept = _kept(run)
    flags = unpacked(kept[name], kept["queries"] * kept["nearest"])
    return flags.reshape(kept["queries"], kept["nearest"]).mean(1)


def _kept(run: Run) -> Mapping[str, Any]:
    found: Mapping[str, Any] = run.record.details.get("same_class") or {}
    return found


def _runs(evidence: Evidence, arm: str, *names: Measured) -> list[Run]:
    found = (run for run, _ in counted(evidence, arm, metric(names[0])))
    return [run for run in found if all(run.record.metrics.get(name) is not None for name in names)]


def _values(runs: Sequence[Run], name: Measured) -> list[float]:
    return [run.record.metrics[name] or 0.0 for run in runs]
