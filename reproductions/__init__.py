"""The reproductions, one file each. A file that defines `REPRODUCTION` is found; nothing else is needed.

Packages bring more through entry points (docs/plugins.md); those are planned, run and shown like these.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from harness.contract import plugins
from harness.contract.device import DeviceKind
from harness.contract.errors import BadValue, UnknownName
from harness.contract.once import once
from harness.contract.trial import Settings, Trial
from harness.data.catalogue import DATA_SETS
from harness.paper import papers
from harness.plans.experiment import Figure, Reproduction
from harness.records.keys import canonical, code_version

# What a trial's settings must have: the public names of the protocol that they implement.
SETTINGS = tuple(name for name in vars(Settings) if not name.startswith("_"))


@dataclass(frozen=True)
class HeldReproduction:
    """A reproduction, the module that defines it, and the package that brings it."""

    reproduction: Reproduction
    module: str
    package: str


@cache
def held() -> tuple[HeldReproduction, ...]:
    """The reproductions of this folder by file name, then those of packages."""
    names = sorted(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))
    own = tuple(
        HeldReproduction(importlib.import_module(name).REPRODUCTION, name, plugins.OWN) for name in names
    )
    return (*own, *_brought(own))


def _brought(own: tuple[HeldReproduction, ...]) -> Iterator[HeldReproduction]:
    claims = {claim.id for claim in papers.claims()}
    taken = {name: one for one in own for name in (one.reproduction.name, *one.reproduction.claims)}

    def refuse(found: Reproduction) -> None:
        for name in found.claims:
            if name not in claims:
                raise BadValue(f"no paper has the claim '{name}': declare it in one of {plugins.PAPERS}")
        for name in (found.name, *found.claims):
            if name in taken:
                whose = taken[name]
                raise BadValue(
                    f"{whose.package} already has '{name}', as {whose.module}: choose another name or claim"
                )
        if bool(found.claims) == bool(found.question):
            raise BadValue("it needs either claims or a question: give it exactly one of the two")
        if found.figure is not None and found.figure not in set(Figure):
            raise UnknownName("figure", found.figure, set(Figure))
        for protocol in (found.protocol("smoke"), *found.protocols):
            if protocol.dataset is not None and protocol.dataset not in DATA_SETS:
                raise UnknownName("data set", protocol.dataset, DATA_SETS, of=protocol.name)
            for planned in found.plan(protocol, protocol.seeds, lambda trial: None).trials:
                _usable(planned.trial)

    for point, reproduction in plugins.loaded(plugins.REPRODUCTIONS, Reproduction, refuse):
        one = HeldReproduction(reproduction, point.module, plugins.package(point))
        taken.update(dict.fromkeys((reproduction.name, *reproduction.claims), one))
        yield one


@once
def _usable(trial: Trial) -> None:
    """Raises if the trial's settings lack something, or it has no key: every command would fail on it."""
    for name in SETTINGS:
        getattr(trial.settings, name)
    canonical(trial)
    code_version(trial, DeviceKind.CPU)


def every() -> tuple[Reproduction, ...]:
    """Every reproduction: those of this folder, then those of packages."""
    return tuple(one.reproduction for one in held())


def holding(reproduction: Reproduction) -> HeldReproduction:
    """Where the reproduction is defined."""
    return next(one for one in held() if one.reproduction is reproduction)


def named(name: str) -> Reproduction:
    """The reproduction with that name, or the one that answers the claim with that name."""
    for reproduction in every():
        if name == reproduction.name or name in reproduction.claims:
            return reproduction
    declared = next((claim for claim in papers.claims() if claim.id == name and claim.needs), None)
    if declared is not None:
        raise BadValue(f"{name} is declared but has no reproduction: it needs {declared.needs}")
    raise UnknownName("claim", name, {claim for r in every() for claim in (r.name, *r.claims)})


def answering(claim_id: str) -> Reproduction | None:
    """The reproduction that answers the claim, if there is one."""
    return next((r for r in every() if claim_id in r.claims), None)


def another_paper(reproduction: Reproduction) -> str:
    """The paper that its claims are from, if not AlexNet's; empty if it is, or if it has no claims."""
    names = (papers.another(papers.claim(name)) for name in reproduction.claims)
    return ", ".join(dict.fromkeys(filter(None, names)))
