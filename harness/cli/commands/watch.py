"""`repro watch`: what is running in a store, according to its leases. Nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from harness.cli.terminal.tables import Row, print_json, table
from harness.contract.formatting import count, duration
from harness.contract.visible import visible
from harness.engines.leases import BEAT, Lease, held
from harness.engines.so_far import SoFar
from harness.records.store import Store

OVERDUE = 3 * BEAT  # seconds of silence worth mentioning


def show(results: Path, as_json: bool, console: Console, wait: Callable[[float], None] = time.sleep) -> None:
    """Shows it once or, on a terminal, repeatedly until Ctrl-C."""
    Store(results).check()
    if as_json:
        print_json(rows(results))
    elif not console.is_interactive:
        console.print(_screen(results), highlight=False)
    else:
        with suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(_screen(results), refresh=True)
                wait(BEAT)


def rows(results: Path) -> list[Row]:
    """One row per running trial: what it is, who runs it, and its progress."""
    return [
        {
            "key": lease.key,
            "trial": lease.holder.trial,
            "process": str(lease.holder.process),
            "since": lease.holder.since,
            "silent_seconds": round(lease.silent),
            **_far(lease.so_far),
        }
        for lease in held(results / "leases")
    ]


def _far(so_far: SoFar | None) -> Row:
    """The same columns for all trials; empty where no progress was noted."""
    said = so_far and so_far.progress
    return {
        "epoch": said and said.epoch,
        "epochs": said and said.epochs,
        "error": said and said.error,
        "seconds_left": so_far and so_far.seconds_left,
    }


def _screen(results: Path) -> Group:
    found = list(held(results / "leases"))
    said = f"{len(found)} running in {results}" if found else f"nothing is running in {results}"
    shown = [table(list(map(_shown, found)))] if found else []
    return Group(*shown, Text(visible(f"{said}; {_stored(results)}")))


def _shown(lease: Lease) -> Row:
    """What people need to see, in 80 columns; a driver's silence only if a sign of life is overdue."""
    holder = lease.holder
    overdue = f", silent for {duration(lease.silent)}" if lease.silent > OVERDUE else ""
    return {
        "trial": "\n".join([holder.trial or lease.key, *_progress(lease.so_far)]),
        "since": holder.since.replace("T", " ")[:16],
        "process": f"{str(holder.process).removeprefix('process ')}{overdue}",
    }


def _progress(so_far: SoFar | None) -> Iterator[str]:
    """`epoch 12 of 120, error 34.5%, at most 8 min left`; nothing if no progress was noted."""
    if so_far is not None:
        left = so_far.seconds_left
        yield f"{so_far.progress}{'' if left is None else f', at most {duration(left)} left'}"


def _stored(results: Path) -> str:
    """How many records there are, and the age of the newest."""
    ages = _ages(results / "records")
    return count(len(ages), "record") + (f", the latest {duration(min(ages))} ago" if ages else "")


def _ages(folder: Path) -> Sequence[float]:
    now, found = time.time(), []
    for path in folder.glob("*.json"):
        with suppress(OSError):  # removed in between, or a link to nothing
            found.append(max(0.0, now - path.stat().st_mtime))
    return found
