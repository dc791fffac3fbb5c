"""Biases of 1 in conv2, conv4, conv5 and the hidden dense layers speed up early training (§5).

    ./repro.py run bias-init --protocol cifar10-early

The speed of early training is the area between chance's loss, ln of the number of classes, and the training
loss over the first two epochs: any single level of the loss would leave the result to luck. The text's
literal recipe has weights with σ = .01 everywhere; the 2012 source has σ = .03 in the third to fifth
convolution. Biases of 0 and of 1 are compared with both. Costs two hours on two cores; a GPU's time is not
yet measured.

Observed on 2026-11-30 (two AMD EPYC cores, fp32, torch 2.13.0, `cifar10-early`, n = 10): with biases of 1 the
area is 1.275 times that with biases of 0 [1.221, 1.333]: directional (proxy). With σ = .03 in conv3–5 it is
1.008 times [0.994, 1.022], and that σ alone gives 1.195 times the area of σ = .01 [1.162, 1.228]. Records:
reports/2026-11-30-epyc-2-cores.
"""

from __future__ import annotations

from harness.effects.early_learning import areas_table, ratio_of_areas
from harness.effects.from_runs import arms_table
from harness.models.alexnet import SOURCE_2012
from harness.plans.ablation import BASELINE, Arm, plan_of
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import CONVERGED_SHORT, IMAGENET, SMOKE, early

ZEROS = {"biases": (0,) * 8}
WIDER = {"inits": SOURCE_2012.inits}
ARMS = {
    "biases of 1": BASELINE,
    "biases of 0": Arm(network=ZEROS),
    "biases of 1, σ = .03 in conv3–5": Arm(network=WIDER),
    "biases of 0, σ = .03 in conv3–5": Arm(network=ZEROS | WIDER),
}


def estimate(evidence: Evidence) -> Finding:
    """The area from biases of 1 ÷ that from biases of 0; the same with the source's σ; what σ itself does."""
    ones, zeros, wide_ones, wide_zeros = ARMS
    judged = ratio_of_areas(evidence, ones, zeros, "area")
    beside = (
        ratio_of_areas(evidence, wide_ones, wide_zeros, "area, σ = .03 in conv3–5"),
        ratio_of_areas(evidence, wide_zeros, zeros, "area, σ = .03 ÷ σ = .01 with biases of 0"),
        ratio_of_areas(evidence, wide_ones, ones, "area, σ = .03 ÷ σ = .01 with biases of 1"),
    )
    effects = (judged, *(effect for effect in beside if effect.n))
    return Finding({"bias-init": effects}, (arms_table(evidence), areas_table(evidence)))


REPRODUCTION = Reproduction(
    name="bias-init",
    claims=("bias-init",),
    protocols=(SMOKE, early(CONVERGED_SHORT, "cifar10-early", 16), early(IMAGENET, "imagenet", 20)),
    plan=plan_of(ARMS),
    estimate=estimate,
    figure="training-curves",
    manipulated={
        "biases of 0": ("network.layers.*.bias",),
        "biases of 1, σ = .03 in conv3–5": ("network.layers.*.init",),
        "biases of 0, σ = .03 in conv3–5": ("network.layers.*.bias", "network.layers.*.init"),
        ("biases of 1, σ = .03 in conv3–5", "biases of 0, σ = .03 in conv3–5"): ("network.layers.*.bias",),
        ("biases of 0, σ = .03 in conv3–5", "biases of 0"): ("network.layers.*.init",),
    },
)
