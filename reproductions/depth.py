"""Removing any one of the middle layers costs top-1 accuracy (abstract, §7: about 2 points).

    ./repro.py run depth --protocol cifar10-converged-short

Each of the second to the fifth convolution is removed in turn, with its nonlinearity and norm; pooling and
the sizes of the maps stay. Without the third the columns also lose their only crossing before the dense
layers. Without the fifth, the fourth has as many maps as the fifth had, so that fc6 sees as many inputs:
otherwise the net without it would be the larger one. "Any one" is an intersection: the claim holds if all
four lower ends lie above 0, and fails if an upper end at Bonferroni's level lies below it, so nothing is
chosen after the runs. Costs seven hours on two cores at `cifar10-converged-short`, the shared arm included;
a GPU's time is not yet measured.

Observed: nothing yet. Pilots on CIFAR-10 and at `imagenette-short` were under-fitted, so no verdict is to be
expected there: see docs/protocols.md.
"""

from __future__ import annotations

from dataclasses import replace

from harness.effects.by_seed import difference
from harness.effects.from_runs import arms_table, metric
from harness.plans.ablation import BASELINE, Arm, plan_of
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import ON_ACCURACY
from harness.records.schema import Measured

WHOLE = "all layers"
REMOVED = {f"without {layer}": layer for layer in ("conv2", "conv3", "conv4", "conv5")}
ARMS = {WHOLE: BASELINE} | {arm: Arm(network={"without": (layer,)}) for arm, layer in REMOVED.items()}


def estimate(evidence: Evidence) -> Finding:
    """The least rise of the top-1 error, whichever layer is removed; then the rise without each one."""
    from harness.effects.statistics import intervals  # brings scipy, which `list` can do without

    rises = [
        difference(evidence, arm, WHOLE, f"top-1 error, {arm}", metric(Measured.TEN_TOP1)) for arm in REMOVED
    ]
    if any(rise.estimate is None for rise in rises):  # the least is unknown while one is
        return Finding({}, (arms_table(evidence),) if evidence.final() else ())
    least = replace(intervals.smallest(rises), metric="top-1 error")
    return Finding({"depth": (least, *rises)}, (arms_table(evidence),))


REPRODUCTION = Reproduction(
    name="depth",
    claims=("depth",),
    protocols=ON_ACCURACY,
    plan=plan_of(ARMS),
    estimate=estimate,
    manipulated=dict.fromkeys(REMOVED, ("network.layers",)),
)
