"""A published report's `results.json`, and the arms of the records that it names, told by their settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.recomputed.formulas import Result
from tests.recomputed.raw import Arms, Raw, in_order, latest

Settings = Mapping[str, Any]
LOOKS = {"ci90_at_looks": 1 - 0.0406, "ci95_at_looks": 1 - 0.0190}
FIELDS = ("estimate", "ci90", "ci95", *LOOKS, "p_student", "p_exact", "n", "values")


def layers(settings: Settings) -> dict[str, Settings]:
    return {layer.get("name", layer["is"]): layer for layer in settings["network"]["layers"]}


def biased(settings: Settings) -> str:
    found = layers(settings)
    wide = ", σ = .03 in conv3–5" if found["conv3"]["init"] > 0.05 else ""
    return f"biases of {found['conv2']['bias']:.0f}{wide}"


def fed(settings: Settings) -> str:
    augmented = "augmented" if settings["augmentation"]["crops"] else "plain"
    return augmented if settings["feed"] == "background" else f"{augmented}, in line"


ARM: Mapping[str, Callable[[Settings], str | None]] = {
    "augmentation-cost": fed,
    "bias-init": biased,
    "crop-flip": lambda s: "crops and flips" if s["augmentation"]["crops"] else "centre crops",
    "dropout-overfitting": lambda s: "with dropout" if "Dropout" in layers(s) else "without dropout",
    "error-rate": lambda s: "paper",
    "feature-neighbours": lambda s: "paper" if s["is"] == "Neighbours" else None,
    "ten-view": lambda s: "paper",
    "training-time": lambda s: s["arrangement"],
    "two-gpu-time": lambda s: {"columns": "two-gpu", "one": "one-gpu"}[s["arrangement"]],
}


# Effects by their names in older reports.
RENAMED = {"same class, by features before training": "same class, trained − untrained features"}


def results(folder: Path) -> dict[tuple[str, str], Any]:
    """Those with an estimate from records, by claim and protocol."""
    found = json.loads((folder / "report" / "results.json").read_text(encoding="utf-8"))["results"]
    for effect in (effect for one in found for effect in one["effects"]):
        effect["metric"] = RENAMED.get(effect["metric"], effect["metric"])
    return {
        (one["claim"], one["experiment"]["protocol"]): one
        for one in found
        if one["records"] and any(effect["estimate"] is not None for effect in one["effects"])
    }


def arms(folder: Path, result: Mapping[str, Any]) -> Arms:
    """An arm's final runs: at the rate with the least mean error of its tuning seeds, if it has any."""
    tuning: dict[str, dict[float, list[float]]] = {}
    final: dict[str, list[Raw]] = {}
    for key in result["records"]:
        content = latest(folder, key)
        assert content, f"no record {key}"
        raw = Raw(content["trial"]["seed"], content)
        if (arm := ARM[result["claim"]](raw.settings)) is None:
            continue
        if raw.settings.get("held_out"):
            errors = tuning.setdefault(arm, {}).setdefault(raw.settings["schedule"]["rate"], [])
            errors.append(content["metrics"]["ten_top1"])
        else:
            final.setdefault(arm, []).append(raw)
    for arm, tried in tuning.items():
        own = min(tried, key=lambda rate: fmean(tried[rate]))
        final[arm] = [raw for raw in final[arm] if raw.settings["schedule"]["rate"] == own]
    return Arms(result["experiment"]["protocol"], in_order(final))


def fields(found: Result) -> dict[str, Any]:
    """Those of an effect in `results.json` that have a value."""
    looks = [found.own and found.own.ends(level) for level in LOOKS.values()]
    p = found.p_student, found.p_exact
    every = (found.estimate, found.ci90, found.ci95, *looks, *p, len(found.values), found.values)
    return {name: value for name, value in zip(FIELDS, every, strict=True) if value is not None}
