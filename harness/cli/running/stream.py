"""A run as a stream of events for scripts: one JSON object per line, each flushed at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from harness.cli.running import events
from harness.cli.running.work import Work
from harness.cli.terminal.progress import Activity, Clock
from harness.cli.terminal.tables import bounded
from harness.contract.session import TrialProgress
from harness.contract.trial import Status
from harness.engines.messages import Message, Notice, Started, Waiting
from harness.engines.runner import Due
from harness.plans.experiment import Evidence, Experiment
from harness.records.record import Record
from harness.records.schema import Cost
from harness.records.store import Store
from harness.verdicts.assess import Assessments
from harness.verdicts.sequential import Look

EVERY = 5.0  # minimum seconds between two events about the progress of one trial


def _utc() -> datetime:
    return datetime.now(UTC)


class EventStream:
    """A view of a run that writes each event."""

    def __init__(
        self, out: TextIO, clock: Clock = time.monotonic, now: Callable[[], datetime] = _utc
    ) -> None:
        """Nothing is written before the run is planned."""
        self.out, self.clock, self.now = out, clock, now
        self.store: Store
        self.due: dict[str, Due] = {}
        self.far: dict[str, Activity] = {}

    def planned(self, work: Work) -> None:
        """Writes how many trials there are; a trial that several experiments share counts once."""
        self.store, found = work.store, [(one, one.evidence(work.store)) for one in work.experiments]
        known = {one.key(p.trial) for one, evidence in found for p in evidence.plan.trials}
        left = {one.key(p.trial) for one, evidence in found for p in evidence.to_run}
        self._write(
            events.RunPlanned(
                time=self.now(),
                results_dir=str(work.store.root),
                device=str(work.device),
                workers=work.workers,
                trials=len(known),
                stored=len(known - left),
                to_run=len(left),
                experiments=tuple(
                    events.ExperimentPlan(
                        **_named(one),
                        claims=one.reproduction.claims,
                        seeds=one.seeds,
                        **_counted(evidence),
                    )
                    for one, evidence in found
                ),
            )
        )

    def queued(self, due: Due) -> None:
        """Remembers the trial's purpose, which its events name."""
        self.due[due.key] = due

    def heard(self, key: str, message: Message) -> None:
        """Writes the message; progress of a trial only now and then."""
        if isinstance(message, Notice):
            self._write(events.NoticeGiven(time=self.now(), words=message.words))
        elif isinstance(message, Waiting):
            self._write(events.TrialWaiting(**self._of(key), reason=message.reason))
        elif isinstance(message, Started):
            self._write(events.TrialStarted(**self._of(key)))
        else:
            self._follow(key, message)

    def stored(self, record: Record) -> None:
        """Writes a trial's outcome, without its curve."""
        self._write(
            events.TrialEnded(
                **self._of(record.key),
                status=record.status,
                metrics=dict(record.metrics),
                seconds=record.cost.get(Cost.SECONDS),
                error=record.error,
                record=str(self.store.file(record)),
            )
        )

    def looked(self, experiment: Experiment, look: Look, further: Experiment | None) -> None:
        """Writes what the look found."""
        self._write(
            events.LookTaken(
                time=self.now(),
                **_named(experiment),
                seeds=look.n,
                verdicts=dict(look.verdicts),
                decided=look.decided,
                next_seeds=None if further is None else further.seeds,
            )
        )

    def stopping(self) -> None:
        """Writes that the run is stopping."""
        self._write(events.RunStopping(time=self.now()))

    def ended(self, experiment: Experiment, store: Store) -> None:
        """Writes what there is of the experiment, and what that says about its claims."""
        evidence = experiment.evidence(store)
        self._write(
            events.ExperimentEnded(
                time=self.now(),
                **_named(experiment),
                seeds=experiment.seeds,
                **_counted(evidence),
                failed=sum(run.record.status is Status.FAILED for run in evidence.runs),
                verdicts=_verdicts(experiment, store),
            )
        )

    def _follow(self, key: str, progress: TrialProgress) -> None:
        now = self.clock()
        far = self.far.setdefault(key, Activity(key, due=now))
        far.follow(progress.epoch, progress.epochs, now)
        if now < far.due:
            return
        far.due = now + EVERY
        self._write(
            events.TrialAdvanced(
                **self._of(key),
                epoch=progress.epoch,
                epochs=progress.epochs,
                error=progress.error,
                seconds_left=far.left(now),
            )
        )

    def _of(self, key: str) -> dict[str, Any]:
        """The fields of every event about a trial."""
        planned, experiment = self.due[key].planned, self.due[key].experiment
        trial = planned.trial
        what = {
            "role": planned.role,
            "arm": planned.arm,
            "seed": trial.seed,
            "settings": trial.settings.summary,
        }
        return {"time": self.now(), "key": key, **_named(experiment), **what}

    def _write(self, event: events.Event) -> None:
        """Writes an ASCII line in one call, since two threads write; non-finite numbers become null."""
        line = json.dumps(bounded(msgspec.to_builtins(event)), allow_nan=False)
        self.out.write(f"{line}\n")
        self.out.flush()


def _named(experiment: Experiment) -> dict[str, Any]:
    return {"reproduction": experiment.reproduction.name, "protocol": experiment.protocol.name}


def _counted(evidence: Evidence) -> dict[str, Any]:
    trials, left = len(evidence.plan.trials), len(evidence.to_run)
    return {"trials": trials, "stored": trials - left, "to_run": left, "to_come": evidence.plan.to_come}


def _verdicts(experiment: Experiment, store: Store) -> tuple[events.ClaimVerdict, ...]:
    """The verdicts as `status` shows them: with all seeds ever requested for the experiment."""
    verdicts = Assessments(store).of(experiment.as_asked(store)).verdicts
    return tuple(
        events.ClaimVerdict(claim=name, outcome=v.outcome, qualifier=v.qualifier, reasons=v.sentences)
        for name, v in verdicts.items()
    )
