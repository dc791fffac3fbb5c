"""Which experiments a store has, and which says most about a claim: decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

from harness.contract import plugins
from harness.contract.device import DeviceKind
from harness.contract.errors import ReproductionFails
from harness.contract.trial import Trial
from harness.paper.claims import Claim
from harness.plans.experiment import Evidence, Experiment, Plan, Protocol, Reproduction, Role
from harness.records import environment
from harness.records.conditions import Conditions
from harness.records.keys import canonical, spelled_trial
from harness.records.record import Record
from harness.records.store import Store
from harness.verdicts import sequential
from harness.verdicts.assessment import Assessment, assess, without_estimate
from harness.verdicts.verdict import Outcome

Name = tuple[str, str, Conditions, int]


class Assessments:
    """Everything judged from a store as it is now: each experiment is gathered once and judged once."""

    def __init__(self, store: Store) -> None:
        """Nothing is computed until it is requested."""
        self.store = store
        self.failing: dict[str, str] = {}  # why a reproduction's plan raises, by name
        self._evidence: dict[Name, Evidence] = {}
        self._assessed: dict[Name, Assessment] = {}
        self._stale: dict[str, list[tuple[Record, Trial]]] = {}
        self._asked: dict[tuple[str, str, Conditions], int] = {}

    def of(self, experiment: Experiment) -> Assessment:
        """The assessment of the experiment, by its looks if it has begun any.

        If its estimate raises, that is noted and there is no effect: everything else continues.
        """
        name = _name(experiment)
        if name not in self._assessed:
            interim, evidence = sequential.begun(experiment, self.store), self.evidence(experiment)
            try:
                self._assessed[name] = assess(experiment, evidence, interim)
            except ReproductionFails as error:
                plugins.note(experiment.reproduction.name, str(error))
                self._assessed[name] = without_estimate(experiment, evidence, interim, error)
        return self._assessed[name]

    def evidence(self, experiment: Experiment) -> Evidence:
        """The experiment's plan as far as the store's records allow, with the runs that answer it.

        If its plan raises, that is noted and there is no evidence: everything else continues.
        """
        name = _name(experiment)
        if name not in self._evidence:
            try:
                self._evidence[name] = experiment.evidence(self.store)
            except ReproductionFails as error:
                self.failing[experiment.reproduction.name] = str(error)
                plugins.note(experiment.reproduction.name, str(error))
                self._evidence[name] = Evidence(experiment.protocol, Plan(), ())
        return self._evidence[name]

    def of_claim(self, claim: Claim, reproduction: Reproduction) -> list[Assessment]:
        """Every experiment on the claim with any part in the store, the best evidence first."""
        return best_first(claim, map(self.of, self.experiments(reproduction)))

    def experiments(self, reproduction: Reproduction) -> list[Experiment]:
        """Every protocol and machine with any part in the store; smoke only if there is no other."""
        found = [e for protocol in reproduction.protocols for e in self.at_protocol(reproduction, protocol)]
        return [experiment for experiment in found if not experiment.protocol.smoke] or found

    def at_protocol(self, reproduction: Reproduction, protocol: Protocol) -> list[Experiment]:
        """The protocol on every machine with any part in the store; once if there is nothing to run."""
        here = Conditions(DeviceKind.CPU, environment.torch_version())
        counted = Experiment(reproduction, protocol, protocol.seeds, here)
        if protocol.dataset is None and not self.evidence(counted).plan.trials:
            return [counted]
        return list(filter(self._begun, self.under_every_condition(reproduction, protocol)))

    def asked(self, experiment: Experiment) -> int:
        """The most seeds ever requested for the experiment, or 0."""
        name = _name(experiment)[:3]
        if name not in self._asked:
            self._asked[name] = experiment.asked(self.store)
        return self._asked[name]

    def _begun(self, experiment: Experiment) -> bool:
        """Whether the experiment was begun: trials merely shared with others are not evidence of its own.

        But they are if they answer for every arm, with final trials among them.
        """
        evidence = self.evidence(experiment)
        own = {(p.role, p.arm) for p in evidence.plan.trials if p.role is not Role.TRAINING}
        answered = {(run.planned.role, run.arm) for run in evidence.runs}
        shared = own <= answered and any(role is Role.FINAL for role, _ in own)
        return bool(answered) and (self.asked(experiment) > 0 or shared)

    def under_every_condition(self, reproduction: Reproduction, protocol: Protocol) -> list[Experiment]:
        """The protocol as an experiment under each of the conditions in the store's records."""
        suitable = (c for c in self.conditions if c.suit(protocol.dataset))
        declared = (Experiment(reproduction, protocol, protocol.seeds, c) for c in suitable)
        return [replace(e, seeds=self.asked(e) or protocol.seeds) for e in declared]

    def stale(self, reproduction: Reproduction) -> list[tuple[Record, Trial]]:
        """Records of planned trials made by code other than today's, each with today's trial."""
        if reproduction.name not in self._stale:
            self._stale[reproduction.name] = list(self._find_stale(reproduction))
        return self._stale[reproduction.name]

    def own_stale(self, reproduction: Reproduction) -> list[tuple[Record, Trial]]:
        """The same, if an experiment of it was ever requested: else its trials are merely those of others."""
        every = (e for p in reproduction.protocols for e in self.under_every_condition(reproduction, p))
        return self.stale(reproduction) if any(map(self.asked, every)) else []

    def _find_stale(self, reproduction: Reproduction) -> Iterable[tuple[Record, Trial]]:
        fresh: set[str] = set()
        planned: dict[str, Trial] = {}
        for protocol in reproduction.protocols:
            for experiment in self.under_every_condition(reproduction, protocol):
                evidence = self.evidence(experiment)
                fresh |= {run.record.key for run in evidence.runs}
                planned |= {canonical(p.trial): p.trial for p in evidence.plan.trials}
        found = [(*one, trial) for name, trial in planned.items() for one in self._by_trial.get(name, ())]
        for _, record, trial in sorted(found, key=lambda one: one[0]):
            if record.key not in fresh:
                yield record, trial

    @cached_property
    def conditions(self) -> list[Conditions]:
        """The conditions under which records were made, the most used first."""
        return self.store.conditions()

    @cached_property
    def _by_trial(self) -> dict[str, list[tuple[int, Record]]]:
        """The records of each trial by its canonical text, with their position in the store."""
        found: dict[str, list[tuple[int, Record]]] = {}
        for number, record in enumerate(self.store.records):
            found.setdefault(spelled_trial(record.trial), []).append((number, record))
        return found


