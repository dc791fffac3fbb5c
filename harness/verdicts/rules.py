"""From effect to verdict: gates, asked in order, then rules. Pure functions; every verdict says why.

    gate                 what stops there
    not run              no evidence
    invalid              arms that differ in more than the factor, failed or dropped runs, hidden NaN
    smoke                the smoke protocol, or stand-in data: shows that the code runs and nothing else
    incomplete           trials still to run; or nothing that could be estimated
    reported             costs; levels and counts at another scale than the paper's
    few seeds            n < 3: inconclusive; n = 3 or 4: at best directional
    looks                seeds were added at another n than the declared 3, 5 and 10
    scale                not the paper's: only the side of the null counts, as a proxy

    rule                 when
    reproduced           CI₉₀ inside the band, and CI₉₅ excludes the null where there is one
    directional          CI₉₅ excludes the null on the claimed side (weaker, stronger, size unproven)
    not reproduced       CI₉₅ outside the band and not on the claimed side; for a level, above the band
    inconclusive         all else; a level whose CI₉₅ lies below the band is marked for an audit

n is the number of seeds, whatever an effect counts. At a sequential look (`looks`) both intervals are
replaced by their wider forms at the nominal levels that `stats.LOOKS` explains. A claim without a band
states a direction only, and `directional` without a qualifier is the most that can be said of it.

The design's short form has Pocock's nominal levels at looks, and its gate for scale before the one for few
seeds. Here the levels are stricter, and scale is asked last, as it stops nothing; docs/calibration.md tells
where else the rules say more than the short form, and how often they err.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.contract.effect import Effect, Interval
from harness.contract.trial import Status
from harness.effects.from_runs import idle
from harness.effects.intervals import EQUIVALENCE, LOOK_EQUIVALENCE, LOOKS
from harness.paper.claims import Band, Claim, Kind, Side
from harness.plans.experiment import Evidence
from harness.verdicts.power import MOST_SEEDS, needed_seeds
from harness.verdicts.verdict import Outcome, Verdict

FEWEST = 3  # seeds for any verdict
ENOUGH = 5  # seeds for more than a direction
PAIRS_FOR_A_BOUND = 6  # see survival.py


@dataclass(frozen=True)
class Case:
    """All that a gate or a rule may look at."""

    claim: Claim
    evidence: Evidence
    effect: Effect | None
    invalid: Sequence[str]
    looks: bool

    def say(self, outcome: Outcome, *reasons: str, qualifier: str = "", audit: bool = False) -> Verdict:
        """A verdict on this case."""
        return Verdict(self.claim.id, self.evidence.protocol.name, outcome, reasons, qualifier, audit)

    @property
    def at_paper_scale(self) -> bool:
        """Whether the protocol is the one that the claim names as the paper's scale."""
        protocol = self.evidence.protocol
        return (protocol.scale or protocol.name) == self.claim.paper_scale

    @property
    def seeds(self) -> int:
        """Seeds that the effect rests on: no more than the final runs have."""
        final = len({r.seed for r in self.evidence.final()})
        return min(final, self.effect.n) if self.effect else 0


def judge(
    claim: Claim,
    evidence: Evidence | None,
    effect: Effect | None,
    invalid: Sequence[str] = (),
    looks: bool = False,
) -> Verdict:
    """The verdict on a claim by its primary effect; `invalid` are the sentences of `validity.problems`.

    `looks` says that seeds were added at the declared looks, as the verdicts before were undecided.
    ValueError if the effect is not of the claim's primary metric.
    """
    verdict = decide(claim, evidence, effect, invalid, looks)
    if verdict.outcome is Outcome.INCONCLUSIVE and effect is not None and not verdict.audit:
        return replace(verdict, reasons=(*verdict.reasons, *advice(claim, effect)))
    return verdict


