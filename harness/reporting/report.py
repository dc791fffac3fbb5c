"""The content of a report: one value, from which every format is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from harness.records.provenance import Declared
from harness.records.record import Record
from harness.reporting.claims import entries
from harness.reporting.claims.beyond import Question
from harness.reporting.claims.entries import Entry
from harness.reporting.claims.sections import Section
from harness.reporting.front import overview
from harness.reporting.front.origin import EvidenceOrigin, once_each, origin
from harness.reporting.front.overview import Line


@dataclass(frozen=True)
class Report:
    """The results for every claim, and what a reader must know about them."""

    sections: Sequence[Section]
    here: Mapping[str, Any] = field(default_factory=dict)  # the environment in which it is made
    notices: Sequence[str] = ()  # what must stand at the top of every page
    questions: Sequence[Question] = ()  # those that are not claims of the paper
    declared: Declared | None = None  # when the claims' declarations last changed
    records: str = "records"  # where the records are, as seen from the page
    live: int = 0  # seconds after which the page of a run in progress reloads

    @cached_property
    def evidence(self) -> list[Record]:
        """The records behind its claims and questions, each once."""
        return once_each(chain(*(s.records for s in self.sections), *(q.records for q in self.questions)))

    @cached_property
    def origin(self) -> EvidenceOrigin:
        """Where its records come from."""
        return origin(self.evidence, (r for s in self.sections for r in s.stale), self.here, self.declared)

    @cached_property
    def entries(self) -> list[Entry]:
        """An entry for each claim with anything to show."""
        return entries.entries(self.sections)

    @cached_property
    def lines(self) -> list[Line]:
        """A line for every section, each with the entry that it links to."""
        return overview.lines(self.sections, {id(s): e.slug for e in self.entries for s in e.sections})
