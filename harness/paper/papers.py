"""The papers whose claims are re-examined: AlexNet's, and those from other packages.

AlexNet's claims are declared only in catalogue.py; a package declares its own claims beside its code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from harness.contract import plugins
from harness.contract.errors import BadValue, UnknownName
from harness.paper import declaration
from harness.paper.catalogue import CLAIMS
from harness.paper.claims import Claim
from harness.paper.titles import MEASURED, TITLES


@dataclass(frozen=True)
class Paper:
    """A paper with its claims; `titles` and `measured` are texts for reports, by the claim's id."""

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
    MEASURED,
)


@dataclass(frozen=True)
class HeldPaper:
    """A paper, the package that provides it, and the module that declares it."""

    paper: Paper
    package: str
    module: str


@cache
def held() -> tuple[HeldPaper, ...]:
    """Every paper, AlexNet's first."""
    known: dict[str, str] = {claim.id: ALEXNET.name for claim in CLAIMS}
    names = {ALEXNET.name: plugins.OWN}

    def refuse(paper: Paper) -> None:
        declaration.check(paper)
        if paper.name in names:
            raise BadValue(f"{names[paper.name]} already provides {paper.name}: uninstall one of the two")
        ids = [claim.id for claim in paper.claims]
        for name in ids:
            if name in known or ids.count(name) > 1:
                whose = known.get(name, paper.name)
                raise BadValue(f"{whose} already has a claim '{name}': give this one another id")

    def take() -> Iterator[HeldPaper]:
        for point, paper in plugins.loaded(plugins.PAPERS, Paper, refuse):
            known.update({claim.id: paper.name for claim in paper.claims})
            names[paper.name] = plugins.package(point)
            yield HeldPaper(paper, plugins.package(point), point.module)

    return (HeldPaper(ALEXNET, plugins.OWN, "harness.paper.catalogue"), *take())


def claims() -> tuple[Claim, ...]:
    """Every claim, grouped by paper."""
    return tuple(claim for one in held() for claim in one.paper.claims)


def claim(name: str) -> Claim:
    """The claim with that id, of any paper; UnknownName, with the nearest ids, if there is none."""
    found = next((claim for claim in claims() if claim.id == name), None)
    if found is None:
        raise UnknownName("claim", name, [claim.id for claim in claims()])
    return found


def of(claim: Claim) -> HeldPaper:
    """The claim's paper, with the package that provides it; AlexNet's if no paper declares it."""
    named = (one for one in held() if any(known.id == claim.id for known in one.paper.claims))
    return next(named, held()[0])


def another(claim: Claim) -> str:
    """The name of the claim's paper if it is not AlexNet's; else empty."""
    paper = of(claim).paper
    return "" if paper is ALEXNET else paper.name


def title(claim: Claim) -> str:
    """The claim as a short sentence, or its whole statement if it has none."""
    return of(claim).paper.titles.get(claim.id, claim.statement)