def decide(
    claim: Claim,
    evidence: Evidence | None,
    effect: Effect | None,
    invalid: Sequence[str] = (),
    looks: bool = False,
) -> Verdict:
    """`judge` without the advice on what would decide."""
    if effect is not None and effect.metric != claim.primary.name:
        raise ValueError(f"{claim.id} is judged by {claim.primary.name}, not by {effect.metric}")
    if evidence is None:
        return Verdict(claim.id, None, Outcome.NOT_RUN, ("gate not run: there is no evidence",))
    case = Case(claim, evidence, effect, invalid, looks)
    stopped = (verdict for gate in GATES if (verdict := gate(case)) is not None)
    return next(stopped, None) or _ruled(case)


def decided(verdict: Verdict) -> bool:
    """Whether more seeds could not add to the verdict: where `run --until-decided` stops."""
    if verdict.outcome is Outcome.DIRECTIONAL:
        return verdict.qualifier != "size unproven"
    return verdict.audit or verdict.outcome not in (Outcome.INCONCLUSIVE, Outcome.NOT_RUN)


def advice(claim: Claim, effect: Effect) -> tuple[str, ...]:
    """What the runs could have found, and how many seeds would decide if the paper's figure is true."""
    said = []
    if effect.minimum_detectable is not None:
        size = f"{effect.minimum_detectable:.3g} {effect.unit}".strip()
        said.append(f"with n = {effect.n}, the smallest effect found with 80 % power is {size}")
    if effect.censored and effect.n < PAIRS_FOR_A_BOUND:
        said.append(f"{PAIRS_FOR_A_BOUND} pairs would give a bound as strong as CI₉₅")
    if effect.ci95 is not None and not effect.censored:
        needed = effect.n_to_decide or needed_seeds(effect, claim)
        truth = "the paper's figure" if claim.primary.paper is not None else "the estimate"
        told = f"n = {needed}" if needed else f"more than {MOST_SEEDS} seeds"
        said.append(f"if {truth} is true and the spread as seen, {told} would decide with 80 % power")
    return tuple(said)


def _not_run(case: Case) -> Verdict | None:
    nothing_to_run = case.claim.kind is Kind.EXACT and not case.evidence.plan.trials
    if case.evidence.final() or (nothing_to_run and case.effect is not None):
        return None
    return case.say(Outcome.NOT_RUN, "gate not run: no final trial has a record")


def _invalid(case: Case) -> Verdict | None:
    reasons = [*case.invalid, *([] if case.invalid else _lost_runs(case))]
    return case.say(Outcome.INVALID, *(f"gate invalid: {r}" for r in reasons)) if reasons else None


def _lost_runs(case: Case) -> list[str]:
    """Failed final runs, and those that diverged or learned nothing and that the effect left out."""
    final = case.evidence.final()
    failed = [r.record.key for r in final if r.record.status is Status.FAILED]
    left_out = {
        "diverged runs": [r.record.key for r in final if r.record.status is Status.DIVERGED],
        "runs that learned nothing": [r.record.key for r in idle(case.evidence)],
    }
    counted = case.effect.n if case.effect else 0
    told = [f"final runs failed: {', '.join(sorted(failed))}"] if failed else []
    if counted < len({r.seed for r in final}):
        told += [
            f"{what} were left out: {', '.join(sorted(keys))}" for what, keys in left_out.items() if keys
        ]
    return told


def _smoke(case: Case) -> Verdict | None:
    if case.evidence.protocol.smoke:
        return case.say(Outcome.SMOKE, "gate smoke: this protocol shows only that the code runs")
    if any(run.stand_in for run in case.evidence.final()):
        return case.say(Outcome.SMOKE, "gate smoke: runs on stand-in data say nothing of the paper")
    return None


def _incomplete(case: Case) -> Verdict | None:
    plan, done = case.evidence.plan, len(case.evidence.runs)
    if plan.to_come or done < len(plan.trials):
        count = f"incomplete: {done} of {len(plan.trials)} trials"
        return case.say(Outcome.INCONCLUSIVE, count + (f", then {plan.to_come}" if plan.to_come else ""))
    if case.effect is None or case.effect.n == 0:
        return case.say(Outcome.INCONCLUSIVE, "no effect could be estimated from the runs")
    return None


