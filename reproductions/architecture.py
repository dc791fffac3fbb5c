"""The network's counts: 60 million parameters, 650,000 neurons, 5 + 3 layers (abstract, §3.5, Fig. 2).

    ./repro.py run architecture --protocol exact

No data, no training and no randomness: the description of `paper` is counted, and every figure that the paper
or a secondary text prints is compared with the result. It costs milliseconds; `smoke` does the same.

Observed (exact, so n = 1 on any hardware): 60,965,224 parameters and 659,272 neurons in 5 + 3 layers, as the
abstract rounds them. Fig. 2's first layer is misprinted, 224 pixels do not give 55 × 55 without padding, and
conv3 and conv4 hold more than the 1 % of the parameters that §1 allows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from harness.contract.effect import Effect
from harness.models.alexnet import VARIANTS
from harness.models.description import AcrossMaps, Conv, Dense, Dropout, Network, Pool, Shape, Weighted
from harness.models.layer_table import LayerRow, neurons, rows
from harness.plans.experiment import Evidence, Finding, Lookup, Plan, Protocol, Reproduction, Table

PAPER = VARIANTS["paper"]
FIGURE_2 = (253_440, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000)  # neurons as its caption prints them
KERNELS = ("96 of 11×11×3", "256 of 5×5×48", "384 of 3×3×256", "384 of 3×3×192", "256 of 3×3×192")  # §3.5


VERDICTS = {True: "right", False: "wrong", None: "not checked"}


@dataclass(frozen=True)
class Statement:
    """One printed figure, where it is printed, what the description gives, and why they differ or agree."""

    quoted: str
    source: str
    computed: str
    right: bool | None  # None: not checked
    why: str

    @property
    def row(self) -> tuple[object, ...]:
        """The statement as a table's row."""
        return self.quoted, self.source, self.computed, VERDICTS[self.right], self.why


def weighted(network: Network) -> dict[str, tuple[Weighted, Shape, Shape]]:
    """Layers with weights by name, each with the shapes of its input and output."""
    return {layer.name: (layer, a, b) for layer, a, b in network.walk() if isinstance(layer, Weighted)}


def kernels(layer: Conv, before: Shape) -> str:
    """A convolution's kernels as §3.5 writes them."""
    return f"{layer.units} of {layer.size}×{layer.size}×{before[0] // layer.groups}"


def ranked(network: Network) -> list[LayerRow]:
    """The convolutions, the one with the most parameters first."""
    return sorted(_convolutions(network), key=lambda row: row.parameters, reverse=True)


def _convolutions(network: Network) -> list[LayerRow]:
    return [row for row in rows(network) if row.layer.startswith("conv")]


def of_the_abstract() -> Iterator[Statement]:
    """Counts of the whole network."""
    layers = [layer for layer, _, _ in weighted(PAPER).values()]
    count, units, share = PAPER.parameters, neurons(PAPER), ranked(PAPER)[0]
    convolutions = sum(isinstance(layer, Conv) for layer in layers)
    dense = sum(isinstance(layer, Dense) for layer in layers)
    half = VARIANTS["one-gpu"].parameters
    yield Statement(
        "60 million parameters", "abstract", f"{count:,}", round(count / 1e7) == 6, "rounded down"
    )
    yield Statement(
        "650,000 neurons", "abstract", f"{units:,}", abs(units / 650_000 - 1) < 0.02, "rounded, 1.4 % short"
    )
    yield Statement("5 convolutional layers", "abstract", str(convolutions), convolutions == 5, "")
    yield Statement("3 fully connected layers", "abstract", str(dense), dense == 3, "")
    yield Statement("1000-way softmax", "abstract", str(PAPER.output[0]), PAPER.output == (1000,), "")
    yield Statement(
        "each convolution ≤ 1 % of the parameters",
        "§1",
        f"{share.layer} {share.share:.2f} %",
        share.share <= 1,
        ", ".join(f"{row.layer} {row.share:.2f} %" for row in _convolutions(PAPER)),
    )
    yield Statement(
        "one-GPU net: about as many parameters",
        "§3.2",
        f"{half:,} ({100 * (half / count - 1):+.1f} %)",
        abs(half / count - 1) < 0.05,
        "its conv5 and dense layers are not halved; most parameters are in fc6",
    )


