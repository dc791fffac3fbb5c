"""A description as the paper's layer table: shapes, neurons, parameters and multiply-adds, without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from harness.models.description import (
    AcrossMaps,
    Activate,
    Conv,
    Dense,
    Dropout,
    Layer,
    Local,
    Network,
    Pool,
    Pooling,
    Shape,
    Weighted,
    WithinMap,
)


@dataclass(frozen=True)
class LayerRow:
    """One layer; only layers with weights have neurons, as in §3.5."""

    layer: str
    what: str
    output: Shape
    neurons: int
    parameters: int
    share: float  # of the network's parameters, in percent
    multiply_adds: int


def rows(network: Network) -> tuple[LayerRow, ...]:
    """A row for every layer, from input to output."""
    total = network.parameters or 1
    return tuple(
        LayerRow(
            layer.name if isinstance(layer, Weighted) else "",
            describe(layer),
            after,
            math.prod(after) if isinstance(layer, Weighted) else 0,
            layer.parameters(before),
            100 * layer.parameters(before) / total,
            layer.multiply_adds(before),
        )
        for layer, before, after in network.walk()
    )


def neurons(network: Network) -> int:
    """Outputs of all layers with weights (§3.5; the input is not counted)."""
    return sum(row.neurons for row in rows(network))


def describe(layer: Layer) -> str:
    """The layer in a few words, such as `256 kernels 5×5, padding 2, 2 columns`."""
    match layer:
        case Conv():
            return _convolution(layer)
        case Dense():
            return f"{layer.units} units"
        case Activate():
            return {"relu": "ReLU", "tanh": "tanh"}[layer.function]
        case Pool():
            kind = "max" if layer.kind is Pooling.MAX else "average"
            return f"{kind} pooling {layer.size}×{layer.size}, stride {layer.stride}"
        case AcrossMaps():
            return f"normalisation over {layer.size} maps{_columns(layer.groups)}"
        case WithinMap():
            return f"normalisation over {layer.size}×{layer.size} of a map"
        case Dropout():
            return f"dropout {layer.rate:g}"
    return type(layer).__name__


def text(network: Network) -> str:
    """The table as lines of text, with a line of totals."""
    header = ("layer", "", "output", "neurons", "parameters", "share", "multiply-adds")
    found = rows(network)
    lines = [header, ("input", "", _shape(network.input), "", "", "", ""), *map(_cells, found)]
    sums = (sum(r.neurons for r in found), network.parameters, network.multiply_adds)
    lines.append(("total", network.name, "", f"{sums[0]:,}", f"{sums[1]:,}", "", f"{sums[2]:,}"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(cells, widths) for cells in lines)


def columns() -> tuple[str, ...]:
    """Names of a row's fields, for a data frame."""
    return tuple(field.name for field in fields(LayerRow))


def _convolution(layer: Conv) -> str:
    before, after = layer.margins
    parts = [f"{layer.units} kernels {layer.size}×{layer.size}"]
    parts += [f"stride {layer.stride}"] * (layer.stride > 1)
    if before != after:
        parts.append(f"padding {before} before, {after} after")
    elif before:
        parts.append(f"padding {before}")
    parts += ["not shared"] * isinstance(layer, Local)
    return ", ".join(parts) + _columns(layer.groups)


def _columns(groups: int) -> str:
    return f", {groups} columns" if groups > 1 else ""


def _shape(shape: Shape) -> str:
    return "×".join(map(str, shape))


def _cells(row: LayerRow) -> tuple[str, ...]:
    counts = (f"{row.neurons:,}", f"{row.parameters:,}", f"{row.share:.2f} %", f"{row.multiply_adds:,}")
    return row.layer, row.what, _shape(row.output), *(counts if row.layer else ("", "", "", ""))


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    words = (cell.ljust(width) for cell, width in zip(cells[:3], widths[:3], strict=True))
    numbers = (cell.rjust(width) for cell, width in zip(cells[3:], widths[3:], strict=True))
    return "  ".join((*words, *numbers)).rstrip()
