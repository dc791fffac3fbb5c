"""Overlapping pooling: 3×3 against 2×2 windows, both with stride 2 (§3.4: 0.4 / 0.3 points).

    ./repro.py run overlapping-pooling --protocol cifar10-converged-short

The windows of 2×2 round down so that every layer keeps the size that 3×3 windows give: 55, 27, 13 and 6, in
the proxy 24, 12, 6 and 3. Beside the errors is the other half of §3.4, that overlapping windows make it
"slightly more difficult to overfit": the gap between test and training error, for which `cifar10-scarce`
exists. An effect of .4 points needs 70 seeds at a proxy, so a verdict there rests on the cross-entropy. Costs
three hours on two cores at `cifar10-converged-short`, the shared arm included; a GPU's time is not yet
measured.

Observed: nothing yet. Pilots on CIFAR-10 and at `imagenette-short` were under-fitted, so no verdict is to be
expected there: see docs/protocols.md.
"""

from __future__ import annotations

from harness.effects.by_seed import difference, falls
from harness.effects.from_runs import arms_table, gap
from harness.models.alexnet import APART
from harness.plans.ablation import BASELINE, Arm, plan_of
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import ON_ACCURACY, SCARCE

ARMS = {"3×3 windows": BASELINE, "2×2 windows": Arm(network={"pool": APART})}


def estimate(evidence: Evidence) -> Finding:
    """The errors with 2×2 windows minus those with 3×3, and the same for the gap to the training error."""
    apart, overlapping = reversed(ARMS)
    effects = (
        *falls(evidence, apart, overlapping),
        difference(evidence, apart, overlapping, "gap between test and training error", gap),
    )
    return Finding({"overlapping-pooling": effects}, (arms_table(evidence),))


REPRODUCTION = Reproduction(
    name="overlapping-pooling",
    claims=("overlapping-pooling",),
    protocols=(*ON_ACCURACY, SCARCE),
    plan=plan_of(ARMS),
    estimate=estimate,
    manipulated=("network.layers.*.size", "network.layers.*.ceil"),
)
