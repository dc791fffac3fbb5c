"""Gates: questions that are asked in order before any rule, each of which may stop a case.

A gate is a value: its question, why it stops a case or what is said of one that it lets pass, and the
outcome of a case that it stops. Verdicts and `explain` read the same values. The last gate stops nothing: it
caps what the rules may say. n is the number of seeds, whatever an effect counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.contract.effect import Effect
from harness.contract.trial import Status
from harness.effects.from_runs import idle
from harness.effects.statistics.significance import LOOKS
from harness.paper.claims import Claim, Kind
from harness.plans.experiment import Check, Evidence, Protocol, Reproduction
from harness.verdicts import trained_enough
from harness.verdicts.trained_enough import Answer
from harness.verdicts.verdict import Outcome, Verdict

FEWEST = 3  # seeds for any verdict
ENOUGH = 5  # seeds for more than a direction
PROXY = "proxy"  # what qualifies an outcome at another scale than the paper's
Reasons = Sequence[str]


@dataclass(frozen=True)
class Case:
    """All that a gate or a rule may look at; `interim`: seeds are added at interim looks.

    `effect` is of the primary metric; `effects` are all of the claim's, for counts are judged by each.
    """

    claim: Claim
    evidence: Evidence
    effect: Effect | None
    invalid: Reasons
    interim: bool
    effects: Sequence[Effect] = ()
    reproduction: Reproduction | None = None

    def say(self, outcome: Outcome, *reasons: str, qualifier: str = "", audit: bool = False) -> Verdict:
        """A verdict on this case."""
        return Verdict(self.claim.id, self.evidence.protocol.name, outcome, reasons, qualifier, audit)

    @property
    def at_paper_scale(self) -> bool:
        """Whether the protocol is the one that the claim names as the paper's scale."""
        return at_paper_scale(self.claim, self.evidence.protocol)

    @property
    def seeds(self) -> int:
        """Seeds that the effect rests on: no more than the final runs have."""
        final = len({r.seed for r in self.evidence.final()})
        return min(final, self.effect.n) if self.effect else 0


@dataclass(frozen=True)
class Gate:
    """A question asked of a case, and both answers."""

    name: str
    question: str
    stopped: Callable[[Case], Reasons]  # why the case stops here; nothing where it passes
    passed: Callable[[Case], str]  # what is said of a case that passes
    outcome: Outcome | None  # of a case that is stopped; None: the rules go on, within what the gate allows
    qualifier: Callable[[Case], str] = lambda case: ""

    def verdict(self, case: Case) -> Verdict | None:
        """The verdict on a case that the gate stops."""
        if self.outcome is None or not (reasons := self.stopped(case)):
            return None
        return case.say(self.outcome, *reasons, qualifier=self.qualifier(case))


def at_paper_scale(claim: Claim, protocol: Protocol) -> bool:
    """Whether the protocol is the one that the claim names as the paper's scale, or a variant of it."""
    return (protocol.scale or protocol.name) == claim.paper_scale


def ever_judged(claim: Claim) -> bool:
    """Whether the claim is one to be judged at all."""
    return claim.kind is not Kind.COST and claim.paper_scale is not None


def judged_at(claim: Claim, protocol: Protocol) -> bool:
    """Whether the claim can be judged at the protocol; a level or count has no band at another scale."""
    bound = claim.kind in (Kind.LEVEL, Kind.EXACT) and not at_paper_scale(claim, protocol)
    return ever_judged(claim) and not bound


def _no_run(case: Case) -> Reasons:
    nothing_to_run = case.claim.kind is Kind.EXACT and not case.evidence.plan.trials
    if case.evidence.final() or (nothing_to_run and case.effect is not None):
        return ()
    return ("gate not run: no final trial has a record",)


def _runs_counted(case: Case) -> str:
    final = len(case.evidence.final())
    return f"{final} final runs have a record" if final else "nothing has to be run"


def _faults(case: Case) -> Reasons:
    return [f"gate invalid: {reason}" for reason in case.invalid or _lost_runs(case)]


def _lost_runs(case: Case) -> list[str]:
    """Failed final runs, and those that diverged or learned nothing and that the effect left out."""
    final = case.evidence.final()
    failed = [r.record.key for r in final if r.record.status is Status.FAILED]
    left_out = {
        "diverged runs": [r.record.key for r in final if r.record.status is Status.DIVERGED],
        "runs that learned nothing": [r.record.key for r in idle(case.evidence)],
    }
    found = [f"final runs failed: {_listed(failed)}"] if failed else []
    if _fewer_than_ran(case):
        found += [f"{what} were left out: {_listed(keys)}" for what, keys in left_out.items() if keys]
    return found


def _fewer_than_ran(case: Case) -> bool:
    """Whether the effect rests on fewer runs than its arms have.

    A baseline may have more seeds than the arms: n is the number of the smaller arm, and what an arm lacks of
    its own is seen by its count, which is then no arm's number of seeds.
    """
    seeds: dict[str, set[int]] = {}
    for run in case.evidence.final():
        seeds.setdefault(run.arm, set()).add(run.seed)
    sizes = set(map(len, seeds.values()))
    n, counts = (case.effect.n, case.effect.counts) if case.effect else (0, ())
    return n < min(sizes, default=0) or not sizes.issuperset(counts)


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(sorted(keys))


def _comparable(case: Case) -> str:
    if not case.evidence.final():
        return "no runs that could differ"
    return "the arms differ in the manipulated factor alone, and no run is lost or hidden"


