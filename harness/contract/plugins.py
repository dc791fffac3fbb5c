"""Other packages that bring papers and reproductions: found by entry points, loaded with care.

Whatever cannot be used of a package becomes one sentence, kept for display, and stops nothing else.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path
from typing import TypeVar

from harness.contract.errors import BadValue, HarnessError

PAPERS = "alexnet_repro.papers"
REPRODUCTIONS = "alexnet_repro.reproductions"
OWN = "alexnet-repro"  # this package, whose papers and reproductions are found by location
SHIPPED = ("harness", "reproductions")  # its top-level packages

T = TypeVar("T")
_troubles: dict[str, str] = {}  # by package, or by what it brought


@cache
def points(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, sorted by package and name."""
    return tuple(sorted(entry_points(group=group), key=lambda point: (package(point), point.name)))


def package(point: EntryPoint) -> str:
    """The name of the package that brings it."""
    return point.dist.name if point.dist else point.module.partition(".")[0]


def loaded(group: str, kind: type[T], refuse: Callable[[T], None]) -> Iterator[tuple[EntryPoint, T]]:
    """What the group's entry points name. `refuse` raises BadValue for what does not fit with the rest.

    Once something of a package cannot be used, nothing more of it is loaded.
    """
    for point in points(group):
        if package(point) in _troubles:
            continue
        try:
            value = point.load()
            if not isinstance(value, kind):
                raise BadValue(f"it is a {type(value).__name__}: name a {kind.__module__}.{kind.__name__}")
            refuse(value)
        except HarnessError as error:
            _leave_out(point, str(error))
        except (Exception, SystemExit) as error:  # the code of others may raise anything
            _leave_out(point, f"{type(error).__name__}: {error}; fix it, or uninstall {package(point)}")
        else:
            yield point, value


def _leave_out(point: EntryPoint, why: str) -> None:
    version = f" {point.dist.version}" if point.dist else ""
    said = " ".join(why.split())
    note(
        package(point),
        f"the package {package(point)}{version} is left out: entry point '{point.name} = {point.value}' "
        f"of {point.group} cannot be used ({said})",
    )


def note(name: str, sentence: str) -> None:
    """Keeps a sentence about a package, or about something that it brought and that fails in use."""
    _troubles[name] = sentence


def troubles() -> tuple[str, ...]:
    """A sentence for each requested package, or part of one, that cannot be used."""
    return tuple(_troubles.values())


@cache
def packages() -> Mapping[str, Path]:
    """The folder of each of their top-level modules and packages, by name; none is imported."""
    every = [point for group in (PAPERS, REPRODUCTIONS) for point in points(group)]
    named = {point.module.partition(".")[0] for point in every}
    beside = {top for point in every for top in (_tops(point.dist) if point.dist else ())}
    return {top: place for top in sorted(named | beside) if (place := _folder(top)) is not None}


def _tops(dist: Distribution) -> Iterator[str]:
    """The names of a distribution's top-level modules and packages, as far as it lists them."""
    yield from (dist.read_text("top_level.txt") or "").split()
    for file in dist.files or ():
        if file.suffix == ".py":
            yield file.parts[0].removesuffix(".py")


def _folder(top: str) -> Path | None:
    if top in SHIPPED or not top.isidentifier():
        return None
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if found is None:
        return None
    inside = next(iter(found.submodule_search_locations or ()), None)
    place = inside or found.origin
    return Path(place).resolve().parent if place else None


def versions() -> str:
    """The packages with their versions, such as `another-paper 0.1`; empty where there are none."""
    every = {point.dist for group in (PAPERS, REPRODUCTIONS) for point in points(group) if point.dist}
    return ", ".join(sorted({f"{dist.name} {dist.version}" for dist in every}))
