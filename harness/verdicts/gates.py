"""Gates: questions asked in order before any rule, each of which may stop a case.

A gate is a value: its question, the reasons why it stops a case or the answer for one that passes, and the
outcome of a case that it stops. Verdicts and `explain` read the same values. The last gate stops nothing: it
limits what the rules may say. n is the number of seeds, whatever an effect counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.contract.effect import Effect
from harness.contract.formatting import count
from harness.contract.trial import Status
from harness.effects.from_runs import idle
from harness.effects.statistics.significance import LOOKS
from harness.paper.claims import Claim, Fit, Kind
from harness.plans.experiment import Check, Evidence, Protocol, Reproduction, Role, Run
from harness.verdicts import trained_enough
from harness.verdicts.trained_enough import Answer, not_asked
from harness.verdicts.verdict import Outcome, Qualifier, Verdict

FEWEST = 3  # seeds for any verdict
ENOUGH = 5  # seeds for more than a direction
Reasons = Sequence[str]


@dataclass(frozen=True)
class Case:
    """Everything that a gate or a rule may use.

    `effect` is that of the primary metric; `effects` are all of the claim's, since each count is judged.
    `invalid` are the sentences of `validity.problems`; `interim` says that seeds were added at the declared
    looks because earlier verdicts were undecided; the reproduction names the arm that a gate asks about.
    """

    claim: Claim
    evidence: Evidence
    effect: Effect | None
    invalid: Reasons = ()
    interim: bool = False
    effects: Sequence[Effect] = ()
    reproduction: Reproduction | None = None

    def say(self, outcome: Outcome, *reasons: str, qualifier: Qualifier = Qualifier.NONE) -> Verdict:
        """A verdict on this case."""
        return Verdict(self.claim.id, self.evidence.protocol.name, outcome, reasons, qualifier)

    @property
    def at_paper_scale(self) -> bool:
        """Whether the claim names this protocol as the paper's scale."""
        return at_paper_scale(self.claim, self.evidence.protocol)

    @property
    def seeds(self) -> int:
        """The number of seeds behind the effect: no more than the final runs have."""
        final = len({r.seed for r in self.evidence.final()})
        return min(final, self.effect.n) if self.effect else 0


@dataclass(frozen=True)
class Gate:
    """A question about a case, and both answers."""

    name: str
    question: str
    stopped: Callable[[Case], Reasons]  # why the case stops here; empty if it passes
    passed: Callable[[Case], str]  # the answer for a case that passes
    outcome: Outcome | None  # of a stopped case; None: the rules still apply, within what the gate allows
    qualifier: Callable[[Case], Qualifier] = lambda case: Qualifier.NONE
    asked: Callable[[Case], bool] = lambda case: True  # whether the question arises at all

    def verdict(self, case: Case) -> Verdict | None:
        """The verdict on the case if the gate stops it."""
        if self.outcome is None or not (reasons := self.stopped(case)):
            return None
        return case.say(self.outcome, *reasons, qualifier=self.qualifier(case))


def at_paper_scale(claim: Claim, protocol: Protocol) -> bool:
    """Whether the claim names this protocol, or the one it is a variant of, as the paper's scale."""
    return protocol.at_scale(claim.paper_scale)


def ever_judged(claim: Claim) -> bool:
    """Whether the claim is judged at all."""
    return claim.kind is not Kind.COST and claim.paper_scale is not None


def judged_at(claim: Claim, protocol: Protocol) -> bool:
    """Whether the claim can be judged at the protocol; a level or count has no band at other scales."""
    bound = claim.kind in (Kind.LEVEL, Kind.EXACT) and not at_paper_scale(claim, protocol)
    return ever_judged(claim) and not bound and not protocol.unjudged


def fails_in_pilots(claim: Claim, protocol: Protocol) -> bool:
    """Whether pilots showed that the gate *under-fitted* stops the claim at the protocol."""
    return claim.fit is Fit.FLATTENED and protocol.under_fitted


