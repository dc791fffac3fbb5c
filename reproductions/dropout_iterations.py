"""Dropout roughly doubles the iterations that training needs (§4.2).

    ./repro.py run dropout-iterations --protocol cifar10-converged-short

Both arms are trained at a constant rate, each at its own, until the validation loss, smoothed over three
epochs, stops improving by 1 %, which the paper's schedule waited for before it lowered the rate. The epochs
until that first plateau are compared, once the loss is well below chance. A run without a plateau by the end,
or that never learns, is censored. Each level of the loss
would give a different answer, so the ratio is shown for all levels that every run passes, with simultaneous
bounds. Costs four hours on two cores; a GPU's time is not yet measured.

Observed: nothing yet at these protocols.
"""

from __future__ import annotations

from dataclasses import replace

from harness.effects.from_runs import arms_table
from harness.effects.plateau import ratio_by_level, ratio_of_plateaus
from harness.plans.ablation import BASELINE, Arm, plan_of
from harness.plans.experiment import Evidence, Finding, Protocol, Reproduction
from harness.plans.protocols import (
    CONVERGED,
    CONVERGED_SHORT,
    DROPPED,
    IMAGENET,
    IMAGENETTE,
    LOGGED_DROPS,
    SHORT,
    SMOKE,
    Proxy,
)
from harness.training.schedules import Drops

WITH_IT, WITHOUT = "with dropout", "without dropout"
ARMS = {WITH_IT: BASELINE, WITHOUT: Arm(network={"dropout": 0.0})}


def at_a_constant_rate(protocol: Protocol) -> Protocol:
    """The protocol at its schedule's first rate throughout, with more validation images on CIFAR-10."""
    scale = protocol.settings
    drops: Drops = scale.schedule
    looks = {"validated": 5_000} if isinstance(protocol.settings, Proxy) and not protocol.smoke else {}
    steady = replace(scale, schedule=replace(drops, epochs=()), measured=dict(scale.measured) | looks)
    declared = (one for one in protocol.deviations if one not in (DROPPED, LOGGED_DROPS))
    return replace(
        protocol,
        summary=f"{protocol.summary.removesuffix(', the rate lowered as logged')}, at a constant rate",
        settings=steady,
        deviations=(*declared, "The learning rate stays constant to the end."),
    )


def estimate(evidence: Evidence) -> Finding:
    """Epochs to the validation loss's first plateau, with dropout ÷ without; the ratio level by level."""
    effects = ratio_of_plateaus(evidence, WITH_IT, WITHOUT)
    tables = (arms_table(evidence), ratio_by_level(evidence, WITH_IT, WITHOUT))
    return Finding({"dropout-iterations": effects}, tables)


REPRODUCTION = Reproduction(
    name="dropout-iterations",
    claims=("dropout-iterations",),
    protocols=tuple(
        map(at_a_constant_rate, (SMOKE, CONVERGED, CONVERGED_SHORT, IMAGENETTE, SHORT, IMAGENET))
    ),
    plan=plan_of(ARMS),
    estimate=estimate,
    figure="plateaus",
    manipulated=("network.layers",),
)
