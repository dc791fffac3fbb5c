"""The network's own error: ten views on the ILSVRC-2010 test set, and the centre view alone (§6, Table 1).

    ./repro.py run error-rate --protocol imagenet

Two claims from one arm: 37.5 / 17.0 % with ten views, and the gain of ten views over the centre. Every
ablation also has this arm, so it costs nothing after any of them. At a scale other than the paper's an error
has no figure to compare with and is shown as it is; all ten-view gains share one test set. Costs three hours
on two cores at `cifar10-converged-short`; `./repro.py bench imagenet` projects the cost of 90 epochs of
ImageNet. Not yet measured on a GPU.

Observed on 2026-11-28 (`cifar10-scarce`, two Intel Xeon cores, bf16, torch 2.13.0, 9 of 15 seeds, so without
a verdict): 31.4 % by ten views [30.5, 32.3], which gain 3.1 points over the centre [2.7, 3.5].
"""

from __future__ import annotations

from harness.effects.by_seed import gains, levels
from harness.effects.from_runs import arms_table
from harness.plans.ablation import BASELINE, plan_of
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import ON_ACCURACY, PLATEAU, SCARCE
from harness.records.schema import Measured

ARM = "paper"


def estimate(evidence: Evidence) -> Finding:
    """Mean ten-view errors in percent; centre-view errors minus ten-view errors of the same weights."""
    effects = {
        "error-rate": levels(evidence, ARM, Measured.TEN_TOP1, Measured.TEN_TOP5),
        "ten-view": gains(
            evidence,
            ARM,
            (Measured.CENTRE_TOP1, Measured.CENTRE_TOP5),
            (Measured.TEN_TOP1, Measured.TEN_TOP5),
        ),
    }
    return Finding(effects, (arms_table(evidence),))


REPRODUCTION = Reproduction(
    name="error-rate",
    claims=("error-rate", "ten-view"),
    protocols=(*ON_ACCURACY, SCARCE, PLATEAU),
    plan=plan_of({ARM: BASELINE}),
    estimate=estimate,
)
