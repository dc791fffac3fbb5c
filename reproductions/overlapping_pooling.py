"""Overlapping pooling: 3×3 against 2×2 windows, both with stride 2 (§3.4: 0.4 / 0.3 points).

    ./repro.py run overlapping-pooling --protocol cifar10

The windows of 2×2 round down so that every layer keeps the size that 3×3 windows give: 55, 27, 13 and 6, in
the proxy 24, 12, 6 and 3. Beside the errors stands the other half of §3.4, that overlapping windows make it
"slightly more difficult to overfit": the gap between test and training error. Costs 12 minutes on two cores
at five seeds, the shared arm included; a GPU's time is not yet measured.

Observed on 2026-11-22 (proxy `cifar10`, two AMD EPYC cores, torch 2.13.0, bf16, n = 3 pairs of seeds, 95 %
intervals): 2×2 windows err 0.3 points more [-2.6, 3.2] and have a gap 0.3 points wider [-1.7, 2.3]: neither
is shown.
"""

from __future__ import annotations

from harness.effects.by_seed import difference, falls
from harness.effects.from_runs import arms_table, gap
from harness.models.alexnet import APART
from harness.plans.ablation import BASELINE, Arm, plan_of
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import EVERY

ARMS = {"3×3 windows": BASELINE, "2×2 windows": Arm(network={"pool": APART})}


def estimate(evidence: Evidence) -> Finding:
    """The errors with 2×2 windows less those with 3×3, and the same of the gap to the training error."""
    apart, overlapping = reversed(ARMS)
    effects = (
        *falls(evidence, apart, overlapping),
        difference(evidence, apart, overlapping, "gap between test and training error", gap),
    )
    return Finding({"overlapping-pooling": effects}, (arms_table(evidence),))


REPRODUCTION = Reproduction(
    name="overlapping-pooling",
    claims=("overlapping-pooling",),
    protocols=EVERY,
    plan=plan_of(ARMS),
    estimate=estimate,
    manipulated=("network.layers.*.size", "network.layers.*.ceil"),
)
