"""What trials will cost, from the arithmetic of their networks and the speed of the records at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.contract.device import Device, DeviceKind
from harness.contract.trial import Arithmetic, Precision, Trial
from harness.data.catalogue import training_images
from harness.records.environment import has_bf16
from harness.records.keys import canonical
from harness.records.record import Record
from harness.records.schema import Cost

# Assumed where no record tells: useful multiply-adds per second of one worker.
ASSUMED = {
    (DeviceKind.CPU, Precision.FP32): 50e9,
    (DeviceKind.CPU, Precision.BF16): 80e9,
    (DeviceKind.CUDA, Precision.FP32): 2e12,
    (DeviceKind.CUDA, Precision.BF16): 10e12,
}
EMULATED = 5e9  # bf16 on a CPU without it: ten times slower than fp32
# A training step is one forward and two backward passes of about the same arithmetic.
PASSES = 3


@dataclass(frozen=True)
class Estimate:
    """Seconds that trials take at most, and whether earlier records give all of the speeds."""

    seconds: float
    measured: bool


def estimate(trials: Sequence[Trial], device: Device, workers: int, records: Iterable[Record]) -> Estimate:
    """The most that the trials take on this many workers, each at the speed of its own precision."""
    measured = _speeds(trials, device, records)
    work: dict[Precision, float] = {}
    for trial in trials:
        work[trial.precision] = work.get(trial.precision, 0.0) + most_multiply_adds(trial)
    seconds = sum(
        amount / (measured.get(precision) or assumed(device, precision)) for precision, amount in work.items()
    )
    return Estimate(seconds / max(1, workers), bool(work) and work.keys() <= measured.keys())


def assumed(device: Device, precision: Precision) -> float:
    """Multiply-adds per second where nothing was measured: by what the hardware is able to do."""
    if precision is Precision.BF16 and not has_bf16(device.kind):
        return EMULATED * device.count
    return ASSUMED[device.kind, precision] * device.count


def most_multiply_adds(trial: Trial) -> float:
    """The most multiply-adds that a trial may do; 0 for one that trains nothing."""
    settings = trial.settings
    if settings.network is None:
        return 0.0
    images = settings.most_images(training_images(settings.dataset))
    return float(images * settings.network.multiply_adds * PASSES)


def _speeds(trials: Sequence[Trial], device: Device, records: Iterable[Record]) -> Mapping[Precision, float]:
    """Median multiply-adds per second, by precision, of records that trained one of the trials' networks."""
    networks = {trial.settings.network for trial in trials}
    known = {canonical(network): network for network in networks if network is not None}
    found: dict[Precision, list[float]] = {}
    for record in records:
        speed = _speed(record, known) if record.conditions.on(device) else None
        if speed is not None:
            found.setdefault(record.precision, []).append(speed)
    return {precision: median(speeds) for precision, speeds in found.items()}


def _speed(record: Record, known: Mapping[str, Arithmetic]) -> float | None:
    rate = record.cost.get(Cost.IMAGES_PER_SECOND)
    network: Any = record.settings.get("network") if rate else None
    arithmetic = known.get(canonical(network)) if network else None
    return rate * arithmetic.multiply_adds * PASSES if rate and arithmetic else None
