"""Images near one another in the last hidden layer are alike, though not in pixel space (§6.1, Figure 4).

    ./repro.py run feature-neighbours --protocol cifar10-converged-short

The paper shows the six nearest training images of five test images. Measured here is how often such
neighbours have the query's class: by the last hidden layer minus by pixels, over a thousand test images, with
neighbours from the training images that the network was measured on. Two controls: the features of the same
network before training, whose share is not due to learning; and, for the second half of the sentence, the
rank of the neighbours by distance in pixels (50 % would be chance). Intervals of shares cover seeds and
queries. The picture shows five of the queries at even distances, not hand-picked. Costs a minute after any
ablation; a GPU's time is not yet measured.

Observed on 2026-11-30 (two AMD EPYC cores, bf16, torch 2.13.0, `cifar10-converged-short`, n = 5): 63.7 % of
the neighbours by the last hidden layer have the query's class, 24.4 % of those by pixels and 26.8 % of those
before training: 39.3 points over pixels [37.0, 41.6]: directional (proxy). In pixels their median rank is
28 % [27, 29]: not among the nearest, but nearer than chance. Records: reports/2026-11-30-epyc-2-cores. At a
first look on 2026-11-28 (n = 3, two Intel Xeon cores) it was 39.5 points [38.0, 41.0], over seeds alone.
"""

from __future__ import annotations

from harness.analysis.settings import Neighbours
from harness.effects.by_seed import alone
from harness.effects.query_shares import difference, share
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import ON_ACCURACY
from harness.plans.trained_networks import ARM, plan_of
from harness.records.schema import Measured


def estimate(evidence: Evidence) -> Finding:
    """Percent of neighbours with the query's class by features minus by pixels; each alone; the controls."""
    from harness.effects.statistics import intervals  # brings scipy, which `list` can do without

    features, pixels, untrained = Measured.FEATURES, Measured.PIXELS, Measured.UNTRAINED
    effects = (
        difference(evidence, ARM, "same class", features, pixels),
        share(evidence, ARM, "same class, by the last hidden layer", features),
        share(evidence, ARM, "same class, by pixels", pixels),
        difference(evidence, ARM, "same class, trained − untrained features", features, untrained),
        intervals.level("median rank in pixels", "%", alone(evidence, ARM, Measured.PIXEL_RANK)),
    )
    searched = {
        f"Neighbours are sought among {n:,.0f} training images."
        for n in alone(evidence, ARM, Measured.SEARCHED)
    }
    return Finding({"feature-neighbours": effects}, deviations=tuple(sorted(searched)))


REPRODUCTION = Reproduction(
    name="feature-neighbours",
    claims=("feature-neighbours",),
    protocols=ON_ACCURACY,
    plan=plan_of(lambda group: Neighbours(group[0])),
    estimate=estimate,
    figure="neighbours",
    manipulated=("of.seed",),
)
