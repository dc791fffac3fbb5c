"""The authors' 2012 run log as data: single runs with their errors, and the spread between them.

From the comments of the configuration files that were released in 2025
(`computerhistory/AlexNet-Source-Code`, `layers/layer-params-*.cfg`): figures and facts, no quotations. The
paper gives no interval; two sets of these runs give the standard deviation of a single run's top-1 error, and
thus a standard error of the paper's differences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import stdev

from harness.paper.claims import Claim


@dataclass(frozen=True)
class Errors:
    """Top-1 and top-5 error of one network, in percent, or a difference of two such, in points."""

    top1: float
    top5: float

    def __sub__(self, other: Errors) -> Errors:
        return Errors(round(self.top1 - other.top1, 4), round(self.top5 - other.top5, 4))

    def __str__(self) -> str:
        return f"{self.top1:.4f} / {self.top5:.4f}"


class MeasuredOn(StrEnum):
    """The images on which a run's error was measured."""

    ILSVRC_2010 = "ILSVRC-2010 test"
    ILSVRC_2012 = "ILSVRC-2012 validation"
    UNSTATED_2010 = "ILSVRC-2010, which part is not stated"


class CropCount(StrEnum):
    """How many crops of an image a prediction is averaged over."""

    TEN = "ten views"
    CENTRE = "centre view"


@dataclass(frozen=True)
class LoggedRun:
    """One evaluation of one training run; errors in percent, None if the log has only words.

    That runs 153 to 178 are on ILSVRC-2012 is inferred from the chain of their notes.
    """

    name: str
    differs: str  # from run 145
    top1: float | None
    top5: float | None
    bears_on: tuple[str, ...] = ()  # claims
    split: MeasuredOn = MeasuredOn.ILSVRC_2012
    views: CropCount = CropCount.TEN
    noted: str = ""

    @property
    def errors(self) -> Errors:
        """Both errors in percent; ValueError if the log lacks one."""
        if self.top1 is None or self.top5 is None:
            raise ValueError(f"the log does not have both errors of run {self.name}")
        return Errors(self.top1, self.top5)

    @property
    def words(self) -> str:
        """`148 (none of the three norms): 42.034 / 19.362 %`, or what the log notes in place of figures."""
        known = [f"{error:g}" for error in (self.top1, self.top5) if error is not None]
        found = f"{' / '.join(known)} %" if known else self.noted or "no figure"
        unusual = (
            "" if self.split is MeasuredOn.ILSVRC_2012 else self.split,
            "" if self.views is CropCount.TEN else self.views,
        )
        return ", ".join(filter(None, (f"{self.name} ({self.differs}): {found}", *unusual)))


EXPONENTIAL = "an exponential schedule of the learning rate"
DOUBLE_EXPONENTIAL = "a double-exponential schedule of the learning rate"
MOVED = "the norms in another place, or the columns crossing at conv4 in place of conv3"

RUNS = (
    LoggedRun(
        "145", "the paper's network", 40.664, 18.21,
        ("error-rate-2012", "lrn", "overlapping-pooling"),
    ),
    LoggedRun("145, continued", "rate raised again, up to epoch 135", 40.25, 17.994, ("error-rate-2012",)),
    LoggedRun("155", EXPONENTIAL, 40.744, 18.524),
    LoggedRun("156", EXPONENTIAL, 40.764, 18.35),
    LoggedRun("157", EXPONENTIAL, 41.114, 18.704),
    LoggedRun("158", EXPONENTIAL, 41.026, 18.538),
    LoggedRun(
        "165", "twice the weight decay in dense layers, another schedule", 40.982, 18.392, ("weight-decay",),
    ),
    LoggedRun("166", "conv2's norm before its ReLU", 41.096, 18.674, ("lrn",)),
    LoggedRun("167", "no norm behind conv2, later schedule", 40.488, 18.118, ("lrn",)),
    LoggedRun("148", "none of the three norms", 42.034, 19.362, ("lrn",)),
    LoggedRun("169", DOUBLE_EXPONENTIAL, 40.596, 18.112, ("lrn",)),
    LoggedRun("170", f"{DOUBLE_EXPONENTIAL}, from epoch 24 of run 169", 40.528, 18.048),
    LoggedRun("171", DOUBLE_EXPONENTIAL, 40.42, 18.14),
    LoggedRun("170, from the start", "run 170's schedule, images faded in", 40.25, 18.116),
    LoggedRun("170-quant", "half precision between the columns", 40.524, 18.416, ("two-gpu-error",)),
    LoggedRun("177", "dropout over conv4 too", 40.69, 18.304, ("dropout-overfitting",)),
    LoggedRun("150", "no crossing between columns, which are wider", 41.828, 19.33, ("two-gpu-error",)),
    LoggedRun("147", "pooling 2×2 with stride 2", 41.058, 18.51, ("overlapping-pooling",)),
    LoggedRun("131", MOVED, 40.934, None, ("two-gpu-error", "lrn")),
    LoggedRun("132", MOVED, None, None, ("two-gpu-error", "lrn"), noted="worse"),
    LoggedRun("133", MOVED, None, None, ("two-gpu-error", "lrn"), noted="worse"),
    LoggedRun(
        "130", "four devices, twice conv2's kernels", None, None, ("two-gpu-error",),
        noted="hardly better, if at all",
    ),
    LoggedRun("146-2012-2011", "a sixth convolution, trained on 2011 first", 38.99, 16.622, ("pretraining",)),
    LoggedRun("170", DOUBLE_EXPONENTIAL, 42.341, 19.583, views=CropCount.CENTRE),
    LoggedRun(
        "170-256-double", "run 170 with batches of 256 and twice the rate, at epoch 84", 42.273, 19.66,
        views=CropCount.CENTRE,
    ),
    LoggedRun(
        "145-2010", "trained on 2010 data, stopped at epoch 93", 37.4727, 16.9987,
        ("error-rate", "ten-view", "two-gpu-error"), MeasuredOn.ILSVRC_2010,
    ),
    LoggedRun(
        "145-2010", "trained on 2010 data, stopped at epoch 93", 39.0247, 18.2953,
        ("ten-view",), MeasuredOn.ILSVRC_2010, CropCount.CENTRE,
    ),
    LoggedRun(
        "145-half", "2010 data; one column, conv5 of 256, FC of 4096", 39.168, 18.2287,
        ("two-gpu-error",), MeasuredOn.ILSVRC_2010,
    ),
    LoggedRun("101", "of July 2012", None, None, ("lrn",), MeasuredOn.UNSTATED_2010),
    LoggedRun(
        "110", "run 101 without norms", None, None, ("lrn",), MeasuredOn.UNSTATED_2010,
        noted="about 1 point worse than 101",
    ),
)  # fmt: skip

