"""The papers whose claims are re-examined: AlexNet's, and those that other packages bring.

What is declared of AlexNet stands in catalogue.py alone; a package declares its own claims beside its code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from harness.contract import plugins
from harness.contract.errors import BadValue, UnknownName
from harness.paper.catalogue import CLAIMS
from harness.paper.claims import Claim
from harness.paper.titles import TITLES


@dataclass(frozen=True)
class Paper:
    """A paper with what it claims; `titles` and `measured` are words for reports, by the claim's id."""

    name: str  # such as `He et al. 2015`
    title: str
    claims: tuple[Claim, ...]
    titles: Mapping[str, str] = field(default_factory=dict)  # a short sentence for headings and lists
    measured: Mapping[str, str] = field(default_factory=dict)  # what was measured: `the gain was {} of {}`


ALEXNET = Paper(
    "Krizhevsky et al. 2012",
    "ImageNet Classification with Deep Convolutional Neural Networks",
    CLAIMS,
    TITLES,
)


@dataclass(frozen=True)
class HeldPaper:
    """A paper, the package that brings it, and the module in which that declares it."""

    paper: Paper
    package: str
    module: str


@cache
def held() -> tuple[HeldPaper, ...]:
    """Every paper, AlexNet's first."""
    known: dict[str, str] = {claim.id: ALEXNET.name for claim in CLAIMS}
    names = {ALEXNET.name: plugins.OWN}

    def refuse(paper: Paper) -> None:
        _refuse_types(paper)
        if paper.name in names:
            raise BadValue(f"{names[paper.name]} brings {paper.name} already: uninstall one of the two")
        ids = [claim.id for claim in paper.claims]
        for name in ids:
            if name in known or ids.count(name) > 1:
                whose = known.get(name, paper.name)
                raise BadValue(f"{whose} has a claim '{name}' already: give this one another id")

    def take() -> Iterator[HeldPaper]:
        for point, paper in plugins.loaded(plugins.PAPERS, Paper, refuse):
            known.update({claim.id: paper.name for claim in paper.claims})
            names[paper.name] = plugins.package(point)
            yield HeldPaper(paper, plugins.package(point), point.module)

    return (HeldPaper(ALEXNET, plugins.OWN, "harness.paper.catalogue"), *take())


def _refuse_types(paper: Paper) -> None:
    """BadValue for parts that are not what the dataclass says: nothing else checks them at run time."""
    for claim in paper.claims:
        if not isinstance(claim, Claim):
            raise BadValue(
                f"its claims hold a {type(claim).__name__}: make each a harness.paper.claims.Claim"
            )
        if not claim.metrics:
            raise BadValue(f"its claim '{claim.id}' has no metric: name what is judged")


def claims() -> tuple[Claim, ...]:
    """Every claim, those of one paper behind one another."""
    return tuple(claim for one in held() for claim in one.paper.claims)


def claim(name: str) -> Claim:
    """The claim of that id, whoever's it is; UnknownName, with the nearest ids, when there is none."""
    known = {claim.id: claim for claim in claims()}
    if name not in known:
        raise UnknownName("claim", name, known)
    return known[name]


def of(claim: Claim) -> HeldPaper:
    """The claim's paper, with the package that brings it; AlexNet's where no paper declares it."""
    named = (one for one in held() if any(known.id == claim.id for known in one.paper.claims))
    return next(named, held()[0])


def another(claim: Claim) -> str:
    """The name of the claim's paper where that is not AlexNet's; empty where it is."""
    paper = of(claim).paper
    return "" if paper is ALEXNET else paper.name


def title(claim: Claim) -> str:
    """The claim as a short sentence; its whole statement where it has none."""
    return of(claim).paper.titles.get(claim.id, claim.statement)
