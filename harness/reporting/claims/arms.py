"""The settings in which the arms differ, under readable names: taken from what ran, not from plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.plans.experiment import Evidence, Table
from harness.reporting.wording import text, words

KINDS = {
    "AcrossMaps": "normalisation", "WithinMap": "normalisation within maps", "Pool": "pooling",
    "Dropout": "dropout", "Activate": "nonlinearity", "BatchNorm": "batch normalisation",
}  # fmt: skip
NAMES = {
    "rate": "learning rate", "schedule.rate": "learning rate", "augmentation.crops": "random crops",
    "augmentation.flips": "flips", "augmentation.colour": "colour noise", "feed": "how batches are made",
}  # fmt: skip
FIELDS = {"init": "σ of the first weights", "bias": "first bias", "decay": "weight decay", "size": "window"}
LAYERS = "network.layers."
Cells = tuple[Any, ...]  # a setting's value in each arm


def arms_table(evidence: Evidence) -> Table | None:
    """The settings in which the final arms differ, one column per arm."""
    first = {run.arm: run for run in reversed(evidence.final())}
    arms = [arm for arm in evidence.arms if arm in first]
    flat = [dict(flattened(first[arm].record.settings)) for arm in arms]
    names = dict.fromkeys(name for one in flat for name in one)
    settings = {name: tuple(one.get(name) for one in flat) for name in names}
    rows = tuple((named(name), *cells) for name, cells in _differing(settings))
    note = "All other settings are the same."
    return Table("Where the arms differ", ("setting", *arms), rows, note) if len(arms) > 1 and rows else None


def _differing(settings: Mapping[str, Cells]) -> Iterator[tuple[str, Cells]]:
    """What differs; a part that an arm lacks is one line, plus those of its settings that differ too."""
    parts = {name.removesuffix(".is"): cells for name, cells in settings.items() if name.endswith(".is")}
    optional = {part: cells for part, cells in parts.items() if None in cells and any(cells)}
    told: set[str] = set()
    for name, cells in settings.items():
        part = next((part for part in optional if name.startswith(f"{part}.")), None)
        if part is not None and part not in told:
            told.add(part)
            yield part, tuple("none" if kind is None else "yes" for kind in optional[part])
        having = [c for c, there in zip(cells, optional[part], strict=True) if there] if part else cells
        if len({text(c) for c in having}) > 1:
            yield name, cells


def named(path: str) -> str:
    """`network.layers.conv1/AcrossMaps.size` in words: `normalisation after conv1: window`."""
    if path in NAMES:
        return NAMES[path]
    if not path.startswith(LAYERS):
        head, _, last = path.rpartition(".")
        return f"{NAMES.get(head, words(head).replace('.', ', '))}: {words(last)}" if head else words(last)
    layer, _, setting = path.removeprefix(LAYERS).partition(".")
    said = _layer(layer)
    return f"{said}: {FIELDS.get(setting, words(setting))}" if setting not in ("", "function") else said


def _layer(name: str) -> str:
    """`conv1/Pool` as `pooling after conv1`."""
    behind, _, kind = name.partition("/")
    kind, _, number = kind.partition("#")
    said = f"{KINDS.get(kind, kind)} after {behind}" if kind else behind
    return f"{said} ({number})" if number else said


def flattened(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings as dotted paths; layers by name, so that a missing one does not shift the others."""
    if isinstance(value, (Mapping, list)) and value:
        pairs = value.items() if isinstance(value, Mapping) else zip(_names(value), value, strict=True)
        for name, part in pairs:
            yield from flattened(part, f"{at}.{name}" if at else str(name))
    else:
        yield at, value


def _names(parts: Sequence[Any]) -> list[str]:
    """A name for each part of a list: layers by name, or by kind after the last named one."""
    if not any(isinstance(part, Mapping) and "name" in part for part in parts):
        return list(map(str, range(len(parts))))
    names: list[str] = []
    last = ""
    for part in parts:
        last = part.get("name", last)
        name = last if "name" in part else f"{last}/{part.get('is', 'part')}"
        count = sum(n.partition("#")[0] == name for n in names)
        names.append(f"{name}#{count + 1}" if count else name)
    return names
