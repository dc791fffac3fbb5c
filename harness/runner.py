"""From plans to records: asks every plan what is missing, has the engine run it, stores what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol as Interface

from harness.experiments import Evidence, Lookup, Protocol, Reproduction, gather
from harness.store import Store
from harness.trials import Conditions, Record, Status, Trial, key_of


@dataclass(frozen=True)
class Job:
    """A reproduction to run at a protocol, under conditions, with a number of seeds an arm."""

    reproduction: Reproduction
    protocol: Protocol
    seeds: int
    conditions: Conditions

    def evidence(self, store: Store) -> Evidence:
        """The plan as far as the store carries it, with the runs that answer it."""
        return gather(self.reproduction, self.protocol, self.seeds, self.lookup(store))

    def lookup(self, store: Store) -> Lookup:
        """Finds the record of a trial under this job's conditions and today's code."""
        return lambda trial: store.lookup(trial, self.conditions)


class Engine(Interface):
    """What runs trials: `submit` some, then take records from `finished` until `pending` is empty."""

    @property
    def pending(self) -> object:
        """Falsy when no trial is in flight."""

    def submit(self, trial: Trial) -> None:
        """Puts a trial in the queue."""

    def finished(self) -> Iterator[Record]:
        """Waits for at least one trial and yields the records of those that have ended."""


@dataclass
class Watcher:
    """Whom the runner tells what happens: trials put in the queue, and records that came back."""

    queued: Callable[[str, Trial, str], None] = lambda key, trial, arm: None
    stored: Callable[[Record], None] = lambda record: None
    failed: list[Record] = field(default_factory=list)


def run(jobs: Sequence[Job], engine: Engine, store: Store, watcher: Watcher) -> None:
    """Runs all that is missing. A trial that fails is stored and not tried again before the next call."""
    tried: set[str] = set()
    while True:
        for job in jobs:
            for key, trial, arm in missing(job, store):
                if key not in tried:
                    tried.add(key)
                    watcher.queued(key, trial, arm)
                    engine.submit(trial)
        if not engine.pending:
            return
        for record in engine.finished():
            store.append(record)
            watcher.stored(record)
            if record.status is Status.FAILED:
                watcher.failed.append(record)


def missing(job: Job, store: Store) -> list[tuple[str, Trial, str]]:
    """Planned trials without a record that holds, as (key, trial, arm); a failed attempt does not hold."""
    out = []
    for planned in job.evidence(store).plan.trials:
        record = store.lookup(planned.trial, job.conditions)
        if record is None or record.status is Status.FAILED:
            out.append((key_of(planned.trial, job.conditions), planned.trial, planned.arm))
    return out
