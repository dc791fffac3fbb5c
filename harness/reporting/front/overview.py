"""The report's first page: every claim with its result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.contract.formatting import number, p_value, quantity
from harness.effects.statistics.significance import LOOKS
from harness.paper.claims import Claim, Kind
from harness.paper.papers import another, title
from harness.plans.experiment import Table
from harness.reporting.claims.phrases import look
from harness.reporting.claims.sections import Section, leading
from harness.reporting.tables import trimmed
from harness.reporting.wording import estimate, support, words
from harness.verdicts.verdict import MEANINGS, Outcome, Qualifier


@dataclass(frozen=True)
class Found:
    """One effect in a line: its name if there are several, the estimate, and what that rests on."""

    name: str
    value: str
    rest: str
    judged: bool

    @property
    def line(self) -> str:
        """All of it as text."""
        said = f"{self.name} {self.value} ({self.rest})" if self.rest else f"{self.name} {self.value}"
        return f"{said.strip()}{'' if self.judged else ', not judged'}"


@dataclass(frozen=True)
class Line:
    """A line of the first table: a claim with its best evidence or, below that, with more of it."""

    section: Section
    target: str  # the identifier in the page of what says more
    first: bool
    marks: tuple[int, ...]  # numbers of its deviations

    @property
    def label(self) -> str:
        """The claim as a short sentence, with its paper; for further evidence, its protocol."""
        if not self.first:
            return f"… at {self.section.verdict.protocol}"
        paper = another(self.section.claim)
        return title(self.section.claim) + (f" ({paper})" if paper else "")

    @property
    def marked(self) -> str:
        """`1–4, 6`."""
        runs: list[list[int]] = []
        for mark in sorted(self.marks):
            if runs and mark == runs[-1][-1] + 1:
                runs[-1].append(mark)
            else:
                runs.append([mark])
        return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


P_VALUES = ("p, Student", "p, Holm")


def family(sections: Sequence[Section]) -> str:
    """What the two p-values of the first table are; empty if there are none."""
    counts = Counter(another(s.claim) for s in sections if s.adjusted_p is not None)
    if not counts:
        return ""
    count = " and ".join(f"{n} of {paper}" if paper else str(n) for paper, n in counts.items())
    return (
        "p, Student is for a claim's primary effect alone. p, Holm is adjusted over a paper's judged claims "
        f"that have one, here {count}{_looked(sections)}: if none of them had any effect, at most 5 % of "
        "such reports would have one or more below .05. No verdict rests on either."
    )


def _looked(sections: Sequence[Section]) -> str:
    """How many of the adjusted p-values are those of interim looks, and what that does to them."""
    looks = sum(s.interim for s in sections if s.adjusted_p is not None)
    times = f"multiplied by {len(LOOKS)}, since they had as many chances"
    return f" ({looks} at interim looks: first {times})" if looks else ""


def ours(section: Section) -> list[Found]:
    """The result for each metric that the claim declares; all counts are judged, else only the first metric.

    Empty for smoke runs: they show that the code runs, and their numbers mean nothing else.
    """
    if section.smoke or not section.effects:
        return []
    first, known = section.effects[0], [e for e in section.effects if e.n]
    found = [e for e in known if section.claim.metric(e.metric)] or known[:1]
    exact = section.claim.kind is Kind.EXACT  # counted, so that there is neither n nor interval
    names = [words(e.metric) if len(found) > 1 else "" for e in found]
    return [
        Found(name, estimate(e), "" if exact else f"{support(e)}{look(section)}", exact or e is first)
        for name, e in zip(names, found, strict=True)
    ]


def logged(claim: Claim) -> str:
    """The figures of the authors' 2012 log; if they share a unit, it is written once."""
    known = [(m.logged_2012, m.unit) for m in claim.metrics if m.logged_2012 is not None]
    if len({unit for _, unit in known}) != 1:
        return " / ".join(quantity(value, unit) for value, unit in known)
    *others, last = known
    return " / ".join([*(number(value) for value, _ in others), quantity(*last)])


def place(claim: Claim) -> str:
    """Where the claim is in the paper; with the paper's name if it is not AlexNet's."""
    parts = (f"§ {part}" if part[:1].isdigit() else part for part in claim.section.split(", "))
    return ", ".join(filter(None, (another(claim), *parts)))


def deviations(sections: Sequence[Section]) -> dict[str, int]:
    """Every deviation from the paper with a number, in the order in which they appear."""
    found = dict.fromkeys(d.rstrip(".") for s in sections for d in s.deviations)
    return {deviation: i for i, deviation in enumerate(found, 1)}


def lines(sections: Sequence[Section], slugs: Mapping[int, str]) -> list[Line]:
    """A line for every section; `slugs` names those shown on the page, by their `id()`."""
    numbers, first = deviations(sections), set(map(id, leading(sections)))
    return [
        Line(
            s,
            slugs.get(id(s), s.claim.id),
            id(s) in first,
            tuple(dict.fromkeys(numbers[d.rstrip(".")] for d in s.deviations)),
        )
        for s in sections
    ]


def measured(section: Section) -> bool:
    """Whether there is any evidence about the claim: smoke runs are none."""
    return section.examined and not section.smoke and section.verdict.outcome is not Outcome.NOT_RUN


def shown(lines: Sequence[Line]) -> list[Line]:
    """The lines of the first screen: each claim's best evidence, followed by its other judged experiments."""
    seen: set[tuple[str, str | None]] = set()
    found: list[Line] = []
    for line in lines:
        name = line.section.claim.id, line.section.verdict.protocol
        if line.first or (line.section.verdict.outcome.judged and name not in seen):
            found.append(line)
        seen.add(name)
    return found


def tally(sections: Sequence[Section]) -> list[tuple[Outcome, int, int]]:
    """How many claims have which outcome, and how many of those as a proxy."""
    verdicts = [s.verdict for s in leading(sections)]
    count = Counter(v.outcome for v in verdicts)
    proxies = Counter(v.outcome for v in verdicts if v.qualifier is Qualifier.PROXY)
    return [(outcome, count[outcome], proxies[outcome]) for outcome in MEANINGS if count[outcome]]


def verdict_table(found: Sequence[Line]) -> Table:
    """One line per claim: what the paper says, what was found, and the verdict."""
    columns = ("claim", "verdict", "paper", "authors' log, 2012", "ours", *P_VALUES, "protocol", "deviations")
    return trimmed(Table("Verdicts", columns, tuple(_verdict_row(line) for line in found)))


def _verdict_row(line: Line) -> tuple[object, ...]:
    section, claim = line.section, line.section.claim
    return (
        _named(claim) if line.first else f"{claim.id}, also",
        ", ".join(label for _, label in section.badges),
        claim.figure,
        logged(claim),
        "; ".join(one.line for one in ours(section)),
        *(None if p is None else p_value(p) for p in (section.raw_p, section.adjusted_p)),
        section.scale,
        line.marked,
    )


def _named(claim: Claim) -> str:
    """The claim's id, with its paper if that is not AlexNet's."""
    paper = another(claim)
    return f"{claim.id} ({paper})" if paper else claim.id
