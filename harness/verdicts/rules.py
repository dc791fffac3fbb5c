"""From effect to verdict: the gates, asked in order, then the rules. Pure functions; every verdict says why.

    rule                 when
    reproduced           CI₉₀ inside the band, and CI₉₅ excludes the null where there is one;
                         for counts, all of them inside their bands
    directional          CI₉₅ excludes the null on the claimed side (weaker, stronger, size unproven)
    not reproduced       CI₉₅ outside the band and not on the claimed side; for a level, above the band;
                         for counts, any outside its band (part holds, if others are inside)
    inconclusive         all else; a level whose CI₉₅ lies below the band is marked for an audit

At an interim look both intervals are replaced by their wider forms at the nominal levels that
`significance.LOOKS` explains. A claim without a band states only a direction, so `directional` without a
qualifier is its best verdict. Where the paper gives a bound ("more than 1 point"), the band is open on that
side, and no effect is stronger. With n = 3 or 4 a direction is the best verdict for any claim; a level has no
direction, and is `inconclusive (inside the band)`.

The design's short form has Pocock's nominal levels at looks, and asks for scale before few seeds. Here the
levels are stricter, and scale is asked last, as it stops nothing; docs/calibration.md says where else the
rules go beyond the short form, and how often they are wrong.
"""

from __future__ import annotations

import math
from dataclasses import replace

from harness.contract.effect import Effect, Interval
from harness.contract.formatting import decimals, interval, limits, number, quantity, span
from harness.effects.statistics.significance import EQUIVALENCE, INTERIM_EQUIVALENCE, most_seeds
from harness.paper.claims import Band, Claim, Kind, Metric, Side, null_name
from harness.verdicts.gates import ENOUGH, GATES, INCOMPLETE, LOOK, SCALE, Case
from harness.verdicts.verdict import Outcome, Qualifier, Verdict

PAIRS_FOR_A_BOUND = 6  # see effects/statistics/time_to_event.py
FIRST = (INCOMPLETE, LOOK)  # what these ask for comes before any more seeds


def judge(case: Case) -> Verdict:
    """The verdict on a claim; ValueError if the effect is not that of the claim's primary metric."""
    verdict, claim = decide(case), case.claim
    undecided = verdict.outcome is Outcome.INCONCLUSIVE and claim.kind is not Kind.EXACT
    if case.effect is None or not undecided or verdict.audit or any(gate.stopped(case) for gate in FIRST):
        return verdict
    from harness.verdicts.power import planned  # brings numpy, which `list` can do without

    proxy, interim = not case.at_paper_scale, case.interim
    return replace(verdict, advice=advice(claim, planned(case.effect, claim, proxy, interim), proxy, interim))


def decide(case: Case) -> Verdict:
    """`judge` without the advice on what would decide."""
    claim, effect = case.claim, case.effect
    if effect is not None and effect.metric != claim.primary.name:
        raise ValueError(f"{claim.id} is judged by {claim.primary.name}, not by {effect.metric}")
    stopped = (verdict for gate in GATES if (verdict := gate.verdict(case)) is not None)
    return next(stopped, None) or _ruled(case)


def not_run(claim: Claim) -> Verdict:
    """The verdict on a claim without evidence."""
    return Verdict(claim.id, None, Outcome.NOT_RUN, ("gate not run: there is no evidence",))


def decided(verdict: Verdict) -> bool:
    """Whether more seeds cannot add to the verdict: where `run --until-decided` stops."""
    if verdict.outcome is Outcome.DIRECTIONAL:
        return verdict.qualifier is not Qualifier.SIZE_UNPROVEN
    return verdict.audit or verdict.outcome not in (Outcome.INCONCLUSIVE, Outcome.NOT_RUN)


def advice(claim: Claim, effect: Effect, proxy: bool = False, interim: bool = False) -> tuple[str, ...]:
    """What the runs could have found, and how many seeds would decide if the paper's figure is true.

    At a scale other than the paper's its figure is not expected, and only a direction is sought. If seeds are
    added at interim looks, no other number of them can decide.
    """
    said = []
    if effect.minimum_detectable is not None:
        size = quantity(effect.minimum_detectable, effect.unit)
        said.append(f"with n = {effect.n}, the smallest effect detectable with 80 % power is {size}")
    if effect.censored and effect.n < PAIRS_FOR_A_BOUND:
        said.append(f"{PAIRS_FOR_A_BOUND} pairs would give a bound as strong as CI₉₅")
    if effect.n_to_decide is not None:
        expected = not proxy and claim.primary.expected is not None
        truth = "the paper's figure" if expected else "the estimate"
        many = math.isinf(effect.n_to_decide)
        most = number(most_seeds(interim))
        needed = f"more than {most} seeds" if many else f"n = {number(effect.n_to_decide)}"
        would = f"{needed} would {'show the direction' if proxy else 'decide'} with 80 % power"
        said.append(f"if {truth} is true and the spread is as observed, {would}")
    return tuple(said)


