"""What trials will cost: their networks' arithmetic at the speed of records or of this machine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.contract.device import Device, DeviceKind
from harness.contract.once import once
from harness.contract.trial import Arithmetic, Precision, Settings, Trial
from harness.data.catalogue import tested_images, training_images
from harness.engines.machine.gpus import PER_GPU
from harness.records.environment import has_bf16

# Assumed if nothing was measured: useful multiply-adds per second of one worker. A server core does about
# as many with the slowest networks; a GPU can do ten times as many, but small ones leave most of it idle.
ASSUMED = {
    (DeviceKind.CPU, Precision.FP32): 25e9,
    (DeviceKind.CPU, Precision.BF16): 25e9,
    (DeviceKind.CUDA, Precision.FP32): 2e12,
    (DeviceKind.CUDA, Precision.BF16): 10e12,
}
# Images that a GPU trains on in a second, if nothing was measured, however small the network and however many
# trials share the GPU: launching kernels takes most of the time.
FASTEST = 60_000.0
EMULATED = 2.5e9  # bf16 on a CPU without it: ten times slower than fp32
# A training step is one forward and two backward passes of about the same arithmetic.
PASSES = 3


class SpeedSource(StrEnum):
    """The source of a speed, best first."""

    RECORDS = "measured"  # by trials of the same networks
    CALIBRATED = "calibrated here"  # with a small network, on this machine
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Speed:
    """Multiply-adds per second of one worker, and the most images per second of all workers together."""

    value: float
    source: SpeedSource
    images: float = math.inf


@dataclass(frozen=True)
class Estimate:
    """The most seconds that trials take, and the weakest source of the speeds behind that."""

    seconds: float
    source: SpeedSource


def speeds(
    trials: Sequence[Trial],
    device: Device,
    recorded: Mapping[Precision, float],
    calibrated: Mapping[Precision, float],
) -> Mapping[Precision, Speed]:
    """The speeds at which the trials' precisions are priced, from the best source that has them.

    What was calibrated is the speed of a worker alone; those that share a GPU get at least equal parts.
    """
    sharing = PER_GPU if device.cuda and device.count == 1 else 1

    def best(precision: Precision) -> Speed:
        if precision in recorded:
            return Speed(recorded[precision], SpeedSource.RECORDS)
        if precision in calibrated:
            return Speed(calibrated[precision] * device.count / sharing, SpeedSource.CALIBRATED)
        images = FASTEST * device.count if device.cuda else math.inf
        return Speed(assumed(device, precision), SpeedSource.ASSUMED, images)

    return {precision: best(precision) for precision in {trial.precision for trial in trials}}


def price(trials: Sequence[Trial], workers: int, known: Mapping[Precision, Speed]) -> Estimate:
    """The most time that the trials take on this many workers at the known speeds.

    Exclusive trials run one after another, and no number of workers makes a single trial faster.
    """
    alone = longest = shared = fed = 0.0
    for trial in trials:
        seconds = most_multiply_adds(trial) / known[trial.precision].value
        fed += most_images(trial) / known[trial.precision].images
        if trial.settings.exclusive:
            alone += seconds
        else:
            shared, longest = shared + seconds, max(longest, seconds)
    computing = {trial.precision for trial in trials if most_multiply_adds(trial)}
    sources = (known[precision].source for precision in computing)
    weakest = max(sources, key=list(SpeedSource).index, default=SpeedSource.ASSUMED)
    return Estimate(max(fed, alone + max(longest, shared / max(1, workers))), weakest)


def training_speed(images_per_second: float, network: Arithmetic) -> float:
    """Multiply-adds per second when training the network."""
    return images_per_second * network.multiply_adds * PASSES


def assumed(device: Device, precision: Precision) -> float:
    """Multiply-adds per second assumed from the hardware's capabilities if nothing was measured."""
    if precision is Precision.BF16 and not has_bf16(device.kind):
        return EMULATED * device.count
    return ASSUMED[device.kind, precision] * device.count


def most_multiply_adds(trial: Trial) -> float:
    """The most multiply-adds that a trial may do; 0 for one that trains nothing."""
    return _most_multiply_adds(trial.settings)


def most_images(trial: Trial) -> int:
    """The most images that a trial may train on; 0 for one that trains nothing."""
    return _most_images(trial.settings)


@once
def _most_images(settings: Settings) -> int:
    return 0 if settings.network is None else settings.most_images(training_images(settings.dataset))


@once
def _most_multiply_adds(settings: Settings) -> float:
    if settings.network is None:
        return 0.0
    trained = _most_images(settings)
    evaluated = settings.most_evaluated(tested_images(settings.dataset))
    return float((trained * PASSES + evaluated) * settings.network.multiply_adds)
