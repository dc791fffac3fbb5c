"""`explain`: the chain from the paper's sentence to the verdict, for people and as JSON.

Nothing is decided here. Every gate is asked again, in its order, so that the answers can be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harness.cli.choices import choose_protocol
from harness.contract.effect import Effect
from harness.contract.errors import BadValue
from harness.forecast import ways
from harness.paper.catalogue import count_band, difference_band, ratio_band, top1_band, top5_band
from harness.paper.claims import Band, Claim, Kind, Metric
from harness.plans.experiment import Experiment, Reproduction, Role
from harness.records.store import Store
from harness.reporting import sections, wording
from harness.verdicts import assess, sequential
from harness.verdicts.assessment import Assessment
from harness.verdicts.rules import ENOUGH, FEWEST, GATES, Case, judge
from harness.verdicts.verdict import Verdict
from reproductions import answering

POLICIES: tuple[Callable[[float], Band], ...] = (
    difference_band,
    ratio_band,
    top1_band,
    top5_band,
    count_band,
)
UNITS = {"points": (difference_band,), "×": (ratio_band,), "%": (top1_band, top5_band), "": (count_band,)}
NOT_ASKED = "not asked: an earlier gate has answered"


@dataclass(frozen=True)
class Gate:
    """A gate's question as put to this evidence: whether it let it pass, and its answer."""

    name: str
    passed: bool | None  # None: not asked
    answer: str


@dataclass(frozen=True)
class Chain:
    """All that leads to a verdict on a claim."""

    claim: Claim
    reproduction: Reproduction | None
    assessment: Assessment | None  # None: no evidence
    verdict: Verdict
    looks: tuple[sequential.Look, ...]
    needs: str
    others: tuple[str, ...]  # further evidence, which this chain is not about


def chain(claim: Claim, protocol: str | None, store: Store) -> Chain:
    """The chain that rests on the best evidence, or on the best at the protocol that is named."""
    reproduction = answering(claim.id)
    found = assess.best_first(claim, _experiments(claim, reproduction, protocol, store), store)
    others = tuple(
        f"{one.experiment.protocol.name} on {one.experiment.conditions.device}" for one in found[1:]
    )
    best = found[0] if found else None
    needed = ways.sentence(*sections.standing(claim, reproduction, store, best))
    if best is None:
        return Chain(claim, reproduction, None, judge(claim, None, None), (), needed, ())
    seen = tuple(sequential.standing(best.experiment, store))
    return Chain(claim, reproduction, best, best.verdict(claim), seen, needed, others)


def _experiments(
    claim: Claim, reproduction: Reproduction | None, protocol: str | None, store: Store
) -> list[Experiment]:
    if reproduction is None:
        if protocol is not None:
            raise BadValue(f"--protocol {protocol}: no reproduction of {claim.id} is written yet")
        return []
    if protocol is None:
        return assess.experiments(reproduction, store)
    return assess.at_protocol(reproduction, choose_protocol(reproduction, protocol), store)


def gates(case: Case) -> list[Gate]:
    """Every gate in its order with its answer; those after the one that stopped are not asked."""
    found: list[Gate] = []
    stopped = False
    for gate in GATES:
        name = gate.__name__.strip("_").replace("_", " ")
        verdict = None if stopped else gate(case)
        if stopped:
            found.append(Gate(name, None, NOT_ASKED))
        elif verdict is None:
            found.append(Gate(name, True, PASSED[name](case)))
        else:
            found.append(Gate(name, False, "; ".join(verdict.reasons)))
            stopped = True
    return [*found, _scale(case, stopped)]


def _scale(case: Case, stopped: bool) -> Gate:
    """The last gate caps what the rules may say, and stops nothing."""
    here, wanted = case.evidence.protocol.name, case.claim.paper_scale
    if stopped:
        return Gate("scale", None, NOT_ASKED)
    if case.at_paper_scale:
        return Gate("scale", True, f"{here} is the paper's scale: the band applies")
    return Gate("scale", False, f"{here} is not {wanted}: only the side of the null counts, as a proxy")


