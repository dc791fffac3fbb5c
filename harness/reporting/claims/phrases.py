"""A claim's finding as one plain sentence, made of its effect and its verdict."""

from __future__ import annotations

import math

from harness.contract.effect import Effect
from harness.contract.formatting import NOTHING, between, number
from harness.contract.trial import Status
from harness.effects.statistics.significance import most_seeds
from harness.paper.claims import Claim, Kind
from harness.paper.papers import of
from harness.reporting.claims.sections import Section
from harness.reporting.wording import estimate, opened, words
from harness.verdicts.gates import FEWEST, judged_at
from harness.verdicts.verdict import Outcome, Qualifier, plain

AGAINST = {
    Outcome.REPRODUCED: "this agrees with the paper ({})",
    Outcome.NOT_REPRODUCED: "this contradicts the paper ({})",
    Outcome.REPORTED: "shown beside the paper's figure ({}), not judged",
}
DIRECTION = {
    Qualifier.WEAKER: "in the paper's direction, but weaker (paper: {})",
    Qualifier.STRONGER: "in the paper's direction, and stronger (paper: {})",
    Qualifier.SIZE_UNPROVEN: "in the paper's direction; whether the size agrees ({}) is open",
    Qualifier.PROXY: "in the paper's direction, at a smaller scale that says nothing about the size",
    Qualifier.NONE: "in the paper's direction",
}


def finding(section: Section) -> str:
    """`Here the gain from normalisation was −0.8 points (95 % CI …, n = 3): too noisy to tell; …`."""
    if section.smoke:
        return _ran(section)
    if section.claim.kind is Kind.EXACT:
        return _counted(section)
    measured = headline(section)
    if section.assessment is None:
        return f"{opened(section.outlook.why) or 'Not run'}."
    if not measured:
        return f"{opened(_plain(section.verdict.reasons))}."
    return f"Here {measured}{_support(section)}: {_conclusion(section)}."


def headline(section: Section) -> str:
    """What was measured, without its uncertainty; empty if nothing was."""
    if section.smoke or not section.effects or not section.effects[0].n:
        return ""
    effect = section.effects[0]
    if effect.estimate is None and effect.lower_bound is None:
        return ""  # too many censored runs even for a lower bound
    known = of(section.claim).paper.measured
    told = known.get(section.claim.id, "the {1} was {0}")
    return told.format(estimate(effect), words(effect.metric))


def _ran(section: Section) -> str:
    ended = sum(record.status is not Status.FAILED for record in section.records)
    planned = len(section.evidence.plan.trials) if section.evidence else 0
    count = f"{ended} of {max(planned, len(section.records))} runs finished"
    return f"This shows only that the code runs: {count}. Their numbers say nothing about the claim."


def _counted(section: Section) -> str:
    claim, known = section.claim, {effect.metric: effect for effect in section.effects}
    pairs = [(m, known[m.name]) for m in claim.metrics if m.name in known and m.tolerated]
    inside = [effect for metric, effect in pairs if metric.agrees(effect.estimate)]
    outside = [
        f"{words(m.name)} ({estimate(e)}, where the paper has {figure(claim, m.name)})"
        for m, e in pairs
        if e not in inside
    ]
    said = f"{len(inside)} of {len(pairs)} counts agree with the paper's"
    return f"{said}, but not the {', nor the '.join(outside)}." if outside else f"{said}."


def paper(section: Section) -> str:
    """The paper's figure for what is judged here; the claim's own words for counts, and without a result."""
    counted, claim = section.claim.kind is Kind.EXACT, section.claim
    effect = None if section.smoke or counted else next(iter(section.effects), None)
    return figure(claim, effect.metric) if effect else claim.figure or NOTHING


def figure(claim: Claim, name: str) -> str:
    """The paper's figure for a metric with its unit, or its words if the claim has no figures at all."""
    metric = claim.metric(name)
    if metric is None or metric.paper is None:
        given = any(one.paper is not None for one in claim.metrics)
        return f"no figure for {words(name)}" if given else claim.figure or NOTHING
    return metric.stated


