"""The assessment of an experiment: its evidence, effects, faults and verdicts, all computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.contract.effect import Effect
from harness.contract.errors import ReproductionFails, own_code
from harness.paper.claims import Claim
from harness.paper.papers import claim
from harness.plans.experiment import Evidence, Experiment, Finding, Reproduction
from harness.verdicts.gates import Case, at_paper_scale, judged_at
from harness.verdicts.rules import counted, judge
from harness.verdicts.validity import problems
from harness.verdicts.verdict import Outcome, Qualifier, Verdict


@dataclass(frozen=True)
class Assessment:
    """An experiment's evidence, what was estimated from it, what is wrong with it, and the verdicts.

    `interim` says that seeds are added at interim looks, so that intervals are the wider ones for looks.
    """

    experiment: Experiment
    evidence: Evidence
    finding: Finding
    invalid: tuple[str, ...]
    interim: bool
    verdicts: Mapping[str, Verdict]  # by claim, in the reproduction's order

    def verdict(self, about: Claim) -> Verdict:
        """The verdict on one of the experiment's claims."""
        return self.verdicts[about.id]

    def effects(self, about: Claim) -> tuple[Effect, ...]:
        """The effects on one of the claims: first what the verdict rests on, without which there are none."""
        found = self.finding.effects.get(about.id, ())
        first = primary(judged_as(about, self.evidence), self.finding)
        return () if first is None else (first, *(effect for effect in found if effect is not first))

    def judged(self, about: Claim) -> tuple[Effect, ...]:
        """The same effects, with the intervals that count: at interim looks, the wider ones."""
        return tuple(counted(effect, self.interim) for effect in self.effects(about))

    def case(self, about: Claim) -> Case:
        """The case that the gates and rules judged."""
        parts = self.evidence, self.finding, self.invalid, self.interim, self.experiment.reproduction
        return _case(about, *parts)


def assess(experiment: Experiment, evidence: Evidence, interim: bool) -> Assessment:
    """What the evidence says about the experiment's claims; ReproductionFails if its estimate raises."""
    manipulated = experiment.reproduction.manipulated
    with own_code(f"the estimate of {experiment.name}"):
        finding = _planned(experiment.reproduction.estimate(evidence), evidence, interim)
    found = _assessment(experiment, evidence, finding, problems(evidence, manipulated), interim)
    if (shared := evidence.at_shared_rate()) is None:
        return found
    with own_code(f"the estimate of {experiment.name}"):
        again = experiment.reproduction.estimate(shared)
    other = _assessment(experiment, shared, again, problems(shared, manipulated), interim).verdicts
    return replace(found, verdicts={name: robust(own, other[name]) for name, own in found.verdicts.items()})


def without_estimate(
    experiment: Experiment, evidence: Evidence, interim: bool, why: ReproductionFails
) -> Assessment:
    """The assessment if the estimate raises: that error, and no effects."""
    invalid = (*problems(evidence, experiment.reproduction.manipulated), str(why))
    return _assessment(experiment, evidence, Finding(), invalid, interim)


def _assessment(
    experiment: Experiment, evidence: Evidence, finding: Finding, invalid: Sequence[str], interim: bool
) -> Assessment:
    reproduction, faults = experiment.reproduction, tuple(invalid)
    verdicts = {
        name: judge(_case(claim(name), evidence, finding, faults, interim, reproduction))
        for name in reproduction.claims
    }
    return Assessment(experiment, evidence, finding, faults, interim, verdicts)


def _case(
    about: Claim,
    evidence: Evidence,
    finding: Finding,
    invalid: tuple[str, ...],
    interim: bool,
    reproduction: Reproduction,
) -> Case:
    """The claim as it is judged at the evidence's scale, with what is wrong with the runs for it."""
    about, effects = judged_as(about, evidence), finding.effects.get(about.id, ())
    faults = (*invalid, finding.void[about.id]) if about.id in finding.void else invalid
    return Case(about, evidence, primary(about, finding), faults, interim, effects, reproduction)


def robust(own: Verdict, shared: Verdict) -> Verdict:
    """The verdict with each arm at its own learning rate; inconclusive if a shared one reverses it."""
    if not own.outcome.judged:
        return own
    said = (*own.reasons, f"with all arms at the shared learning rate: {shared.headline}")
    if {own.outcome.side, shared.outcome.side} == {1, -1}:
        return replace(
            own,
            outcome=Outcome.INCONCLUSIVE,
            qualifier=Qualifier.TURNS,
            reasons=said,
            advice=(),
        )
    return replace(own, reasons=said)


def judged_as(about: Claim, evidence: Evidence) -> Claim:
    """The claim as it is judged at the evidence's scale."""
    return about.judged(at_paper_scale(about, evidence.protocol))


def primary(about: Claim, finding: Finding) -> Effect | None:
    """The effect on the claim's primary metric, if there is one."""
    found = finding.effects.get(about.id, ())
    return next((effect for effect in found if effect.metric == about.primary.name), None)


def _planned(finding: Finding, evidence: Evidence, interim: bool) -> Finding:
    """The finding, with the seeds that would decide if a verdict may rest on its effects."""
    protocol, effects = evidence.protocol, dict(finding.effects)
    if not effects:
        return finding
    from harness.verdicts.power import planned  # brings numpy, which `list` can do without

    for name, found in finding.effects.items():
        if not protocol.smoke and judged_at(claim(name), protocol):
            proxy = not at_paper_scale(claim(name), protocol)
            effects[name] = tuple(planned(effect, claim(name), proxy, interim) for effect in found)
    return replace(finding, effects=effects)
