"""Averaging the predictions of five networks lowers the error of one (§6, Table 2: 2.6 / 1.8 points).

    ./repro.py run ensemble --protocol cifar10-converged-short

The networks are those of `error-rate`, with as many further seeds as needed: no network is in two averages of
five, so the averages are independent. Predictions are those of the ten views, stored when the networks were
trained; all averages share one test set. Costs four hours on two cores for
five averages of five at `cifar10-converged-short`; a GPU's time is not yet measured.

Observed: nothing yet. On CIFAR-10 pilots were under-fitted, so no verdict is to be expected there: see
docs/protocols.md.
"""

from __future__ import annotations

from harness.analysis.settings import Ensemble
from harness.effects.by_seed import gains
from harness.plans.experiment import Evidence, Finding, Protocol, Reproduction
from harness.plans.protocols import CONVERGED, CONVERGED_SHORT, IMAGENET_2012, IMAGENETTE, SMOKE
from harness.plans.trained_networks import ARM, plan_of
from harness.records.schema import Measured


def networks(protocol: Protocol) -> int:
    """Networks in one average: five, as in Table 2; two if it only has to run."""
    return 2 if protocol.smoke else 5


def estimate(evidence: Evidence) -> Finding:
    """The mean error of the single networks minus that of their average."""
    single, average = (
        (Measured.SINGLE_TOP1, Measured.SINGLE_TOP5),
        (Measured.AVERAGE_TOP1, Measured.AVERAGE_TOP5),
    )
    return Finding({"ensemble": gains(evidence, ARM, single, average)})


REPRODUCTION = Reproduction(
    name="ensemble",
    claims=("ensemble",),
    protocols=(SMOKE, CONVERGED, CONVERGED_SHORT, IMAGENETTE, IMAGENET_2012),
    plan=plan_of(lambda group: Ensemble(tuple(group)), networks),
    estimate=estimate,
    manipulated=("of.*.seed",),
)
