"""The Ray engine: a trial is a Ray task on any node of a cluster, and its record returns to the one store.

A lost node costs its trials the time since their last checkpoint: Ray gives them to other nodes. An error
inside a trial becomes its record and is never retried automatically.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import ray
from ray.exceptions import (
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayError,
    TaskCancelledError,
    TaskUnschedulableError,
    WorkerCrashedError,
)
from ray.util.queue import Queue

from harness.contract.device import Device, DeviceKind
from harness.contract.errors import EngineError
from harness.contract.trial import Trial
from harness.engines import mishaps
from harness.engines.cluster.nodes import Nodes, pinned
from harness.engines.cluster.suitability import Expected, device_for
from harness.engines.cluster.work import Unsuited, this_node, work
from harness.engines.local import Place, lost
from harness.engines.machine.workers import Stop
from harness.engines.messages import Messages, Notice
from harness.records.conditions import Conditions
from harness.records.keys import key_of
from harness.records.provenance import packages_hash, provenance
from harness.records.record import Record

RETRIES = 3  # for a trial whose worker or node was lost
POLL = 1.0  # seconds that `finished` waits for a trial to end
PATIENCE = 300.0  # seconds for lost nodes to come back, and for running trials to save themselves
LOST = (NodeDiedError, ObjectLostError, OutOfMemoryError, WorkerCrashedError)


@dataclass(frozen=True)
class TrialTask:
    """A trial in flight, and what its node must have."""

    trial: Trial
    expected: Expected

    @property
    def key(self) -> str:
        """The trial's key."""
        return key_of(self.trial, self.expected.conditions)


class RayEngine:
    """Runs trials on the cluster that this process is connected to, and returns their records."""

    def __init__(self, device: Device, folder: Path) -> None:
        """Checkpoints and files for other trials are kept below `folder` on the node that runs the trial."""
        self.folder = folder.absolute()
        self.packages = packages_hash()  # reads their files, so do it once, not per trial
        self.messages: Messages = SimpleQueue()
        self.pending: dict[Any, TrialTask] = {}
        context = get_context("spawn")
        self.stop, self.killed = Stop(context), Stop(context)  # without locks on which a handler could block
        self.seen = time.monotonic()  # when a node was last available
        self.nodes = Nodes(device, lambda words: self.messages.put(("", Notice(words))))
        self.outbox = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": pinned(this_node())})
        threading.Thread(target=self._hear, daemon=True).start()

    def submit(self, trial: Trial, conditions: Conditions, data: Path | None) -> None:
        """Gives a trial to Ray, after checking the nodes; EngineError if none is suitable."""
        place = None if data is None else data.absolute()
        expected = Expected(provenance().source, self.packages, conditions, place, self.folder)
        self._start(TrialTask(trial, self.nodes.agree(expected)))

    def finished(self) -> Iterator[Record]:
        """Waits briefly for trials to end and yields the records of those that have."""
        if self.killed.is_set():
            self._cancel(force=True)
        ended, _ = ray.wait(list(self.pending), num_returns=1, timeout=POLL)
        self._check_nodes()
        for ref in ended:
            task = self.pending.pop(ref)
            answer = self._answer(ref, task)
            if isinstance(answer, Record):
                yield answer
            elif not self.stop.is_set():
                self._start(task)

    def interrupt(self) -> None:
        """Asks running trials to checkpoint and stop; Ray starts none of the waiting ones."""
        self.stop.set()
        self._cancel()

    def kill(self) -> None:
        """Kills all trials at the next call of `finished`; safe in a signal handler."""
        self.stop.set()
        self.killed.set()

    def close(self) -> None:
        """Interrupts what is still running, and waits a limited time for it to save itself."""
        end = time.monotonic() + PATIENCE
        try:
            self.interrupt()
            while self.pending and time.monotonic() < end:
                list(self.finished())
        finally:
            self.outbox.shutdown(force=True)

    def _cancel(self, force: bool = False) -> None:
        for ref in list(self.pending):
            ray.cancel(ref, force=force, recursive=False)

    def _start(self, task: TrialTask) -> None:
        options = self.nodes.options(task.trial.settings.exclusive)
        # A failed trial's error may stick to the process that had its GPU, so each trial has its own.
        on_a_gpu = task.expected.conditions.device is DeviceKind.CUDA
        program = ray.remote(max_calls=1)(work) if on_a_gpu else ray.remote(work)
        remote = program.options(name=f"trial {task.key}", max_retries=RETRIES, **options)
        ref = remote.remote(task.trial, task.expected, self.outbox)
        self.pending[ref] = task
        if self.stop.is_set():
            ray.cancel(ref, recursive=False)

    def _check_nodes(self) -> None:
        """EngineError if there has been no node for long; trials would otherwise wait forever."""
        if self.nodes.suited():
            self.seen = time.monotonic()
        elif time.monotonic() - self.seen > PATIENCE:
            self.nodes.check()

    def _answer(self, ref: Any, task: TrialTask) -> Record | None:
        """The record; None if the trial stopped, or has to run elsewhere."""
        try:
            answer: Record | Unsuited | None = ray.get(ref)
        except (TaskCancelledError, TaskUnschedulableError):
            return None
        except LOST as error:
            return None if self.stop.is_set() else _lost(task, error)
        except RayError as error:
            raise EngineError(
                f"Ray cannot run trial {task.key} ({type(error).__name__}: {_last_line(error)}); "
                "what has finished is stored: see 'ray status', and run the same command again"
            ) from None
        if isinstance(answer, Unsuited):
            self.nodes.leave_out(answer)
            self.nodes.check()
            return None
        return answer

    def _hear(self) -> None:
        """Passes on the trials' messages until the engine is closed."""
        with suppress(RayError):
            while True:
                self.messages.put(self.outbox.get())


def _lost(task: TrialTask, error: RayError) -> Record:
    """A failed record; its environment is the driver's, since the node's is lost too."""
    expected = task.expected
    place = Place(device_for(expected.conditions), expected.conditions, expected.data, expected.folder)
    return lost(task.trial, place, mishaps.of_a_loss(RETRIES + 1, type(error).__name__))


def _last_line(error: RayError) -> str:
    return str(error).strip().rpartition("\n")[2]
