"""Processes that do the work of ways whenever it is their turn, and rest meanwhile."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

from harness.bench.workload import Player, Work
from harness.contract import numerics
from harness.contract.device import Device
from harness.contract.errors import EngineError
from harness.contract.processes import end_with_parent
from harness.engines.machine import gpus
from harness.engines.machine.workers import ALLOCATOR

PATIENCE = 240.0  # seconds that a process may take to get ready, or for a turn
LEAVING = 15.0  # seconds that it may take to end, with processes of its own
WARM = 5  # goes on a GPU before anything counts: after three, the loop captures a graph of the step


class Failed(EngineError):
    """A process that could not do its work."""


@dataclass(frozen=True)
class Turn:
    """Goes at the work of a way: how many batches of which size, until `seconds` have passed.

    `warm`: what comes first and does not count, as often as the device needs it. `profiled`: torch's profiler
    looks on, which costs time.
    """

    way: str
    batch: int
    seconds: float
    lead: int = 0
    warm: bool = False
    profiled: bool = False


@dataclass(frozen=True)
class Done:
    """Images that were done between two times of the machine's monotonic clock.

    `operators`: of a profiled turn, the microseconds of each, without those of the operators that it calls.
    """

    images: float
    start: float
    end: float
    operators: Mapping[str, float] = field(default_factory=dict)


Answer = Done | str | None  # what was done; why it could not be; that all is ready


def seconds_an_image(done: list[Done]) -> float:
    """Of processes that worked at the same time."""
    lasted = max(one.end for one in done) - min(one.start for one in done)
    return lasted / sum(one.images for one in done)


class Seat:
    """The processes of one player."""

    def __init__(self, player: Player, device: Device, patience: float = PATIENCE) -> None:
        """They start at once, and are ready when `ready` returns."""
        self.patience, self.broken = patience, ""
        context = multiprocessing.get_context("spawn")
        self.ends: list[Connection] = []
        self.processes = []
        with _environment(ALLOCATOR if player.allocator else {}):
            for _ in range(player.copies):
                here, there = context.Pipe()
                process = context.Process(target=_play, args=(player, device, there))
                process.start()
                there.close()  # so that the death of the process ends the connection
                self.ends.append(here)
                self.processes.append(process)

    def ready(self) -> None:
        """Waits until all of them are; where one cannot be, every turn fails and says why."""
        try:
            self._answers()
        except Failed as failure:
            self.broken = str(failure)

    def take(self, turn: Turn) -> list[Done]:
        """The turn of all of them at once; Failed where one cannot do it, dies, or takes too long."""
        if self.broken:
            raise Failed(self.broken)
        for end in self.ends:
            with suppress(OSError):  # it has died, as its answer will say
                end.send(turn)
        return self._answers()

    def dismiss(self) -> None:
        """Asks them to end."""
        for end in self.ends:
            end.close()

    def close(self) -> None:
        """Waits until they have ended; those that do not are ended."""
        self.dismiss()
        for process in self.processes:
            process.join(LEAVING)
            if process.is_alive():
                process.kill()
                process.join()

    def _answers(self) -> list[Done]:
        by = time.monotonic() + self.patience
        answers = [self._answer(place, by) for place in range(len(self.ends))]
        for one in answers:
            if isinstance(one, str):
                raise Failed(one)
        return [one for one in answers if isinstance(one, Done)]

    def _answer(self, place: int, by: float) -> Answer:
        end, process = self.ends[place], self.processes[place]
        try:
            if end.poll(max(0.0, by - time.monotonic())):
                found: Answer = end.recv()
                return found
            self.broken = f"nothing came back within {self.patience:.0f} s"
        except (EOFError, ConnectionResetError):
            process.join(5)
            self.broken = self.broken or f"its process died (exit code {process.exitcode}; out of memory?)"
        return self.broken


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """What processes that start within find in their environment beside what is there."""
    before = dict(os.environ)
    os.environ.update({name: before.get(name, value) for name, value in settings.items()})
    try:
        yield
    finally:
        for name in settings:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


def _play(player: Player, device: Device, end: Connection) -> None:
    """A process: one turn after the other until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # nobody asks any more
        _answer_all(player, device, end)


def _answer_all(player: Player, device: Device, end: Connection) -> None:
    try:
        works, wait = _prepared(player, device)
    except Exception as error:  # whatever it is, it is what to say
        end.send(_said(error))
        return
    end.send(None)
    spent: dict[tuple[str, int], float] = {}
    while True:
        turn = end.recv()
        try:
            done: Answer = _turn(works, turn, wait, spent, device)
        except Exception as error:  # of this way; the others may be able to
            done = _said(error)
        end.send(done)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"


def _prepared(player: Player, device: Device) -> tuple[Mapping[str, Work], Callable[[], None]]:
    """The works, and what waits for the device."""
    import torch

    gpus.use(device)
    if player.numerics:
        numerics.apply(replace(numerics.usual(device.kind), threads=player.threads))
    else:
        torch.set_num_threads(player.threads)
    works = player.make(*player.arguments)
    return works, torch.cuda.synchronize if device.cuda else lambda: None


def _turn(
    works: Mapping[str, Work],
    turn: Turn,
    wait: Callable[[], None],
    spent: dict[tuple[str, int], float],
    device: Device,
) -> Done:
    """Does a turn; `spent` knows the seconds of a go from the turns before."""
    work, key = works[turn.way], (turn.way, turn.batch)
    for _ in range(turn.lead + (WARM - 1 if turn.warm and device.cuda else 0)):
        work(turn.batch)
    goes = max(1, int(turn.seconds / spent[key])) if key in spent else 1
    wait()
    with _profiler(device, turn.profiled) as operators:
        start = time.perf_counter()
        images = sum(work(turn.batch) for _ in range(goes))
        wait()
        end = time.perf_counter()
    spent[key] = (end - start) / goes
    return Done(images, start, end, operators)


@contextmanager
def _profiler(device: Device, wanted: bool) -> Iterator[dict[str, float]]:
    """What holds the microseconds of each operator once the block has ended; if not wanted, nothing."""
    found: dict[str, float] = {}
    if not wanted:
        yield found
        return
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA if device.cuda else ProfilerActivity.CPU]) as seen:
        yield found
    for one in seen.key_averages():
        found[one.key] = one.self_device_time_total if device.cuda else one.self_cpu_time_total
