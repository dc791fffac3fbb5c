"""Records as they are in JSON: runs of an arm, their numbers, curves and bits. Does not use the store."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.plans.experiment import Role
from harness.verdicts.assessment import Assessment

Numbers = NDArray[np.float64]
NEAR_CHANCE = 2.0  # points: with a training error this near to chance's, a network has learned nothing


@dataclass(frozen=True)
class Raw:
    """One record, as its file has it."""

    seed: int
    content: Mapping[str, Any]

    def metric(self, name: str) -> float | None:
        """A metric of a run that finished."""
        return self.content["metrics"].get(name) if self.content["status"] == "ok" else None

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its trial's."""
        return self.content["trial"]["settings"]  # type: ignore[no-any-return]

    @property
    def classes(self) -> int | None:
        """How many classes its network tells apart."""
        network = self.settings.get("network")
        return network["layers"][-1]["units"] if network else None

    @property
    def idle(self) -> bool:
        """Whether it finished and learned nothing."""
        error = self.metric("train_top1")
        if error is None or self.classes is None:
            return False
        return error > 100 * (1 - 1 / self.classes) - NEAR_CHANCE

    @property
    def curve(self) -> list[Mapping[str, float | None]]:
        """Its rows."""
        return list(self.content["curve"])

    def bits(self, name: str, of_set: str) -> Numbers | None:
        """One number per image: 1 where the run was wrong; None if none are kept."""
        wrong = self.content["details"].get("wrong", {})
        if name not in wrong:
            return None
        held = np.frombuffer(base64.b64decode(wrong[name]), np.uint8)
        return np.unpackbits(held, count=wrong[of_set]).astype(np.float64)

    def shares(self, name: str) -> Numbers | None:
        """The share of each query's neighbours that have its class; None if no bits are kept."""
        kept = self.content["details"].get("same_class") or {}
        if name not in kept:
            return None
        queries, nearest = kept["queries"], kept["nearest"]
        held = np.frombuffer(base64.b64decode(kept[name]), np.uint8)
        return np.unpackbits(held, count=queries * nearest).reshape(queries, nearest).mean(1)


@dataclass(frozen=True)
class Arms:
    """The final runs of every arm of an experiment that have a record, however they ended, by seed."""

    protocol: str
    runs: Mapping[str, list[Raw]]

    def learned(self, arm: str) -> list[Raw]:
        """An arm's runs, without those that learned nothing; in a smoke run, none has to learn."""
        return [raw for raw in self.runs.get(arm, []) if self.protocol == "smoke" or not raw.idle]


def assessed(folder: Path, assessment: Assessment) -> Arms:
    """The arms of today's plan: the assessment says which trial belongs to which, and no more."""
    found: dict[str, list[Raw]] = {}
    for planned in assessment.evidence.plan.trials:
        if planned.role is Role.FINAL:
            key = assessment.experiment.key(planned.trial)
            if (content := latest(folder, key)) is not None:
                found.setdefault(planned.arm, []).append(Raw(planned.trial.seed, content))
    return Arms(assessment.experiment.protocol.name, in_order(found))


def in_order(runs: Mapping[str, list[Raw]]) -> dict[str, list[Raw]]:
    """Each arm's by seed."""
    return {arm: sorted(of, key=lambda raw: raw.seed) for arm, of in runs.items()}


def latest(folder: Path, key: str) -> Mapping[str, Any] | None:
    """The latest attempt that did not fail, else the latest."""
    paths = (folder / "records").glob(f"{key}-*.json")
    contents = [json.loads(p.read_text(encoding="utf-8")) for p in paths]
    found = sorted(contents, key=lambda c: (c["status"] != "failed", c["finished"]))
    return found[-1] if found else None
