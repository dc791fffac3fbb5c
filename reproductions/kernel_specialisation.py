"""The first layer's kernels split by column into colour-blind and colour-specific ones (§6.1, Figure 3).

    ./repro.py run kernel-specialisation --protocol cifar10-converged-short

The paper shows one network and says that every run looks like it. A kernel's chroma is the share of its
energy off the grey axis. Measured is the mean chroma of the more colourful column over that of the other,
relative to random splits of the same kernels into halves; the share of splits with at least that contrast is
each network's permutation p. Judged is the share of networks with p < .05: the claim holds if at least 80 %
of all runs are shown to have it (17 of 17 are the fewest that show it, hence 17 seeds). Stouffer's joint p
and the mean contrast are shown beside it, as is energy in place of its share, since the verdict may depend on
that weighting. The proxy's first layer has 48 kernels of 7×7 for this claim. Costs seven hours on two cores
at `cifar10-converged-short`; a GPU's time is not yet measured.

Observed: nothing yet at these protocols.
"""

from __future__ import annotations

from dataclasses import replace

from harness.analysis.settings import Kernels
from harness.contract.formatting import number
from harness.effects.by_seed import alone
from harness.effects.from_runs import metric
from harness.plans.ablation import BASELINE, Arm
from harness.plans.experiment import Evidence, Finding, Protocol, Reproduction, Table
from harness.plans.protocols import ON_ACCURACY, Proxy
from harness.plans.trained_networks import ARM, plan_of
from harness.records.schema import Measured

SPECIALISED = 0.05  # a network's permutation p
WIDE_KERNELS = Arm(network={"maps": (48, 48, 64, 64, 48), "kernels": (7, 5, 3, 3, 3), "margins": (3, 3)})


def arm_at(protocol: Protocol) -> Arm:
    """The network whose kernels are examined: the proxy's own are too few and too small."""
    return WIDE_KERNELS if isinstance(protocol.settings, Proxy) else BASELINE


def estimate(evidence: Evidence) -> Finding:
    """The share of networks that specialise; the geometric mean of their contrast ÷ that of random splits."""
    from harness.effects.statistics import intervals  # brings scipy, which `list` can do without

    ratios, p = (alone(evidence, ARM, name) for name in (Measured.RATIO, Measured.PERMUTATION_P))
    energy = alone(evidence, ARM, Measured.ENERGY_P)
    effects = (
        intervals.share("networks that specialise", sum(one < SPECIALISED for one in p), len(p)),
        intervals.share(
            "networks that specialise, by colours' energy",
            sum(one < SPECIALISED for one in energy),
            len(energy),
        ),
        intervals.paired_ratio("chroma ratio", "×", ratios, [1.0] * len(ratios)),
    )
    return Finding({"kernel-specialisation": effects}, (_networks(evidence, intervals.stouffer(p)),))


def _networks(evidence: Evidence, joint: float | None) -> Table:
    names = (
        Measured.CHROMA_FIRST,
        Measured.CHROMA_SECOND,
        Measured.OBSERVED,
        Measured.PERMUTATION_P,
        Measured.ENERGY_P,
    )
    rows = tuple(
        (run.seed, *(None if (v := metric(name)(run)) is None else round(v, 4) for name in names))
        for run in evidence.final()
    )
    columns = (
        "seed",
        "chroma, first column",
        "chroma, second column",
        "contrast",
        "permutation p",
        "permutation p, by energy",
    )
    note = "" if joint is None else f"Stouffer's joint p of all networks: {number(joint)}."
    return Table("Chroma of the first layer's kernels", columns, rows, note)


REPRODUCTION = Reproduction(
    name="kernel-specialisation",
    claims=("kernel-specialisation",),
    protocols=tuple(p if p.smoke else replace(p, seeds=17) for p in ON_ACCURACY),
    plan=plan_of(lambda group: Kernels(group[0]), of=arm_at),
    estimate=estimate,
    figure="kernels",
    manipulated=("of.seed",),
)
