"""What a report says in a few sentences, made from the verdicts: what holds, what not, what is left open.

A sentence is a list of parts, so that each form of the report can stress and link what it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.contract.effect import Effect
from harness.contract.formatting import quantity
from harness.paper.claims import Kind, Metric
from harness.reporting.claims.sections import Section
from harness.reporting.front.overview import Line, measured, ours
from harness.reporting.wording import words
from harness.verdicts.verdict import Outcome

LEADS = (  # of claims at the paper's scale, in the order in which they are told
    (Outcome.REPRODUCED, "holds as published", "hold as published"),
    (Outcome.DIRECTIONAL, "has the paper's direction, its size is not shown",
     "have the paper's direction, their size is not shown"),
    (Outcome.NOT_REPRODUCED, "does not hold as stated", "do not hold as stated"),
    (Outcome.INCONCLUSIVE, "is undecided", "are undecided"),
)  # fmt: skip
REST = (  # of all others, by what can be said of them
    (Outcome.DIRECTIONAL, "points the paper's way", "point the paper's way"),
    (Outcome.NOT_REPRODUCED, "points the other way", "point the other way"),
    (Outcome.INCONCLUSIVE, "is undecided", "are undecided"),
    (Outcome.INVALID, "is invalid", "are invalid"),
    (Outcome.REPORTED, "is shown and not judged", "are shown and not judged"),
)
SMOKE_ONLY = "Only smoke runs are stored. They show that the code runs, and nothing about the paper."


@dataclass(frozen=True)
class Part:
    """Some words of a sentence; `target` is the identifier of the section that they lead to."""

    words: str
    strong: bool = False
    target: str = ""


Sentence = tuple[Part, ...]


def summary(lines: Sequence[Line]) -> list[Sentence]:
    """The sentences, from the best evidence of each claim."""
    first = [line for line in lines if line.first]
    known = [line for line in first if measured(line.section)]
    if not known:
        only = SMOKE_ONLY if any(line.section.smoke for line in first) else "No claim has evidence yet."
        return [(Part(only, strong=True),)]
    at_scale = [line for line in known if not line.section.proxy and line.section.verdict.outcome.judged]
    told = [_told(at_scale, outcome, *leads) for outcome, *leads in LEADS]
    nothing = Part("No claim has been judged at the paper's scale yet.", strong=True)
    return [*([s for s in told if s] or [(nothing,)]), *_others(first, known, at_scale)]


def _told(lines: Sequence[Line], outcome: Outcome, one: str, many: str) -> Sentence:
    """The claims with that outcome, each with its figure, but for those that are undecided."""
    found = [line for line in lines if line.section.verdict.outcome is outcome]
    if not found:
        return ()
    lead = Part(f"{_claims(len(found))} {one if len(found) == 1 else many}: ", strong=True)
    ends = ["; "] * (len(found) - 1) + ["."]
    named = (
        (Part(line.label, target=line.target), Part(f"{_figure(line.section)}{end}"))
        for line, end in zip(found, ends, strict=True)
    )
    return (lead, *(part for pair in named for part in pair))


def _figure(section: Section) -> str:
    """What was found beside the paper's figure, in brackets; of what is undecided the plot shows enough."""
    if section.claim.kind is Kind.EXACT:
        return f" ({_counts(section)})"
    if section.verdict.outcome is Outcome.INCONCLUSIVE:
        return ""
    found = next(iter(ours(section)), None)
    paper = f"the paper: {section.claim.figure}"
    return f" ({found.value} {found.rest}; {paper})" if found else f" ({paper})"


def _counts(section: Section) -> str:
    """Which counts lie in their bands, and by how much the others do not."""
    pairs = [(m, e) for e in section.effects if (m := section.claim.metric(e.metric)) and m.band]
    outside = [_count(m, e) for m, e in pairs if not _inside(m, e)]
    inside = [words(m.name) for m, e in pairs if _inside(m, e)]
    holding = f"{', '.join(inside)} {'does' if len(inside) == 1 else 'do'}" if outside and inside else ""
    return "; ".join(part for part in (holding, *outside) if part) or "all counts do"


def _inside(metric: Metric, effect: Effect) -> bool:
    band = metric.band
    return band is not None and effect.estimate is not None and band.low <= effect.estimate <= band.high


def _count(metric: Metric, effect: Effect) -> str:
    found = "none" if effect.estimate is None else quantity(effect.estimate, effect.unit)
    paper = "" if metric.paper is None else f", the paper: {quantity(metric.paper, metric.unit)}"
    return f"not the {words(metric.name)}: {found}{paper}"


def _others(first: Sequence[Line], known: Sequence[Line], at_scale: Sequence[Line]) -> list[Sentence]:
    """What smaller scales leave open, and what was not run, in numbers."""
    rest = [line for line in known if line not in at_scale]
    counts = [_count_of([x for x in rest if x.section.verdict.outcome is o], *said) for o, *said in REST]
    unknown = [line for line in first if line not in known]
    smoke = [line for line in unknown if line.section.smoke]
    counts += [
        _count_of(smoke, "has only smoke runs", "have only smoke runs"),
        _count_of([line for line in unknown if line not in smoke], "was not run", "were not run"),
    ]
    said = ", ".join(filter(None, counts))
    if not said:
        return []
    lead = "A smaller scale than the paper's shows a direction at most, never the paper's size."
    proxies = [Part(lead, strong=True), Part(" ")] * any(map(_of_a_proxy, rest))
    return [(*proxies, Part(f"Of the {'others' if at_scale else 'claims'} {said}."))]


def _of_a_proxy(line: Line) -> bool:
    """Whether it was judged at another scale than the paper's."""
    return line.section.proxy and line.section.verdict.outcome.judged


def _count_of(lines: Sequence[Line], one: str, many: str) -> str:
    return f"{len(lines)} {one if len(lines) == 1 else many}" if lines else ""


def _claims(count: int) -> str:
    return "One claim" if count == 1 else f"{count} claims"
