"""The reproductions tested against the contract: without any, or with a broken one, tests must fail."""

from __future__ import annotations

import reproductions
from harness.contract import plugins
from harness.contract.errors import BadValue
from harness.plans.experiment import Reproduction


def subjects(package: str) -> list[Reproduction]:
    """Those of the package, or of every package except this one; BadValue if there is none to test."""
    found = [
        one.reproduction
        for one in reproductions.held()
        if one.package == package or (not package and one.package != plugins.OWN)
    ]
    if broken := plugins.troubles():
        raise BadValue("; ".join(broken))
    if not found:
        whose = f"of the package {package}" if package else f"of any package but {plugins.OWN}"
        raise BadValue(
            f"no reproduction {whose} is installed: install it, with entry points as in docs/plugins.md"
        )
    return found