def _reported(case: Case) -> Verdict | None:
    if case.claim.kind is Kind.COST or case.claim.paper_scale is None:
        return case.say(Outcome.REPORTED, "shown beside the paper's, never judged")
    if case.claim.kind in (Kind.LEVEL, Kind.EXACT) and not case.at_paper_scale:
        reason = f"gate scale: a {case.claim.kind} at another scale than the paper's has no band to lie in"
        return case.say(Outcome.REPORTED, reason, qualifier="proxy")
    return None


def _few_seeds(case: Case) -> Verdict | None:
    if case.claim.kind is Kind.EXACT or case.seeds >= FEWEST:
        return None
    return case.say(Outcome.INCONCLUSIVE, f"gate few seeds: n = {case.seeds}, and a verdict needs {FEWEST}")


def _off_look(case: Case) -> Verdict | None:
    if not case.looks or case.claim.kind is Kind.EXACT or case.seeds in LOOKS:
        return None
    declared = ", ".join(map(str, LOOKS))
    return case.say(Outcome.INCONCLUSIVE, f"gate looks: n = {case.seeds} is none of the declared {declared}")


GATES: tuple[Callable[[Case], Verdict | None], ...] = (
    _not_run,
    _invalid,
    _smoke,
    _incomplete,
    _reported,
    _few_seeds,
    _off_look,
)


def _ruled(case: Case) -> Verdict:
    assert case.effect is not None  # the gate `incomplete` stops a case without one
    if case.claim.kind is Kind.EXACT:
        return _exact(case, case.effect)
    ci90, ci95 = intervals(case.effect, case.looks)
    if ci95 is None:
        return case.say(
            Outcome.INCONCLUSIVE, f"no interval at this n: {case.effect.note or 'spread unknown'}"
        )
    if not case.at_paper_scale:
        return _proxy(case, ci95)
    rule = _level if case.claim.kind is Kind.LEVEL else _against_null
    return _capped(rule(case, ci90, ci95), case)


def intervals(effect: Effect, looks: bool) -> tuple[Interval | None, Interval | None]:
    """The intervals that count as CI₉₀ and CI₉₅; with censored runs nothing stands for CI₉₀."""
    ci90, ci95 = (effect.look90, effect.look95) if looks else (effect.ci90, effect.ci95)
    return (None if effect.censored else ci90), ci95


def excludes_null(interval: Interval, claim: Claim) -> bool:
    """Whether the interval lies wholly on the claimed side of the null; true where there is no null."""
    if claim.null is None:
        return True
    return interval.low > claim.null if claim.side is Side.ABOVE else interval.high < claim.null


def _exact(case: Case, effect: Effect) -> Verdict:
    metric, estimate = case.claim.primary, effect.estimate
    band = metric.band or (Band(metric.paper, metric.paper) if metric.paper is not None else None)
    if band is None or estimate is None:
        return case.say(
            Outcome.INCONCLUSIVE, "the paper gives no figure to compare with, or nothing was computed"
        )
    inside = band.low <= estimate <= band.high
    place = f"{estimate:,.10g} is {'inside' if inside else 'outside'} [{band.low:,.10g}, {band.high:,.10g}]"
    return case.say(Outcome.REPRODUCED if inside else Outcome.NOT_REPRODUCED, f"rule exact: {place}")


def _proxy(case: Case, ci95: Interval) -> Verdict:
    wanted, reached = case.claim.paper_scale, case.evidence.protocol.name
    gate = f"gate scale: {reached} is not {wanted}, so that no band applies"
    if excludes_null(ci95, case.claim):
        told = _told(case, ci95, "excludes the null on the claimed side")
        return case.say(Outcome.DIRECTIONAL, gate, told, qualifier="proxy")
    if _opposite(ci95, case.claim):
        told = _told(case, ci95, "excludes the null on the other side")
        return case.say(Outcome.NOT_REPRODUCED, gate, told, qualifier="proxy")
    return case.say(Outcome.INCONCLUSIVE, gate, _told(case, ci95, "holds the null"), qualifier="proxy")


