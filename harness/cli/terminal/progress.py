"""How far long work has come: bars on a terminal, and elsewhere a line now and then."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from rich import progress as bars
from rich.console import Console
from rich.text import Text

from harness.cli.terminal.tables import WARNING, say
from harness.contract.formatting import duration
from harness.contract.progress import Advance

INTERVAL = 30.0  # seconds between two lines about what goes on
PATIENCE = 2.0  # seconds that a task may take without a line
Clock = Callable[[], float]


@dataclass(eq=False)
class Activity:
    """One thing that goes on: how far it is, and since when."""

    name: str
    total: float | None = None
    done: float = 0.0
    unit: str = ""
    words: str = ""  # how far it is, where a count does not say it
    ahead: str | None = ""  # what goes before the time that is left; None: that is not known
    first: float = field(init=False)  # what was done when the clock started
    began: float = 0.0
    due: float = 0.0  # when the next line is
    said: bool = False  # whether there was a line yet
    id: bars.TaskID = field(init=False)

    def start(self, now: float) -> None:
        """From here on its pace is measured."""
        self.first, self.began = self.done, now

    def follow(self, done: float, total: float, now: float) -> None:
        """Takes over how far it is; its pace counts from the first word, as it may have been resumed."""
        first = self.total is None
        self.done, self.total = done, total
        if first:
            self.start(now)

    def left(self, now: float) -> float | None:
        """Seconds to its end at the pace so far; None where that is not known."""
        gained = self.done - self.first
        if self.total is None or self.ahead is None or gained <= 0:
            return None
        return max(0.0, self.total - self.done) * (now - self.began) / gained

    @property
    def far(self) -> str:
        """How far it is; empty where only time says it."""
        if self.words or self.total is None:
            return self.words
        return f"{self.done:,.0f} of {self.total:,.0f} {self.unit}".rstrip()

    def line(self, now: float) -> str:
        """All of it in one line."""
        left = self.left(now)
        ahead = "" if left is None else f", {self.ahead}{duration(left)} left"
        return f"{self.name}: {self.far or f'{duration(now - self.began)} so far'}{ahead}"


class Progress(ABC):
    """Rows that come, change and go while its block lasts; a `Tracker` for those who need no more."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        """Lines go to the console as well, each whole and at once."""
        self.console, self.clock = console, clock
        self.lock = threading.RLock()

    @abstractmethod
    def __enter__(self) -> Progress: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    @abstractmethod
    def add(self, row: Activity) -> Activity:
        """Shows a row from now on."""

    @abstractmethod
    def changed(self, row: Activity, announced: str = "") -> None:
        """Shows what is new of a row; where there are no bars, `announced` is said of it at once."""

    @abstractmethod
    def remove(self, row: Activity, ended: bool = False) -> None:
        """Shows a row no longer; `ended`: it came to its end, which nobody else says."""

    def say(self, sentence: str, style: str = "") -> None:
        """A line of its own, as it is: brackets are no markup."""
        with self.lock:
            say(self.console, sentence, style)

    def warn(self, sentence: str) -> None:
        """A line that should not be overlooked."""
        self.say(sentence, WARNING)

    @contextmanager
    def task(
        self, name: str, total: float | None = None, done: float = 0, unit: str = ""
    ) -> Iterator[Advance]:
        """A row while the block lasts."""
        row = self.add(Activity(name, total, done, unit))
        ended = False

        def advance(count: float) -> None:
            row.done += count
            self.changed(row)

        try:
            yield advance
            ended = True
        finally:
            self.remove(row, ended)


class Left(bars.ProgressColumn):
    """Time to the end at the pace so far."""

    def __init__(self) -> None:
        """Wraps rich's own estimate."""
        super().__init__()
        self.remaining = bars.TimeRemainingColumn()

    def render(self, task: bars.Task) -> Text:
        """`0:12:30 left`, or `at most 0:12:30 left`."""
        ahead = task.fields["ahead"]
        return Text("") if ahead is None else Text(ahead) + self.remaining.render(task) + Text(" left")


class Bars(Progress):
    """On a terminal: a bar for each row, which goes when the row does."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        """Nothing is drawn before the block begins."""
        super().__init__(console, clock)
        self.drawn = bars.Progress(
            bars.SpinnerColumn(),
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(bar_width=20),
            bars.TextColumn("{task.fields[far]}", markup=False),
            bars.TimeElapsedColumn(),
            Left(),
            console=console,
            transient=True,
            redirect_stdout=not console.stderr,  # results are none of what stands beside the bars
        )

    def __enter__(self) -> Bars:
        self.drawn.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drawn.stop()

    def add(self, row: Activity) -> Activity:
        """Draws its bar."""
        row.start(self.clock())
        row.id = self.drawn.add_task(row.name, total=row.total, far=row.far, ahead=row.ahead)
        self.changed(row)
        return row

    def changed(self, row: Activity, announced: str = "") -> None:
        """Draws its bar again."""
        self.drawn.update(row.id, total=row.total, completed=row.done, far=row.far)

    def remove(self, row: Activity, ended: bool = False) -> None:
        """Its bar goes."""
        self.drawn.remove_task(row.id)


class Lines(Progress):
    """Where there is no terminal: lines, each written out at once, `interval` seconds apart at most."""

    def __init__(
        self,
        console: Console,
        interval: float = INTERVAL,
        patience: float = PATIENCE,
        clock: Clock = time.monotonic,
    ) -> None:
        """What is over within `patience` seconds gets no line."""
        super().__init__(console, clock)
        self.interval, self.patience = interval, patience
        self.rows: list[Activity] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Lines:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def add(self, row: Activity) -> Activity:
        """Its first line comes when it has lasted for a while."""
        with self.lock:
            row.start(self.clock())
            row.due = row.began + self.patience
            self.rows.append(row)
        return row

    def changed(self, row: Activity, announced: str = "") -> None:
        """Shows in its next line, which comes at once where something is `announced`."""
        if announced:
            with self.lock:
                self._write(row, f"{row.name}: {announced}")

    def remove(self, row: Activity, ended: bool = False) -> None:
        """The last line, of what had a first."""
        with self.lock:
            self.rows.remove(row)
            if ended and row.said:
                self.say(f"{row.name}: done in {duration(self.clock() - row.began)}")

    def beat(self) -> None:
        """A line for every row of which nothing was said for so long."""
        with self.lock:
            now = self.clock()
            for row in self.rows:
                if now >= row.due:
                    self._write(row, row.line(now))

    def _write(self, row: Activity, line: str) -> None:
        row.said, row.due = True, self.clock() + self.interval
        self.say(line)

    def _watch(self) -> None:
        with suppress(OSError):  # the output has ended, as the next to write to it will find out
            while not self.over.wait(min(0.5, self.interval / 4)):
                self.beat()


def progress_on(console: Console, patience: float | None = None) -> Bars | Lines:
    """Bars where the console is a terminal that can draw them, else lines."""
    if console.is_interactive:
        return Bars(console)
    return Lines(console, INTERVAL, PATIENCE if patience is None else patience)
