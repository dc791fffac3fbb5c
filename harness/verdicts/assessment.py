"""An experiment's evidence, effects, validity and verdicts, computed once."""

from __future__ import annotations

from dataclasses import dataclass

from harness.contract.effect import Effect
from harness.paper.catalogue import claim
from harness.paper.claims import Claim
from harness.plans.experiment import Evidence, Experiment, Finding
from harness.records.store import Store
from harness.verdicts.rules import Case, judge
from harness.verdicts.validity import problems
from harness.verdicts.verdict import Verdict


@dataclass(frozen=True)
class Assessment:
    """An experiment's evidence, what was estimated from it, and what speaks against it."""

    experiment: Experiment
    evidence: Evidence
    finding: Finding
    invalid: tuple[str, ...]
    looks: bool

    def effect(self, about: Claim) -> Effect | None:
        """The effect on the claim's primary metric, where there is one."""
        found = self.finding.effects.get(about.id, ())
        return next((effect for effect in found if effect.metric == about.primary.name), None)

    def verdict(self, about: Claim) -> Verdict:
        """The verdict on one of the experiment's claims."""
        return judge(about, self.evidence, self.effect(about), self.invalid, self.looks)

    def case(self, about: Claim) -> Case:
        """What the gates and rules are asked of."""
        return Case(about, self.evidence, self.effect(about), self.invalid, self.looks)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts on all of the experiment's claims, in the reproduction's order."""
        return tuple(self.verdict(claim(name)) for name in self.experiment.reproduction.claims)


def assess(experiment: Experiment, store: Store, looks: bool) -> Assessment:
    """What the store's records say at the experiment's number of seeds; `looks`: seeds are added at looks."""
    evidence = experiment.evidence(store)
    finding = experiment.reproduction.estimate(evidence)
    invalid = tuple(problems(evidence, experiment.reproduction.manipulated))
    return Assessment(experiment, evidence, finding, invalid, looks)
