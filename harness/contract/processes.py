"""What all processes started by this program share, and how a process is told from all others."""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import resource_tracker
from pathlib import Path


def end_with_parent() -> None:
    """From now on this process ends when its parent does, even if the parent is killed."""
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Processes that start within never receive Ctrl-C, which their parent handles."""
    resource_tracker.ensure_running()  # starting it with the first process would let Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(frozen=True)
class ProcessIdentity:
    """Identifies a process across machines and over time.

    A PID alone may belong to another process by now, and to another one in another container.
    """

    host: str
    machine: str  # its current boot and PID namespace, where the system tells them
    pid: int
    began: str  # by the clock of that machine; empty where the system does not tell

    @property
    def gone(self) -> bool:
        """Whether it has certainly ended; False for a process on another machine, where that is unknown."""
        if self.machine != _machine():
            return False
        now = _beginning(self.pid)
        return now is None or (bool(now and self.began) and now != self.began)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def this_process() -> ProcessIdentity:
    """The calling process."""
    pid = os.getpid()
    return ProcessIdentity(platform.node(), _machine(), pid, _beginning(pid) or "")


@cache
def _machine() -> str:
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return platform.node()


def _beginning(pid: int) -> str | None:
    """When a process on this machine began; empty if the system does not tell, None if it has ended."""
    if not Path("/proc/self/stat").exists():
        return "" if _exists(pid) else None
    try:
        state, *values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return "" if _exists(pid) else None  # /proc may hide the processes of other users
    return None if state in "ZX" else values[18]  # field 22 of all


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
