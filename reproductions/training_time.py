"""How long training takes: 90 epochs at the measured throughput (abstract, §5: five to six days on two GPUs).

    ./repro.py run training-time --protocol machine --device cpu

Steps of the paper's net are timed with batches of 128, and the time of 90 epochs over the 1.26 million images
of ILSVRC-2010 is computed from them. The paper's arrangement, one column per device, is compared with one
device alone and with the later scheme of the whole net on every device, each with its own batch, for which
arXiv 1404.5997 gives hours.

`machine` uses two CPU threads as two devices and costs three minutes on two quiet cores;
`imagenet` needs two GPUs, `one-gpu` one, `eight-gpus` eight.

Observed (`machine`, torch 2.13.0, fp32, n = 3 blocks, 95 % intervals): one column a core, 53 images/s
[44, 62], so 25 days [21, 29] beside the paper's five to six on two GPUs, 1.89 times as fast as one core alone
(two Intel Xeon cores with AMX, 2026-11-28); 39 [36, 43], 33 days [31, 36] and 1.79 times on two without
(2026-11-30); 65 [55, 75], 20 days [17, 23] and 1.76 times on two AMD EPYC cores (2026-11-22). Nothing has
been measured on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from harness.contract.device import DeviceKind
from harness.contract.trial import Precision
from harness.effects import step_times
from harness.effects.by_seed import alone
from harness.plans import timing_blocks
from harness.plans.experiment import Evidence, Finding, Protocol, Reproduction, Table
from harness.records.schema import Measured
from harness.training.timing.settings import Arrangement, StepTime

EPOCHS = 90
IMAGES = {"ILSVRC-2010": 1_261_406, "ILSVRC-2012": 1_281_167}  # of the training sets
DAY = 86_400
ONE_WEIRD_TRICK = {1: 98.05, 2: 50.24, 4: 26.20, 8: 15.68}  # hours by number of GPUs, arXiv 1404.5997

Arm = tuple[Arrangement, int]  # with its number of ranks
COLUMNS: Arm = (Arrangement.COLUMNS, 2)
ALONE: Arm = (Arrangement.ONE, 1)


@dataclass(frozen=True)
class Scale(timing_blocks.Scale):
    """What a protocol fixes, with the arrangements of the paper's net, the claim's first."""

    arranged: tuple[Arm, ...] = ()

    def arms(self) -> dict[str, StepTime]:
        """The paper's net in every arrangement."""
        return {label((how, ranks)): self.timed(arrangement=how, ranks=ranks) for how, ranks in self.arranged}


def label(arm: Arm) -> str:
    """An arm's name, such as `columns × 2`."""
    arrangement, ranks = arm
    return str(arrangement) if ranks == 1 else f"{arrangement} × {ranks}"


def parallel(*ranks: int) -> tuple[Arm, ...]:
    """The whole net on each of these numbers of devices."""
    return tuple((Arrangement.DATA_PARALLEL, count) for count in ranks)


def days(images_per_second: float, data: str = "ILSVRC-2010") -> float:
    """Days that 90 epochs take."""
    return EPOCHS * IMAGES[data] / images_per_second / DAY


def estimate(evidence: Evidence) -> Finding:
    """Days and images a second of the first arm, and how every arm scales."""
    from harness.effects.statistics import intervals  # brings scipy, which `list` can do without

    scale: Scale = evidence.protocol.settings
    rates = alone(evidence, label(scale.arranged[0]), Measured.IMAGES_PER_SECOND)
    if not rates:
        return Finding()
    effects = (
        intervals.level("training time", "days", [days(rate) for rate in rates]),
        intervals.level("throughput", "images/s", rates),
    )
    tables = (_scaling(evidence, scale), step_times.table(evidence, map(label, scale.arranged)))
    return Finding({"training-time": effects}, tables, step_times.deviations(evidence))


def _scaling(evidence: Evidence, scale: Scale) -> Table:
    rates = {arm: alone(evidence, label(arm), Measured.IMAGES_PER_SECOND) for arm in scale.arranged}
    means = {arm: fmean(found) for arm, found in rates.items() if found}
    rows = tuple(_row(arm, mean, means.get(ALONE)) for arm, mean in sorted(means.items(), key=_by_ranks))
    columns = (
        "arrangement", "devices", "images/s", "times one device", "days, ILSVRC-2010", "days, ILSVRC-2012",
        "arXiv 1404.5997, hours", "times one GPU there",
    )  # fmt: skip
    note = (
        f"Days are for {EPOCHS} epochs. Columns share one batch; data-parallel devices have one each. The "
        "paper: five to six days on two GTX 580. arXiv 1404.5997 splits the batch in convolutions and the "
        "units in dense layers; its hours are shown beside data-parallel runs, the closest match."
    )
    return Table("How training scales", columns, rows, note)


def _by_ranks(item: tuple[Arm, float]) -> tuple[int, str]:
    (arrangement, ranks), _ = item
    return ranks, str(arrangement)


def _row(arm: Arm, rate: float, alone: float | None) -> tuple[object, ...]:
    arrangement, ranks = arm
    theirs = (
        ONE_WEIRD_TRICK.get(ranks) if arrangement in (Arrangement.ONE, Arrangement.DATA_PARALLEL) else None
    )
    return (
        str(arrangement), ranks, rate, rate / alone if alone else None,
        days(rate), days(rate, "ILSVRC-2012"), theirs, ONE_WEIRD_TRICK[1] / theirs if theirs else None,
    )  # fmt: skip


NOISE = "Noise images in memory: reading, decoding and testing are left out."
PROTOCOLS = (
    Protocol(
        "smoke",
        "the net at 1/16 of its width on 67 pixels: shows that everything runs",
        None,
        1,
        Scale(
            None,
            side=67,
            width=1 / 16,
            classes=10,
            batch=4,
            steps=2,
            warm_up=1,
            arranged=(COLUMNS, ALONE, *parallel(2)),
        ),
        ("Narrow nets: their days mean nothing.",),
    ),
    Protocol(
        "machine",
        "the whole net, batches of 128; one and two CPU threads serve as devices",
        None,
        3,
        Scale(DeviceKind.CPU, steps=2, warm_up=1, arranged=(COLUMNS, ALONE, *parallel(2))),
        (NOISE, "A CPU thread serves as the device."),
    ),
    Protocol(
        "imagenet",
        "the whole net, batches of 128, on one and on two GPUs",
        None,
        5,
        Scale(DeviceKind.CUDA, arranged=(COLUMNS, ALONE, *parallel(2))),
        (NOISE,),
    ),
    Protocol(
        "one-gpu",
        "the whole net, batches of 128, on one GPU: alone, and as two columns in two streams",
        None,
        5,
        Scale(DeviceKind.CUDA, arranged=(ALONE, (Arrangement.STREAMS, 1))),
        (NOISE, "One GPU in place of two."),
    ),
    Protocol(
        "eight-gpus",
        "the whole net, batches of 128 per GPU, on 1, 2, 4 and 8 GPUs",
        None,
        5,
        Scale(DeviceKind.CUDA, arranged=(COLUMNS, ALONE, *parallel(2, 4, 8))),
        (NOISE,),
    ),
)

REPRODUCTION = Reproduction(
    name="training-time",
    claims=("training-time",),
    protocols=tuple(protocol.at(Precision.FP32) for protocol in PROTOCOLS),
    plan=timing_blocks.plan_of(Scale.arms),
    estimate=estimate,
    manipulated=("arrangement", "ranks"),
)
