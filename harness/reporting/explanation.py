"""`explain`: the chain from the paper's sentence to the verdict, for people and as JSON.

Nothing is decided here. Every gate is asked again, in order, so that its answer can be shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harness.contract.effect import Effect
from harness.contract.errors import BadValue
from harness.contract.formatting import number
from harness.effects.statistics.significance import most_seeds
from harness.forecast.next_runs import outlook
from harness.paper.bands import (
    at_least,
    at_most,
    count_band,
    difference_band,
    ratio_band,
    top1_band,
    top5_band,
)
from harness.paper.claims import Band, Claim, Metric
from harness.paper.papers import of
from harness.plans.experiment import AT_OWN_RATE, Evidence, Reproduction, Role
from harness.records.keys import plain
from harness.records.store import Store
from harness.reporting.claims import replication
from harness.reporting.run_tables import deviations, learning_rate, scale
from harness.verdicts import sequential
from harness.verdicts.assess import Assessments, best_first
from harness.verdicts.assessment import Assessment
from harness.verdicts.gates import GATES, Case
from harness.verdicts.rules import not_run
from harness.verdicts.verdict import Verdict
from reproductions import answering

POLICIES: Mapping[str, tuple[Callable[[float], Band], ...]] = {  # by unit
    "points": (difference_band, at_least),
    "×": (ratio_band,),
    "%": (top1_band, top5_band, at_most),
    "": (count_band,),
}
NOT_ASKED = "not asked: an earlier gate stopped the case"


@dataclass(frozen=True)
class GateAnswer:
    """A gate's question about this evidence, whether the evidence passed, and the answer."""

    name: str
    question: str
    passed: bool | None  # None: not asked
    answer: str


@dataclass(frozen=True)
class Chain:
    """Everything that leads to a verdict on a claim."""

    claim: Claim
    reproduction: Reproduction | None
    assessment: Assessment | None  # None: no evidence
    verdict: Verdict
    looks: tuple[sequential.Look, ...]
    needs: str
    others: tuple[str, ...]  # further evidence, not part of this chain


def chain(claim: Claim, protocol: str | None, store: Store) -> Chain:
    """The chain that rests on the best evidence, or on the best at the given protocol."""
    known, reproduction = Assessments(store), answering(claim.id)
    found = _found(claim, reproduction, protocol, known)
    best = found[0] if found else None
    needs = outlook(claim, reproduction, known, best).sentence
    if best is None:
        return Chain(claim, reproduction, None, not_run(claim), (), needs, ())
    others = tuple(map(scale, found[1:]))
    looks = tuple(sequential.valid(best.experiment, best.evidence, store))
    return Chain(claim, reproduction, best, best.verdict(claim), looks, needs, others)


def _found(
    claim: Claim, reproduction: Reproduction | None, protocol: str | None, known: Assessments
) -> list[Assessment]:
    """The assessments of the claim, the best first."""
    if reproduction is None:
        if protocol is not None:
            raise BadValue(f"--protocol {protocol}: {claim.id} has no reproduction yet")
        return []
    if protocol is None:
        return known.of_claim(claim, reproduction)
    there = known.at_protocol(reproduction, reproduction.protocol(protocol))
    return best_first(claim, map(known.of, there))


def answers(case: Case) -> list[GateAnswer]:
    """Every gate in order with its answer; those after the one that stopped are not asked."""
    found: list[GateAnswer] = []
    stopped = False
    for gate in GATES:
        reasons = () if stopped else gate.stopped(case)
        said = NOT_ASKED if stopped else "; ".join(reasons) or gate.passed(case)
        asked = not stopped and gate.asked(case)
        found.append(GateAnswer(gate.name, gate.question, not reasons if asked else None, said))
        stopped = stopped or bool(reasons)
    return found


def origin(metric: Metric) -> str:
    """Where a band comes from: the policy that derives it from the paper's figure."""
    if metric.band is None:
        return "none; its size is not judged"
    for policy in POLICIES.get(metric.unit, ()):
        if metric.paper is not None and policy(metric.paper) == metric.band:
            rule = _sentence(policy.__doc__)
            return f"this project's policy, from the paper's {number(metric.paper)}: {rule}"
    return "this project's policy, declared for this metric in the catalogue"


def _sentence(doc: str | None) -> str:
    text = (doc or "").strip().rstrip(".")
    return text[:1].lower() + text[1:]


def chosen(evidence: Evidence) -> dict[str, str]:
    """The learning rate that tuning chose for each arm."""
    trials = evidence.plan.trials
    tuned = {(p.arm, p.role): p.trial.settings for p in trials if p.role in AT_OWN_RATE}
    found = ((arm, learning_rate(plain(settings))) for (arm, _), settings in tuned.items())
    rates = {arm: rate for arm, rate in found if rate is not None}
    arms = dict.fromkeys(p.arm for p in trials if p.role is Role.TUNING)
    return {arm: f"learning rate {rates[arm]}" if arm in rates else "not known yet" for arm in arms}


def as_data(found: Chain) -> dict[str, Any]:
    """The chain as JSON values."""
    about, assessment = found.claim, found.assessment
    return {
        "claim": {
            **asdict(about),
            "of paper": of(about).paper.name,
            "bands": {m.name: origin(m) for m in about.metrics},
            "own uncertainty": replication.uncertainty_data(about),
        },
        "reproduction": found.reproduction.name if found.reproduction else None,
        "experiment": None if assessment is None else _experiment_data(found, assessment),
        "verdict": {**asdict(found.verdict), "headline": found.verdict.headline},
        "needs": found.needs,
        "others": found.others,
    }


def _experiment_data(found: Chain, assessment: Assessment) -> dict[str, Any]:
    experiment, protocol = assessment.experiment, assessment.experiment.protocol
    compared = replication.compared(found.claim, assessment)
    return {
        "protocol": protocol.name,
        "summary": protocol.summary,
        "deviations": deviations(assessment),
        "conditions": asdict(experiment.conditions),
        "seeds": experiment.seeds,
        "by looks": assessment.interim,
        "looks": [asdict(look) for look in found.looks],
        "tuning": chosen(assessment.evidence),
        "runs": [
            {
                "arm": r.arm,
                "seed": r.seed,
                "key": r.record.key,
                "status": r.record.status,
                "metrics": dict(r.record.metrics),
            }
            for r in assessment.evidence.final()
        ],
        "effects": [_effect_data(e, assessment.interim) for e in assessment.effects(found.claim)],
        "gates": [asdict(answer) for answer in answers(assessment.case(found.claim))],
        "replication": asdict(compared) if compared else None,
    }


def _effect_data(effect: Effect, interim: bool) -> dict[str, Any]:
    """The effect, with a bound in place of an infinite number of seeds, which JSON cannot express."""
    beyond = effect.n_to_decide is not None and math.isinf(effect.n_to_decide)
    return {**asdict(effect), "n_to_decide_exceeds": most_seeds(interim) if beyond else None}
