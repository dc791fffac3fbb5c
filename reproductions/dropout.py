"""Without dropout the network overfits substantially (§4.2).

    ./repro.py run dropout --protocol imagenette-short

Overfitting is the gap between test and training error, both by the centre view of the trained weights; its
cost in test error is shown beside it. Costs four hours on two cores, the shared arm included; a GPU's time is
not yet measured. How much longer training takes with dropout is another claim: `dropout-iterations`.

Observed on 2026-11-28 (`cifar10-scarce`, two Intel Xeon cores, bf16, torch 2.13.0, first look, n = 3 against
9): the gap without dropout is 7.3 points wider [5.8, 8.7]: directional (proxy). Its ten-view error is 1.9
points lower all the same [0.5, 3.3]: there, dropout narrows the gap but does not pay off. At the shared rate
the gap is 4.1 points wider [2.7, 5.5] and the error .3 points lower [-0.6, 1.2].

On 2026-11-22, with other code and at one rate for both arms (1,200 photographs, two AMD EPYC cores,
bf16, n = 3 pairs of seeds, 95 % intervals): the gap without dropout is 21.5 points wider [16.5, 26.6]. At a
rate of .01 instead of .005 the net without dropout died at once with each of three seeds.
"""

from __future__ import annotations

from harness.effects.by_seed import difference, falls
from harness.effects.from_runs import arms_table, gap
from harness.plans.ablation import BASELINE, Arm, plan_of
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import ON_OVERFITTING

ARMS = {"with dropout": BASELINE, "without dropout": Arm(network={"dropout": 0.0})}


def estimate(evidence: Evidence) -> Finding:
    """The gap without dropout minus that with it; the errors beside it."""
    with_it, without = ARMS
    overfitting = difference(evidence, without, with_it, "gap", gap)
    errors = falls(evidence, without, with_it)
    return Finding({"dropout-overfitting": (overfitting, *errors)}, (arms_table(evidence),))


REPRODUCTION = Reproduction(
    name="dropout",
    claims=("dropout-overfitting",),
    protocols=ON_OVERFITTING,
    plan=plan_of(ARMS),
    estimate=estimate,
    figure="training-curves",
    manipulated=("network.layers",),
    overfitting_arm="without dropout",
)
