"""Merges the stores of several laboratories: every file unchanged, none overwritten, with its origin.

`<into>/merged/<laboratory>-<number>.json` lists the records of a laboratory by a digest of their files. It is
written before any record is copied, so that no record is ever without its origin. An interrupted merge is
resumed by the same command, which skips what is already there. Looks and requested numbers of seeds are
copied as well, since they decide how a verdict is reached.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.contract.errors import BadValue, StoreError
from harness.records.files import MALFORMED, read, write_next, write_whole
from harness.records.record import OtherFormat, Record, Unreadable, decode
from harness.records.store import DECLARED, Store, seeds_noted

NAME = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True)
class LaboratoryStore:
    """A laboratory's store."""

    name: str
    root: Path

    @classmethod
    def parse(cls, text: str) -> LaboratoryStore:
        """Parses `NAME=FOLDER`, or a folder, which then gives the name."""
        name, named, folder = text.partition("=")
        if not named or os.path.isdir(text):  # unlike Path, for a name of any length
            name, folder = _own_name(Path(text)), text
        if not folder:
            raise BadValue(f"'{text}' names no folder; give FOLDER or NAME=FOLDER")
        if not NAME.fullmatch(name):
            raise BadValue(
                f"'{name[:110]}' cannot name a laboratory: use up to 100 letters, digits, dots and dashes, "
                f"as in lab-a={folder}"
            )
        return cls(name, Path(folder))


@dataclass(frozen=True)
class Merged:
    """How many records of a laboratory were new, and how many already existed."""

    name: str
    new: int
    known: int


def merge(into: Path, sources: Sequence[LaboratoryStore]) -> list[Merged]:
    """Copies what `into` lacks; if that is not allowed, BadValue or StoreError before anything is written."""
    _check_names(into, sources)
    known = [(source, _whole_records(source.root)) for source in sources]
    try:
        return [_join(into, source, files) for source, files in known]
    except OSError as error:
        raise StoreError(
            f"{error.filename or into} cannot be read or written: {error.strerror}; fix that and run the "
            "same command again: what was copied is kept"
        ) from error


def laboratories(root: Path) -> dict[str, list[Record]]:
    """A store's records by laboratory; its own, never merged ones are listed under its own name."""
    names, found = origins(root), dict[str, list[Record]]()
    for one, path in _files(root / "records").items():
        with suppress(OtherFormat, Unreadable):  # the store itself reports these
            record = decode(read(path))
            found.setdefault(names.get(one, _own_name(root)), []).append(record)
    return found


def origins(root: Path) -> dict[str, str]:
    """The laboratory of every record merged into a store, by the digest of its file."""
    names: dict[str, str] = {}
    for path in sorted((root / "merged").glob("*.json")):
        try:
            note = json.loads(read(path))
            if not NAME.fullmatch(note["laboratory"]):  # it becomes the name of a file
                raise ValueError("its laboratory has no usable name")
            names |= {one: note["laboratory"] for one in note["records"] if one not in names}
        except (*MALFORMED, KeyError, TypeError) as error:
            raise StoreError(
                f"{path} is not a complete note of a merge ({error}); delete it, and merge those stores again"
            ) from error
    return names


def _check_names(into: Path, sources: Iterable[LaboratoryStore]) -> None:
    Store(into).check()
    taken = {_own_name(into): into}
    for source in sources:
        Store(source.root).check()
        if not any((source.root / "records").glob("*.json")):
            raise StoreError(f"{source.root} holds no records; name a results folder or a published report")
        if source.root.resolve() == into.resolve():
            raise BadValue(f"{into} cannot be merged into itself")
        if source.name in taken:
            raise BadValue(
                f"{source.root} and {taken[source.name]} would both be called {source.name}: "
                f"name it, as in lab-a={source.root}"
            )
        taken[source.name] = source.root


def _own_name(root: Path) -> str:
    return root.resolve().name


def _whole_records(root: Path) -> dict[str, Path]:
    """The files of a store by digest; StoreError if one is damaged or of another version."""
    if damaged := Store(root).left_out():
        raise StoreError(f"nothing was merged, since a store must be whole: {'; '.join(damaged)}")
    return _files(root / "records")


def _files(folder: Path) -> dict[str, Path]:
    """JSON files by a digest of their content."""
    found = sorted(folder.glob("*.json"))
    return {hashlib.sha256(read(path)).hexdigest()[:24]: path for path in found}


def _join(into: Path, source: LaboratoryStore, files: Mapping[str, Path]) -> Merged:
    """Copies notes first, then records."""
    present = _files(into / "records")
    new = {one: path for one, path in files.items() if one not in present}
    _note_origins(into, source, new)
    _join_asked(into, source.root)
    for folder in (source.root / "looks").glob("*/"):  # what is judged at looks stays so
        (into / "looks" / folder.name).mkdir(parents=True, exist_ok=True)
        for note in folder.glob(DECLARED):
            write_whole(into / "looks" / folder.name / DECLARED, read(note))
        _copy(_files(folder), into / "looks" / folder.name)
    _copy(new, into / "records")
    return Merged(source.name, len(new), len(files) - len(new))


def _copy(files: Mapping[str, Path], folder: Path) -> None:
    """Copies every file that the folder lacks, byte for byte, under the next free number."""
    present = _files(folder)
    for one, path in files.items():
        if one not in present:
            write_next(folder, path.stem.rpartition("-")[0], read(path).decode())


def _note_origins(into: Path, source: LaboratoryStore, new: Iterable[str]) -> None:
    """Notes who measured the new records; a store that is itself merged names several laboratories."""
    inner, known = origins(source.root), origins(into)
    by_name: dict[str, list[str]] = {}
    for one in new:
        if one not in known:
            by_name.setdefault(inner.get(one, source.name), []).append(one)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for name, records in by_name.items():
        note = {"laboratory": name, "time": now, "records": sorted(records)}
        write_next(into / "merged", name, json.dumps(note, indent=1))


def _join_asked(into: Path, root: Path) -> None:
    """Keeps the larger of the numbers of seeds requested in either store."""
    for path in (root / "asked").glob("*"):
        ours, theirs = _count(into / "asked" / path.name), _count(path)
        if theirs > ours:
            write_whole(into / "asked" / path.name, f"{theirs}\n")


def _count(path: Path) -> int:
    """The number in a note, or 0 for what a store would not believe either."""
    try:
        return seeds_noted(path)
    except (OSError, ValueError):
        return 0
