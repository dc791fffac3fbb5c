"""The network's own error: ten views on the ILSVRC-2010 test set, and the centre view alone (§6, Table 1).

    ./repro.py run error-rate --protocol imagenet

Two claims from one arm: 37.5 / 17.0 % with ten views, and what the ten views gain over the centre. Every
ablation has this arm too, so after any of them it costs nothing. At another scale than the paper's an error
has no figure to be held against and is shown as it is. Costs six minutes on two cores at five seeds of the
proxy; what 90 epochs of ImageNet cost, `./repro.py bench imagenet` projects. Not yet measured on a GPU.

Observed on 2026-11-22 (proxy `cifar10`, two AMD EPYC cores, torch 2.13.0, bf16, n = 3 pairs of seeds, 95 %
intervals): 34.9 % [32.8, 36.9] top-1 and 3.0 % [2.9, 3.2] top-5 of ten classes; ten views gain 1.8 points
[1.3, 2.2] and 0.7 [0.1, 1.3] over the centre. Of 1,200 photographs of ten classes (`imagenette-short`, n = 3)
43.1 % [38.0, 48.1], and ten views gain 1.8 points [0.3, 3.3].
"""

from __future__ import annotations

from harness.effects.by_seed import gains, levels
from harness.effects.from_runs import arms_table
from harness.plans.ablation import BASELINE, plan_of
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.plans.protocols import EVERY, PLATEAU
from harness.records.schema import Measured

ARM = "paper"


def estimate(evidence: Evidence) -> Finding:
    """Mean ten-view errors in percent; centre-view errors less ten-view errors of the same weights."""
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
    protocols=(*EVERY, PLATEAU),
    plan=plan_of({ARM: BASELINE}),
    estimate=estimate,
)
