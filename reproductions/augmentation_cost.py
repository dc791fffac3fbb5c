"""What augmentation costs: seconds a step with crops, flips and colours, ÷ with plain centre crops (§4.1).

    ./repro.py run augmentation-cost --protocol two-cores --device cpu

In the paper the CPU prepares the next batch while the GPU trains on the current one, so augmentation is free
as long as it takes less time than a step. Here a CPU thread prepares the batches, from 256-pixel images in
memory, beside a GPU (`imagenet`) or beside another thread that trains (`two-cores`). For comparison, the
training device also does it itself, in line. It costs two minutes on two quiet cores.

Observed (`two-cores`, torch 2.13.0, fp32, n = 5 blocks, 95 % intervals): a step with augmentation made in the
background takes 1.01 times as long as one without [0.99, 1.03] on two Intel Xeon cores with AMX (2026-11-28),
0.98 [0.85, 1.12] on two without (2026-11-30), 0.99 [0.95, 1.03] on two AMD EPYC cores (2026-11-30; 0.99
[0.96, 1.02] on 2026-11-22). Nothing has been measured on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.contract.device import DeviceKind
from harness.contract.trial import Precision
from harness.data.views import Augmentation, ColourNoise
from harness.effects import step_times
from harness.effects.by_seed import paired
from harness.plans import timing_blocks
from harness.plans.experiment import Evidence, Finding, Protocol, Reproduction, Table
from harness.training.timing.settings import PLAIN, Feed, StepTime

FULL = Augmentation(colour=ColourNoise())
ARMS = {
    "plain": (Feed.BACKGROUND, PLAIN),
    "augmented": (Feed.BACKGROUND, FULL),
    "plain, in line": (Feed.INLINE, PLAIN),
    "augmented, in line": (Feed.INLINE, FULL),
}
IN_LINE = (
    "In line, the training device makes its own batches. If that takes no longer either, the times do not "
    "show that working in the background hides a cost."
)
PAIRS = {"in the background": ("augmented", "plain"), "in line": ("augmented, in line", "plain, in line")}


@dataclass(frozen=True)
class Scale(timing_blocks.Scale):
    """What a protocol fixes, with the images in memory and the names of its arms."""

    images: int = 512
    named: tuple[str, ...] = tuple(ARMS)

    def arms(self) -> dict[str, StepTime]:
        """The paper's net, fed as each arm says."""
        chosen = {arm: ARMS[arm] for arm in self.named}
        return {arm: self.timed(feed=f, augmentation=a, images=self.images) for arm, (f, a) in chosen.items()}


def estimate(evidence: Evidence) -> Finding:
    """Ratio of step times with ÷ without, paired by block: the claim's in the background, and in line."""
    from harness.effects.statistics import intervals  # brings scipy, which `list` can do without

    found = {how: paired(evidence, pair, step_times.STEP) for how, pair in PAIRS.items()}
    effects = {how: intervals.paired_ratio("step time", "×", *both) for how, both in found.items() if both[0]}
    if not effects:
        return Finding()
    rows = tuple(
        (how, e.n, e.estimate, e.ci95.low if e.ci95 else None, e.ci95.high if e.ci95 else None)
        for how, e in effects.items()
    )
    columns = ("augmentation", "blocks", "step time, with ÷ without", "95 % from", "to")
    ratios = Table("What augmentation costs", columns, rows, IN_LINE)
    primary = effects.get("in the background")
    return Finding(
        {"augmentation-cost": (primary,)} if primary else {},
        (ratios, step_times.table(evidence, ARMS)),
        step_times.deviations(evidence),
    )


NOISE = "Noise images in memory: reading and decoding, which both arms would share, is left out."
PROTOCOLS = (
    Protocol(
        "smoke",
        "the net at 1/16 of its width on 67 pixels, in the background only: shows that everything runs",
        None,
        2,
        Scale(
            None, side=67, width=1 / 16, classes=10, batch=4, images=8, steps=2, warm_up=1,
            named=("plain", "augmented"),
        ),
        ("A narrow net trains as fast as its batches are made: says nothing about the claim.",),
    ),
    Protocol(
        "two-cores",
        "the whole net, batches of 8; one CPU thread trains, another makes the batches",
        None,
        5,
        Scale(DeviceKind.CPU, batch=8, images=128, steps=5, warm_up=2),
        (NOISE, "The training device is also a CPU thread.", "Batches of 8 in place of 128."),
    ),
    Protocol(
        "imagenet",
        "the whole net, batches of 128; a GPU trains, a CPU thread makes the batches",
        None,
        5,
        Scale(DeviceKind.CUDA),
        (NOISE,),
    ),
)  # fmt: skip

REPRODUCTION = Reproduction(
    name="augmentation-cost",
    claims=("augmentation-cost",),
    protocols=tuple(protocol.at(Precision.FP32) for protocol in PROTOCOLS),
    plan=timing_blocks.plan_of(Scale.arms),
    estimate=estimate,
    manipulated={
        "augmented": ("augmentation",),
        "plain, in line": ("feed",),
        "augmented, in line": ("feed", "augmentation"),
        ("plain, in line", "augmented, in line"): ("augmentation",),
    },
)