def _ruled(case: Case) -> Verdict:
    assert case.effect is not None  # the gate `incomplete` stops a case without one
    if case.claim.kind is Kind.EXACT:
        return _exact(case)
    ci90, ci95 = intervals(case.effect, case.interim)
    if ci95 is None:
        why = f"no interval at this n: {case.effect.note or 'spread unknown'}"
        scale = Qualifier.NONE if case.at_paper_scale else Qualifier.PROXY
        return case.say(Outcome.INCONCLUSIVE, why, qualifier=scale)
    if case.at_paper_scale:
        rule = _level if case.claim.kind is Kind.LEVEL else _against_null
        found = _capped(rule(case, ci90, ci95), case)
    else:
        found = _proxy(case, ci95)
    return replace(found, reasons=(*found.reasons, *_does_not_pay(case)))


def intervals(effect: Effect, interim: bool) -> tuple[Interval | None, Interval | None]:
    """The intervals that count as CI₉₀ and CI₉₅; with censored runs there is no CI₉₀."""
    judged = counted(effect, interim)
    return (None if effect.censored else judged.ci90), judged.ci95


def counted(effect: Effect, interim: bool) -> Effect:
    """The effect with the intervals that count for a verdict as its 90 and 95 % intervals."""
    return replace(effect, ci90=effect.interim90, ci95=effect.interim95) if interim else effect


def excludes_null(interval: Interval, claim: Claim) -> bool:
    """Whether the interval lies wholly on the claimed side of the null; true if there is no null."""
    if claim.null is None:
        return True
    return interval.low > claim.null if claim.side is Side.ABOVE else interval.high < claim.null


def _exact(case: Case) -> Verdict:
    """Each count must lie in its band; those that do not come first."""
    places = [_place(metric, case) for metric in case.claim.metrics]
    outside, unknown, inside = ([said for is_, said in places if is_ is x] for x in (False, None, True))
    reasons = [f"rule exact: {said}" for said in (*outside, *unknown, *inside)]
    if outside:
        part = Qualifier.PART_HOLDS if inside else Qualifier.NONE
        return case.say(Outcome.NOT_REPRODUCED, *reasons, qualifier=part)
    return case.say(Outcome.INCONCLUSIVE if unknown else Outcome.REPRODUCED, *reasons)


def _place(metric: Metric, case: Case) -> tuple[bool | None, str]:
    """Whether the count lies in the metric's band, also in words; None if that is unknown."""
    band = metric.tolerated
    known = {effect.metric: effect.estimate for effect in (case.effect, *case.effects) if effect}
    count = known.get(metric.name)
    if band is None or count is None:
        lacking = "the paper gives no figure to compare with" if band is None else "it was not counted"
        return None, f"{metric.name}: {lacking}"
    inside = band.holds(count)
    if metric.bounded:
        place = f"{'' if inside else 'not '}{metric.stated}"
    else:
        place = f"{'inside' if inside else 'outside'} {limits(band)}"
    return inside, f"{metric.name}: {quantity(count, metric.unit)} is {place}"


def _proxy(case: Case, ci95: Interval) -> Verdict:
    null = _null(case.claim)
    if excludes_null(ci95, case.claim):
        outcome, what = Outcome.DIRECTIONAL, f"excludes the {null}, on the claimed side"
    elif _opposite(ci95, case.claim):
        outcome, what = Outcome.NOT_REPRODUCED, f"excludes the {null}, on the other side"
    else:
        outcome, what = Outcome.INCONCLUSIVE, f"includes the {null}"
    reasons = (*SCALE.stopped(case), _reason(case, ci95, what), *_negligible(case))
    return case.say(outcome, *reasons, qualifier=Qualifier.PROXY)


def _does_not_pay(case: Case) -> tuple[str, ...]:
    """That the metric which the technique should lower too rises, if the claim names one."""
    name = case.claim.pays_in
    effect = next((effect for effect in case.effects if effect.metric == name), None)
    ci95 = intervals(effect, case.interim)[1] if effect else None
    if effect is None or ci95 is None or not _opposite(ci95, case.claim):
        return ()
    return (f"the {name} itself moves the other way: CI₉₅ {interval(ci95, effect.unit)}",)


def _negligible(case: Case) -> tuple[str, ...]:
    """That a difference is negligible, by two one-sided tests, if the claim declares a margin."""
    margin = case.claim.negligible
    if margin is None or margin.band is None:
        return ()
    effect = next((effect for effect in case.effects if effect.metric == margin.name), None)
    ci90 = intervals(effect, case.interim)[0] if effect else None
    if ci90 is None or not margin.band.contains(ci90):
        return ()
    place = f"{span(ci90, margin.unit)} is inside {limits(margin.band, margin.unit)}"
    return (f"CI₉₀ of the {margin.name} {place}: as good as no difference",)


