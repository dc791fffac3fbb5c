"""What a reproduction declares: its protocols, the plan that follows from the records so far, its estimate.

A plan is a pure function of the records: it names every trial known to be needed, in order. The runner runs
those without a record and asks again, until nothing is missing. So a plan may be adaptive (successive
halving, interim looks), and an interrupted experiment resumes by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from harness.contract.effect import Effect
from harness.contract.errors import UnknownName, own_code
from harness.contract.once import once
from harness.contract.trial import Precision, Settings, Status, Trial
from harness.records.conditions import Conditions
from harness.records.keys import canonical, key_of
from harness.records.record import Record
from harness.records.store import Store


class Role(StrEnum):
    """What a trial is for. Only final trials enter an effect."""

    TUNING = "tuning"
    TRAINING = "training"  # of a network that final trials measure
    FINAL = "final"
    SHARED_RATE = "shared rate"  # final trials repeated at that rate, for arms with another rate


AT_OWN_RATE = (Role.FINAL, Role.TRAINING)  # trials of an arm at the learning rate chosen for it


class Check(StrEnum):
    """A check that a protocol makes of its own runs before they may show anything."""

    UNDER_FITTED = "under-fitted"  # are the networks trained enough to show the claim?
    HALVES = "A/A"  # do two halves of the baseline agree?


T = TypeVar("T", bound=Settings)
# Dotted settings in which arms may differ. A tuple: any arms. A mapping: this arm from the first, or this arm
# from that one; nothing else may differ, and nothing at all between runs of one arm.
Compared = str | tuple[str, str]
Manipulated = tuple[str, ...] | Mapping[Compared, tuple[str, ...]]
IN_BF16 = "Forward and backward pass in bf16, weights and updates in fp32."


@dataclass(frozen=True)
class Protocol:
    """The scale a reproduction runs at."""

    name: str
    summary: str
    dataset: str | None
    seeds: int
    settings: Any = None  # the reproduction's own frozen dataclass
    deviations: tuple[str, ...] = ()
    precision: Precision | None = None  # None: bf16 if the hardware has it, else fp32
    scale: str = ""  # the paper scale that this is a variant of, if its name differs
    per_arm: tuple[str, ...] = ()  # dotted settings chosen for each arm, such as by tuning
    gates: tuple[Check, ...] = ()  # asked before a verdict; a proxy should declare them
    unjudged: str = ""  # why no claim is judged here although trials run; empty: claims are judged
    under_fitted: bool = False  # in pilots: the gate of that name stopped claims about accuracy

    @property
    def smoke(self) -> bool:
        """Whether this only shows that the code runs: never a verdict."""
        return self.name == "smoke"

    def at_scale(self, name: str | None) -> bool:
        """Whether this is the protocol of that name, or a variant of it."""
        return (self.scale or self.name) == name

    def at(self, precision: Precision) -> Protocol:
        """The protocol in a precision, which is a deviation if it is not fp32."""
        declared = tuple(deviation for deviation in self.deviations if deviation != IN_BF16)
        more = (IN_BF16,) if precision is Precision.BF16 else ()
        return replace(self, precision=precision, deviations=declared + more)

    def trial(self, settings: T, seed: int) -> Trial[T]:
        """A trial in the protocol's precision: the same object for the same settings and seed."""
        made: Trial[T] = _trials(settings)(seed, self.precision or Precision.FP32)
        return made


@dataclass(frozen=True)
class Planned:
    """A trial and its place in the experiment."""

    trial: Trial
    arm: str
    role: Role


@dataclass(frozen=True)
class Plan:
    """All trials known to be needed; `to_come` describes what cannot be known yet (empty: nothing)."""

    trials: tuple[Planned, ...] = ()
    to_come: str = ""

    @property
    def seeds(self) -> dict[str, set[int]]:
        """The seeds of each arm's final trials."""
        found: dict[str, set[int]] = {}
        for one in self.trials:
            if one.role is Role.FINAL:
                found.setdefault(one.arm, set()).add(one.trial.seed)
        return found


