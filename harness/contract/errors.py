"""Errors that a person can fix: each is one sentence that names the file, the value and the fix.

HarnessError            anything below; the command line prints it and exits with status 2
├── UnknownName         a claim, protocol, network or device that does not exist
├── BadValue            an option whose value cannot be used
├── DataError           a data set that is missing, partial or corrupt
├── StoreError          a results folder that cannot be read or written
├── EngineError         a worker that died, a device that is missing
└── ReproductionFails   a plan or an estimate that raises
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb


class HarnessError(Exception):
    """Base of all errors that are shown as one sentence instead of a traceback."""


class UnknownName(HarnessError):
    """A name that is not in the list of known ones; the message suggests the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str], of: str = "") -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
        hint = f"nearest: {', '.join(near)}" if near else f"known: {', '.join(names)}"
        super().__init__(f"unknown {kind} '{name}'{f' of {of}' if of else ''} ({hint})")


class BadValue(HarnessError):
    """An option whose value cannot be used."""


class DataError(HarnessError):
    """A data set that is missing, partial or corrupt."""


class StoreError(HarnessError):
    """A results folder that cannot be read or written."""


class EngineError(HarnessError):
    """A worker that died, or a device that is missing."""


class ReproductionFails(HarnessError):
    """A plan or an estimate that raises, perhaps one from another package."""


@contextmanager
def own_code(what: str) -> Iterator[None]:
    """Turns whatever `what` raises into ReproductionFails, with the place; StoreErrors pass unchanged."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        place = extract_tb(error.__traceback__)[-1]
        raise ReproductionFails(
            f"{what} fails ({said}, in {Path(place.filename).name}, line {place.lineno}): "
            "fix it; no trial has to be run again"
        ) from error
