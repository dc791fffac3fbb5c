"""Every attempt at every trial, including failed and diverged ones: the report never leaves one out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from harness.contract.formatting import NOTHING, duration
from harness.contract.trial import Status
from harness.plans.experiment import Evidence, Table
from harness.records.keys import canonical, spelled_trial
from harness.records.record import Record
from harness.records.schema import Cost
from harness.reporting.tables import Key
from harness.reporting.wording import shortened

Files = Mapping[int, str]  # names of records' files in the store, by the records' `id()`
NO_FILES: Files = MappingProxyType({})
TROUBLE = "Failed and diverged runs"  # the only table of single trials that is also printed


@dataclass(frozen=True)
class Attempt:
    """One attempt at a planned trial, or a planned trial that has none (no record)."""

    arm: str
    role: str
    seed: object
    number: int  # 0 where there is none
    of: int
    record: Record | None
    file: str = ""  # the record's name in the store, if known

    @property
    def ordinal(self) -> str:
        """`1 of 2`."""
        return f"{self.number} of {self.of}" if self.number else NOTHING

    @property
    def head(self) -> tuple[object, ...]:
        """Where the attempt belongs and how it ended."""
        status = self.record.status if self.record else "no record"
        key = self.record and Key(self.record.key, self.file)
        return self.arm, self.role, str(self.seed), self.ordinal, status, key


def attempts(evidence: Evidence | None, records: Sequence[Record], files: Files = NO_FILES) -> list[Attempt]:
    """Every attempt at every planned trial, in the plan's order, then those outside the plan."""
    answers = {id(run.planned): run.record for run in evidence.runs} if evidence else {}
    pool = {id(r): r for r in (*records, *answers.values())}
    same: dict[str, list[Record]] = {}
    for record in pool.values():
        for name in (record.key, spelled_trial(record.trial)):
            same.setdefault(name, []).append(record)
    found: list[Attempt] = []
    for one in evidence.plan.trials if evidence else ():
        answer = answers.get(id(one))
        own = [*same.get(canonical(one.trial), ()), *same.get(answer.key if answer else "", ())]
        own = list({id(r): r for r in own}.values())
        found += _counted(one.arm, one.role, one.trial.seed, own, files)
    used = {id(a.record) for a in found}
    rest = [r for r in pool.values() if id(r) not in used]
    outside = (_counted(NOTHING, "not in the plan", r.trial.get("seed"), [r], files) for r in rest)
    return [*found, *chain.from_iterable(outside)]


def keys(records: Sequence[Record], files: Files) -> dict[int, Key]:
    """Each record's key, linked to its file; by the record's `id()`."""
    return {id(r): Key(r.key, files.get(id(r), "")) for r in records}


def _counted(arm: str, role: str, seed: object, records: Sequence[Record], files: Files) -> list[Attempt]:
    ordered = sorted(records, key=lambda r: r.started)
    made = [
        Attempt(arm, role, seed, i, len(ordered), r, files.get(id(r), "")) for i, r in enumerate(ordered, 1)
    ]
    return made or [Attempt(arm, role, seed, 0, 0, None)]


def trial_table(found: Sequence[Attempt]) -> Table | None:
    """Every planned trial and every attempt, with what it cost."""
    rows = tuple((*a.head, *_cost(a.record)) for a in found)
    columns = ("arm", "role", "seed", "attempt", "status", "key", "time", "images/s", "peak memory")
    return Table("Every trial and every attempt", columns, rows) if rows else None


def _cost(record: Record | None) -> tuple[str | None, str | None, str | None]:
    cost = record.cost if record else {}
    seconds, rate, memory = (
        cost.get(n) for n in (Cost.SECONDS, Cost.IMAGES_PER_SECOND, Cost.PEAK_MEMORY_BYTES)
    )
    time = None if seconds is None else duration(seconds)
    speed = None if rate is None else f"{rate:,.0f}"
    return time, speed, None if memory is None else f"{memory / 2**20:,.0f} MiB"


def trouble_table(found: Sequence[Attempt]) -> Table | None:
    """Runs that failed or diverged, with their error."""
    bad = [(a, a.record) for a in found if a.record and a.record.status is not Status.OK]
    rows = tuple((*a.head, shortened(record.error), record.started) for a, record in bad)
    note = "A diverged run is a result and counts; a failed run is not, and is rerun."
    columns = ("arm", "role", "seed", "attempt", "status", "key", "error", "started")
    return Table(TROUBLE, columns, rows, note) if rows else None
