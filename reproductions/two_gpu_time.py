"""Two GPUs against one: step times of the two-column net and of a net with half its kernels (§3.2).

    ./repro.py run two-gpu-time --protocol two-cores --device cpu

Both nets are those of the paper: the one-GPU net has half the kernels in the first four convolutions; its
last one and its dense layers are not halved, so both have about as many parameters. `imagenet` needs two
GPUs. `two-cores` uses two CPU threads as two devices, and gloo for the exchange between 2012's GPUs; it costs
two and a half minutes on two quiet cores. `one-gpu-streams` runs both columns on one GPU. Neither has two
devices with a link between them, so both are shown beside the counted multiply-adds and give no verdict: on
cores, time follows those.

Observed (`two-cores`, torch 2.13.0, fp32, n = 10 blocks, 95 % intervals): a step of the two-GPU net takes
0.796 times as long [0.776, 0.817] on two Intel Xeon cores with AMX (2026-11-28), 0.931 [0.847, 1.023] on two
without (2026-11-30), and on two AMD EPYC cores 0.932 [0.917, 0.947] (2026-11-22) and 0.977 [0.918, 1.038]
(2026-11-30). Each column does 0.925 times the one-GPU net's multiply-adds. Nothing has been measured on a
GPU.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.contract.device import DeviceKind
from harness.contract.trial import Precision
from harness.effects import step_times
from harness.effects.by_seed import paired
from harness.plans import timing_blocks
from harness.plans.experiment import Evidence, Finding, Protocol, Reproduction, Table
from harness.training.timing.settings import Arrangement, StepTime

ONE, TWO = "one-gpu", "two-gpu"


@dataclass(frozen=True)
class Scale(timing_blocks.Scale):
    """What a protocol fixes, with the arrangement of the two-GPU net."""

    arrangement: Arrangement = Arrangement.COLUMNS

    def arms(self) -> dict[str, StepTime]:
        """Both nets, each on as many devices as in the paper."""
        ranks = 2 if self.arrangement is Arrangement.COLUMNS else 1
        return {
            ONE: self.timed("one-gpu"),
            TWO: self.timed(arrangement=self.arrangement, ranks=ranks),
        }


def estimate(evidence: Evidence) -> Finding:
    """Ratio of step times, two-GPU ÷ one-GPU net, paired by block, beside that of multiply-adds."""
    from harness.effects.statistics import intervals  # brings scipy, which `list` can do without

    two, one = paired(evidence, (TWO, ONE), step_times.STEP)
    if not two:
        return Finding()
    effect = intervals.paired_ratio("step time", "×", two, one)
    tables = step_times.table(evidence, (ONE, TWO)), _counted(evidence.protocol.settings, effect.estimate)
    return Finding({"two-gpu-time": (effect,)}, tables, step_times.deviations(evidence))


def _counted(scale: Scale, measured: float | None) -> Table:
    """The ratio of step times that multiply-adds alone would give, beside the measured one."""
    arms = scale.arms()
    busiest = {arm: timed.network.multiply_adds / timed.ranks for arm, timed in arms.items()}
    columns = ("two-GPU ÷ one-GPU net", "ratio")
    rows = (("multiply-adds per device, counted", busiest[TWO] / busiest[ONE]), ("step time", measured))
    return Table("Counted and measured", columns, rows)


NOT_SAID = "The paper gives no figure for either time, only which is shorter."
PROTOCOLS = (
    Protocol(
        "smoke",
        "both nets at 1/16 of their width on 67 pixels: shows that everything runs",
        None,
        2,
        Scale(None, side=67, width=1 / 16, classes=10, batch=4, steps=2, warm_up=1),
        ("Narrow nets: the exchange takes most of the time, and this says nothing about the claim.",),
    ),
    Protocol(
        "two-cores",
        "both nets whole, batches of 8; two CPU threads serve as two devices",
        None,
        10,
        Scale(DeviceKind.CPU, batch=8, steps=5, warm_up=2),
        (
            NOT_SAID,
            "A CPU thread serves as each device, and loopback TCP as the link.",
            "Batches of 8 in place of 128.",
        ),
        unjudged="two cores of one processor are not two devices with a link between them",
    ),
    Protocol(
        "imagenet",
        "both nets whole, batches of 128, on one and on two GPUs",
        None,
        10,
        Scale(DeviceKind.CUDA),
        (NOT_SAID, "Noise images, which take as long as photographs."),
    ),
    Protocol(
        "one-gpu-streams",
        "both nets whole, batches of 128, on one GPU, the columns in two streams",
        None,
        10,
        Scale(DeviceKind.CUDA, arrangement=Arrangement.STREAMS),
        (NOT_SAID, "Both columns share one GPU: there is no second device."),
        unjudged="two streams of one GPU are not two devices with a link between them",
    ),
)

REPRODUCTION = Reproduction(
    name="two-gpu-time",
    claims=("two-gpu-time",),
    protocols=tuple(protocol.at(Precision.FP32) for protocol in PROTOCOLS),
    plan=timing_blocks.plan_of(Scale.arms),
    estimate=estimate,
    figure="step-timeline",
    manipulated=("network", "arrangement", "ranks"),
)
