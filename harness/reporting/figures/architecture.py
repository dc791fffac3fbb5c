"""A drawing of a network from its description: columns as rows, and where they see each other (Fig. 2)."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from harness.models.description import (
    AcrossMaps,
    Conv,
    Dense,
    Layer,
    Network,
    Pool,
    Shape,
    Weighted,
    WithinMap,
)
from harness.reporting.figures.drawing.frame import ARMS, FACES, INK, MUTED

STEP, LEFT, TOP, ROW = 84, 54, 66, 168  # distance of stages, margins, and distance of columns, in pixels


@dataclass(frozen=True)
class DrawnStage:
    """A layer with weights and what follows it, or the input."""

    name: str
    kernel: str
    after: str
    shape: Shape
    columns: int  # in how many parts it is drawn
    own: bool  # whether a part sees only its own column

    @property
    def label(self) -> str:
        """Size of one part: maps × height × width, or units."""
        return "×".join(map(str, (self.shape[0] // self.columns, *self.shape[1:])))

    @property
    def box(self) -> tuple[float, float]:
        """Width and height of one part: wider for more maps, taller for larger ones."""
        share = self.shape[0] / self.columns
        if len(self.shape) == 1:
            return 13, 24 + 76 * math.sqrt(share / 2048)
        return 8 + 2.2 * math.sqrt(share), 28 + 12 * math.sqrt(min(self.shape[1], 56))


def architecture_svg(description: Network) -> str:
    """The network as an SVG of its own, as wide as its layers need."""
    stages = list(_stages(description))
    rows = max(stage.columns for stage in stages)
    width, height = 2 * LEFT + STEP * (len(stages) - 1), TOP + ROW * rows + 14
    parts = [part for i, stage in enumerate(stages) for part in _stage(stage, i, rows)]
    arrows = [a for i, pair in enumerate(itertools.pairwise(stages)) for a in _arrows(*pair, i, rows)]
    words = html.escape(_words(description, stages, rows))
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" font-family="{html.escape(FACES)}" font-size="12" '
            'text-anchor="middle" style="max-width: 100%; height: auto">',
            f"<title>The network {html.escape(description.name)}</title><desc>{words}</desc>",
            '<defs><marker id="network-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z" fill="{MUTED}"/></marker></defs>',
            *arrows,
            *parts,
            "</svg>",
        )
    )


def _stages(description: Network) -> Iterator[DrawnStage]:
    layers = list(description.walk())
    count = max(getattr(layer, "groups", 1) for layer in description.layers)
    places = [i for i, (layer, _, _) in enumerate(layers) if isinstance(layer, Weighted)]
    yield DrawnStage("input", "", "", description.input, 1, False)
    for place, until in zip(places, [*places[1:], len(layers)], strict=True):
        layer, _, shape = layers[place]
        behind = _behind([found for found, _, _ in layers[place + 1 : until]])
        columns = 1 if until == len(layers) else count
        own = isinstance(layer, Conv) and layer.groups == count > 1
        yield DrawnStage(getattr(layer, "name", ""), _kernel(layer), behind, shape, columns, own)


def _behind(layers: list[Layer]) -> str:
    """Norms and pooling, in order."""
    norms = sum(isinstance(layer, AcrossMaps | WithinMap) for layer in layers)
    words = {AcrossMaps: "norm" if norms == 1 else f"{norms} norms", Pool: "pool"}
    return ", ".join(words[type(layer)] for layer in layers if type(layer) in words)


def _kernel(layer: Layer) -> str:
    if isinstance(layer, Conv):
        return f"{layer.size}×{layer.size}" + (f", stride {layer.stride}" if layer.stride > 1 else "")
    return "dense" if isinstance(layer, Dense) else ""


def _middles(stage: DrawnStage, rows: int) -> list[float]:
    """Heights of the middles of the stage's parts."""
    if stage.columns == 1:
        return [TOP + ROW * rows / 2]
    return [TOP + ROW * (row + 0.5) for row in range(rows)]


def _stage(stage: DrawnStage, number: int, rows: int) -> Iterator[str]:
    x, (width, height) = LEFT + STEP * number, stage.box
    yield f'<text x="{x}" y="18" font-weight="bold" fill="{INK}">{stage.name}</text>'
    yield f'<text x="{x}" y="34" font-size="11" fill="{MUTED}">{stage.kernel}</text>'
    yield f'<text x="{x}" y="49" font-size="11" fill="{MUTED}">{stage.after}</text>'
    for row, y in enumerate(_middles(stage, rows)):
        colour = ARMS[row] if stage.columns > 1 else MUTED
        yield (
            f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" rx="2" fill="{colour}" fill-opacity="0.18" stroke="{colour}" '
            'stroke-width="1.3"/>'
        )
        yield f'<text x="{x}" y="{y + height / 2 + 14:.1f}" font-size="11" fill="{INK}">{stage.label}</text>'


def _arrows(before: DrawnStage, after: DrawnStage, number: int, rows: int) -> Iterator[str]:
    """An arrow for every part of a layer that a part of the next one sees."""
    left = LEFT + STEP * number + before.box[0] / 2 + 3
    right = LEFT + STEP * (number + 1) - after.box[0] / 2 - 2
    for i, start in enumerate(_middles(before, rows)):
        for j, end in enumerate(_middles(after, rows)):
            if after.own and before.columns > 1 and i != j:
                continue
            yield (
                f'<line x1="{left:.1f}" y1="{start:.1f}" x2="{right:.1f}" y2="{end:.1f}" stroke="{MUTED}" '
                'stroke-width="1.3" marker-end="url(#network-arrow)"/>'
            )


def _words(description: Network, stages: list[DrawnStage], rows: int) -> str:
    layers = "; ".join(f"{s.name} {'×'.join(map(str, s.shape))}" for s in stages)
    crossing = [s.name for before, s in itertools.pairwise(stages) if before.columns > 1 and not s.own]
    columns = f"{rows} columns, which see each other in {', '.join(crossing)}" if rows > 1 else "one column"
    return f"{columns}. {layers}. {description.parameters:,} parameters."