def best_first(claim: Claim, found: Iterable[Assessment]) -> list[Assessment]:
    """The assessments, the one that says most about the claim first, whichever way it points."""
    return sorted(_newest_first(found), key=lambda assessment: _rank(claim, assessment))


def most_first(found: Iterable[Assessment]) -> list[Assessment]:
    """The assessments that say most about a question first: complete ones, then those with more seeds."""
    return sorted(_newest_first(found), key=lambda one: (not one.evidence.complete, -one.experiment.seeds))


def _newest_first(found: Iterable[Assessment]) -> list[Assessment]:
    """The tie-break between equally good evidence: the latest record, then the order of protocols."""
    return sorted(
        found,
        key=lambda one: max((run.record.finished for run in one.evidence.runs), default=""),
        reverse=True,
    )


def _rank(claim: Claim, found: Assessment) -> tuple[int, ...]:
    """Complete before unfinished, valid before invalid, the paper's scale before others, more seeds first.

    A variant of the paper's scale comes after what the claim itself declares.
    """
    case, verdict = found.case(claim), found.verdict(claim)
    return (
        found.evidence.protocol.smoke or verdict.outcome is Outcome.SMOKE,
        bool(found.evidence.missing or found.evidence.plan.to_come),
        verdict.outcome in (Outcome.INVALID, Outcome.NOT_RUN),
        not case.at_paper_scale,
        bool(found.evidence.protocol.scale),
        -case.seeds,
    )


def _name(experiment: Experiment) -> Name:
    """What distinguishes experiments on one store."""
    return experiment.reproduction.name, experiment.protocol.name, experiment.conditions, experiment.seeds
