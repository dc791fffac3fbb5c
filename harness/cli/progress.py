"""What a person sees while trials run: a row for each, one for the whole, and a line for every result."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from harness.contract import session
from harness.contract.formatting import spoken
from harness.contract.trial import Trial
from harness.engines.local import Messages
from harness.records.record import Record


class AtMost(ProgressColumn):
    """Time to the end of a trial's budget, which a target may cut short."""

    def __init__(self) -> None:
        """Wraps rich's own estimate."""
        super().__init__()
        self.remaining = TimeRemainingColumn(elapsed_when_finished=True)

    def render(self, task: Task) -> Text:
        """`≤ 0:12:30`."""
        return Text("≤ ", style="dim") + self.remaining.render(task)


class Display:
    """A runner's watcher that draws progress on a terminal and prints plain lines elsewhere."""

    def __init__(self, console: Console, messages: Messages) -> None:
        """Reads the workers' messages in a thread of its own."""
        self.console, self.messages = console, messages
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[shown]}"),
            TimeElapsedColumn(),
            AtMost(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self.whole = self.progress.add_task("all trials known so far", total=0, shown="")
        self.names: dict[str, str] = {}
        self.rows: dict[str, TaskID] = {}
        self.heard: dict[str, float] = {}
        self.pace = 0.0  # the longest that a trial was silent: it heeds a stop when it reports
        self.failed: list[Record] = []
        self.done = 0
        self.over: set[str] = set()
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Display:
        self.thread.start()
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def queued(self, key: str, trial: Trial, name: str) -> None:
        """Counts a trial into the whole."""
        self.names[key] = f"{name} seed {trial.seed}{_rate(trial)}"
        self.progress.update(self.whole, total=len(self.names))

    def stored(self, record: Record) -> None:
        """Prints a finished trial's line and removes its row."""
        self.done += 1
        self.progress.update(self.whole, completed=self.done, shown=f"{self.done}/{len(self.names)}")
        with self.lock:
            self.over.add(record.key)
            row = self.rows.pop(record.key, None)
            if row is not None:
                self.progress.remove_task(row)
        self.console.print(
            f"{self.done:>4}  {self.names.get(record.key, record.key)}: {summary(record)}",
            highlight=False,
            soft_wrap=True,
        )
        if record.error:
            self.failed.append(record)

    def _listen(self) -> None:
        while True:
            key, progress = self.messages.get()
            now = time.monotonic()
            self.pace = max(self.pace, now - self.heard.get(key, now))
            self.heard[key] = now
            with self.lock:
                if key not in self.over:  # a last message may come after its record
                    self._draw(key, progress)

    def _draw(self, key: str, progress: session.Progress) -> None:
        if key not in self.rows:
            name = self.names.get(key, key)
            self.rows[key] = self.progress.add_task(name, total=progress.epochs, shown="")
        error = "" if progress.error is None else f", error {progress.error:.1%}"
        shown = f"epoch {progress.epoch:g}{error}"
        self.progress.update(self.rows[key], completed=progress.epoch, shown=shown)


def summary(record: Record) -> str:
    """A record in a few words."""
    if record.error:
        return f"{record.status}: {record.error.strip().splitlines()[-1]}"
    parts = [str(record.status)]
    if record.metrics.get("reached"):
        parts.append(f"target reached by epoch {record.metrics['epochs_high']:g}")
    elif "reached" in record.metrics:
        parts.append(f"target not reached in {record.metrics['epochs_low']:g} epochs")
    if "seconds" in record.cost:
        parts.append(spoken(record.cost["seconds"]))
    return ", ".join(parts)


def _rate(trial: Trial) -> str:
    rate = getattr(trial.settings, "rate", None)
    return "" if rate is None else f" rate {rate:g}"