def _seeds(case: Case) -> str:
    if case.claim.kind is Kind.EXACT:
        return "no chance is involved"
    capped = f", so that a direction is the most that can be said (more needs {ENOUGH})"
    return f"n = {case.seeds}{capped if case.seeds < ENOUGH else ''}; a verdict needs {FEWEST}"


def _counted(case: Case) -> str:
    final = len(case.evidence.final())
    return f"{final} final runs have a record" if final else "nothing has to be run"


PASSED: Mapping[str, Callable[[Case], str]] = {
    "not run": _counted,
    "invalid": lambda case: (
        "the arms differ in the manipulated factor alone, and no run is lost or hidden"
        if case.evidence.final()
        else "no runs that could differ"
    ),
    "smoke": lambda case: f"{case.evidence.protocol.name} is no smoke protocol, and no stand-in data",
    "incomplete": lambda case: (
        f"all {len(case.evidence.plan.trials)} planned trials have a record, and there is an effect"
    ),
    "reported": lambda case: "the claim is one to be judged, and this scale allows it",
    "few seeds": _seeds,
    "off look": lambda case: (
        f"n = {case.seeds} is a declared look" if case.looks else "seeds were fixed beforehand: no looks"
    ),
}


def origin(metric: Metric) -> str:
    """Where a band comes from: the policy that makes it from the paper's figure."""
    if metric.band is None:
        return "none: its size is not judged"
    for policy in UNITS.get(metric.unit, POLICIES):
        if metric.paper is not None and policy(metric.paper) == metric.band:
            figure, rule = wording.number(metric.paper), _sentence(policy.__doc__)
            return f"this project's policy, from the paper's {figure}: {rule}"
    return "this project's policy, declared for this metric in the catalogue"


def _sentence(doc: str | None) -> str:
    text = (doc or "").strip().rstrip(".")
    return text[:1].lower() + text[1:]


def chosen(judged: Assessment) -> dict[str, str]:
    """The learning rate that each arm's tuning led to."""
    arms = dict.fromkeys(p.arm for p in judged.evidence.plan.trials if p.role is Role.TUNING)
    final = {p.arm: p.trial.settings for p in judged.evidence.plan.trials if p.role is Role.FINAL}
    rates = {arm: getattr(settings, "rate", None) for arm, settings in final.items()}
    return {arm: f"learning rate {rates[arm]}" if arm in rates else "not known yet" for arm in arms}


def as_data(found: Chain) -> dict[str, Any]:
    """The chain as JSON values."""
    about, judged = found.claim, found.assessment
    return {
        "claim": {**asdict(about), "bands": {m.name: origin(m) for m in about.metrics}},
        "reproduction": found.reproduction.name if found.reproduction else None,
        "experiment": None if judged is None else _experiment_data(found, judged),
        "verdict": {**asdict(found.verdict), "headline": found.verdict.headline},
        "needs": found.needs,
        "others": found.others,
    }


def _experiment_data(found: Chain, judged: Assessment) -> dict[str, Any]:
    protocol = judged.experiment.protocol
    effects: tuple[Effect, ...] = judged.finding.effects.get(found.claim.id, ())
    return {
        "protocol": protocol.name,
        "summary": protocol.summary,
        "deviations": [*protocol.deviations, *judged.finding.deviations],
        "conditions": asdict(judged.experiment.conditions),
        "seeds": judged.experiment.seeds,
        "by looks": judged.looks,
        "looks": [asdict(look) for look in found.looks],
        "tuning": chosen(judged),
        "runs": [
            {
                "arm": r.arm,
                "seed": r.seed,
                "key": r.record.key,
                "status": r.record.status,
                "metrics": dict(r.record.metrics),
            }
            for r in judged.evidence.final()
        ],
        "effects": [asdict(effect) for effect in effects],
        "gates": [asdict(gate) for gate in gates(judged.case(found.claim))],
    }