def _no_run(case: Case) -> Reasons:
    nothing_to_run = case.claim.kind is Kind.EXACT and not case.evidence.plan.trials
    if case.evidence.final() or (nothing_to_run and case.effect is not None):
        return ()
    plan = case.evidence.plan
    if plan.to_come and not plan.seeds and case.evidence.runs:
        done = f"{len(case.evidence.runs)} of {len(plan.trials)} trials"
        return (
            f"gate not run: no final trial is known before the tuning is complete ({done} have a record)",
        )
    return ("gate not run: no final trial has a record",)


def _runs_counted(case: Case) -> str:
    final = len(case.evidence.final())
    have = "has" if final == 1 else "have"
    return f"{count(final, 'final run')} {have} a record" if final else "nothing needs to be run"


def _faults(case: Case) -> Reasons:
    return [f"gate invalid: {reason}" for reason in case.invalid or _lost_runs(case)]


def _lost_runs(case: Case) -> list[str]:
    """Failed final runs, and diverged or idle ones that the effect left out."""
    final = case.evidence.final()
    failed = [r.record.key for r in final if r.record.status is Status.FAILED]
    left_out = {
        "diverged runs": [r.record.key for r in final if r.record.status is Status.DIVERGED],
        "runs that learned nothing": [r.record.key for r in idle(case.evidence)],
    }
    found = [f"final runs failed: {_listed(failed)}"] if failed else []
    if unmeasured := [r.record.key for r in case.evidence.runs if _unmeasured(r)]:
        found.append(f"networks diverged, so that they could not be measured: {_listed(unmeasured)}")
    if _fewer_than_ran(case):
        found += [f"{what} were left out: {_listed(keys)}" for what, keys in left_out.items() if keys]
    fewest, n = min(_sizes(case), default=0), case.effect.n if case.effect else 0
    if not found and case.evidence.complete and 0 < n < fewest:
        found.append(f"every arm has at least {fewest} seeds, but only {n} enter the effect")
    return found


def _unmeasured(run: Run) -> bool:
    """Whether it trained a network for a measurement that can never be made."""
    return run.planned.role is Role.TRAINING and run.record.status is Status.DIVERGED


def _fewer_than_ran(case: Case) -> bool:
    """Whether the effect rests on fewer runs than its arms have.

    A baseline may have more seeds than the arms: n is that of the smaller arm. Runs missing from an arm show
    in its count, which then equals no arm's number of seeds.
    """
    sizes = _sizes(case)
    n, counts = (case.effect.n, case.effect.counts) if case.effect else (0, ())
    return n < min(sizes, default=0) or not sizes.issuperset(counts)


def _sizes(case: Case) -> set[int]:
    """How many seeds of final runs the arms have."""
    return {len({run.seed for run in runs}) for runs in case.evidence.by_arm.values()}


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(sorted(keys))


def _comparable(case: Case) -> str:
    if not case.evidence.final():
        return "no runs that could differ"
    return "the arms differ only in the manipulated factor, and no run is lost or hidden"


def _no_evidence_of_anything(case: Case) -> Reasons:
    if case.evidence.protocol.smoke:
        return ("gate smoke: this protocol shows only that the code runs",)
    if any(run.stand_in for run in case.evidence.final()):
        return ("gate smoke: runs on stand-in data say nothing about the paper",)
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
    why = _unjudged(case.claim, case.evidence.protocol)
    return (why, *_unfinished(case)) if why else ()


def _unjudged(claim: Claim, protocol: Protocol) -> str:
    """Why the claim is not judged at the protocol; empty if it is."""
    if not ever_judged(claim):
        return "shown beside the paper's figure, never judged"
    if protocol.unjudged:
        return f"gate scale: {protocol.unjudged}"
    if not judged_at(claim, protocol):
        return f"gate scale: at a scale other than the paper's, a {claim.kind} has no band"
    return ""


def _too_few(case: Case) -> Reasons:
    if case.claim.kind is Kind.EXACT or case.seeds >= FEWEST:
        return ()
    return (f"gate few seeds: n = {case.seeds}, but a verdict needs {FEWEST}",)