@dataclass(frozen=True)
class Run:
    """A planned trial with the record that answers it."""

    planned: Planned
    record: Record

    @property
    def arm(self) -> str:
        """The arm the run belongs to."""
        return self.planned.arm

    @property
    def seed(self) -> int:
        """The run's seed, shared between arms."""
        return self.planned.trial.seed

    @property
    def stand_in(self) -> bool:
        """Whether it read the procedural stand-in for a data set."""
        data = self.record.conditions.data
        return data is not None and data.stand_in


Lookup = Callable[[Trial], Record | None]


@dataclass(frozen=True)
class Evidence:
    """A plan with the runs that answer it: everything that an estimate or a verdict may use."""

    protocol: Protocol
    plan: Plan
    runs: tuple[Run, ...]

    def final(self, arm: str | None = None) -> list[Run]:
        """The final runs, of one arm or of all, by seed."""
        return list(self._final if arm is None else self.by_arm.get(arm, ()))

    @cached_property
    def _final(self) -> list[Run]:
        return sorted((r for r in self.runs if r.planned.role is Role.FINAL), key=lambda r: r.seed)

    @cached_property
    def by_arm(self) -> Mapping[str, list[Run]]:
        """The final runs by arm, each arm's by seed."""
        found: dict[str, list[Run]] = {}
        for run in self._final:
            found.setdefault(run.arm, []).append(run)
        return found

    def at_shared_rate(self) -> Evidence | None:
        """The evidence with every arm at the shared rate; None if each has that rate anyway."""
        others = {r.arm for r in self.runs if r.planned.role is Role.SHARED_RATE}
        if not others:
            return None
        kept = {
            id(p): replace(p, role=Role.FINAL) if p.role is Role.SHARED_RATE else p
            for p in self.plan.trials
            if p.role is not Role.FINAL or p.arm not in others
        }
        runs = (replace(r, planned=kept[id(r.planned)]) for r in self.runs if id(r.planned) in kept)
        return replace(self, plan=replace(self.plan, trials=tuple(kept.values())), runs=tuple(runs))

    @property
    def stand_in(self) -> bool:
        """Whether any run was made on the procedural stand-in for a data set."""
        return any(run.stand_in for run in self.runs)

    @property
    def arms(self) -> list[str]:
        """The arms in the plan's order."""
        return list(dict.fromkeys(planned.arm for planned in self.plan.trials))

    @property
    def missing(self) -> list[Planned]:
        """Planned trials without a record."""
        answered = {id(r.planned) for r in self.runs}
        return [p for p in self.plan.trials if id(p) not in answered]

    @property
    def to_run(self) -> list[Planned]:
        """Planned trials without a valid record; a failed attempt is not valid."""
        held = {id(r.planned) for r in self.runs if r.record.status is not Status.FAILED}
        return [p for p in self.plan.trials if id(p) not in held]

    @property
    def complete(self) -> bool:
        """Whether nothing is left to run and nothing is still to come."""
        return not self.to_run and not self.plan.to_come


@dataclass(frozen=True)
class Table:
    """A table that a reproduction adds to its section of the report."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    note: str = ""  # what a reader must know about it, one paragraph per line


@dataclass(frozen=True)
class Finding:
    """The result of a reproduction's estimate: effects by claim, the primary one first, and tables."""

    effects: Mapping[str, tuple[Effect, ...]] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    deviations: tuple[str, ...] = ()
    void: Mapping[str, str] = field(default_factory=dict)  # why the runs cannot show a claim


class Figure(StrEnum):
    """The drawings that a reproduction can name: see harness/reporting/figures."""

    ARCHITECTURE = "architecture"
    KERNELS = "kernels"
    LEARNING_CURVES = "learning-curves"
    NEIGHBOURS = "neighbours"
    PLATEAUS = "plateaus"
    STEP_TIMELINE = "step-timeline"
    TRAINING_CURVES = "training-curves"


@dataclass(frozen=True)
class Reproduction:
    """One file of `reproductions/`: how one or a few claims are answered, at any of its protocols.

    One without claims asks a `question` that is not the paper's: it is planned, run and shown like others,
    but never judged.
    """

    name: str
    claims: tuple[str, ...]
    protocols: tuple[Protocol, ...]
    plan: Callable[[Protocol, int, Lookup], Plan]
    estimate: Callable[[Evidence], Finding]
    figure: str | None = None  # the name of a Figure; None: only the runs and intervals are drawn
    manipulated: Manipulated = ()  # dotted settings in which arms may differ
    overfitting_arm: str | None = None  # the one without the remedy; None: none has to overfit
    question: str = ""  # what a reproduction without claims asks

    def protocol(self, name: str) -> Protocol:
        """The protocol of that name; UnknownName with the nearest names if there is none."""
        known = {protocol.name: protocol for protocol in self.protocols}
        if name not in known:
            raise UnknownName("protocol", name, known, of=self.name)
        return known[name]