_BY_NAME = {(run.name, run.views): run for run in RUNS}


def logged(name: str, views: CropCount = CropCount.TEN) -> LoggedRun:
    """The run of that name, evaluated over those views; KeyError if the log has none."""
    return _BY_NAME[name, views]


def errors(name: str, views: CropCount = CropCount.TEN) -> Errors:
    """A run's top-1 and top-5 error in percent."""
    return logged(name, views).errors


def bearing_on(claim: str) -> str:
    """The runs that bear on a claim, in a sentence; empty if there are none."""
    found = [run.words for run in RUNS if claim in run.bears_on]
    paper = errors("145")
    first = f"run 145, the paper's network ({paper.top1:g} / {paper.top5:g} %)"
    how = f"Single runs, with what differs from {first}; ILSVRC-2012 validation and ten views unless stated"
    return f"{'; '.join(found)}. {how}." if found else ""


@dataclass(frozen=True)
class RepeatedRuns:
    """Top-1 errors in percent of runs treated as repeats of one another."""

    runs: str
    values: tuple[float, ...]

    @property
    def sd(self) -> float:
        """Standard deviation of one run in points, to two digits, as so few runs warrant no more."""
        return round(stdev(self.values), 2)

    @property
    def standard_error(self) -> float:
        """Standard error in points of the difference of two single runs: √2 standard deviations."""
        return math.sqrt(2) * self.sd


NINE = ("145", "155", "156", "157", "158", "165", "169", "170, from the start", "170-quant")
SPREADS = (
    RepeatedRuns(
        "four near-repeats of run 170, centre view",
        (errors("170", CropCount.CENTRE).top1, 42.294, 42.501, 42.57),
    ),
    # Their schedules differ, so this spread leans high.
    RepeatedRuns("nine runs that share no epochs, ten views", tuple(errors(name).top1 for name in NINE)),
)

# Claims whose figure is a difference in top-1 points, on ImageNet, between separately trained nets, one
# run each. Depth and colour noise are among them, though the paper rounds to "about 2" and "> 1 point" and
# the log has no pair for them: what was rounded is still such a difference. The spread is that of the 2012
# validation error, and assumed to hold on the 2010 test set.
# Not among them: ten-view (one net's weights twice: paired, with a far smaller error), ensemble (an average
# of five, with less spread, against one), lrn-cifar (another data set), directions, ratios, levels, counts.
FROM_SINGLE_RUNS = ("lrn", "overlapping-pooling", "two-gpu-error", "colour-augmentation", "depth")
# Differences in top-1 points that the log notes in words between further pairs of runs.
NOTED = {"lrn": ("the authors' run log, 110 against 101", 1.0)}


def original(about: Claim) -> float | None:
    """The paper's difference in top-1 points, unrounded if logged; None if no spread applies."""
    metric = about.primary
    if about.id not in FROM_SINGLE_RUNS:
        return None
    return metric.paper if metric.logged_2012 is None else metric.logged_2012


def distances(about: Claim) -> tuple[float, float] | None:
    """The paper's difference in standard errors, by the larger and by the smaller spread."""
    difference = original(about)
    if difference is None:
        return None
    found = sorted(difference / spread.standard_error for spread in SPREADS)
    return found[0], found[-1]
