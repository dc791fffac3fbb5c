"""The two-GPU net against a one-GPU net with half the kernels in each convolution (§3.2: 1.7 / 1.2 points).

    ./repro.py run two-gpu-error --protocol cifar10

The last convolution and the dense layers are not halved, as in the paper and in run 145-half of 2012. Beside
them an arm that the paper does not report and that run 150 tried: the two columns without the crossing at the
third convolution, so that they meet in the dense layers only (run 150 also widened them; here they keep their
widths; in the proxy the third's σ follows its smaller fan-in, else it stays). What it costs to train on one
device or two is another claim: `two-gpu-time`. Costs 20 minutes on two cores at five seeds, the shared arm
included; a GPU's time is not yet measured.

Observed on 2026-11-22 (proxy `cifar10`, two AMD EPYC cores, torch 2.13.0, bf16, n = 3 pairs of seeds, 95 %
intervals): the one-GPU net errs 4.2 points more [3.0, 5.4] in top-1 and 1.0 [0.4, 1.5] in top-5; two columns
that never cross 3.0 [0.6, 5.4]. The direction holds at this scale.
"""

from __future__ import annotations

from harness.effects.by_seed import falls
from harness.effects.from_runs import arms_table
from harness.plans.ablation import BASELINE, Arm, plan_of
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import EVERY

NEVER_CROSSING = (False, True, True, True, True)
ARMS = {
    "two columns": BASELINE,
    "one column, half the kernels": Arm("one-gpu"),
    "two columns, no crossing": Arm(network={"own_column": NEVER_CROSSING}),
}


def estimate(evidence: Evidence) -> Finding:
    """The errors of the one-GPU net less those of the two-GPU net; then those of the net without crossing."""
    two, one, apart = ARMS
    effects = falls(evidence, one, two) + falls(evidence, apart, two, "no crossing at conv3 against crossing")
    return Finding({"two-gpu-error": effects}, (arms_table(evidence),))


REPRODUCTION = Reproduction(
    name="two-gpu-error",
    claims=("two-gpu-error",),
    protocols=EVERY,
    plan=plan_of(ARMS),
    estimate=estimate,
    # A layer's spread goes with its fan-in at the proxy, where it stands for the same gain.
    manipulated={
        "one column, half the kernels": ("network.layers.*.units", "network.layers.*.groups"),
        "two columns, no crossing": ("network.layers.*.groups", "network.layers.*.init"),
    },
)
