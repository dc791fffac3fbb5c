"""The reproductions, one file each. A file that defines `REPRODUCTION` is found; nothing else is needed."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from harness.contract.errors import BadValue, UnknownName
from harness.paper.catalogue import CLAIMS
from harness.plans.experiment import Reproduction


@cache
def every() -> tuple[Reproduction, ...]:
    """Every reproduction of this folder, by file name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}").REPRODUCTION for name in names)


def named(name: str) -> Reproduction:
    """The reproduction of that name, or of the claim of that name."""
    for reproduction in every():
        if name == reproduction.name or name in reproduction.claims:
            return reproduction
    declared = next((claim for claim in CLAIMS if claim.id == name and claim.needs), None)
    if declared is not None:
        raise BadValue(f"{name} is declared and has no reproduction: it needs {declared.needs}")
    raise UnknownName("claim", name, {claim for r in every() for claim in (r.name, *r.claims)})


def answering(claim_id: str) -> Reproduction | None:
    """The reproduction that answers the claim, if one is written."""
    return next((r for r in every() if claim_id in r.claims), None)
