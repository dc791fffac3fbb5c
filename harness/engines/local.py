"""The local engine: spawned worker processes, with one thread each on a CPU, several on each GPU."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from pkgutil import resolve_name
from queue import SimpleQueue
from typing import Any

from harness.contract import numerics
from harness.contract.device import Device
from harness.contract.errors import HarnessError
from harness.contract.processes import end_with_parent
from harness.contract.session import Artifacts, Interrupted, Session, TrialResult
from harness.contract.trial import Status, Trial
from harness.engines import mishaps
from harness.engines.engine import Flag
from harness.engines.machine import gpus, machine_lock, shared_trial
from harness.engines.machine.machine_lock import turn
from harness.engines.machine.workers import Died, Job, Stop, Workers
from harness.engines.messages import Message, Messages, Outbox, Started, Waiting
from harness.records import environment
from harness.records.conditions import Conditions
from harness.records.keys import code_version, key_of, lineage_of, plain
from harness.records.record import Record, decode, encode

POLL = 0.25  # seconds that `finished` waits for a trial to end


@dataclass(frozen=True)
class Place:
    """Where a trial runs: device, conditions (part of its key), data, folder of the store.

    If the device stands for several, that many processes train a trial together, provided that its program
    can share its batches.
    """

    device: Device
    conditions: Conditions
    data: Path | None
    results: Path


class LocalEngine:
    """Runs trials in worker processes and returns their records as they end."""

    def __init__(self, device: Device, workers: int, results: Path) -> None:
        """Workers start with the first trials and last as long as the engine, each on one device."""
        machine_lock.places()  # reports problems with them now, not once per trial
        self.devices, self.results = gpus.each(device), results
        self.messages: Messages = SimpleQueue()
        self.workers = Workers(_serve, self.devices, workers, self._heard)
        self.stop = self.workers.stop
        self.pending: dict[str, tuple[Trial, Place]] = {}

    def submit(self, trial: Trial, conditions: Conditions, data: Path | None) -> None:
        """Queues a trial."""
        key, place = key_of(trial, conditions), Place(self.devices[0], conditions, data, self.results)
        self.pending[key] = trial, place
        self.workers.submit(Job(key, (trial, place)))

    def finished(self) -> Iterator[Record]:
        """Waits briefly for trials to end and yields the records of those that have.

        A worker that died leaves a failed record; one that was asked to stop leaves none.
        """
        for key, outcome in self.workers.ended(POLL):
            trial, place = self.pending.pop(key)
            if isinstance(outcome, Record):
                yield outcome
            elif isinstance(outcome, Died) and outcome.code == -signal.SIGTERM:
                self.stop.set()  # asked to stop, for example by a scheduler, before it could listen
            elif isinstance(outcome, Died) and not self.stop.is_set():
                yield lost(trial, place, mishaps.of_a_death(outcome.code))

    def interrupt(self) -> None:
        """Asks running trials to checkpoint and stop; those waiting or just begun end at once."""
        for key in self.workers.interrupt():
            del self.pending[key]

    def kill(self) -> None:
        """Kills all trials; safe in a signal handler."""
        self.stop.set()
        self.workers.kill()

    def close(self) -> None:
        """Ends the workers; trials that are still running are interrupted."""
        self.interrupt()
        while self.pending:
            list(self.finished())
        self.workers.close()

    def _heard(self, key: str, message: Message) -> None:
        self.messages.put((key, message))


_worker: dict[str, Any] = {}


def _serve(end: Connection, stop: Stop, device: Device) -> None:
    """A worker: runs one trial after another until there are no more.

    Ctrl-C is handled by the parent, and a worker never outlives its parent. If a cluster's scheduler ends a
    whole process group, the worker saves its trial first.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    end_with_parent()
    connect(end, stop, device)
    with suppress(EOFError, ConnectionError):
        while True:
            trial, place = end.recv()
            end.send(None if stop.is_set() else _work(trial, place))


def connect(end: Outbox, stop: Flag, device: Device) -> None:
    """Connects the trials of this process: they report to `end` and are stopped by `stop`."""
    _worker.update(end=end, stop=stop, device=device)


def _work(trial: Trial, place: Place) -> Record | None:
    """Runs a trial on the worker's own device; exclusive trials all use the first one, to be comparable."""
    device = place.device if trial.settings.exclusive else _worker["device"]
    return execute(trial, replace(place, device=device))


def execute(trial: Trial, place: Place) -> Record | None:
    """Runs a trial and makes its record; None if it was asked to stop. Errors become failed records."""
    numerics.apply(place.conditions.numerics)
    key, lineage = key_of(trial, place.conditions), lineage_of(trial, place.conditions)
    session = _session(key, lineage, place)
    started = _now()
    outcome, error = FAILURE, ""
    try:
        with turn(trial.settings.exclusive, session.stopping, lambda reason: _send(Waiting(reason))):
            started = _now()
            _send(Started())
            outcome = _run(trial, session, place)
    except Interrupted:
        return None
    except HarnessError as known:
        error = str(known)
    except Exception as unknown:
        error = mishaps.of_an_error(unknown) or traceback.format_exc()
    return _storable(_record(trial, place, started, outcome, error))


def _storable(record: Record) -> Record:
    """The record, or a failed one without results if these cannot be stored, such as a NaN among them."""
    try:
        decode(encode(record))
    except (TypeError, ValueError) as error:
        why = f"{record.odd} is not finite" if record.odd else str(error)
        said = f"the trial's result cannot be stored: {why}"
        return replace(record, status=Status.FAILED, metrics={}, curve=(), cost={}, details={}, error=said)
    return record


FAILURE = TrialResult(Status.FAILED, {})


def lost(trial: Trial, place: Place, why: str) -> Record:
    """The failed record of a trial whose process ended without making one."""
    return _record(trial, place, _now(), error=why)


def _record(
    trial: Trial, place: Place, started: str, outcome: TrialResult = FAILURE, error: str = ""
) -> Record:
    return Record(
        key=key_of(trial, place.conditions),
        lineage=lineage_of(trial, place.conditions),
        trial=plain(trial),
        conditions=place.conditions,
        code=code_version(trial, place.conditions.device),
        status=outcome.status,
        metrics=outcome.metrics,
        curve=outcome.curve,
        cost=outcome.cost,
        environment=environment.describe(place.device, gpus.name(place.device)),
        details=outcome.details,
        started=started,
        finished=_now(),
        error=error,
    )


def _run(trial: Trial, session: Session, place: Place) -> TrialResult:
    gpus.use(place.device)
    gpus.begin(place.device)
    if place.device.count > 1 and shared_trial.can_share(trial):
        return shared_trial.run(trial, session, place.device, place.conditions.numerics)
    outcome: TrialResult = resolve_name(trial.settings.implementation)(trial, session)
    return outcome


def _session(key: str, lineage: str, place: Place) -> Session:
    folder = place.results / "artifacts"
    session = Session(
        place.device.torch,
        place.data,
        place.results / "checkpoints" / f"{lineage}.pt",
        Artifacts(
            folder / f"{key}.safetensors",
            lambda trial: folder / f"{key_of(trial, place.conditions)}.safetensors",
        ),
    )
    if not _worker:
        return session
    return replace(
        session,
        report=_send,
        stopping=_worker["stop"].is_set,
    )


def _send(message: Message) -> None:
    """Sends a message about the trial to the engine's process; outside a worker it does nothing."""
    if _worker:
        _worker["end"].send(message)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
