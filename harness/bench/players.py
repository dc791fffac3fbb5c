"""Processes that do the work of ways when it is their turn, and are idle otherwise."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

from harness.bench.workload import Player, Work
from harness.contract import numerics
from harness.contract.device import Device
from harness.contract.errors import EngineError
from harness.contract.processes import end_with_parent, without_ctrl_c
from harness.engines.machine import gpus
from harness.engines.machine.workers import ALLOCATOR

PATIENCE = 240.0  # seconds a process may take to get ready, or for a turn
LEAVING = 15.0  # seconds it may take to end, with its own processes
WARM = 5  # warm-up runs on a GPU: after three, the loop captures a graph of the step


class Failed(EngineError):
    """A process that could not do its work."""


@dataclass(frozen=True)
class Turn:
    """Runs of a way's work: how many batches of which size, until `seconds` have passed.

    `warm`: a warm-up that does not count, as often as the device needs it for one step.
    `profiled`: under torch's profiler, which costs time.
    """

    way: str
    batch: int
    seconds: float
    lead: int = 0
    warm: bool = False
    profiled: bool = False


@dataclass(frozen=True)
class Done:
    """Images done between two times of the machine's monotonic clock.

    `operators`: for a profiled turn, each operator's microseconds, without those of operators it calls.
    """

    images: float
    start: float
    end: float
    operators: Mapping[str, float] = field(default_factory=dict)


Answer = Done | str | None  # what was done; why it failed; ready


def seconds_an_image(done: list[Done]) -> float:
    """Seconds per image of processes that worked at the same time."""
    lasted = max(one.end for one in done) - min(one.start for one in done)
    return lasted / sum(one.images for one in done)


class Seat:
    """The processes of one player."""

    def __init__(self, player: Player, device: Device, patience: float = PATIENCE) -> None:
        """Starts them at once; they are ready when `ready` returns."""
        self.patience, self.broken = patience, ""
        context = multiprocessing.get_context("spawn")
        self.ends: list[Connection] = []
        self.processes = []
        with without_ctrl_c(), _environment(ALLOCATOR if player.allocator else {}):
            for _ in range(player.copies):
                here, there = context.Pipe()
                process = context.Process(target=_play, args=(player, device, there))
                process.start()
                there.close()  # so that the connection ends when the process dies
                self.ends.append(here)
                self.processes.append(process)

    def ready(self) -> None:
        """Waits until all are ready; if one cannot be, every turn fails and says why."""
        try:
            self._answers()
        except Failed as failure:
            self.broken = str(failure)

    def take(self, turn: Turn) -> list[Done]:
        """Takes a turn with all of them at once; Failed if one cannot do it, dies, or takes too long."""
        if self.broken:
            raise Failed(self.broken)
        for end in self.ends:
            with suppress(OSError):  # it has died, as its answer will show
                end.send(turn)
        return self._answers()

    def dismiss(self) -> None:
        """Asks them to end."""
        for end in self.ends:
            end.close()

    def kill(self) -> None:
        """Ends them at once, whatever they do."""
        for process in self.processes:
            process.kill()

    def close(self) -> None:
        """Waits until they have ended; kills those that do not."""
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
            self.broken = f"there was no answer within {self.patience:.0f} s"
        except (EOFError, ConnectionResetError):
            process.join(5)
            self.broken = self.broken or f"its process died (exit code {process.exitcode}; out of memory?)"
        return self.broken


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Adds variables to the environment of processes that start within the block."""
    before = dict(os.environ)
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    try:
        yield
    finally:
        for name in settings:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


def _play(player: Player, device: Device, end: Connection) -> None:
    """A process: takes one turn after another until there are no more."""
    end_with_parent()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # there are no more turns
        _answer_all(player, device, end)


def _answer_all(player: Player, device: Device, end: Connection) -> None:
    try:
        works, wait = _prepared(player, device)
    except Exception as error:  # whatever it is, report it
        end.send(_said(error))
        return
    end.send(None)
    spent: dict[tuple[str, int], float] = {}
    while True:
        turn = end.recv()
        try:
            done: Answer = _turn(works, turn, wait, spent, device)
        except Exception as error:  # in this way; the others may work
            done = _said(error)
        end.send(done)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"


def _prepared(player: Player, device: Device) -> tuple[Mapping[str, Work], Callable[[], None]]:
    """The works, and a function that waits for the device."""
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
    """Does a turn; `spent` holds the seconds per run from earlier turns."""
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
    """A dictionary with each operator's microseconds once the block has ended; empty if not wanted."""
    found: dict[str, float] = {}
    if not wanted:
        yield found
        return
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA if device.cuda else ProfilerActivity.CPU]) as seen:
        yield found
    for one in seen.key_averages():
        found[one.key] = one.self_device_time_total if device.cuda else one.self_cpu_time_total
