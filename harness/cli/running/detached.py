"""`run --detach`: the same command in its own session, which outlives the terminal."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from harness.cli.running.check import earlier
from harness.cli.running.work import RunRequest, work_for
from harness.cli.terminal.tables import say
from harness.contract.errors import StoreError

OPTION = "--detach"


def start(asked: RunRequest, console: Console) -> None:
    """Checks the command, starts it, and says how to follow and stop it."""
    work = work_for(asked)
    earlier(asked.check, asked.junit, work.experiments)
    store = work.store
    store.writable()
    log = store.root / f"run-{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}.log"
    pid = _begin(log)
    say(console, f"running as process {pid}; its output is in {log}")
    say(console, f"to follow it: {store.command('watch')}")
    say(console, f"to stop it: kill {pid} (running trials are saved; the same command resumes them)")


def _begin(log: Path) -> int:
    words = [word for word in sys.argv[1:] if word != OPTION]
    try:
        with log.open("xb") as output:
            return subprocess.Popen(
                [sys.executable, sys.argv[0], *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ).pid
    except OSError as error:
        raise StoreError(f"{log} cannot be written: {error.strerror}; make its folder writable") from error
