"""What a person sees while trials run: a row for each, one for the whole, and a line for every result."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from harness.cli.terminal.progress import Activity, Progress
from harness.cli.terminal.tables import WARNING
from harness.contract import session
from harness.contract.formatting import duration
from harness.contract.trial import Trial
from harness.engines.messages import Message, Messages, Notice, Started, Waiting
from harness.records.record import Record
from harness.records.schema import Measured

STOPPING = "Stopping: running trials are saved where they are; Ctrl-C once more ends them at once …"


class Trials:
    """A runner's watcher that shows what the workers say of their trials."""

    def __init__(self, progress: Progress, messages: Messages) -> None:
        """Reads the workers' messages in a thread of its own."""
        self.progress, self.messages = progress, messages
        self.whole = Activity("all trials known so far", total=0, ahead=None)  # they take too different times
        self.names: dict[str, str] = {}
        self.rows: dict[str, Activity] = {}
        self.reported: dict[str, float] = {}
        self.pace = 0.0  # the longest that a trial was silent: it heeds a stop when it reports
        self.failed: list[Record] = []
        self.over: set[str] = set()
        self.left = False
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Trials:
        self.progress.__enter__()
        self.progress.add(self.whole)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.left = True
        self.progress.__exit__()

    def queued(self, key: str, trial: Trial, name: str) -> None:
        """Counts a trial into the whole."""
        self.names[key] = " ".join(filter(None, (f"{name} seed {trial.seed}", trial.settings.summary)))
        self.whole.total = len(self.names)
        self.progress.changed(self.whole)

    def stored(self, record: Record) -> None:
        """Removes a finished trial's row and prints its line."""
        if record.error:
            self.failed.append(record)
        with self.lock:
            self.over.add(record.key)
            row = self.rows.pop(record.key, None)
            if row is not None:
                self.progress.remove(row)
            self.whole.done += 1
            self.progress.changed(self.whole)
            name = self.names.get(record.key, record.key)
            self.progress.say(f"{self.whole.done:>4.0f}  {name}: {summary(record)}")

    def waiting(self, key: str, reason: str) -> None:
        """Shows whom a trial waits for."""
        with self.lock:
            if key not in self.rows or self.rows[key].words != reason:
                self._show(key, Waiting(reason))

    def stopping(self) -> None:
        """Says that running trials are on their way to an end."""
        self.progress.say(STOPPING)

    def _listen(self) -> None:
        with suppress(OSError):  # the output has ended, as the next to write to it will find out
            while not self.left:
                self._take(*self.messages.get())

    def _take(self, key: str, message: Message) -> None:
        with self.lock:
            if isinstance(message, Notice):
                self.progress.say(message.words, WARNING)
                return
            if not self.left and key not in self.over:  # a last message may come after its record
                self._show(key, message)

    def _show(self, key: str, message: Message) -> None:
        if key not in self.rows:
            self.rows[key] = self.progress.add(Activity(self.names.get(key, key), ahead="at most "))
        row = self.rows[key]
        if isinstance(message, Waiting):
            row.words = message.reason
            self.progress.changed(row, message.reason)
        elif isinstance(message, Started):
            row.words = ""
            self.progress.changed(row, "started")
        elif isinstance(message, session.TrialProgress):
            self._measure(key)
            self._follow(row, message)

    def _follow(self, row: Activity, progress: session.TrialProgress) -> None:
        """Takes over how far a trial is; its pace counts from its first word, as it may have been resumed."""
        first = row.total is None
        row.done, row.total = progress.epoch, progress.epochs
        if first:
            row.start(self.progress.clock())
        error = "" if progress.error is None else f", error {progress.error:.1%}"
        row.words = f"epoch {progress.epoch:g} of {progress.epochs:g}{error}"
        self.progress.changed(row)

    def _measure(self, key: str) -> None:
        now = time.monotonic()
        self.pace = max(self.pace, now - self.reported.get(key, now))
        self.reported[key] = now


def summary(record: Record) -> str:
    """A record in a few words."""
    if record.error:
        return f"{record.status}: {record.error.strip().splitlines()[-1]}"
    parts = [str(record.status)]
    if record.metrics.get(Measured.REACHED):
        parts.append(f"target reached by epoch {record.metrics['epochs_high']:g}")
    elif Measured.REACHED in record.metrics:
        parts.append(f"target not reached in {record.metrics['epochs_low']:g} epochs")
    if "seconds" in record.cost:
        parts.append(duration(record.cost["seconds"]))
    return ", ".join(parts)
