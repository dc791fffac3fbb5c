"""What the runner and its workers report about running trials, passed to a view one call at a time."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from harness.cli.running.view import RunView
from harness.cli.terminal.progress import Activity
from harness.contract.session import TrialProgress
from harness.engines.messages import Message, Messages, Waiting
from harness.engines.runner import Due
from harness.engines.so_far import SoFar
from harness.records.record import Record


class Trials:
    """A runner's watcher that also hears the workers, and knows what failed and how fast trials can stop."""

    def __init__(self, view: RunView, messages: Messages) -> None:
        """Reads the workers' messages in a separate thread."""
        self.view, self.messages = view, messages
        self.latest: dict[str, Message] = {}
        self.reported: dict[str, float] = {}
        self.far: dict[str, Activity] = {}
        self.pace = 0.0  # the longest silence of a trial, which can only stop when it reports
        self.failed: list[Record] = []
        self.over: set[str] = set()
        self.left = False
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Trials:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.left = True

    def queued(self, due: Due) -> None:
        """Passes the trial on."""
        with self.lock:
            self.view.queued(due)

    def stored(self, record: Record) -> None:
        """Passes the record on; late messages of the trial's worker are dropped from then on."""
        if record.error:
            self.failed.append(record)
        with self.lock:
            self.over.add(record.key)
            self.view.stored(record)

    def waiting(self, key: str, reason: str) -> None:
        """Passes the wait on, once per reason."""
        with self.lock:
            if self.latest.get(key) != Waiting(reason):
                self._tell(key, Waiting(reason))

    def stopping(self) -> None:
        """Passes the stop on."""
        with self.lock:
            self.view.stopping()

    def so_far(self, key: str) -> SoFar | None:
        """The trial's progress as last reported; takes no lock, since a blocked output may hold it."""
        said = self.latest.get(key)
        if not isinstance(said, TrialProgress):
            return None
        return SoFar(said, self.far[key].left(self.reported[key]))

    def _listen(self) -> None:
        with suppress(OSError):  # the output has closed; the next writer will see the error
            while not self.left:
                self._take(*self.messages.get())

    def _take(self, key: str, message: Message) -> None:
        with self.lock:
            if not self.left and key not in self.over:
                self._tell(key, message)

    def _tell(self, key: str, message: Message) -> None:
        if isinstance(message, TrialProgress):
            self._measure(key, message)
        self.latest[key] = message
        self.view.heard(key, message)

    def _measure(self, key: str, progress: TrialProgress) -> None:
        now = time.monotonic()
        self.far.setdefault(key, Activity(key)).follow(progress.epoch, progress.epochs, now)
        self.pace = max(self.pace, now - self.reported.get(key, now))
        self.reported[key] = now
