"""Planning within a given time: what decides most comes first, and what will not fit is said beforehand.

An experiment is worth the undecided claims that it answers, and costs the most time its trials can take.
Experiments without a verdict come first, then inconclusive ones, each in order of increasing cost per claim:
no other order decides more claims within a given time. Decided claims follow, once nothing undecided is left,
and what no run can decide comes last: questions that are not claims of the paper, claims that are never
judged at that protocol, and those for which pilots there were under-fitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from harness.contract.device import Device, DeviceKind
from harness.contract.trial import Status, Trial
from harness.forecast import cost, speeds
from harness.forecast.cost import SpeedSource
from harness.paper.claims import Claim
from harness.paper.papers import claim
from harness.plans.experiment import Experiment, Protocol, Reproduction, gather, unfold
from harness.records.conditions import Conditions
from harness.records.record import Record
from harness.records.store import Store
from harness.verdicts.assess import Assessments
from harness.verdicts.gates import fails_in_pilots, judged_at
from harness.verdicts.rules import decided
from harness.verdicts.verdict import Outcome, Verdict


class Standing(IntEnum):
    """What is known about the experiment's claim about which least is known."""

    NO_VERDICT = 0
    INCONCLUSIVE = 1
    DECIDED = 2
    UNDECIDABLE = 3  # no run of it can decide a claim


class Intent(StrEnum):
    """How much of an experiment will be done."""

    WHOLE = "all of it"
    PART = "as far as time allows"
    SPARE = "only if time is left over"
    NOTHING = "nothing left to run"


@dataclass(frozen=True)
class Step:
    """An experiment with what is known about it, the trials it may still need, and their maximum cost.

    `speed` is the source of the speed behind that cost.
    """

    experiment: Experiment
    standing: Standing
    trials: int
    seconds: float
    speed: SpeedSource
    undecided: int = 1  # claims that it may decide
    intent: Intent = Intent.NOTHING

    @property
    def price(self) -> tuple[Standing, float]:
        """The sort key of steps."""
        return self.standing, self.seconds / max(1, self.undecided)


def plan(
    experiments: Sequence[Experiment],
    store: Store,
    device: Device,
    workers: int,
    seconds: float = float("inf"),
) -> list[Step]:
    """The experiments, those that decide most first, each with how much of it will be done."""
    assessments = Assessments(store)
    steps = [_step(experiment, assessments, device, workers) for experiment in experiments]
    return list(intended(sorted(steps, key=lambda step: step.price), seconds))


def _step(experiment: Experiment, assessments: Assessments, device: Device, workers: int) -> Step:
    store = assessments.store
    trials = needed(experiment, store)
    most = cost.price(trials, workers, speeds.known(store, trials, device))
    standing, open_claims = known(experiment, assessments), _undecided(experiment, assessments)
    return Step(experiment, standing, len(trials), most.seconds, most.source, open_claims)


def _undecided(experiment: Experiment, assessments: Assessments) -> int:
    """How many claims a run of the experiment may decide that its evidence has not decided yet."""
    found = assessments.of(experiment)
    return sum(not decided(found.verdict(one)) for one in _decidable(experiment))


def decidable(reproduction: Reproduction, protocol: Protocol) -> list[Claim]:
    """The claims on which a run at the protocol may give a verdict."""
    claims = map(claim, reproduction.claims)
    return [one for one in claims if judged_at(one, protocol) and not fails_in_pilots(one, protocol)]


def _decidable(experiment: Experiment) -> list[Claim]:
    return decidable(experiment.reproduction, experiment.protocol)


def intended(steps: Sequence[Step], seconds: float) -> Iterator[Step]:
    """The steps in order, each with how much of it the time allows."""
    spent = 0.0
    for step in steps:
        begins, spent = spent, spent + step.seconds
        intent = Intent.WHOLE if spent <= seconds else Intent.PART if begins < seconds else Intent.SPARE
        yield replace(step, intent=intent if step.trials else Intent.NOTHING)


def groups(steps: Sequence[Step]) -> list[list[Experiment]]:
    """Undecided experiments, then the others, which begin only when the former have nothing left to run."""
    undecided = [s.experiment for s in steps if s.standing < Standing.DECIDED]
    rest = [s.experiment for s in steps if s.standing >= Standing.DECIDED]
    return [group for group in (undecided, rest) if group]


def needed(experiment: Experiment, store: Store) -> list[Trial]:
    """Trials that the experiment may still need: those known to be missing, and those depending on them."""
    lookup = experiment.lookup(store)

    def answered(trial: Trial) -> Record:
        record = lookup(trial)
        return record if record is not None and record.status is not Status.FAILED else _MADE_UP

    evidence = gather(experiment.reproduction, experiment.protocol, experiment.seeds, answered)
    unanswered = (run.planned.trial for run in evidence.runs if run.record is _MADE_UP)
    return list({experiment.key(trial): trial for trial in unanswered}.values())


def whole(reproduction: Reproduction, protocol: Protocol, seeds: int) -> list[Trial]:
    """Every trial that a plan unfolds to, whatever is stored; fast, since it needs no keys."""
    plan = unfold(reproduction, protocol, seeds, lambda trial: _MADE_UP)
    return [planned.trial for planned in plan.trials]


class _Every(Mapping[str, float | None]):
    """Metrics of a trial that has not run: each is 1, so that a plan unfolds to its end."""

    def __getitem__(self, name: str) -> float:
        return 1.0

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


# Only for plans: no effect ever sees it.
_MADE_UP = Record("", "", {}, Conditions(DeviceKind.CPU, ""), "", Status.OK, metrics=_Every())


def known(experiment: Experiment, assessments: Assessments) -> Standing:
    """What the store says about the experiment's claims, on the machine about which it knows most."""
    if not _decidable(experiment):
        return Standing.UNDECIDABLE
    suitable = (c for c in assessments.conditions if c.suit(experiment.protocol.dataset))
    everywhere = dict.fromkeys((experiment.conditions, *suitable))
    return max(_known(replace(experiment, conditions=c), assessments) for c in everywhere)


def _known(experiment: Experiment, assessments: Assessments) -> Standing:
    at = replace(experiment, seeds=assessments.asked(experiment) or experiment.seeds)
    if not assessments.evidence(at).complete:
        return Standing.NO_VERDICT
    return min(_standing(assessments.of(at).verdict(one)) for one in _decidable(experiment))


def _standing(verdict: Verdict) -> Standing:
    if verdict.outcome in (Outcome.NOT_RUN, Outcome.INVALID, Outcome.SMOKE):
        return Standing.NO_VERDICT
    return Standing.DECIDED if decided(verdict) else Standing.INCONCLUSIVE