def _level(case: Case, ci90: Interval | None, ci95: Interval) -> Verdict:
    band = _band(case)
    if ci90 is not None and ci90.inside(band):
        return case.say(Outcome.REPRODUCED, _told(case, ci90, "is inside the band"))
    if ci95.low > band.high:
        return case.say(Outcome.NOT_REPRODUCED, _told(case, ci95, "is above the band"))
    if ci95.high < band.low:
        told = _told(case, ci95, "is below the band: better than the paper, to be audited")
        return case.say(Outcome.INCONCLUSIVE, told, qualifier="better than the paper: audit", audit=True)
    return case.say(Outcome.INCONCLUSIVE, _told(case, ci95, "crosses an end of the band or holds it whole"))


def _against_null(case: Case, ci90: Interval | None, ci95: Interval) -> Verdict:
    band, claimed = case.claim.primary.band, excludes_null(ci95, case.claim)
    if band and claimed and ci90 is not None and ci90.inside(band):
        reasons = _told(case, ci90, "is inside the band"), _told(case, ci95, "excludes the null")
        return case.say(Outcome.REPRODUCED, *reasons)
    if claimed:
        told = _told(case, ci95, "excludes the null on the claimed side")
        return case.say(Outcome.DIRECTIONAL, told, qualifier=_size(ci95, band, case.claim))
    if band and ci95.outside(band):
        told = _told(case, ci95, "is outside the band and not on the claimed side of the null")
        return case.say(Outcome.NOT_REPRODUCED, told)
    if not band and _opposite(ci95, case.claim):
        return case.say(Outcome.NOT_REPRODUCED, _told(case, ci95, "is on the other side of the null"))
    return case.say(Outcome.INCONCLUSIVE, _told(case, ci95, "holds the null, and what the paper claims"))


def _capped(verdict: Verdict, case: Case) -> Verdict:
    if verdict.outcome is not Outcome.REPRODUCED or case.seeds >= ENOUGH:
        return verdict
    gate = f"gate few seeds: n = {case.seeds}, and more than a direction needs {ENOUGH}"
    return case.say(Outcome.DIRECTIONAL, *verdict.reasons, gate, qualifier="size unproven")


def _opposite(interval: Interval, claim: Claim) -> bool:
    if claim.null is None:
        return False
    return interval.high < claim.null if claim.side is Side.ABOVE else interval.low > claim.null


def _size(ci95: Interval, band: Band | None, claim: Claim) -> str:
    """What is known of the size beside the paper's; nothing to say where the claim has no band."""
    if band is None:
        return ""
    above, below = ci95.low > band.high, ci95.high < band.low
    if not (above or below):
        return "size unproven"
    return "stronger" if above == (claim.side is Side.ABOVE) else "weaker"


def _band(case: Case) -> Band:
    band = case.claim.primary.band
    if band is None:
        raise ValueError(f"{case.claim.id} is a level without a band")
    return band


def _told(case: Case, interval: Interval, what: str) -> str:
    """One reason in words: which interval, in which unit, against which band and null."""
    band, effect = case.claim.primary.band, case.effect
    look = f" at a look (nominal {interval.level:.2%})" if case.looks else ""
    against = [f"band [{band.low:g}, {band.high:g}]"] if band and case.at_paper_scale else []
    against += [f"null {case.claim.null:g}"] if case.claim.null is not None else []
    against += [f"n = {case.seeds}"]
    against += [f"{effect.censored} of {effect.n} censored"] if effect and effect.censored else []
    name = "CI₉₀" if interval.level in (EQUIVALENCE, LOOK_EQUIVALENCE) else "CI₉₅"
    bounds = f"[{interval.low:.4g}, {interval.high:.4g}] {case.claim.primary.unit}".strip()
    return f"{name}{look} {bounds} {what} ({', '.join(against)})"
