"""One network's ten-view error on the ILSVRC-2012 validation set (§6, Table 2: 40.7 / 18.2 %).

    ./repro.py run error-rate-2012 --protocol imagenet

The same network and recipe as `error-rate` on another year's data, where 37.5 / 17.0 is not a target. Costs
as much as `error-rate` at its paper scale; `imagenet` here means ILSVRC-2012.

Observed: nothing yet, for lack of the data.
"""

from __future__ import annotations

from harness.effects.by_seed import levels
from harness.effects.from_runs import arms_table
from harness.plans.ablation import BASELINE, plan_of
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import IMAGENET_2012, SMOKE
from harness.records.schema import Measured

ARM = "paper"


def estimate(evidence: Evidence) -> Finding:
    """Mean ten-view errors in percent."""
    effects = levels(evidence, ARM, Measured.TEN_TOP1, Measured.TEN_TOP5)
    return Finding({"error-rate-2012": effects}, (arms_table(evidence),))


REPRODUCTION = Reproduction(
    name="error-rate-2012",
    claims=("error-rate-2012",),
    protocols=(SMOKE, IMAGENET_2012),
    plan=plan_of({ARM: BASELINE}),
    estimate=estimate,
)
