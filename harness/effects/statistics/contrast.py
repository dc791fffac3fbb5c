"""The difference of two effects estimated separately, as in two stores: Welch's t (1947).

The second minus the first, or the second ÷ the first for ratios. Standard errors add in quadrature, with
Satterthwaite's degrees of freedom, since two machines need not have the same variance. The two samples must
be independent. Shared seeds do no harm: trainings with one seed under two conditions have hardly more in
common than any two, and what they share makes the interval too wide rather than too narrow. So do shared test
images, where standard errors generalise over images.
"""

from __future__ import annotations

import math
from dataclasses import replace

from harness.contract.effect import Effect
from harness.effects.statistics.intervals import bounded, centre, ends, student_p
from harness.effects.statistics.significance import DIRECTION
from harness.effects.statistics.two_way import Term, satterthwaite


def contrast(first: Effect, second: Effect) -> Effect:
    """Second − first, or second ÷ first if both are ratios; ValueError if `lacking` says why not."""
    if why := lacking(first) or lacking(second):
        raise ValueError(why)
    if (first.unit, first.log) != (second.unit, second.log):
        raise ValueError(f"{first.metric} in {first.unit} has no difference from one in {second.unit}")
    terms = [_term(effect) for effect in (first, second)]
    variance, mean = sum(term.variance for term in terms), centre(second) - centre(first)
    plain = Effect(
        first.metric,
        "points" if first.unit == "%" else first.unit,
        min(first.n, second.n),
        math.exp(mean) if first.log else mean,
        None,
        None,
        log=first.log,
    )
    found = bounded(plain, mean, variance, satterthwaite(variance, terms))
    return replace(found, p_student=student_p(found))


def lacking(effect: Effect) -> str:
    """Why an effect can have no difference from another; empty if it can."""
    if effect.estimate is None:
        censored = f"{effect.censored} censored runs" if effect.censored else ""
        return censored or effect.note or "there is no estimate"
    if not effect.standard_error or effect.df is None or effect.ci95 is None:
        return effect.note or "there is no standard error"
    if not _by_one_error(effect):
        return "its interval does not come from one standard error"
    return ""


def _by_one_error(effect: Effect) -> bool:
    """Whether CI₉₅ is the estimate ± t standard errors: that of the smallest of several effects is not."""
    made, known = ends(effect, DIRECTION), effect.ci95
    assert made is not None
    assert known is not None
    near = (math.isclose(a, b, rel_tol=1e-6) for a, b in zip(made, (known.low, known.high), strict=True))
    return all(near)


def _term(effect: Effect) -> Term:
    assert effect.standard_error is not None
    assert effect.df is not None
    return Term(effect.standard_error**2, effect.df)
