"""Which AlexNet is AlexNet? Well-known implementations, and each difference between them, in one recipe.

    ./repro.py run implementations --protocol cifar10-converged-short

Not a claim of the paper, so outside the verdicts. Networks called AlexNet differ in widths, columns, norms,
their order, the place of dropout, biases and initialisation. Here all are trained alike: the paper's
augmentation, batch, update and weight decay, each at its own learning rate, so that only the network differs.
Besides six named networks, every difference that people ask about is an arm of its own. Each is compared with
the paper's network, and the intervals of all those differences hold simultaneously (Dunnett).

On photographs, a network made for 227 pixels without padding takes 224 with the paper's padding: its maps are
the same, and so are all arms' crops. In the proxy, a network of other widths has the same fractions of them.
"No groups" keeps the maps and so has more weights; "PyTorch's default" is σ = 1 / √(3 fan-in), drawn from a
normal distribution, with biases of 0; so are all biases of `torchvision` and those of `dansuh17`'s dense
layers, which PyTorch draws. `caffenet` differs from `caffe` in its biases too (1 and .1), not in order alone.

By `--dry-run`, at a speed calibrated on two busy AMD EPYC cores, choosing the rates (126 trials) costs at
most 4.7 h on both at `cifar10-converged-short` and 22.8 h at `imagenette-short`; by their images the 80 final
trials add 3.3 and 17 h, and those at the shared rate, 65 at most, 2.7 and 14 h. `cifar10-converged` takes
twice the first, and a GPU's time is not yet measured.

Observed: nothing yet.
"""

from __future__ import annotations

from dataclasses import fields

from harness.effects.against_control import comparison
from harness.effects.from_runs import arms_table, metric
from harness.models.alexnet import PAPER, POOL_FIRST, RECIPES, SOURCE_2012, AlexNet
from harness.models.description import AcrossMaps
from harness.plans.ablation import BASELINE, Arm, Arms, plan_of
from harness.plans.experiment import Evidence, Finding, Protocol, Reproduction
from harness.plans.protocols import CONVERGED, CONVERGED_SHORT, IMAGENETTE, SHORT, SMOKE, Proxy
from harness.records.schema import Measured

NAMED = ("source-2012", "caffe", "caffenet", "cuda-convnet2", "torchvision", "dansuh17")
TRAINED_ALIKE = {"name", "decay", "side", "classes"}  # fields of a description that are not a network's own
SINGLE_COLUMN = (16, 36, 64, 43, 48)  # 64-192-384-256-256 in the proxy, whose 24-48-64-64-48 are 96-256-…
DIVIDED = (AcrossMaps(divided=True, groups=2),)
SINGLE = {
    "α divided by n": Arm(network={"norm1": DIVIDED, "norm2": DIVIDED}),
    "norm after pooling": Arm(network={"order1": POOL_FIRST, "order2": POOL_FIRST}),
    "dropout on pool5 and fc6": Arm(network={"dropout_first": True}),
    "no groups": Arm("ungrouped"),
    "biases of 0": Arm(network={"biases": (0,) * 8}),
    "σ = .03 in conv3–5": Arm(network={"inits": SOURCE_2012.inits}),
    "PyTorch's default": Arm(network={"inits": (None,) * 8, "biases": (0,) * 8}),
}


def narrow(name: str) -> Arm:
    """The named network in the proxy, with the paper's weight decay."""
    wide = RECIPES[name].maps != PAPER.maps
    return Arm(name, {"decay": PAPER.decay} | ({"maps": SINGLE_COLUMN} if wide else {}))


def whole(name: str) -> Arm:
    """The named network as a change of the paper's, so that it is trained with the paper's recipe."""
    recipe = RECIPES[name]
    same_maps = TRAINED_ALIKE | ({"margins"} if recipe.side != PAPER.side else set())
    names = (field.name for field in fields(AlexNet) if field.name not in same_maps)
    own = {name: getattr(recipe, name) for name in names}
    return Arm(network={name: value for name, value in own.items() if value != getattr(PAPER, name)})


PROXYS: Arms = {"paper": BASELINE, **{name: narrow(name) for name in NAMED}, **SINGLE}
PHOTOGRAPHS: Arms = {"paper": BASELINE, **{name: whole(name) for name in NAMED}, **SINGLE}
IN_SMOKE: Arms = {name: PROXYS[name] for name in ("paper", "source-2012", "torchvision", "biases of 0")}


def arms_at(protocol: Protocol) -> Arms:
    """The arms for the protocol's network, only a few of them in `smoke`."""
    if protocol.smoke:
        return IN_SMOKE
    return PROXYS if isinstance(protocol.settings, Proxy) else PHOTOGRAPHS


def estimate(evidence: Evidence) -> Finding:
    """Every arm's ten-view error and cross-entropy against the paper's network, then at the shared rate."""
    error, loss = metric(Measured.TEN_TOP1), metric(Measured.TEN_LOSS)
    shared = evidence.at_shared_rate()
    tables = (
        comparison("Ten-view top-1 error, %, each arm at its own rate", evidence, error),
        comparison("Ten-view cross-entropy, nats, each arm at its own rate", evidence, loss),
        comparison("Ten-view top-1 error, %, all arms at the shared rate", shared, error) if shared else None,
        arms_table(evidence),
    )
    return Finding(tables=tuple(table for table in tables if table is not None and table.rows))


REPRODUCTION = Reproduction(
    name="implementations",
    claims=(),
    question="which AlexNet is AlexNet? Well-known implementations and their differences, in one recipe",
    protocols=(SMOKE, CONVERGED, CONVERGED_SHORT, IMAGENETTE, SHORT),
    plan=plan_of(arms_at),
    estimate=estimate,
    manipulated={
        **dict.fromkeys((*NAMED, "norm after pooling", "dropout on pool5 and fc6"), ("network.layers",)),
        "α divided by n": ("network.layers.*.divided",),
        "no groups": ("network.layers.*.groups",),
        "biases of 0": ("network.layers.*.bias",),
        "σ = .03 in conv3–5": ("network.layers.*.init",),
        "PyTorch's default": ("network.layers.*.init", "network.layers.*.bias"),
    },
)
