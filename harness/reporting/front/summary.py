"""What a report says in a few sentences, made from the verdicts: what holds, what not, what is left open.

A sentence is a list of parts, so that each form of the report can stress and link what it names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.contract.effect import Effect
from harness.contract.formatting import quantity
from harness.paper.claims import Kind, Metric
from harness.reporting.claims.sections import Section
from harness.reporting.front.overview import Line, measured, ours
from harness.reporting.wording import words
from harness.verdicts.verdict import Outcome


@dataclass(frozen=True)
class VerdictGroup:
    """Claims of one verdict that are told together: in which words, and how many of them by name."""

    outcome: Outcome
    one: str
    many: str
    named: int | None = None  # None: every one, however many they are


FEW, SOME = 4, 6  # claims that are named: of which nothing is shown, and of which their direction alone is
AT_SCALE = (  # in the order in which they are told
    VerdictGroup(Outcome.REPRODUCED, "holds as published", "hold as published"),
    VerdictGroup(
        Outcome.DIRECTIONAL,
        "has the paper's direction, its size is not shown",
        "have the paper's direction, their size is not shown",
    ),
    VerdictGroup(Outcome.NOT_REPRODUCED, "does not hold as stated", "do not hold as stated"),
    VerdictGroup(Outcome.INCONCLUSIVE, "is undecided", "are undecided", FEW),
)
SMALLER = (
    VerdictGroup(Outcome.DIRECTIONAL, "points the paper's way", "point the paper's way", SOME),
    VerdictGroup(Outcome.NOT_REPRODUCED, "points the other way", "point the other way", SOME),
    VerdictGroup(Outcome.INCONCLUSIVE, "is undecided", "are undecided", FEW),
)
REST = (
    VerdictGroup(Outcome.INVALID, "has runs that cannot show it", "have runs that cannot show them", FEW),
    VerdictGroup(Outcome.REPORTED, "is shown and not judged", "are shown and not judged", FEW),
)
BELOW = " A smaller scale shows a direction at most, never the paper's size."
SMOKE_ONLY = "Only smoke runs are stored. They show that the code runs, and nothing about the paper."


@dataclass(frozen=True)
class Phrase:
    """Some words of a sentence; `target` is the identifier of the section that they lead to."""

    words: str
    strong: bool = False
    target: str = ""
    kind: str = ""  # of the words that lead a sentence: the verdict that they tell of


Sentence = tuple[Phrase, ...]


def summary(lines: Sequence[Line]) -> list[Sentence]:
    """The sentences, from the best evidence of each claim."""
    first = [line for line in lines if line.first]
    known = [line for line in first if measured(line.section)]
    if not known:
        only = SMOKE_ONLY if any(line.section.smoke for line in first) else "No claim has evidence yet."
        return [(Phrase(only, strong=True),)]
    judged = [line for line in known if line.section.verdict.outcome.judged]
    smaller = [line for line in judged if line.section.proxy]
    at_scale = [line for line in judged if not line.section.proxy]
    found = _told(at_scale, AT_SCALE)
    below = _told(smaller, SMALLER, " at a smaller scale")
    if below:
        below[-1] = (*below[-1], Phrase(BELOW))
    nothing = [(Phrase("No claim has been judged at the paper's scale yet.", strong=True),)]
    return [*(found or nothing), *below, *_told(known, REST), *_unknown(first)]


def _told(lines: Sequence[Line], groups: Sequence[VerdictGroup], where: str = "") -> list[Sentence]:
    """A sentence for each group that there is a claim of."""
    found = [
        (group, [line for line in lines if line.section.verdict.outcome is group.outcome]) for group in groups
    ]
    return [_sentence(group, members, where) for group, members in found if members]


def _sentence(group: VerdictGroup, lines: Sequence[Line], where: str) -> Sentence:
    """The claims, each with its figure where that says something; of too many their number."""
    kind = str(group.outcome).replace(" ", "-")
    lead = f"{_claims(len(lines))} {group.one if len(lines) == 1 else group.many}{where}"
    if group.named is not None and len(lines) > group.named:
        return Phrase(f"{lead}:", strong=True, kind=kind), Phrase(" each is in the tables below.")
    ends = ["; "] * (len(lines) - 1) + ["."]
    named = (
        (Phrase(line.label, target=line.target), Phrase(f"{_figure(line.section)}{end}"))
        for line, end in zip(lines, ends, strict=True)
    )
    return Phrase(f"{lead}: ", strong=True, kind=kind), *(part for pair in named for part in pair)


def _figure(section: Section) -> str:
    """What was found, in brackets; at the paper's scale beside its figure. Nothing of what is not shown."""
    if section.claim.kind is Kind.EXACT:
        return f" ({_counts(section)})"
    if section.verdict.outcome in (Outcome.INCONCLUSIVE, Outcome.INVALID):
        return ""
    parts = [f"{found.value} {found.rest}" for found in ours(section)[:1]]
    parts += [f"the paper: {section.claim.figure}"] * (not section.proxy)
    return f" ({'; '.join(parts)})" if parts else ""


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


def _unknown(first: Sequence[Line]) -> list[Sentence]:
    """Of how many claims nothing can be said, and why."""
    unknown = [line for line in first if not measured(line.section)]
    if not unknown:
        return []
    lead = Phrase(f"Nothing can be said of {_claims(len(unknown)).lower()}: ", strong=True, kind="not-run")
    reasons = Counter(_unknown_as(line.section) for line in unknown)
    alone = {len(unknown): "they", 1: "it"} if len(reasons) == 1 else {}
    said = [f"{alone.get(n, n)} {one if n == 1 else many}" for (one, many), n in reasons.items()]
    return [(lead, Phrase(f"{', '.join(said)}."))]


def _unknown_as(section: Section) -> tuple[str, str]:
    """Why nothing can be said of a claim, for one and for many."""
    if section.smoke:
        return "has only smoke runs", "have only smoke runs"
    return ("is unfinished", "are unfinished") if section.records else ("was not run", "were not run")


def _claims(count: int) -> str:
    return "One claim" if count == 1 else f"{count} claims"
