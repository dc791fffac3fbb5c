"""The workloads, one file each. A file that defines `WORKLOAD` is found by its file name, with hyphens."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.bench.workload import Workload


def names() -> tuple[str, ...]:
    """The names of all workloads, in alphabetical order; imports none of them."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


def named(name: str) -> Workload:
    """The workload with one of the `names`."""
    found: Workload = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").WORKLOAD
    return found
