"""Programs of several processes on this machine, over torch.distributed: started, watched and ended together.

If a rank dies or fails, all the others are ended within seconds, and the caller gets one sentence that names
it. Ranks never outlive the process that started them, even if that process is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch
from torch import distributed as dist

from harness.contract import numerics
from harness.contract.errors import BadValue, EngineError, HarnessError
from harness.contract.numerics import NUMERICS, Numerics
from harness.contract.processes import end_with_parent
from harness.contract.session import Interrupted

HOST = "127.0.0.1"
POLL = 0.2  # seconds between checks for a request to stop
GRACE = 1.0  # seconds in which other ranks may still report what went wrong
DIED, REFUSED, FAILED, DONE = range(4)  # how a rank ends; the first of these is reported


@dataclass(frozen=True)
class Rank:
    """One process among `count`: its number from 0, and its device."""

    index: int
    count: int
    device: str


@dataclass(frozen=True)
class Group:
    """How many processes to start, and where: each on its own GPU, or on the CPU's cores."""

    count: int
    device: str = "cpu"  # "cpu", or "cuda": rank i gets the i-th GPU; a single rank also "cuda:1" etc.
    numerics: Numerics = NUMERICS
    port: int | None = None  # where ranks meet; None: any free one
    patience: float = 120.0  # seconds that a rank waits for another
    preload: tuple[str, ...] = ()  # slow imports, done once for all ranks if none was started before


def launch(
    program: Callable[..., Any],
    group: Group,
    *args: Any,
    stopping: Callable[[], bool] = lambda: False,
) -> list[Any]:
    """Runs `program(rank, *args)` in a fresh process per rank; the results, by rank number.

    `program` is a module-level function. EngineError if a rank dies, or GPUs or the port are unavailable;
    HarnessError with a rank's own message; RuntimeError with its traceback; Interrupted once `stopping()`.
    """
    _check_devices(group)
    store = _meeting_point(group)
    port = store.port if store else 0
    context = _context([program.__module__, *group.preload])
    pipes = [context.Pipe(duplex=False) for _ in range(group.count)]
    processes = [
        context.Process(target=_rank, args=(program, args, group, index, port, sender), daemon=True)
        for index, (_, sender) in enumerate(pipes)
    ]
    try:
        for process, (_, sender) in zip(processes, pipes, strict=True):
            process.start()
            sender.close()
        answers = _gather([receiver for receiver, _ in pipes], stopping)
        for process in processes:
            process.join(GRACE)
        return answers
    finally:
        _end(processes)


def _context(modules: Sequence[str]) -> Any:
    """Processes forked from a server that has only imported modules: as fresh as spawned ones, but faster.

    The server starts no thread and touches no GPU, so forking it is safe.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch.distributed", *modules])
    return context


def _check_devices(group: Group) -> None:
    if group.count < 1:
        raise BadValue(f"{group.count} ranks were requested: at least 1 is needed")
    count = torch.cuda.device_count() if group.device.startswith("cuda") else group.count
    if group.count > count:
        raise EngineError(f"{group.count} ranks need a GPU each, and torch {torch.__version__} sees {count}")


def _meeting_point(group: Group) -> Any:
    """The store where ranks find one another; None for a single rank, which needs none."""
    if group.count == 1:
        return None
    try:
        return dist.TCPStore(HOST, group.port or 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
    except RuntimeError:
        raise EngineError(
            f"port {group.port} of this machine cannot be used, perhaps because another program has it: "
            "choose another one, or none to use any free port"
        ) from None


def _gather(receivers: Sequence[Connection], stopping: Callable[[], bool]) -> list[Any]:
    """Every rank's answer; raises the worst failure, once the other ranks have had time to report theirs."""
    answers: dict[int, tuple[int, Any]] = {}
    end = float("inf")
    while len(answers) < len(receivers) and time.monotonic() < end:
        if stopping():
            raise Interrupted
        left = [receiver for index, receiver in enumerate(receivers) if index not in answers]
        for ready in wait(left, POLL):
            answers[receivers.index(ready)] = _answer(ready)
        if end == float("inf") and any(how is not DONE for how, _ in answers.values()):
            end = time.monotonic() + GRACE
    _raise_worst(answers, len(receivers))
    return [answers[index][1] for index in range(len(receivers))]


def _answer(receiver: Any) -> tuple[int, Any]:
    try:
        how, what = receiver.recv()
    except (EOFError, ConnectionError):  # it ended without an answer
        return DIED, None
    return how, what


def _raise_worst(answers: dict[int, tuple[int, Any]], count: int) -> None:
    how, index = min((how, index) for index, (how, _) in answers.items())
    said = answers[index][1]
    if how == DIED:
        raise EngineError(
            f"rank {index} of {count} died while it was running (out of memory, or killed), "
            "and the others were ended: run it again"
        )
    if how == REFUSED:
        raise HarnessError(said)
    if how == FAILED:
        raise RuntimeError(f"rank {index} of {count} failed:\n{said}")


def _end(processes: Sequence[BaseProcess]) -> None:
    """Kills what still runs; nothing is left behind."""
    started = [process for process in processes if process.pid is not None]
    for process in started:
        process.kill()
    for process in started:
        process.join()
        process.close()


def _rank(
    program: Callable[..., Any], args: Sequence[Any], group: Group, index: int, port: int, sender: Connection
) -> None:
    """What a rank's process does: it leaves Ctrl-C to the caller, and never outlives the caller."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    try:
        answer: tuple[int, Any] = DONE, _run(program, args, group, index, port)
    except HarnessError as known:
        answer = REFUSED, str(known)
    except Exception:
        answer = FAILED, traceback.format_exc()
    sender.send(answer)


def _run(program: Callable[..., Any], args: Sequence[Any], group: Group, index: int, port: int) -> Any:
    numerics.apply(group.numerics)
    rank = Rank(index, group.count, _device(group, index))
    if rank.device.startswith("cuda"):
        torch.cuda.set_device(rank.device)
    if group.count == 1:
        return program(rank, *args)
    _join(rank, group.patience, port)
    result = program(rank, *args)
    dist.destroy_process_group()  # after an error it might wait for others, which are then ended anyway
    return result


def _device(group: Group, index: int) -> str:
    own = group.device.startswith("cuda") and (group.count > 1 or group.device == "cuda")
    return f"cuda:{index}" if own else group.device


def _join(rank: Rank, patience: float, port: int) -> None:
    """Joins the process group: NCCL between GPUs, gloo over the loopback interface between cores."""
    time_out = timedelta(seconds=patience)
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), None)
    if loopback is not None:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
    store = dist.TCPStore(HOST, port, is_master=False, timeout=time_out)  # type: ignore[attr-defined]
    backend = "nccl" if rank.device.startswith("cuda") else "gloo"
    dist.init_process_group(backend, store=store, rank=rank.index, world_size=rank.count, timeout=time_out)
