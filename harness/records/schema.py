"""The names of what programs measure: one spelling each, for writers and readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class CurveColumn(StrEnum):
    """A column of a curve; errors are fractions, losses are mean cross-entropies in nats."""

    EPOCH = "epoch"
    RATE = "rate"
    LOSS = "loss"  # of the passing minibatches
    RUNNING_ERROR = "running_error"  # of the passing minibatches
    SAMPLE_ERROR = "sample_error"  # of the current weights on a fixed sample of training images
    TRAIN_ERROR = "train_error"  # the same, unaugmented and by the centre view
    TRAIN_LOSS = "train_loss"
    VALIDATION_ERROR = "validation_error"  # after an epoch, on held-out images
    VALIDATION_LOSS = "validation_loss"
    SECONDS = "seconds"
    CPU_SECONDS = "cpu_seconds"


class Cost(StrEnum):
    """What a trial cost."""

    SECONDS = "seconds"
    CPU_SECONDS = "cpu_seconds"
    IMAGES = "images"
    IMAGES_PER_SECOND = "images_per_second"
    PEAK_MEMORY_BYTES = "peak_memory_bytes"  # on a GPU


class Measured(StrEnum):
    """A metric; errors over a whole test are percentages."""

    REACHED = "reached"  # 1 if the target was reached
    FINAL_RUNNING_ERROR = "final_running_error"  # a fraction
    EPOCHS_LOW = "epochs_low"  # the bracket of the time to the target
    EPOCHS_HIGH = "epochs_high"
    SECONDS_LOW = "seconds_low"
    SECONDS_HIGH = "seconds_high"
    CPU_SECONDS_LOW = "cpu_seconds_low"
    CPU_SECONDS_HIGH = "cpu_seconds_high"

    TRAIN_TOP1 = "train_top1"  # the trained weights on training images, by the centre view
    TRAIN_TOP5 = "train_top5"
    CENTRE_TOP1 = "centre_top1"  # on test images
    CENTRE_TOP5 = "centre_top5"
    TEN_TOP1 = "ten_top1"
    TEN_TOP5 = "ten_top5"
    TRAIN_LOSS = "train_loss"
    TEST_LOSS = "test_loss"  # by the centre view
    TEN_LOSS = "ten_loss"  # of the average over ten views
    SHIFTED_TOP1 = "shifted_top1"  # by the centre view, of test images whose colours are shifted

    STEP_SECONDS = "step_seconds"
    COMPUTE_SECONDS = "compute_seconds"
    EXCHANGE_SECONDS = "exchange_seconds"
    BYTES_EXCHANGED = "bytes_exchanged"
    PEAK_MEMORY_BYTES = "peak_memory_bytes"
    IMAGES_PER_SECOND = "images_per_second"

    RATIO = "ratio"  # of the columns' chroma, relative to random splits
    OBSERVED = "observed"
    PERMUTATION_P = "permutation_p"
    ENERGY_P = "energy_p"  # the same by the colours' energy, not by its share
    CHROMA_FIRST = "chroma_first"
    CHROMA_SECOND = "chroma_second"

    FEATURES = "features"  # nearest images with the query's class, in percent
    PIXELS = "pixels"
    UNTRAINED = "untrained"  # the same with features of the network before training
    PIXEL_RANK = "pixel_rank"  # median rank of the nearest by features among all by pixels, in percent
    QUERIES = "queries"
    SEARCHED = "searched"

    SINGLE_TOP1 = "single_top1"
    SINGLE_TOP5 = "single_top5"
    AVERAGE_TOP1 = "average_top1"
    AVERAGE_TOP5 = "average_top5"


TINY, ANY = 1e-12, float("inf")
SHARES = {Measured.REACHED, Measured.FINAL_RUNNING_ERROR, Measured.PERMUTATION_P, Measured.ENERGY_P}
PERCENTAGES = {Measured.FEATURES, Measured.PIXELS, Measured.UNTRAINED, Measured.PIXEL_RANK} | {
    name for name in Measured if name.endswith(("_top1", "_top5"))
}
BRACKETS = ("epochs", "seconds", "cpu_seconds")
DIVISORS = {Measured.STEP_SECONDS, Measured.RATIO, Measured.IMAGES_PER_SECOND} | {
    Measured(f"{name}_high") for name in BRACKETS
}


def impossible(metrics: Mapping[str, float | None]) -> str:
    """The first metric with an impossible value, in words; empty if all are possible."""
    for name, value in metrics.items():
        if name in _RANGES and value is not None and not _RANGES[name][0] <= value <= _RANGES[name][1]:
            return f"metric {name} is {value:g}"
    for name in BRACKETS:
        low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
        if low is not None and high is not None and low > high:
            return f"metric {name}_low is {low:g}, more than {name}_high"
    return ""


def _range(name: Measured) -> tuple[float, float]:
    """The smallest and largest possible value of a metric; none is below zero."""
    most = 1.0 if name in SHARES else 100.0 if name in PERCENTAGES else ANY
    return TINY if name in DIVISORS else 0.0, most


_RANGES: Mapping[str, tuple[float, float]] = {str(name): _range(name) for name in Measured}


@dataclass(frozen=True)
class Filled:
    """What a program fills in if it succeeds, on any device."""

    metrics: tuple[Measured, ...]
    curve: tuple[CurveColumn, ...] = ()
    cost: tuple[Cost, ...] = ()


M, C = Measured, CurveColumn
CLOCKS = (C.SECONDS, C.CPU_SECONDS)
TRAINED = (Cost.SECONDS, Cost.CPU_SECONDS, Cost.IMAGES, Cost.IMAGES_PER_SECOND)
PROGRAMS: Mapping[str, Filled] = {
    "harness.training.to_target:run": Filled(
        (
            M.REACHED, M.FINAL_RUNNING_ERROR, M.EPOCHS_LOW, M.EPOCHS_HIGH,
            M.SECONDS_LOW, M.SECONDS_HIGH, M.CPU_SECONDS_LOW, M.CPU_SECONDS_HIGH,
        ),
        (C.EPOCH, C.RUNNING_ERROR, C.LOSS, C.SAMPLE_ERROR, *CLOCKS),
        TRAINED,
    ),
    "harness.training.scheduled.program:run": Filled(
        (
            M.TRAIN_TOP1, M.TRAIN_TOP5, M.CENTRE_TOP1, M.CENTRE_TOP5, M.TEN_TOP1, M.TEN_TOP5,
            M.TRAIN_LOSS, M.TEST_LOSS, M.TEN_LOSS, M.SHIFTED_TOP1,
        ),
        (
            C.EPOCH, C.RATE, C.RUNNING_ERROR, C.LOSS, C.TRAIN_ERROR, C.TRAIN_LOSS,
            C.VALIDATION_ERROR, C.VALIDATION_LOSS, *CLOCKS,
        ),
        TRAINED,
    ),
    "harness.training.timing.step_time:run": Filled(
        (
            M.STEP_SECONDS, M.COMPUTE_SECONDS, M.EXCHANGE_SECONDS, M.BYTES_EXCHANGED,
            M.PEAK_MEMORY_BYTES, M.IMAGES_PER_SECOND,
        ),
        cost=(Cost.SECONDS,),
    ),
    "harness.analysis.kernels:run": Filled(
        (M.RATIO, M.OBSERVED, M.PERMUTATION_P, M.ENERGY_P, M.CHROMA_FIRST, M.CHROMA_SECOND)
    ),
    "harness.analysis.neighbours:run": Filled(
        (M.FEATURES, M.PIXELS, M.UNTRAINED, M.PIXEL_RANK, M.QUERIES, M.SEARCHED)
    ),
    "harness.analysis.ensemble:run": Filled(
        (M.SINGLE_TOP1, M.SINGLE_TOP5, M.AVERAGE_TOP1, M.AVERAGE_TOP5)
    ),
}  # fmt: skip
