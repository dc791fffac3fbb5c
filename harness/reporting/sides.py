"""Evidence from two places side by side: two stores, published reports, or exports of other code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import reproductions
from harness.contract.errors import BadValue
from harness.contract.formatting import count
from harness.contract.progress import SILENT, Tracker, tracked
from harness.contract.trial import Precision
from harness.records.files import MALFORMED, read
from harness.records.keys import canonical
from harness.records.record import Record
from harness.records.store import Store
from harness.reporting.formats import FILES, Format
from harness.verdicts.assess import Assessments
from harness.verdicts.comparing import effect_rows
from harness.verdicts.comparing.comparison import Comparison, compare
from harness.verdicts.comparing.effect_rows import EffectRow
from harness.verdicts.comparing.same_nets import NetOfRun, SameNet, nets, same_nets

EFFECTS = "effects.json"  # written by `export --to json`; a side may be one instead of a store


@dataclass(frozen=True)
class EvidenceSide:
    """Evidence from one place; `stale` describes, by reproduction, records of other code versions."""

    name: str
    rows: tuple[EffectRow, ...]
    nets: tuple[NetOfRun, ...] = ()
    stale: Mapping[str, str] | None = None
    notices: tuple[str, ...] = ()

    def in_precision(self, precision: Precision) -> EvidenceSide:
        """The part computed in a precision; what needs no run belongs to any."""
        return replace(
            self,
            name=f"{self.name} in {precision}",
            rows=tuple(row for row in self.rows if row.precision is precision or not row.runs),
            nets=tuple(net for net in self.nets if net.record.precision is precision),
        )

    def on(self, claims: Collection[str]) -> EvidenceSide:
        """The part about these claims; everything if none is named."""
        if not claims:
            return self
        return replace(
            self,
            rows=tuple(row for row in self.rows if row.claim in claims),
            nets=tuple(net for net in self.nets if not net.claims.isdisjoint(claims)),
        )

    def among(self, experiments: Collection[tuple[str, str]]) -> EvidenceSide:
        """The part about these claims at these protocols."""
        return replace(self, rows=tuple(row for row in self.rows if (row.claim, row.protocol) in experiments))

    def why_not(self, wanted: EffectRow) -> str:
        """Why it has no counterpart for an effect of the other side."""
        of_claim = [row for row in self.rows if row.claim == wanted.claim]
        if any((row.protocol, row.metric) == (wanted.protocol, wanted.metric) for row in of_claim):
            return "it has this under fewer conditions"
        if any(row.protocol == wanted.protocol for row in of_claim):
            return f"no {wanted.metric} there"
        if of_claim:
            return f"other protocol: {', '.join(dict.fromkeys(row.protocol for row in of_claim))}"
        unread = "no record that this version can read" if self.notices else "no record"
        return (self.stale or {}).get(wanted.reproduction, unread)


@dataclass(frozen=True)
class SideBySide:
    """Two sides and everything compared between them."""

    first: EvidenceSide
    second: EvidenceSide
    comparison: Comparison
    nets: tuple[SameNet, ...]


def side_by_side(first: EvidenceSide, second: EvidenceSide) -> SideBySide:
    """The comparison of two sides, and of the networks that both trained."""

    def absent(row: EffectRow, of_first: bool) -> str:
        return (second if of_first else first).why_not(row)

    found = compare(first.rows, second.rows, absent)
    return SideBySide(first, second, found, tuple(same_nets(first.nets, second.nets)))


def side(place: Path, tracker: Tracker = SILENT) -> EvidenceSide:
    """The evidence of a results folder or a published report, or of an export; BadValue where it is none."""
    if place.is_file():
        return _exported(place)
    if not (place / "records").is_dir():
        if (place / EFFECTS).is_file():
            return _exported(place / EFFECTS)
        if (place / FILES[Format.JSON]).is_file() and (place.parent / "records").is_dir():
            return of_store(Store(place.parent), tracker)  # a rendered report, with its records beside it
        what = f"holds neither records nor {EFFECTS}" if place.is_dir() else "does not exist"
        raise BadValue(
            f"{place} {what}; name a results folder, a published report or an 'export --to json' file"
        )
    return of_store(Store(place), tracker)


def of_store(store: Store, tracker: Tracker = SILENT) -> EvidenceSide:
    """Everything that today's code finds in a store."""
    known = Assessments(store)
    each = tracked(reproductions.every(), f"judging {store.root}", tracker)
    found = [known.of(e) for r in each for e in known.experiments(r)]
    rows = [row for assessment in found for row in effect_rows.rows(assessment)]
    repeated = {canonical(run.planned.trial) for one in found for run in one.evidence.runs}
    stale = _stale(known, repeated)
    return EvidenceSide(str(store.root), tuple(rows), tuple(nets(found)), stale, store.left_out(1))


def part(root: Path, records: Sequence[Record]) -> Store:
    """A store as if it held only these of its records."""
    found = Store(root)
    found.records = sorted(records, key=lambda record: (record.finished, record.key))
    return found


def _exported(file: Path) -> EvidenceSide:
    try:
        return EvidenceSide(str(file), tuple(effect_rows.read(read(file))))
    except MALFORMED as error:
        raise BadValue(
            f"{file} is not an {EFFECTS} of 'export --to json' ({error}); name such a file, or a store"
        ) from error


def _stale(known: Assessments, repeated: Collection[str]) -> dict[str, str]:
    """For every reproduction with records of other code versions alone: how many, and by which commits."""
    old = {
        r.name: [record for record, trial in known.own_stale(r) if canonical(trial) not in repeated]
        for r in reproductions.every()
    }
    return {name: _of_other_code(records) for name, records in old.items() if records}


def _of_other_code(records: Sequence[Record]) -> str:
    commits = ", ".join(sorted({record.made_by for record in records}))
    were = "was" if len(records) == 1 else "were"
    return (
        f"other code version: its {count(len(records), 'record')} {were} made by {commits}; "
        f"'export --to json' with that code gives an {EFFECTS} to compare"
    )
