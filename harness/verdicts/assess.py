"""Where the evidence for a claim is chosen: which experiments a store knows, and which says most."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from harness.contract.device import DeviceKind
from harness.contract.trial import Trial
from harness.paper.claims import Claim
from harness.plans.experiment import Evidence, Experiment, Protocol, Reproduction, Role
from harness.records import environment
from harness.records.conditions import Conditions
from harness.records.keys import canonical
from harness.records.record import Record
from harness.records.store import Store
from harness.verdicts import sequential
from harness.verdicts.assessment import Assessment
from harness.verdicts.rules import FEWEST
from harness.verdicts.verdict import Outcome


def experiments(reproduction: Reproduction, store: Store) -> list[Experiment]:
    """Every protocol and machine of which the store has any part, the protocol that can judge first."""
    protocols = sorted(reproduction.protocols, key=lambda p: p.smoke)
    found = [
        experiment for protocol in protocols for experiment in at_protocol(reproduction, protocol, store)
    ]
    return [experiment for experiment in found if not experiment.protocol.smoke] or found


def at_protocol(reproduction: Reproduction, protocol: Protocol, store: Store) -> list[Experiment]:
    """The protocol on every machine of which the store has any part; once if there is nothing to run."""
    here = Conditions(DeviceKind.CPU, environment.torch_version())
    counted = Experiment(reproduction, protocol, protocol.seeds, here)
    if protocol.dataset is None and not counted.evidence(store).plan.trials:
        return [counted]
    candidates = under_every_condition(reproduction, protocol, store)
    return [experiment for experiment in candidates if begun(experiment, store)]


def begun(experiment: Experiment, store: Store) -> bool:
    """Whether the experiment was: trials that it merely shares with others are no evidence of its own."""
    evidence = evidence_of(experiment, store)
    own = {(p.role, p.arm) for p in evidence.plan.trials if p.role is not Role.TRAINING}
    asked = experiment.asked(store)
    return bool(evidence.runs) and (
        asked > 0 or (bool(own) and own <= {(r.planned.role, r.arm) for r in evidence.runs})
    )


def best_first(claim: Claim, found: Sequence[Experiment], store: Store) -> list[Assessment]:
    """What each experiment says, the one that says most of the claim first, whichever way it points."""
    judged = [sequential.judged(experiment, store) for experiment in found]
    return sorted(judged, key=lambda one: _rank(claim, one))


def _rank(claim: Claim, judged: Assessment) -> tuple[bool, ...]:
    """Whole before unfinished, sound before invalid, the paper's scale before others, enough seeds first."""
    case, verdict = judged.case(claim), judged.verdict(claim)
    return (
        judged.evidence.protocol.smoke or verdict.outcome is Outcome.SMOKE,
        bool(judged.evidence.missing or judged.evidence.plan.to_come),
        verdict.outcome in (Outcome.INVALID, Outcome.NOT_RUN),
        not case.at_paper_scale,
        case.seeds < FEWEST,
    )


def under_every_condition(reproduction: Reproduction, protocol: Protocol, store: Store) -> list[Experiment]:
    """The protocol as an experiment under each of the conditions that the store has records of."""
    return [
        Experiment(
            reproduction,
            protocol.at(c.precision),
            store.asked(reproduction.name, protocol.name, c) or protocol.seeds,
            c,
        )
        for c in store.conditions()
        if c.suit(protocol.dataset)
    ]


# Keys cost time, and a report asks for the same evidence again and again: of a store, by experiment.
_EVIDENCE: WeakKeyDictionary[Store, dict[object, Evidence]] = WeakKeyDictionary()


def evidence_of(experiment: Experiment, store: Store) -> Evidence:
    """The experiment's evidence, gathered once for as long as the store has the same records."""
    known = _EVIDENCE.setdefault(store, {})
    name = (
        id(experiment.reproduction.plan),
        experiment.protocol.name,
        experiment.seeds,
        experiment.conditions,
        len(store.records),
    )
    if name not in known:
        known[name] = experiment.evidence(store)
    return known[name]


def stale(reproduction: Reproduction, store: Store) -> tuple[Record, ...]:
    """Records of trials that the reproduction plans, made by code that meant something else."""
    return tuple(record for record, _ in stale_with_trials(reproduction, store))


def stale_with_trials(reproduction: Reproduction, store: Store) -> list[tuple[Record, Trial]]:
    """The same, each with the trial as it is planned today."""
    fresh: set[str] = set()
    planned: dict[str, Trial] = {}
    for protocol in reproduction.protocols:
        for experiment in under_every_condition(reproduction, protocol, store):
            evidence = evidence_of(experiment, store)
            fresh |= {run.record.key for run in evidence.runs}
            planned |= {canonical(p.trial): p.trial for p in evidence.plan.trials}
    old = [(r, planned.get(canonical(r.trial))) for r in store.records if r.key not in fresh]
    return [(record, trial) for record, trial in old if trial is not None]
