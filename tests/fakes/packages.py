"""Packages that bring papers and reproductions, made up in a folder as an installer would leave them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PAPER = '''
"""Doe 1999, claim `{claim}` (§4): made up.

    repro run {claim}

Costs nothing.

Observed: nothing.
"""
from harness.paper.claims import Claim, Kind, Metric, Side
from harness.paper.papers import Paper
from harness.plans.experiment import Finding, Plan, Planned, Protocol, Reproduction, Role
from {module}_settings import Tossing

PAPER = Paper("Doe 1999", "On Coins", (Claim(
    "{claim}", "4", "coins land", "1", Kind.DIRECTION, "share", (Metric("landed", "points"),), "any",
    null=0.0, side=Side.ABOVE, paper_scale="paper"),))

def plan(protocol, seeds, lookup):
    trials = (protocol.trial(Tossing(sides), seed) for seed in range(seeds) for sides in (2, 3))
    return Plan(tuple(Planned(trial, str(trial.settings.sides), Role.FINAL) for trial in trials))

def estimate(evidence):
    from harness.effects.statistics import intervals
    values = [[r.record.metrics.get("landed") or 0.0 for r in evidence.final(arm)] for arm in ("2", "3")]
    return Finding({{"{claim}": (intervals.pooled_difference("landed", "points", *values),)}})

REPRODUCTION = Reproduction("{claim}", ("{claim}",),
    (Protocol("smoke", "tosses", None, 2), Protocol("paper", "tosses", None, 3)),
    plan, estimate, manipulated=("sides",))
'''
SETTINGS = """
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Tossing:
    implementation: ClassVar[str] = "{module}_program:run"
    exclusive: ClassVar[bool] = False
    device: ClassVar[None] = None
    dataset: ClassVar[None] = None
    network: ClassVar[None] = None
    sides: int

    @property
    def summary(self):
        return f"{{self.sides}} sides"

    def most_images(self, training_set):
        return 0

    def most_evaluated(self, test_set):
        return 0
"""
PROGRAM = """
from harness.contract.session import TrialResult
from harness.contract.trial import Status

def landed(sides, seed):
    return 10.0 * sides + seed

def unrelated():
    return 7

def run(trial, session):
    found = {{"landed": landed(trial.settings.sides, trial.seed)}}
    return TrialResult(Status.OK, found, (), {{"seconds": 0.1}})
"""


def coins(module: str = "coins", claim: str = "coin-toss") -> dict[str, str]:
    """A package that works: its paper, settings and program, one module each."""
    texts = {module: PAPER, f"{module}_settings": SETTINGS, f"{module}_program": PROGRAM}
    return {f"{name}.py": text.format(module=module, claim=claim) for name, text in texts.items()}


def installed(folder: Path, name: str, files: Mapping[str, str], module: str = "coins") -> Path:
    """The package in the folder, with an entry point for each of its paper and its reproduction."""
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    about = folder / f"{name.replace('-', '_')}-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    (about / "top_level.txt").write_text("".join(f"{Path(file).stem}\n" for file in files))
    points = {"papers": "PAPER", "reproductions": "REPRODUCTION"}
    lines = (f"[alexnet_repro.{group}]\none = {module}:{value}\n" for group, value in points.items())
    (about / "entry_points.txt").write_text("".join(lines))
    return folder
