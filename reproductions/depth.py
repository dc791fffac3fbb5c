"""Removing any one of the middle layers costs top-1 accuracy (abstract, §7: about 2 points).

    ./repro.py run depth --protocol cifar10-converged-short

Each of the second to the fifth convolution is removed in turn, with its nonlinearity and norm; pooling and
the sizes of the maps stay. Without the third the columns also lose their only crossing before the dense
layers. Without the fifth the fourth has as many maps as the fifth had, so that fc6 sees as many inputs: else
the net without it would be the larger one. Costs seven hours on two cores at `cifar10-converged-short`, the
shared arm included; a GPU's time is not yet measured.

Observed: nothing yet at these protocols.
"""

from __future__ import annotations

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
    """By how much the top-1 error rises without the layer that costs least, then without each of the four."""
    rises = {
        arm: difference(evidence, arm, WHOLE, "top-1 error", metric(Measured.TEN_TOP1)) for arm in REMOVED
    }
    known = sorted((e.estimate, arm) for arm, e in rises.items() if e.estimate is not None)
    if len(known) < len(REMOVED):  # what holds for any cannot be said while one is not known
        return Finding({}, (arms_table(evidence),) if evidence.final() else ())
    _, least = known[0]
    named = (difference(evidence, a, WHOLE, f"top-1 error, {a}", metric(Measured.TEN_TOP1)) for a in REMOVED)
    note = f"Judged by the arm {least}: its mean loss is the smallest, a choice made after the runs."
    return Finding({"depth": (rises[least], *named)}, (arms_table(evidence),), (note,))


REPRODUCTION = Reproduction(
    name="depth",
    claims=("depth",),
    protocols=ON_ACCURACY,
    plan=plan_of(ARMS),
    estimate=estimate,
    manipulated=("network.layers",),
)