def _support(section: Section) -> str:
    """The uncertainty of the estimate, in brackets."""
    effect = section.effects[0]
    said = [f"95 % CI {between(effect.ci95, effect.unit)}"] if effect.ci95 else []
    said += ["at an interim look"] * section.interim + [sample(effect)]
    return f" ({', '.join(said)})"


def sample(effect: Effect) -> str:
    """`n = 5`, or how many runs of each arm were compared."""
    censored = f", {effect.censored} censored" if effect.censored else ""
    if len(set(effect.counts)) > 1:
        return f"{' against '.join(map(str, effect.counts))} runs{censored}"
    return f"{effect.n} runs an arm" if effect.counts else f"n = {effect.n}{censored}"


def look(section: Section) -> str:
    """What marks an interval of an interim look among plain ones: nothing for these."""
    return ", at a look" * section.interim


def _conclusion(section: Section) -> str:
    """What the verdict concludes."""
    verdict, figure = section.verdict, paper(section)
    if verdict.outcome is Outcome.REPORTED and section.unfinished:
        return f"{_so_far(section)}; it will be shown, never judged"
    if verdict.outcome is Outcome.DIRECTIONAL:
        return DIRECTION[verdict.qualifier].format(figure)
    if verdict.outcome is Outcome.NOT_REPRODUCED and verdict.qualifier is Qualifier.PROXY:
        opposite = "opposite to the paper's direction, at a smaller scale"
        return "less than the paper claims" if section.claim.requires else opposite
    if verdict.outcome is Outcome.REPORTED and verdict.qualifier is Qualifier.PROXY:
        return f"not judged, since {_plain(verdict.reasons)}"
    if verdict.outcome is Outcome.REPRODUCED and (side := _beyond(section)):
        return f"this is in the band around the paper's figure ({figure}), and {side} that figure"
    if verdict.outcome in AGAINST:
        return AGAINST[verdict.outcome].format(figure)
    if verdict.outcome is Outcome.INVALID:
        return f"these runs cannot test it, because {_plain(verdict.reasons)}"
    return _undecided(section) if verdict.outcome is Outcome.INCONCLUSIVE else _plain(verdict.reasons)


def _beyond(section: Section) -> str:
    """On which side of the paper's figure the whole 95 % interval lies; empty if it holds that figure."""
    found, metric = section.effects[0].ci95, section.claim.metric(section.effects[0].metric)
    if not (found and metric and metric.paper) or metric.bounded:
        return ""
    return "above" if found.low > metric.paper else "below" if found.high < metric.paper else ""


def _plain(reasons: tuple[str, ...]) -> str:
    return plain(reasons[0]) if reasons else "nothing was found"


def _undecided(section: Section) -> str:
    effect = section.effects[0] if section.effects else None
    where = " at a smaller scale" if section.verdict.qualifier is Qualifier.PROXY else ""
    if section.unfinished:
        return _so_far(section, where)
    if section.verdict.audit:
        return f"better than the paper ({paper(section)}), which an audit should explain first"
    if section.verdict.qualifier is Qualifier.TURNS:
        return "the direction depends on the learning rate"
    if section.verdict.qualifier is Qualifier.INSIDE:
        return f"it lies in the paper's band ({paper(section)}), but more seeds must confirm it"
    if effect is None or effect.n < FEWEST:
        return f"too few runs{where} for a verdict, which needs {FEWEST}"
    if effect.ci95 is None:
        return _plain(section.verdict.reasons)
    return f"too noisy to tell{where}{_more(section, effect)}"


def _so_far(section: Section, where: str = "") -> str:
    """How much of the plan is done."""
    assert section.evidence is not None
    done, planned = len(section.evidence.runs), len(section.evidence.plan.trials)
    return f"unfinished{where}, with {done} of {planned} trials done so far"


def _more(section: Section, effect: Effect) -> str:
    """How many seeds would be enough, if known."""
    n = effect.n_to_decide
    if n is None or not section.evidence or not judged_at(section.claim, section.evidence.protocol):
        return ""
    would = "would show the direction" if section.proxy else "would decide"
    about = "" if section.interim else "about "  # no other number is possible
    many = f"more than {number(most_seeds(section.interim))}" if math.isinf(n) else f"{about}{number(n)}"
    return f"; {many} seeds {would}"