def of_the_layers() -> Iterator[Statement]:
    """§3.5 and Fig. 2, layer by layer."""
    size = prod(PAPER.input)
    yield Statement("150,528-dimensional input", "Fig. 2", f"{size:,}", size == 150_528, "224 · 224 · 3")
    unpadded = (PAPER.input[1] - 11) / 4 + 1
    yield Statement(
        "224 pixels, 11×11 at stride 4: 55×55",
        "§3.5, Fig. 2",
        f"{unpadded:.2f} with no padding",
        unpadded == 55,
        "the 2012 source pads three zeros at the right and the bottom; 227 pixels give 55 with none",
    )
    places = weighted(PAPER).items()
    for (name, (layer, before, after)), printed in zip(places, FIGURE_2, strict=True):
        count = prod(after)
        why = "×".join(map(str, after)) if len(after) > 1 else ""
        if count != printed:
            side = after[1]
            why += f"; no multiple of {side}²; 55 · 48 · 96 gives it, a column's 48 maps for a side"
        yield Statement(f"{name}: {printed:,} neurons", "Fig. 2", f"{count:,}", count == printed, why)
        if isinstance(layer, Conv):
            quoted = KERNELS[int(name[-1]) - 1]
            computed = kernels(layer, before)
            yield Statement(f"{name}: {quoted}", "§3.5", computed, quoted == computed, "")
    total = sum(FIGURE_2)
    yield Statement(
        f"Fig. 2's layers, added: {total:,}",
        "Fig. 2",
        f"{neurons(PAPER):,}",
        total == neurons(PAPER),
        "only the corrected first layer agrees with the abstract's 650,000",
    )


def of_the_settings() -> Iterator[Statement]:
    """Constants of normalisation, pooling, dropout and augmentation."""
    norms = [layer for layer in PAPER.layers if isinstance(layer, AcrossMaps)]
    rule = norms[0]
    given = f"k = {rule.k:g}, n = {rule.size}, α = {rule.alpha:g}, β = {rule.beta:g}"
    yield Statement(
        "k = 2, n = 5, α = 0.0001, β = 0.75", "§3.3", given, given == "k = 2, n = 5, α = 0.0001, β = 0.75",
        "the formula as printed; the 2012 source divides α by n",
    )  # fmt: skip
    pools = {(layer.size, layer.stride) for layer in PAPER.layers if isinstance(layer, Pool)}
    yield Statement(
        "pooling z = 3, s = 2", "§3.4", str(*pools), pools == {(3, 2)}, "after conv1, conv2, conv5"
    )
    rates = [layer.rate for layer in PAPER.layers if isinstance(layer, Dropout)]
    yield Statement("dropout 0.5 in two layers", "§4.2", f"{rates}", rates == [0.5, 0.5], "fc6 and fc7")
    crops = positions(256, PAPER.input[1]) ** 2 * 2
    yield Statement(
        "2048 crops and flips",
        "§4.1",
        f"{crops:,}",
        crops == 2048,
        "32 · 32 · 2; there are 33 positions a side",
    )


def positions(image: int, crop: int) -> int:
    """Places of a crop along one side of an image."""
    return image - crop + 1


def elsewhere() -> Iterator[Statement]:
    """What secondary texts say about the paper (CLAIMS.md §4)."""
    count = f"{PAPER.parameters:,}"
    found = weighted(PAPER)
    conv1, (conv2, before2, _), (_, before4, _) = found["conv1"][2], found["conv2"], found["conv4"]
    spreads = {layer.init for layer, _, _ in found.values()}
    assert isinstance(conv2, Conv)
    yield Statement("6 million parameters", "secondary texts", count, False, "a tenth of them")
    yield Statement("600 million parameters", "secondary texts", count, False, "ten times as many")
    yield Statement(
        "500,000 neurons; 39.7 / 18.9 % error", "abstract of the submission", f"{neurons(PAPER):,}", False,
        "superseded: the proceedings print 650,000 and 37.5 / 17.0",
    )  # fmt: skip
    yield Statement(
        "weights from N(0, 0.001²)", "secondary texts", f"{max(spreads):g}", spreads == {0.001},
        "§5 says 0.01; the 2012 source has 0.01, and 0.03 in conv3 to conv5",
    )  # fmt: skip
    yield Statement(
        "conv1 gives 54×54", "secondary texts", f"{conv1[1]}×{conv1[2]}", conv1[1] == 54,
        "54.25 rounded down; the zeros that the source pads are forgotten",
    )  # fmt: skip
    yield Statement(
        "conv2 has kernels 5×5×3", "secondary texts", kernels(conv2, before2),
        kernels(conv2, before2).endswith("5×5×3"), "it sees its column's 48 maps, not the image",
    )  # fmt: skip
    shape = f"{before4[1]}×{before4[2]}×{before4[0]}"
    yield Statement(
        "conv4 and conv5 see 15×15×384", "secondary texts", shape, shape == "15×15×384",
        "15 counts the padding; a kernel sees 192 maps, those of its column",
    )  # fmt: skip
    yield from elsewhere_of_the_results()