def _no_evidence_of_anything(case: Case) -> Reasons:
    if case.evidence.protocol.smoke:
        return ("gate smoke: this protocol shows only that the code runs",)
    if any(run.stand_in for run in case.evidence.final()):
        return ("gate smoke: runs on stand-in data say nothing of the paper",)
    return ()


def _unfinished(case: Case) -> Reasons:
    plan, done = case.evidence.plan, len(case.evidence.runs)
    if plan.to_come or done < len(plan.trials):
        then = f", then {plan.to_come}" if plan.to_come else ""
        return (f"incomplete: {done} of {len(plan.trials)} trials{then}",)
    if case.effect is None or case.effect.n == 0:
        return ("no effect could be estimated from the runs",)
    return ()


def _not_to_judge(case: Case) -> Reasons:
    if not ever_judged(case.claim):
        return ("shown beside the paper's, never judged",)
    if not judged_at(case.claim, case.evidence.protocol):
        return (f"gate scale: a {case.claim.kind} at another scale than the paper's has no band to lie in",)
    return ()


def _too_few(case: Case) -> Reasons:
    if case.claim.kind is Kind.EXACT or case.seeds >= FEWEST:
        return ()
    return (f"gate few seeds: n = {case.seeds}, and a verdict needs {FEWEST}",)


def _enough(case: Case) -> str:
    if case.claim.kind is Kind.EXACT:
        return "no chance is involved"
    level = case.claim.kind is Kind.LEVEL
    most = "it may lie inside its band and no more" if level else "a direction is the most that can be said"
    capped = f", so that {most} (more needs {ENOUGH})"
    return f"n = {case.seeds}{capped if case.seeds < ENOUGH else ''}; a verdict needs {FEWEST}"


def _undeclared(case: Case) -> Reasons:
    if not case.interim or case.claim.kind is Kind.EXACT or case.seeds in LOOKS:
        return ()
    return (f"gate looks: n = {case.seeds} is none of the declared {', '.join(map(str, LOOKS))}",)


def _declared(case: Case) -> str:
    return f"n = {case.seeds} is a declared look" if case.interim else "seeds were fixed beforehand: no looks"


def _fit(case: Case) -> Answer:
    return trained_enough.fitted(case.claim, case.evidence, case.reproduction)


def _halves(case: Case) -> Answer:
    return trained_enough.alike(case.claim, case.evidence, case.reproduction)


def _asked(check: Check, ask: Callable[[Case], Answer]) -> Callable[[Case], Reasons]:
    """Why the case stops, where its protocol declares the gate."""

    def stopped(case: Case) -> Reasons:
        answer = ask(case) if check in case.evidence.protocol.gates else None
        return (f"gate {check}: {answer.words}",) if answer and answer.stops else ()

    return stopped


def _answered(check: Check, ask: Callable[[Case], Answer]) -> Callable[[Case], str]:
    """What is said of a case that the gate lets pass."""
    undeclared = "not asked: the protocol does not declare it"
    return lambda case: ask(case).words if check in case.evidence.protocol.gates else undeclared


def _checked(check: Check, question: str, ask: Callable[[Case], Answer]) -> Gate:
    stopped, answered = _asked(check, ask), _answered(check, ask)
    return Gate(str(check), question, stopped, answered, Outcome.INVALID, lambda case: str(check))


def _smaller(case: Case) -> Reasons:
    if case.at_paper_scale:
        return ()
    wanted, here = case.claim.paper_scale, case.evidence.protocol.name
    return (f"gate scale: {here} is not {wanted}, so that no band applies",)


NOT_RUN = Gate("not run", "has any final trial a record?", _no_run, _runs_counted, Outcome.NOT_RUN)
INVALID = Gate("invalid", "can the runs be compared?", _faults, _comparable, Outcome.INVALID)
SMOKE = Gate(
    "smoke",
    "is it more than a check of the code?",
    _no_evidence_of_anything,
    lambda case: f"{case.evidence.protocol.name} is no smoke protocol, and no stand-in data",
    Outcome.SMOKE,
)
INCOMPLETE = Gate(
    "incomplete",
    "is every trial done?",
    _unfinished,
    lambda case: f"all {len(case.evidence.plan.trials)} planned trials have a record, and there is an effect",
    Outcome.INCONCLUSIVE,
)
REPORTED = Gate(
    "reported",
    "is the claim to be judged, at this scale?",
    _not_to_judge,
    lambda case: "the claim is one to be judged, and this scale allows it",
    Outcome.REPORTED,
    lambda case: PROXY if ever_judged(case.claim) else "",
)
FEW_SEEDS = Gate("few seeds", "are the seeds enough?", _too_few, _enough, Outcome.INCONCLUSIVE)
LOOK = Gate("looks", "was a look declared at this n?", _undeclared, _declared, Outcome.INCONCLUSIVE)
UNDER_FITTED = _checked(Check.UNDER_FITTED, "could networks trained so far show it?", _fit)
HALVES = _checked(Check.HALVES, "do two halves of the baseline agree?", _halves)
SCALE = Gate(
    "scale",
    "is it the paper's scale?",
    _smaller,
    lambda case: f"{case.evidence.protocol.name} is the paper's scale: the band applies",
    None,
)
GATES = (NOT_RUN, INVALID, SMOKE, INCOMPLETE, REPORTED, FEW_SEEDS, LOOK, UNDER_FITTED, HALVES, SCALE)
