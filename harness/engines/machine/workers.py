"""Worker processes, each at the end of its own pipe.

They share nothing that a process could hold when it is killed: no queue, no lock, no event. So one that
dies blocks no other, and the end of its pipe reveals its death.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

from harness.contract.device import Device
from harness.contract.processes import without_ctrl_c
from harness.contract.session import TrialProgress
from harness.contract.trial import Status
from harness.engines.messages import Message
from harness.records.record import Record

# Freed activations are kept for the next step instead of being returned to the system page by page, and
# use huge pages where the system provides them.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
LEAVING = 5.0  # seconds an idle worker may take to end


def worker_context() -> SpawnContext:
    """How workers start: as fresh processes, with the allocator's settings in their environment."""
    for name, value in ALLOCATOR.items():
        os.environ.setdefault(name, value)
    return get_context("spawn")


class Stop:
    """Asks all workers to stop: a shared byte, without the lock of an event."""

    def __init__(self, context: SpawnContext) -> None:
        """No stop is requested yet."""
        self._asked = context.RawValue("b", 0)

    def set(self) -> None:
        """Asks the workers to stop."""
        self._asked.value = 1

    def is_set(self) -> bool:
        """Whether the workers were asked to stop."""
        return bool(self._asked.value)


@dataclass(frozen=True)
class Died:
    """A worker process that ended during a job."""

    code: int | None  # its exit code; −9 if it was killed


@dataclass(frozen=True)
class Job:
    """A trial for a worker: its key, and the arguments of the worker's program."""

    key: str
    task: tuple[Any, ...]


Serve = Callable[[Connection, Stop, Device], None]  # the program of a worker
Outcome = Record | Died | None


class Worker:
    """A process that does one job at a time."""

    def __init__(self, context: SpawnContext, serve: Serve, stop: Stop, device: Device) -> None:
        """Starts the process."""
        self.device = device
        self.end, there = context.Pipe()
        self.process: SpawnProcess = context.Process(target=serve, args=(there, stop, device))
        with without_ctrl_c():
            self.process.start()
        there.close()  # so that the pipe ends when the process dies
        self.job: Job | None = None
        self.reported = False  # whether its trial has progressed far enough to have something to save
        self.retired = False  # whether a trial failed on its GPU: all later work there may fail too

    @property
    def free(self) -> bool:
        """Whether it can be given a job."""
        return self.job is None and not self.retired and self.process.is_alive()

    def give(self, job: Job) -> None:
        """Starts a job."""
        self.job, self.reported = job, False
        try:
            self.end.send(job.task)
        except OSError:
            self.process.kill()  # it is dying, as its pipe will show

    def take(self, heard: Callable[[str, Message], None]) -> Iterator[tuple[str, Outcome]]:
        """Passes on its messages, and yields its job's key and outcome once there is one."""
        while self.job is not None and self.end.poll():
            try:
                said = self.end.recv()
            except (EOFError, OSError):
                self.process.join()
                said = Died(self.process.exitcode)
            if said is None or isinstance(said, Record | Died):
                key, self.job = self.job.key, None
                failed = isinstance(said, Record) and said.status is Status.FAILED
                self.retired = failed and self.device.cuda
                yield key, said
            else:
                self.reported = self.reported or isinstance(said, TrialProgress)
                heard(self.job.key, said)

    def leave(self) -> None:
        """Ends the process; kills it if that takes too long."""
        self.end.close()
        self.process.join(LEAVING)
        self.process.kill()
        self.process.join()


@dataclass
class Workers:
    """Up to `most` workers, each on one of the devices; they start with the first jobs."""

    serve: Serve
    devices: Sequence[Device]
    most: int
    heard: Callable[[str, Message], None]
    context: SpawnContext = field(default_factory=worker_context)
    all: list[Worker] = field(default_factory=list)
    queue: list[Job] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stop = Stop(self.context)

    def submit(self, job: Job) -> None:
        """Gives the job to a worker as soon as one is free."""
        self.queue.append(job)
        self._deal()

    def ended(self, patience: float) -> Iterator[tuple[str, Outcome]]:
        """Keys and outcomes of jobs that end within `patience` seconds; returns once some have."""
        busy = {worker.end: worker for worker in self.all if worker.job is not None}
        for end in wait(list(busy), patience):
            yield from busy[end].take(self.heard)  # type: ignore[index]
        self._deal()

    def interrupt(self) -> list[str]:
        """Asks for a stop: a trial that has reported saves itself; any other has nothing to lose and ends.

        Returns the keys of jobs that no worker has begun.
        """
        self.stop.set()
        waiting = [job.key for job in self.queue]
        self.queue.clear()
        for worker in self.all:
            if worker.job is not None and not worker.reported:
                worker.process.kill()
        return waiting

    def kill(self) -> None:
        """Kills all workers at once; safe in a signal handler."""
        for worker in self.all:
            worker.process.kill()

    def close(self) -> None:
        """Ends the workers, which should have nothing left to do."""
        for worker in self.all:
            worker.end.close()
        for worker in self.all:
            worker.leave()
        self.all.clear()

    def _deal(self) -> None:
        while self.queue and (worker := self._free()) is not None:
            worker.give(self.queue.pop(0))

    def _free(self) -> Worker | None:
        """A worker without a job, started if one more is allowed; dead and retired workers make room."""
        for worker in [w for w in self.all if w.job is None and not w.free]:
            self.all.remove(worker)
            worker.leave()
        for worker in self.all:
            if worker.free:
                return worker
        if len(self.all) == self.most:
            return None
        self.all.append(Worker(self.context, self.serve, self.stop, self._next_device()))
        return self.all[-1]

    def _next_device(self) -> Device:
        """The device with the fewest workers."""
        taken = [worker.device for worker in self.all]
        return min(self.devices, key=taken.count)