def _level(case: Case, ci90: Interval | None, ci95: Interval) -> Verdict:
    band = _band(case)
    if ci90 is not None and band.contains(ci90):
        return case.say(Outcome.REPRODUCED, _reason(case, ci90, "is inside the band"))
    if ci95.low > band.high:
        return case.say(Outcome.NOT_REPRODUCED, _reason(case, ci95, "is above the band"))
    if ci95.high < band.low:
        reason = _reason(case, ci95, "is below the band: better than the paper, to be audited")
        return case.say(Outcome.INCONCLUSIVE, reason, qualifier=Qualifier.AUDIT)
    return case.say(Outcome.INCONCLUSIVE, _reason(case, ci95, "crosses an end of the band or contains it"))


def _against_null(case: Case, ci90: Interval | None, ci95: Interval) -> Verdict:
    band, claimed = case.claim.primary.band, excludes_null(ci95, case.claim)
    null = _null(case.claim)
    if band and claimed and ci90 is not None and band.contains(ci90):
        excludes = _reason(case, ci95, f"excludes the {null}")
        return case.say(Outcome.REPRODUCED, _reason(case, ci90, "is inside the band"), excludes)
    if claimed:
        reason = _reason(case, ci95, f"excludes the {null}, on the claimed side")
        return case.say(Outcome.DIRECTIONAL, reason, qualifier=_size(ci95, band, case.claim))
    if band and band.misses(ci95):
        reason = _reason(case, ci95, f"is outside the band and not on the claimed side of the {null}")
        return case.say(Outcome.NOT_REPRODUCED, reason)
    if not band and _opposite(ci95, case.claim):
        reason = _reason(case, ci95, f"is on the other side of the {null}")
        return case.say(Outcome.NOT_REPRODUCED, reason)
    what = f"includes the {null} and what the paper claims"
    return case.say(Outcome.INCONCLUSIVE, _reason(case, ci95, what))


def _capped(verdict: Verdict, case: Case) -> Verdict:
    if verdict.outcome is not Outcome.REPRODUCED or case.seeds >= ENOUGH:
        return verdict
    if case.claim.kind is Kind.LEVEL:  # it has no direction to fall back on
        gate = f"gate few seeds: n = {case.seeds}, but reproducing a level needs {ENOUGH}"
        return case.say(Outcome.INCONCLUSIVE, *verdict.reasons, gate, qualifier=Qualifier.INSIDE)
    gate = f"gate few seeds: n = {case.seeds}, but more than a direction needs {ENOUGH}"
    return case.say(Outcome.DIRECTIONAL, *verdict.reasons, gate, qualifier=Qualifier.SIZE_UNPROVEN)


def _opposite(interval: Interval, claim: Claim) -> bool:
    if claim.null is None:
        return False
    return interval.high < claim.null if claim.side is Side.ABOVE else interval.low > claim.null


def _null(claim: Claim) -> str:
    return "required value" if claim.requires else "no-effect value"


def _size(ci95: Interval, band: Band | None, claim: Claim) -> Qualifier:
    """What is known of the size relative to the paper's; nothing if the claim has no band."""
    if band is None:
        return Qualifier.NONE
    if not band.misses(ci95):
        return Qualifier.SIZE_UNPROVEN
    above = ci95.low > band.high
    return Qualifier.STRONGER if above == (claim.side is Side.ABOVE) else Qualifier.WEAKER


def _band(case: Case) -> Band:
    band = case.claim.primary.band
    if band is None:
        raise ValueError(f"{case.claim.id} is a level without a band")
    return band


def _reason(case: Case, interval: Interval, what: str) -> str:
    """One reason in words: the interval, its unit, and the band and null it is compared with."""
    claim, effect = case.claim, case.effect
    band = claim.primary.band if case.at_paper_scale else None
    edges: tuple[float, ...] = (band.low, band.high) if band else ()
    look = f" at a look (nominal {100 * interval.level:.2f} %)" if case.interim else ""
    against = [f"band {limits(band, claim.primary.unit if band.one_sided else '')}"] if band else []
    if claim.null is not None:
        edges += (claim.null,)
        against += [null_name(claim) if claim.requires else f"no effect is {number(claim.null)}"]
    against += [f"n = {case.seeds}"]
    against += [f"{effect.censored} of {effect.n} censored"] if effect and effect.censored else []
    name = "CI₉₀" if interval.level in (EQUIVALENCE, INTERIM_EQUIVALENCE) else "CI₉₅"
    ends = span(interval, claim.primary.unit, decimals(interval, edges))
    return f"{name}{look} {ends} {what} ({', '.join(against)})"
