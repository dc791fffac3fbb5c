"""Timing experiments: arms interleaved in blocks, compared within blocks. Needs no torch.

A machine drifts: it warms up, and others use it. So each block times every arm once, and every other block in
the reverse order. A block's number is its trials' seed; what is compared are the arms of the same block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from harness.plans.experiment import Evidence, Run, Table

CROWDED = "Some runs had more threads at work than cores, so that ranks waited for one another's turn."


def values(evidence: Evidence, arm: str, metric: str = "step_seconds") -> dict[int, float]:
    """What the arm's finished runs measured, by block."""
    found = ((run.seed, run.record.metrics.get(metric)) for run in evidence.final(arm))
    return {block: value for block, value in found if value is not None}


def paired(evidence: Evidence, first: str, second: str) -> tuple[list[float], list[float]]:
    """Seconds a step of two arms, in the blocks that both have finished."""
    one, two = values(evidence, first), values(evidence, second)
    shared = sorted(one.keys() & two.keys())
    return [one[block] for block in shared], [two[block] for block in shared]


def table(evidence: Evidence, arms: Iterable[str]) -> Table:
    """What a step of each arm is made of, as means over its blocks."""
    rows = [_row(arm, evidence.final(arm)) for arm in arms if values(evidence, arm)]
    columns = (
        "arm",
        "blocks",
        "step, ms",
        "computing, ms",
        "waiting for others, ms",
        "sent a step, MB",
        "memory of the largest process, GB",
        "images/s",
    )
    note = "Waiting is what computation does not hide; it includes packing, and waiting for a slower rank."
    return Table("Where a step's time goes", columns, tuple(rows), note)


PARTS = {
    "step_seconds": 1e3,
    "compute_seconds": 1e3,
    "exchange_seconds": 1e3,
    "bytes_exchanged": 1e-6,
    "peak_memory_bytes": 1e-9,
    "images_per_second": 1.0,
}


def _row(arm: str, runs: Sequence[Run]) -> tuple[object, ...]:
    finished = [run.record.metrics for run in runs if run.record.metrics.get("step_seconds") is not None]
    means = (fmean(metrics.get(name) or 0.0 for metrics in finished) * unit for name, unit in PARTS.items())
    return arm, len(finished), *means


def deviations(evidence: Evidence) -> tuple[str, ...]:
    """What must be said of runs on a machine too small for them."""
    return (CROWDED,) if any(run.record.details.get("crowded") for run in evidence.final()) else ()
