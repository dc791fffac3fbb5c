"""From plans to records: asks every plan what is missing, has the engine run it, stores what comes back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol as Interface

from harness.contract.trial import Trial
from harness.plans.experiment import Experiment, Planned
from harness.records.conditions import Conditions
from harness.records.record import Record
from harness.records.store import Store


class Engine(Interface):
    """What runs trials: `submit` some, then take records from `finished` until `pending` is empty."""

    @property
    def pending(self) -> object:
        """Falsy when no trial is in flight."""

    def submit(self, trial: Trial, conditions: Conditions, data: Path | None) -> None:
        """Puts a trial in the queue."""

    def finished(self) -> Iterator[Record]:
        """Waits for at least one trial and yields the records of those that have ended."""


class Watcher(Interface):
    """Who is informed of what happens."""

    def queued(self, key: str, trial: Trial, name: str) -> None:
        """A trial was put in the queue; `name` says what it is for."""

    def stored(self, record: Record) -> None:
        """A record came back and is in the store."""


@dataclass(frozen=True)
class Limits:
    """When to stop early, and how many trials may be under way: fewer wait, so that order counts."""

    enough: Callable[[], bool] = lambda: False
    under_way: float = math.inf


def run(
    experiments: Sequence[Experiment],
    engine: Engine,
    store: Store,
    watcher: Watcher,
    limits: Limits | None = None,
) -> None:
    """Runs all that is missing. A trial that fails is stored and not tried again before the next call.

    Trials that must be alone come last, in the plan's order, each when no other is under way.
    """
    limits = limits or Limits()
    tried: set[str] = set()
    ended = 0

    def submit(experiment: Experiment, key: str, planned: Planned) -> None:
        tried.add(key)
        watcher.queued(key, planned.trial, f"{experiment.reproduction.name} {planned.role} {planned.arm}")
        engine.submit(planned.trial, experiment.conditions, experiment.data)

    while not limits.enough():
        for due in _due(experiments, store, tried, alone=False):
            if len(tried) - ended >= limits.under_way:
                break
            submit(*due)
        if not engine.pending:
            for due in islice(_due(experiments, store, tried, alone=True), 1):
                submit(*due)
        if not engine.pending:
            return
        for record in engine.finished():
            ended += 1
            store.append(record)
            watcher.stored(record)


def _due(
    experiments: Sequence[Experiment], store: Store, tried: Set[str], alone: bool
) -> Iterator[tuple[Experiment, str, Planned]]:
    """Trials that are missing and not tried yet: those that must be alone, or the others."""
    for experiment in experiments:
        for planned in experiment.evidence(store).to_run:
            key = experiment.key(planned.trial)
            if key not in tried and planned.trial.settings.exclusive is alone:
                yield experiment, key, planned
