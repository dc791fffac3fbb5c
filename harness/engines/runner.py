"""From plans to records: asks every plan what is missing, has the engine run it, stores the results.

Several drivers may share a store: each leases the trials that it runs (`leases.py`), leaves those of others
alone, and waits for their records when it has nothing else to do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

from harness.contract.trial import Status
from harness.engines.engine import Queue
from harness.engines.leases import Holder, Leases, leases
from harness.engines.so_far import SoFar
from harness.plans.experiment import Experiment, Planned
from harness.records.record import Record
from harness.records.store import Store

POLL = 1.0  # seconds between two checks of what other drivers have stored


class Watcher(Interface):
    """What is informed of events."""

    def queued(self, due: Due) -> None:
        """A trial is known to be missing."""

    def waiting(self, key: str, reason: str) -> None:
        """All that is left is to wait for a trial that another driver runs."""

    def stored(self, record: Record) -> None:
        """A record arrived, from the engine or another driver, and is in the store."""

    def stopping(self) -> None:
        """Running trials are asked to stop early."""

    def so_far(self, key: str) -> SoFar | None:
        """A trial's progress, without blocking; None if unknown."""


@dataclass(frozen=True)
class Limits:
    """When to stop early, and how many trials may be in flight; the rest stay free for other drivers too."""

    enough: Callable[[], bool] = lambda: False
    under_way: float = math.inf


@dataclass(frozen=True)
class Due:
    """A missing trial, and the experiment it belongs to."""

    key: str
    experiment: Experiment
    planned: Planned

    @property
    def alone(self) -> bool:
        """Whether nothing else may run at the same time."""
        return self.planned.trial.settings.exclusive

    @property
    def name(self) -> str:
        """Its purpose."""
        return f"{self.experiment.reproduction.name} {self.planned.role} {self.planned.arm}"

    @property
    def words(self) -> str:
        """What distinguishes it from others: `relu-speedup final relu seed 3 rate 0.004, 2 epochs`."""
        trial = self.planned.trial
        return " ".join(filter(None, (f"{self.name} seed {trial.seed}", trial.settings.summary)))


def run(
    experiments: Sequence[Experiment],
    engine: Queue,
    store: Store,
    watcher: Watcher,
    limits: Limits | None = None,
) -> None:
    """Runs everything missing. A trial that fails is stored and not retried before the next call.

    Trials that must run alone come last, in the plan's order, each when no other is in flight. If the limits
    end the run early, running trials are interrupted, and those that have ended meanwhile are stored.
    """
    with leases(store.root / "leases", watcher.so_far) as held:
        driver = _Driver(experiments, engine, store, watcher, limits or Limits(), held)
        driver.run()


class _Driver:
    """One call of `run` in progress."""

    def __init__(
        self,
        experiments: Sequence[Experiment],
        engine: Queue,
        store: Store,
        watcher: Watcher,
        limits: Limits,
        held: Leases,
    ) -> None:
        self.experiments, self.engine, self.store = experiments, engine, store
        self.watcher, self.limits, self.leases = watcher, limits, held
        self.tried: set[str] = set()
        self.announced: set[str] = set()
        self.due: dict[str, Due] = {}  # what is missing, in the plans' order
        self.others: dict[str, Holder] = {}  # who runs what is left
        self.read = -1  # records in the store when the plans were last asked

    def run(self) -> None:
        while not self.limits.enough():
            self._ask()
            self._submit()
            if self.engine.pending:
                self._collect()
            elif self.others:
                self._wait()
            else:
                return
        if self.engine.pending:
            self.watcher.stopping()
            self.engine.interrupt()
            while self.engine.pending:
                self._collect()

    def _ask(self) -> None:
        """Asks the plans what is missing, if there are records they have not seen."""
        if self.read == len(self.store.records):
            return
        self.read = len(self.store.records)
        self.due = {due.key: due for experiment in self.experiments for due in _due(experiment, self.store)}
        for due in self.due.values():
            if due.key not in self.announced:
                self.announced.add(due.key)
                self.watcher.queued(due)

    def _submit(self) -> None:
        """Gives the engine as many trials as may be in flight; an exclusive one only if there is none."""
        self.others.clear()
        self._take(self._left(alone=False), self.limits.under_way)
        if not self.engine.pending:
            self._take(self._left(alone=True), 1)

    def _left(self, alone: bool) -> list[Due]:
        return [due for due in self.due.values() if due.key not in self.tried and due.alone is alone]

    def _take(self, left: Sequence[Due], most: float) -> None:
        for due in left:
            if len(self.engine.pending) >= most:
                return
            holder = self.leases.take(due.key, due.words)
            if holder is not None:
                self.others[due.key] = holder
            elif not self._taken_in(due.key):
                self.tried.add(due.key)
                self.engine.submit(due.planned.trial, due.experiment.conditions, due.experiment.data)

    def _taken_in(self, key: str) -> bool:
        """Whether another driver stored it before this one got its lease."""
        self._take_in()
        if key in self.tried:
            self.leases.release(key)
        return key in self.tried

    def _take_in(self) -> None:
        """Takes in what other drivers have stored; what failed there is not retried here."""
        for record in self.store.take_in():
            if record.key in self.announced and record.key not in self.tried:
                self.tried.add(record.key)
                self.watcher.stored(record)

    def _collect(self) -> None:
        for record in self.engine.finished():
            self._store(record)
            self.leases.release(record.key)

    def _store(self, record: Record) -> None:
        """Stores a record, unless this driver was taken for dead and another has already stored it."""
        if not self.leases.holds(record.key):
            self.store.take_in()
            found = self.store.find(record.key)
            if found is not None and found.status is not Status.FAILED:
                return self.watcher.stored(found)
        self.store.append(record)
        return self.watcher.stored(record)

    def _wait(self) -> None:
        """Waits for the trials of others, when nothing else is left."""
        for key, holder in self.others.items():
            self.watcher.waiting(key, f"another driver runs it: {holder}")
        time.sleep(POLL)
        self._take_in()


def _due(experiment: Experiment, store: Store) -> Iterator[Due]:
    for planned in experiment.evidence(store).to_run:
        yield Due(experiment.key(planned.trial), experiment, planned)