def unfold(reproduction: Reproduction, protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
    """The plan as far as the records allow; ReproductionFails if it raises."""
    with own_code(f"the plan of {reproduction.name} at {protocol.name}"):
        return reproduction.plan(protocol, seeds, lookup)


def gather(reproduction: Reproduction, protocol: Protocol, seeds: int, lookup: Lookup) -> Evidence:
    """The plan as far as the records allow, with the runs that answer it."""
    plan = unfold(reproduction, protocol, seeds, lookup)
    found = ((p, lookup(p.trial)) for p in plan.trials)
    runs = tuple(Run(p, record) for p, record in found if record is not None)
    return Evidence(protocol, plan, runs)


@dataclass(frozen=True)
class Experiment:
    """A reproduction at a protocol, with a number of seeds an arm, under conditions, on data.

    The protocol has the precision of the conditions, so that what is planned is what is trained.
    """

    reproduction: Reproduction
    protocol: Protocol
    seeds: int
    conditions: Conditions
    data: Path | None = None

    def __post_init__(self) -> None:
        """Adopts the precision of the conditions."""
        object.__setattr__(self, "protocol", self.protocol.at(self.conditions.precision))

    @property
    def name(self) -> str:
        """`relu-speedup at cifar10`."""
        return f"{self.reproduction.name} at {self.protocol.name}"

    def key(self, trial: Trial) -> str:
        """The trial's key under the experiment's conditions and today's code."""
        known, conditions = _keys(trial), canonical(self.conditions)
        if conditions not in known:
            known[conditions] = key_of(trial, self.conditions)
        return known[conditions]

    def ask(self, store: Store) -> None:
        """Records in the store, before anything runs, how many seeds were requested."""
        store.ask(self.reproduction.name, self.protocol.name, self.conditions, self.seeds)

    def asked(self, store: Store) -> int:
        """The most seeds ever requested for the experiment, or 0."""
        return store.asked(self.reproduction.name, self.protocol.name, self.conditions)

    def as_asked(self, store: Store) -> Experiment:
        """The experiment with the most seeds ever requested for it: the one that is judged."""
        return replace(self, seeds=self.asked(store) or self.seeds)

    def evidence(self, store: Store) -> Evidence:
        """The plan as far as the store's records allow, with the runs that answer it.

        Runs can be compared only on one processor. So where laboratories ran the same trials, and the latest
        records are of several processors, those of the processor are taken that leaves fewest of others.
        """
        latest = self._gathered(store)
        if not _of_others(latest):
            return latest
        keys = {run.record.key for run in latest.runs}
        rivals = {r.processor for key in keys if len(found := store.attempts(key)) > 1 for r in found}
        each = [latest, *(self._gathered(store, one) for one in sorted(rivals, key=str))]
        return min(each, key=lambda one: (_of_others(one), -len(one.runs)))

    def _gathered(self, store: Store, processor: object = None) -> Evidence:
        lookup = self.lookup(store, processor)
        return gather(self.reproduction, self.protocol, self.seeds, lookup)

    def lookup(self, store: Store, processor: object = None) -> Lookup:
        """Finds the record of a trial under this experiment's conditions and today's code."""
        return lambda trial: store.find(self.key(trial), processor)


def _of_others(evidence: Evidence) -> int:
    """How many of the runs that are compared are not of the processor that most are of."""
    found = Counter(run.record.processor for run in evidence.runs if run.planned.role is not Role.TUNING)
    return found.total() - max(found.values(), default=0)


@once
def _trials(settings: Any) -> Callable[[int, Precision], Any]:
    """Makes trials with the settings, each once, as plans name the same ones again and again."""
    return cache(partial(Trial, settings))


@once
def _keys(trial: Trial) -> dict[str, str]:
    """The trial's keys so far, by the canonical text of the conditions."""
    return {}
