"""Images near one another in the last hidden layer are alike, though not in pixel space (§6.1, Figure 4).

    ./repro.py run feature-neighbours --protocol cifar10-converged-short

The paper shows the six nearest training images of five test images. Measured here is how often such
neighbours have the query's class: by the last hidden layer, less by pixels, over the first thousand test
images, each searched for among training images that the network was measured on. The picture shows the first
five queries, not chosen by anyone. Costs a minute after any ablation, six minutes on two cores before; a
GPU's time is not yet measured.

Observed on 2026-11-22 (proxy `cifar10`, two AMD EPYC cores, torch 2.13.0, bf16, n = 3 networks, 95 %
intervals): 53.0 % of the six nearest of 10,000 training images have the query's class by the last hidden
layer, 24.5 % by pixels: 28.5 points more [27.4, 29.6].
"""

from __future__ import annotations

from harness.analysis.settings import Neighbours
from harness.effects.by_seed import alone
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import EVERY
from harness.plans.trained_networks import ARM, plan_of
from harness.records.schema import Measured


def estimate(evidence: Evidence) -> Finding:
    """Percent of neighbours of the query's class by features less by pixels, then each by itself."""
    from harness.effects import intervals  # brings scipy, which the list of claims can do without

    features, pixels = (alone(evidence, ARM, name) for name in (Measured.FEATURES, Measured.PIXELS))
    effects = (
        intervals.paired_difference("same class", "points", features, pixels),
        intervals.level("same class, by the last hidden layer", "%", features),
        intervals.level("same class, by pixels", "%", pixels),
    )
    return Finding({"feature-neighbours": effects})


REPRODUCTION = Reproduction(
    name="feature-neighbours",
    claims=("feature-neighbours",),
    protocols=EVERY,
    plan=plan_of(lambda group: Neighbours(group[0])),
    estimate=estimate,
    figure="neighbours",
    manipulated=("of.seed",),
)
