"""Processes on this machine below a given one, by kind, and the signals sent to them. Linux only."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def below(pid: int) -> list[int]:
    """The processes that it started, that those started, and so on."""
    children = dict[int, list[int]]()
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found, left = [], [pid]
    while left:
        new = children.get(left.pop(), [])
        found += new
        left += new
    return found


def workers(pid: int) -> list[int]:
    """The processes below it that were spawned to work."""
    return [one for one in below(pid) if "spawn_main" in _command(one)]


def ranks(pid: int) -> list[int]:
    """The processes below it that a forking server has started."""
    servers = [one for one in below(pid) if "forkserver" in _command(one)]
    return [one for server in servers for one in below(server)]


def send(pids: list[int], number: signal.Signals) -> None:
    """Sends a signal to those that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def alive(pids: list[int]) -> list[int]:
    """Those that have not ended."""
    return [pid for pid in pids if _state(pid) not in ("", "Z", "X")]


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            fields = _stat(int(folder.name))
            if fields:
                yield int(folder.name), int(fields[1])


def _state(pid: int) -> str:
    fields = _stat(pid)
    return fields[0] if fields else ""


def _stat(pid: int) -> list[str]:
    """State, parent and so on; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
