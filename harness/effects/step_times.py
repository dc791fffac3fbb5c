"""What timing experiments measured, arm by arm. Needs no torch.

Machines drift: they warm up, and others use them. So each block times every arm once, and every other block
in reverse order. A block's number is its trials' seed, so pairs by seed are arms of the same block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from harness.contract.device import DeviceKind
from harness.effects.from_runs import Measure, metric
from harness.plans.experiment import Evidence, Run, Table
from harness.records.schema import Measured

CROWDED = "Some runs had more threads than cores, so ranks had to wait for each other."
LAUNCHED = "Kernels are launched one by one, where training on a GPU replays them from a CUDA graph."
STEP: Measure = metric(Measured.STEP_SECONDS)
PARTS: dict[str, tuple[Measure, float]] = {
    "step, ms": (STEP, 1e3),
    "computing, ms": (metric(Measured.COMPUTE_SECONDS), 1e3),
    "waiting for others, ms": (metric(Measured.EXCHANGE_SECONDS), 1e3),
    "sent a step, MB": (metric(Measured.BYTES_EXCHANGED), 1e-6),
    "memory of the largest process, GB": (metric(Measured.PEAK_MEMORY_BYTES), 1e-9),
    "images/s": (metric(Measured.IMAGES_PER_SECOND), 1.0),
}


def table(evidence: Evidence, arms: Iterable[str]) -> Table:
    """The parts of a step of each arm, as means over its blocks."""
    finished = {arm: [run for run in evidence.final(arm) if STEP(run) is not None] for arm in arms}
    rows = tuple(_row(arm, runs) for arm, runs in finished.items() if runs)
    note = "Waiting is what computation does not hide; it includes packing and waiting for a slower rank."
    return Table("Where a step's time goes", ("arm", "blocks", *PARTS), rows, note)


def _row(arm: str, runs: Sequence[Run]) -> tuple[object, ...]:
    means = (fmean(measure(run) or 0.0 for run in runs) * unit for measure, unit in PARTS.values())
    return arm, len(runs), *means


def deviations(evidence: Evidence) -> tuple[str, ...]:
    """Those of runs on a machine too small for them, and of runs on a GPU."""
    records = [run.record for run in evidence.final()]
    crowded = any(record.details.get("crowded") for record in records)
    on_gpus = any(record.conditions.device is DeviceKind.CUDA for record in records)
    return (CROWDED,) * crowded + (LAUNCHED,) * on_gpus
