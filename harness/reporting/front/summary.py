"""What a report says in a few sentences, made from the verdicts: what holds, what does not, what is open.

A sentence is a list of parts, so that each form of the report can emphasise and link what it names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.contract.effect import Effect
from harness.contract.formatting import quantity
from harness.paper.claims import Kind, Metric
from harness.reporting.claims.phrases import paper
from harness.reporting.claims.sections import Section
from harness.reporting.front.overview import Line, measured, ours
from harness.reporting.wording import words
from harness.verdicts.verdict import Outcome, Qualifier, Verdict


@dataclass(frozen=True)
class VerdictGroup:
    """Claims with one verdict, reported together: the wording, and the most that are named one by one."""

    outcome: Outcome
    one: str
    many: str
    named: int | None = None  # None: every one, however many they are
    qualifiers: tuple[Qualifier, ...] = ()  # of its verdicts; empty: any

    def has(self, verdict: Verdict) -> bool:
        """Whether the verdict belongs to the group."""
        return verdict.outcome is self.outcome and (
            not self.qualifiers or verdict.qualifier in self.qualifiers
        )


FEW, SOME = 4, 6  # the most claims named: where nothing is shown, and where only the direction is
AT_SCALE = (  # in the order in which they appear
    VerdictGroup(Outcome.REPRODUCED, "holds, within its declared band", "hold, within their declared bands"),
    VerdictGroup(
        Outcome.DIRECTIONAL,
        "has the paper's direction",
        "have the paper's direction",
        qualifiers=(Qualifier.NONE,),  # nothing else is claimed
    ),
    VerdictGroup(
        Outcome.DIRECTIONAL,
        "has the paper's direction, but its size is not shown",
        "have the paper's direction, but their size is not shown",
        qualifiers=(Qualifier.SIZE_UNPROVEN,),
    ),
    VerdictGroup(
        Outcome.DIRECTIONAL,
        "has the paper's direction but another size",
        "have the paper's direction but another size",
        qualifiers=(Qualifier.WEAKER, Qualifier.STRONGER),
    ),
    VerdictGroup(Outcome.NOT_REPRODUCED, "does not hold as stated", "do not hold as stated"),
    VerdictGroup(Outcome.INCONCLUSIVE, "is undecided", "are undecided", FEW),
)
SMALLER = (
    VerdictGroup(
        Outcome.DIRECTIONAL, "points in the paper's direction", "point in the paper's direction", SOME
    ),
    VerdictGroup(Outcome.NOT_REPRODUCED, "is contradicted", "are contradicted", SOME),
    VerdictGroup(Outcome.INCONCLUSIVE, "is undecided", "are undecided", FEW),
)
REST = (
    VerdictGroup(Outcome.INVALID, "has runs that cannot test it", "have runs that cannot test them", FEW),
    VerdictGroup(Outcome.REPORTED, "is reported but not judged", "are reported but not judged", FEW),
)
BELOW = " A smaller scale can show a direction, never the size."
SMOKE_ONLY = "Only smoke runs are stored. They show that the code runs but say nothing about the paper."


@dataclass(frozen=True)
class Phrase:
    """Part of a sentence; `target` is the identifier of the section that it links to."""

    words: str
    strong: bool = False
    target: str = ""
    kind: str = ""  # of the leading words of a sentence: their verdict


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
    """A sentence for each group that has any claims."""
    found = [(group, [line for line in lines if group.has(line.section.verdict)]) for group in groups]
    return [_sentence(group, members, where) for group, members in found if members]


def _sentence(group: VerdictGroup, lines: Sequence[Line], where: str) -> Sentence:
    """The claims, each with its figure where that says something; only their number if there are too many."""
    kind = str(group.outcome).replace(" ", "-")
    lead = f"{_claims(len(lines))} {group.one if len(lines) == 1 else group.many}{where}"
    if group.named is not None and len(lines) > group.named:
        return Phrase(f"{lead}:", strong=True, kind=kind), Phrase(" see the tables below.")
    ends = ["; "] * (len(lines) - 1) + ["."]
    named = (
        (Phrase(line.label, target=line.target), Phrase(f"{_figure(line.section)}{end}"))
        for line, end in zip(lines, ends, strict=True)
    )
    return Phrase(f"{lead}: ", strong=True, kind=kind), *(part for pair in named for part in pair)


def _figure(section: Section) -> str:
    """The result in brackets, with the paper's figure at its scale; empty where nothing is shown."""
    if section.claim.kind is Kind.EXACT:
        return f" ({_counts(section)})"
    if section.verdict.outcome in (Outcome.INCONCLUSIVE, Outcome.INVALID):
        return ""
    parts = [f"{found.value} {found.rest}" for found in ours(section)[:1]]
    if parts and section.unfinished:
        parts.append("unfinished")
    if not section.proxy:
        parts.append(f"paper: {paper(section)}")
    elif section.verdict.outcome is Outcome.REPORTED and section.verdict.qualifier is Qualifier.PROXY:
        parts.append("not at the paper's scale")
    return f" ({'; '.join(parts)})" if parts else ""


def _counts(section: Section) -> str:
    """Which counts agree with the paper, and what the others are instead."""
    pairs = [(m, e) for e in section.effects if (m := section.claim.metric(e.metric)) and m.tolerated]
    outside = [_count(m, e) for m, e in pairs if not m.agrees(e.estimate)]
    inside = [words(m.name) for m, e in pairs if m.agrees(e.estimate)]
    holding = f"{', '.join(inside)}: as stated" if outside and inside else ""
    return "; ".join(part for part in (holding, *outside) if part) or "all counts agree"


def _count(metric: Metric, effect: Effect) -> str:
    found = "none" if effect.estimate is None else quantity(effect.estimate, effect.unit)
    paper = f"where the paper has {metric.stated}" if metric.stated else "outside the band"
    return f"{words(metric.name)}: {found}, {paper}"


def _unknown(first: Sequence[Line]) -> list[Sentence]:
    """How many claims have no result, and why."""
    unknown = [line for line in first if not measured(line.section)]
    if not unknown:
        return []
    verb = "has" if len(unknown) == 1 else "have"
    lead = Phrase(f"{_claims(len(unknown))} {verb} no result in these records: ", strong=True, kind="not-run")
    reasons = Counter(_unknown_as(line.section) for line in unknown)
    alone = {len(unknown): "they", 1: "it"} if len(reasons) == 1 else {}
    said = [f"{alone.get(n, n)} {one if n == 1 else many}" for (one, many), n in reasons.items()]
    return [(lead, Phrase(f"{', '.join(said)}."))]


def _unknown_as(section: Section) -> tuple[str, str]:
    """Why a claim has no result, in the singular and in the plural."""
    if section.smoke:
        return "has only smoke runs", "have only smoke runs"
    if section.stale and not section.records:
        return "has only records of other code", "have only records of other code"
    return ("is unfinished", "are unfinished") if section.records else ("was not run", "were not run")


def _claims(count: int) -> str:
    return "One claim" if count == 1 else f"{count} claims"