def _enough(case: Case) -> str:
    if case.claim.kind is Kind.EXACT:
        return "no randomness is involved"
    level = case.claim.kind is Kind.LEVEL
    most = "at most it can lie inside its band" if level else "at most a direction can be shown"
    capped = f", so {most} (more needs {ENOUGH})"
    return f"n = {case.seeds}{capped if case.seeds < ENOUGH else ''}; a verdict needs {FEWEST}"


def _undeclared(case: Case) -> Reasons:
    if not case.interim or case.claim.kind is Kind.EXACT or case.seeds in LOOKS:
        return ()
    return (f"gate looks: n = {case.seeds} is not a declared look ({', '.join(map(str, LOOKS))})",)


def _declared(case: Case) -> str:
    if not case.interim:
        return "not asked: seeds were fixed in advance"
    return f"n = {case.seeds} is a declared look"


def _fit(case: Case) -> Answer:
    return trained_enough.fitted(case.claim, case.evidence, case.reproduction)


def _halves(case: Case) -> Answer:
    return trained_enough.alike(case.claim, case.evidence)


def _checked(check: Check, question: str, ask: Callable[[Case], Answer]) -> Gate:
    """A gate that is asked where the protocol declares the check, and where it concerns the claim."""

    def answer(case: Case) -> Answer:
        declared = check in case.evidence.protocol.gates
        return ask(case) if declared else not_asked("the protocol does not declare it")

    def stopped(case: Case) -> Reasons:
        found = answer(case)
        return (f"gate {check}: {found.words}",) if found.stops else ()

    def passed(case: Case) -> str:
        return answer(case).words

    def asked(case: Case) -> bool:
        return answer(case).asked

    return Gate(str(check), question, stopped, passed, Outcome.INVALID, lambda case: Qualifier(check), asked)


def _smaller(case: Case) -> Reasons:
    if case.at_paper_scale:
        return ()
    wanted, here = case.claim.paper_scale, case.evidence.protocol.name
    return (f"gate scale: {here} is not {wanted}, so no band applies",)


def _elsewhere(case: Case) -> Qualifier:
    """Marks what says nothing about the paper's scale, even if it stops before that is asked."""
    return Qualifier.PROXY if ever_judged(case.claim) and not case.at_paper_scale else Qualifier.NONE


NOT_RUN = Gate("not run", "does any final trial have a record?", _no_run, _runs_counted, Outcome.NOT_RUN)
INVALID = Gate("invalid", "can the runs be compared?", _faults, _comparable, Outcome.INVALID)
SMOKE = Gate(
    "smoke",
    "is it more than a check of the code?",
    _no_evidence_of_anything,
    lambda case: f"{case.evidence.protocol.name} is not a smoke protocol, and no run used stand-in data",
    Outcome.SMOKE,
)
REPORTED = Gate(
    "reported",
    "can the claim be judged at this scale?",
    _not_to_judge,
    lambda case: "the claim can be judged, and this scale allows it",
    Outcome.REPORTED,
    _elsewhere,
)
INCOMPLETE = Gate(
    "incomplete",
    "is every trial done?",
    _unfinished,
    lambda case: f"all {len(case.evidence.plan.trials)} planned trials have a record, and there is an effect",
    Outcome.INCONCLUSIVE,
    _elsewhere,
)
FEW_SEEDS = Gate("few seeds", "are there enough seeds?", _too_few, _enough, Outcome.INCONCLUSIVE, _elsewhere)
LOOK = Gate(
    "looks",
    "was a look declared at this n?",
    _undeclared,
    _declared,
    Outcome.INCONCLUSIVE,
    _elsewhere,
    asked=lambda case: case.interim,
)
UNDER_FITTED = _checked(Check.UNDER_FITTED, "are the networks trained enough to show it?", _fit)
HALVES = _checked(Check.HALVES, "do two halves of the baseline agree?", _halves)
SCALE = Gate(
    "scale",
    "is it the paper's scale?",
    _smaller,
    lambda case: f"{case.evidence.protocol.name} is the paper's scale: the band applies",
    None,
)
GATES = (NOT_RUN, INVALID, SMOKE, REPORTED, INCOMPLETE, FEW_SEEDS, LOOK, UNDER_FITTED, HALVES, SCALE)
