"""Weight decay of 5e-4 lowers even the training error (§5).

    ./repro.py run weight-decay --protocol cifar10

The paper gives a direction and no figure. Training error is that of the trained weights on training images,
unaugmented and by the centre view. Costs 12 minutes on two cores at five seeds, the shared arm included; a
GPU's time is not yet measured.

Observed on 2026-11-22 (proxy `cifar10`, two AMD EPYC cores, torch 2.13.0, bf16, n = 3 pairs of seeds, 95 %
intervals): without decay the training error is 0.2 points higher [-0.8, 1.3], which shows nothing in eight
epochs.
"""

from __future__ import annotations

from harness.effects.by_seed import difference, falls
from harness.effects.from_runs import arms_table, metric
from harness.plans.ablation import BASELINE, Arm, plan_of
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import EVERY
from harness.records.schema import Measured

ARMS = {"decay 5e-4": BASELINE, "no decay": Arm(network={"decay": 0.0})}


def estimate(evidence: Evidence) -> Finding:
    """The training error without decay less that with it; the test errors beside it."""
    decay, none = ARMS
    training = difference(evidence, none, decay, "training error", metric(Measured.TRAIN_TOP1))
    return Finding({"weight-decay": (training, *falls(evidence, none, decay))}, (arms_table(evidence),))


REPRODUCTION = Reproduction(
    name="weight-decay",
    claims=("weight-decay",),
    protocols=EVERY,
    plan=plan_of(ARMS),
    estimate=estimate,
    manipulated=("network.layers.*.decay",),
)
