"""The local engine: spawned worker processes, one thread each on a CPU, several to each of the GPUs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.context import SpawnContext
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from harness.contract import numerics
from harness.contract.device import Device
from harness.contract.errors import EngineError, HarnessError
from harness.contract.processes import end_with_parent
from harness.contract.session import Artifacts, Interrupted, Session, TrialResult
from harness.contract.trial import Status, Trial
from harness.engines import gpus, machine_lock, shared_trial
from harness.engines.machine_lock import turn
from harness.engines.messages import Message, Messages, Started, Waiting
from harness.records import environment
from harness.records.conditions import Conditions
from harness.records.keys import code_version, key_of, lineage_of, plain
from harness.records.record import Record

# Freed activations are kept for the next step instead of being handed back to the system page by page, and
# lie on huge pages where the system lends them.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


def worker_context() -> SpawnContext:
    """How workers are started: as fresh processes, with the allocator's settings in their environment."""
    os.environ.update({name: os.environ.get(name, value) for name, value in ALLOCATOR.items()})
    return multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Place:
    """Where a trial runs: device, conditions (they enter its key), data, folder of the store.

    Where the device stands for several, as many processes train a trial together, if its program can share
    its batches.
    """

    device: Device
    conditions: Conditions
    data: Path | None
    results: Path


class LocalEngine:
    """Runs trials in worker processes and hands back their records as they end."""

    def __init__(self, device: Device, workers: int, results: Path) -> None:
        """Workers start with the first trials and live as long as the engine, each on one device."""
        machine_lock.places()  # says now, and not once for every trial, what is wrong with them
        self.devices, self.results = gpus.each(device), results
        context = worker_context()
        self.messages: Messages = context.SimpleQueue()
        self.stop: Event = context.Event()
        started: Synchronized[int] = context.Value("i", 0)
        self.pool = ProcessPoolExecutor(
            workers,
            mp_context=context,
            initializer=_start_worker,
            initargs=(self.messages, self.stop, self.devices, started),
        )
        self.pending: dict[Future[Record | None], str] = {}

    def submit(self, trial: Trial, conditions: Conditions, data: Path | None) -> None:
        """Puts a trial in the queue."""
        place = Place(self.devices[0], conditions, data, self.results)
        self.pending[self.pool.submit(_work, trial, place)] = key_of(trial, conditions)

    def finished(self) -> Iterator[Record]:
        """Waits for at least one trial and yields the records of those that have ended."""
        done, _ = wait(self.pending, return_when=FIRST_COMPLETED)
        for future in done:
            key = self.pending.pop(future)
            try:
                record = future.result()
            except BrokenProcessPool:
                raise EngineError(
                    f"a worker process died while trial {key} was running (out of memory, or killed); "
                    "every finished trial is stored: give the same command again, with fewer --workers "
                    "if memory ran out"
                ) from None
            if record is not None:
                yield record

    def close(self, at_once: bool = False) -> None:
        """Ends the workers; `at_once` asks running trials to checkpoint and stop."""
        if at_once:
            self.stop.set()
        self.pool.shutdown(wait=True, cancel_futures=True)


_worker: dict[str, Any] = {}


def _start_worker(
    messages: Messages, stop: Event, devices: Sequence[Device], started: Synchronized[int]
) -> None:
    """Ctrl-C is the parent's business; a worker never outlives its parent.

    Where a cluster's scheduler ends a whole group of processes, a worker saves its trial first.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    end_with_parent()
    _worker.update(messages=messages, stop=stop, device=next_device(devices, started))


def next_device(devices: Sequence[Device], started: Synchronized[int]) -> Device:
    """The device of the worker that starts now: one after the other, and from the first again.

    `started` counts workers in all of their processes, so that a late one gets a device like any other.
    """
    with started.get_lock():
        number, started.value = started.value, started.value + 1
    return devices[number % len(devices)]


def _work(trial: Trial, place: Place) -> Record | None:
    """Runs a trial on the worker's own device; those that must be alone share the first, to be compared."""
    device = place.device if trial.settings.exclusive else _worker["device"]
    return execute(trial, replace(place, device=device))


def execute(trial: Trial, place: Place) -> Record | None:
    """Runs a trial and makes its record; None where it was asked to stop. Errors become failed records."""
    numerics.apply(place.conditions.numerics)
    key, lineage = key_of(trial, place.conditions), lineage_of(trial, place.conditions)
    session = _session(key, lineage, place)
    started = _now()
    outcome, error = TrialResult(Status.FAILED, {}), ""
    try:
        with turn(trial.settings.exclusive, session.stopping, lambda reason: _send(key, Waiting(reason))):
            started = _now()
            _send(key, Started())
            outcome = _run(trial, session, place.device)
    except Interrupted:
        return None
    except HarnessError as known:
        error = str(known)
    except Exception:
        error = traceback.format_exc()
    return Record(
        key=key,
        lineage=lineage,
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


def _run(trial: Trial, session: Session, device: Device) -> TrialResult:
    gpus.use(device)
    if device.count > 1 and shared_trial.can_share(trial):
        return shared_trial.run(trial, session, device)
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
        report=lambda progress: _send(key, progress),
        stopping=_worker["stop"].is_set,
    )


def _send(key: str, message: Message) -> None:
    """Says something of a trial to the engine's process; outside a worker nobody listens."""
    if _worker:
        _worker["messages"].put((key, message))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
