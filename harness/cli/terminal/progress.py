"""Progress of long work: bars on a terminal, and elsewhere a line now and then."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from rich import progress as bars
from rich.console import Console
from rich.table import Column
from rich.text import Text

from harness.cli.terminal.tables import WARNING, say
from harness.contract.formatting import duration
from harness.contract.progress import Advance

INTERVAL = 30.0  # seconds between two lines about an activity
ROOMY = 110  # letters: a narrower terminal shows a row's name, progress and time left, but no bar
PATIENCE = 2.0  # seconds a task may take without a line
Clock = Callable[[], float]


@dataclass(eq=False)
class Activity:
    """One activity: its progress and when it began."""

    name: str
    total: float | None = None
    done: float = 0.0
    unit: str = ""
    words: str = ""  # its progress, if a count does not express it
    ahead: str | None = ""  # printed before the time left; None: the time left is unknown
    first: float = field(init=False)  # what was already done when the clock started
    began: float = 0.0
    due: float = 0.0  # when the next line is due
    said: bool = False  # whether a line was printed
    id: bars.TaskID = field(init=False)

    def start(self, now: float) -> None:
        """Measures its pace from here on."""
        self.first, self.began = self.done, now

    def follow(self, done: float, total: float, now: float) -> None:
        """Updates its progress; its pace counts from the first update, as it may have been resumed."""
        first = self.total is None
        self.done, self.total = done, total
        if first:
            self.start(now)

    def left(self, now: float) -> float | None:
        """Seconds left at the pace so far; None if unknown."""
        gained = self.done - self.first
        if self.total is None or self.ahead is None or gained <= 0:
            return None
        return max(0.0, self.total - self.done) * (now - self.began) / gained

    @property
    def far(self) -> str:
        """Its progress; empty if only elapsed time is known."""
        if self.words or self.total is None:
            return self.words
        return f"{self.done:,.0f} of {self.total:,.0f} {self.unit}".rstrip()

    def line(self, now: float) -> str:
        """The activity in one line."""
        left = self.left(now)
        ahead = "" if left is None else f", {self.ahead}{duration(left)} left"
        return f"{self.name}: {self.far or f'{duration(now - self.began)} so far'}{ahead}"


class Progress(ABC):
    """Rows that appear, change and disappear while its block lasts; also a `Tracker`."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        """Lines also go to the console, each whole and at once."""
        self.console, self.clock = console, clock
        self.lock = threading.RLock()

    @abstractmethod
    def __enter__(self) -> Progress: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    @abstractmethod
    def add(self, row: Activity) -> Activity:
        """Starts showing a row."""

    @abstractmethod
    def changed(self, row: Activity, announced: str = "") -> None:
        """Shows a row's new state; without bars, prints `announced` at once."""

    @abstractmethod
    def remove(self, row: Activity, ended: bool = False) -> None:
        """Stops showing a row; `ended`: it finished, which nothing else reports."""

    def say(self, sentence: str, style: str = "") -> None:
        """Prints a line as it is: brackets are not markup."""
        with self.lock:
            say(self.console, sentence, style)

    def warn(self, sentence: str) -> None:
        """Prints a line that should not be overlooked."""
        self.say(sentence, WARNING)

    @contextmanager
    def task(
        self, name: str, total: float | None = None, done: float = 0, unit: str = ""
    ) -> Iterator[Advance]:
        """Shows a row while the block lasts."""
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
    """Time left at the pace so far."""

    def __init__(self, table_column: Column) -> None:
        """Wraps rich's own estimate."""
        super().__init__(table_column)
        self.remaining = bars.TimeRemainingColumn()

    def render(self, task: bars.Task) -> Text:
        """`0:12:30 left`, or `at most 0:12:30 left`."""
        ahead = task.fields["ahead"]
        if ahead is None:
            return Text("")
        return Text.assemble(ahead, self.remaining.render(task), " left")


class Bars(Progress):
    """On a terminal: a bar for each row, removed with the row."""

    def __init__(self, console: Console) -> None:
        """Nothing is drawn before the block begins."""
        super().__init__(console)
        named = bars.TextColumn("{task.description}", markup=False, table_column=Column())  # may wrap
        far, left = bars.TextColumn("{task.fields[far]}", markup=False), Left(Column(no_wrap=True))
        drawn = (
            bars.SpinnerColumn(),
            named,
            bars.BarColumn(bar_width=20),
            far,
            bars.TimeElapsedColumn(),
            left,
        )
        self.drawn = bars.Progress(
            *(drawn if console.width >= ROOMY else (named, far, left)),
            console=console,
            transient=True,
            redirect_stdout=not console.stderr,  # results do not belong beside the bars
        )

    def __enter__(self) -> Bars:
        self.drawn.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drawn.stop()

    def add(self, row: Activity) -> Activity:
        """Draws the row's bar."""
        row.start(self.clock())
        row.id = self.drawn.add_task(row.name, total=row.total, far=row.far, ahead=row.ahead)
        self.changed(row)
        return row

    def changed(self, row: Activity, announced: str = "") -> None:
        """Redraws the row's bar."""
        self.drawn.update(row.id, total=row.total, completed=row.done, far=row.far)

    def remove(self, row: Activity, ended: bool = False) -> None:
        """Removes the row's bar."""
        self.drawn.remove_task(row.id)


class Lines(Progress):
    """Without a terminal: lines, each flushed at once, at most `interval` seconds apart."""

    def __init__(
        self,
        console: Console,
        interval: float = INTERVAL,
        patience: float = PATIENCE,
        clock: Clock = time.monotonic,
    ) -> None:
        """What ends within `patience` seconds gets no line."""
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
        """The row's first line comes after it has lasted for a while."""
        with self.lock:
            row.start(self.clock())
            row.due = row.began + self.patience
            self.rows.append(row)
        return row

    def changed(self, row: Activity, announced: str = "") -> None:
        """Shows in the row's next line, or at once if something is `announced`."""
        if announced:
            with self.lock:
                self._write(row, f"{row.name}: {announced}")

    def remove(self, row: Activity, ended: bool = False) -> None:
        """Prints a last line if there was a first."""
        with self.lock:
            self.rows.remove(row)
            if ended and row.said:
                self.say(f"{row.name}: done in {duration(self.clock() - row.began)}")

    def beat(self) -> None:
        """Prints a line for every row whose next line is due."""
        with self.lock:
            now = self.clock()
            for row in self.rows:
                if now >= row.due:
                    self._write(row, row.line(now))

    def _write(self, row: Activity, line: str) -> None:
        row.said, row.due = True, self.clock() + self.interval
        self.say(line)

    def _watch(self) -> None:
        with suppress(OSError):  # the output has closed; the next writer will see the error
            while not self.over.wait(min(0.5, self.interval / 4)):
                self.beat()


def progress_on(console: Console, patience: float | None = None) -> Bars | Lines:
    """Bars if the console is a terminal that can draw them, else lines."""
    if console.is_interactive:
        return Bars(console)
    return Lines(console, INTERVAL, PATIENCE if patience is None else patience)
