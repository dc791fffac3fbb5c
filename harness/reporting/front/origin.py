"""Where a report comes from: its records, the machines and commits that made them, and the declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.contract.device import DeviceKind
from harness.contract.formatting import count
from harness.paper.papers import held
from harness.records.provenance import Declared, Provenance
from harness.records.record import Record
from harness.reporting.claims.declared import CATALOGUE

MOST = 3  # names in a line
LONGEST = 80  # letters of a name: a record may hold any


@dataclass(frozen=True)
class EvidenceOrigin:
    """What a reader needs to know about the records before any number."""

    records: int
    clean: int  # made from a commit with a clean working tree
    stale: int  # made by code other than today's; not among `records`
    first: str  # when the first one started, and when the last one finished
    last: str
    hardware: tuple[str, ...]
    commits: tuple[str, ...]  # that made them, the most frequent first
    judged_by: str  # the commit that made the report
    declared: Declared | None

    @property
    def days(self) -> str:
        """`2026-11-22`, or `2026-11-22 to 2026-11-24`."""
        days = list(dict.fromkeys(moment[:10] for moment in (self.first, self.last) if moment))
        return " to ".join(days)

    @property
    def parts(self) -> tuple[str, ...]:
        """The line at the head of a report, part by part."""
        stale = [f"{count(self.stale, 'further stale record')}"] * bool(self.stale)
        if not self.records:
            none = (
                f"no record of today's code, {count(self.stale, 'stale record')}" if stale else "no records"
            )
            return (none, *(f"the code of {name}" for name in (self.judged_by,) if name))
        every = (
            "all from a clean commit" if self.clean == self.records else f"{self.clean} from a clean commit"
        )
        records = f"{count(self.records, 'record')}, {every}"
        return (*filter(None, (self.days,)), _some(self.hardware, "machine"), records, *stale, *self._code())

    def _code(self) -> tuple[str, ...]:
        """The commits that made and judged the records, named once if they are the same."""
        if self.commits == (self.judged_by,):
            return (f"made and judged by the code of {self.judged_by}",)
        judged = (f"judged by that of {self.judged_by}",) if self.judged_by else ()
        return (f"made by the code of {_some(self.commits, 'commit')}", *judged)

    @property
    def declaration(self) -> str:
        """Where to check that the claims were declared before the runs, and who declares others."""
        of_others = (f" Those of {o.paper.name} are declared by the package {o.package}." for o in held()[1:])
        return self._declaration + "".join(of_others)

    @property
    def _declaration(self) -> str:
        if self.declared is None:
            return f"Claims, bands and what is judged are declared in {CATALOGUE}."
        found = self.declared
        said = f"Claims, bands and what is judged are declared in {found.path}, last changed in commit "
        said += f"{found.commit} on {found.when[:10]}"
        said += " and modified here" * found.changed
        if not self.first:
            return f"{said}."
        if found.when <= self.first and not found.changed:
            return f"{said}, before the first of these records ({self.first[:10]})."
        since = "each claim says whether what is judged has changed since its first final run"
        return f"{said}. The first record here is from {self.first[:10]}: {since}, if this clone can tell."


def origin(
    records: Sequence[Record], stale: Iterable[Record], here: Mapping[str, Any], declared: Declared | None
) -> EvidenceOrigin:
    """The origin of a report on these records, made `here` (the environment)."""
    return EvidenceOrigin(
        len(records),
        sum(_clean(r) for r in records),
        len(once_each(stale)),
        min((r.started for r in records if r.started), default=""),
        max((r.finished for r in records if r.finished), default=""),
        _frequent(map(_machine, records)),
        _frequent(r.made_by for r in records),
        str(Provenance(here.get("commit"), here.get("dirty"), str(here.get("source", "")))) if here else "",
        declared,
    )


def once_each(records: Iterable[Record]) -> list[Record]:
    """The records without those that several sections share more than once."""
    return list({id(record): record for record in records}.values())


def _clean(record: Record) -> bool:
    return bool(record.environment.get("commit")) and record.environment.get("dirty") is False


def _machine(record: Record) -> str:
    """What did the arithmetic: the GPU, or the processor with its cores."""
    if record.conditions.device is DeviceKind.CUDA:
        return _name(record.processor, "an unnamed GPU")
    cores = record.environment.get("cores")
    return _name(record.processor, "an unnamed processor") + (f", {_name(cores, '')} cores" if cores else "")


def _name(said: object, otherwise: str) -> str:
    return str(said or otherwise)[:LONGEST]


def _frequent(names: Iterable[str]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return tuple(sorted(counts, key=lambda name: -counts[name]))


def _some(names: Sequence[str], kind: str) -> str:
    """The names, or the first of many."""
    more = len(names) - MOST
    shown = " and ".join(names[:MOST]) if len(names) <= 2 else ", ".join(names[:MOST])
    return f"{shown} and {count(more, f'further {kind}')}" if more > 0 else shown