def elsewhere_of_the_results() -> Iterator[Statement]:
    """The same for crops and errors."""
    yield Statement(
        "crops of 227", "secondary texts", f"{PAPER.input[1]}", PAPER.input[1] == 227,
        "the paper and the source crop 224; Caffe crops 227 in place of padding",
    )  # fmt: skip
    crops = positions(256, PAPER.input[1]) ** 2 * 2
    yield Statement("2048 = (256 − 224)² · 2", "secondary texts", f"{crops:,}", crops == 2048, "33² · 2")
    gain = 26.2 - 15.3
    yield Statement(
        "error reduced by 15.3 %", "secondary texts", f"{gain:.1f} points, {100 * gain / 26.2:.0f} %",
        abs(100 * gain / 26.2 - 15.3) < 0.1, "15.3 % is the error itself; the next best entry had 26.2 %",
    )  # fmt: skip
    yield Statement(
        "Caffe's model: 57.1 / 80.2 % accuracy", "Caffe's model page", "needs its weights",
        None, "as published, centre crop on 2012 val; other pipelines had 56.60 and 54.61 top-1 from them",
    )  # fmt: skip


def effects() -> tuple[Effect, ...]:
    """The claim's counts, in the catalogue's order."""
    layers = [layer for layer, _, _ in weighted(PAPER).values()]
    first, second, *_ = ranked(PAPER)
    layers_named = f"{first.layer}; {second.layer} has {second.share:.2f} %"
    return (
        exact("parameters", PAPER.parameters),
        exact("neurons", neurons(PAPER)),
        exact("convolutions", sum(isinstance(layer, Conv) for layer in layers)),
        exact("dense layers", sum(isinstance(layer, Dense) for layer in layers)),
        exact("largest share of a convolution", first.share, "%", layers_named),
    )


def exact(metric: str, value: float, unit: str = "", note: str = "") -> Effect:
    """An effect that is counted: one value, no chance, no interval."""
    return Effect(metric, unit, 1, float(value), None, None, note=note)


def tables() -> tuple[Table, ...]:
    """The paper's figures, other texts' figures, and the counted layers."""
    columns = ("figure as printed", "where", "computed", "verdict", "why")
    own = (*of_the_abstract(), *of_the_layers(), *of_the_settings())
    others = tuple(elsewhere())
    layers = tuple(
        (r.layer, r.what, "×".join(map(str, r.output)), r.neurons, r.parameters, r.multiply_adds)
        for r in rows(PAPER)
    )
    return (
        Table("The paper's own figures", columns, tuple(s.row for s in own), tally(own)),
        Table("What other texts say about it", columns, tuple(s.row for s in others), tally(others)),
        Table("The layers", ("layer", "what", "output", "neurons", "parameters", "multiply-adds"), layers),
    )


def tally(statements: tuple[Statement, ...]) -> str:
    """How many of the statements are right, of those that can be checked."""
    checked = [s.right for s in statements if s.right is not None]
    unchecked = len(statements) - len(checked)
    more = f"; {unchecked} {'is' if unchecked == 1 else 'are'} not checked" if unchecked else ""
    return f"{sum(checked)} of {len(checked)} {'is' if sum(checked) == 1 else 'are'} right{more}."


def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
    """Nothing to run."""
    return Plan()


def estimate(evidence: Evidence) -> Finding:
    """Counts of the description; records play no part."""
    return Finding({"architecture": effects()}, tables())


REPRODUCTION = Reproduction(
    name="architecture",
    claims=("architecture",),
    protocols=(
        Protocol("smoke", "the same counts", None, 1),
        Protocol("exact", "the description is counted: no data, no training", None, 1),
    ),
    plan=plan,
    estimate=estimate,
    figure="architecture",
)
