"""Views of a run: the terminal's rows and the event stream implement the same calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Protocol as Interface

from harness.engines.messages import Message
from harness.engines.runner import Due
from harness.plans.experiment import Experiment
from harness.records.record import Record
from harness.records.store import Store
from harness.verdicts.sequential import Look

if TYPE_CHECKING:
    from harness.cli.running.work import Work


class RunView(Interface):
    """What a run tells its views, one call at a time."""

    def planned(self, work: Work) -> None:
        """What the run will do; called first."""

    def queued(self, due: Due) -> None:
        """A trial is known to be missing."""

    def heard(self, key: str, message: Message) -> None:
        """News about a trial or, with an empty key, about the run."""

    def stored(self, record: Record) -> None:
        """A record came back and is in the store."""

    def looked(self, experiment: Experiment, look: Look, further: Experiment | None) -> None:
        """An experiment was judged at a look; `further` continues from it."""

    def stopping(self) -> None:
        """Running trials are asked to stop early."""

    def ended(self, experiment: Experiment, store: Store) -> None:
        """The run is over; the experiment has this command's seeds, but all ever requested are judged."""


@dataclass(frozen=True)
class Together:
    """Several views, told one after the other."""

    views: tuple[RunView, ...]

    def planned(self, work: Work) -> None:
        """Tells each."""
        for view in self.views:
            view.planned(work)

    def queued(self, due: Due) -> None:
        """Tells each."""
        for view in self.views:
            view.queued(due)

    def heard(self, key: str, message: Message) -> None:
        """Tells each."""
        for view in self.views:
            view.heard(key, message)

    def stored(self, record: Record) -> None:
        """Tells each."""
        for view in self.views:
            view.stored(record)

    def looked(self, experiment: Experiment, look: Look, further: Experiment | None) -> None:
        """Tells each."""
        for view in self.views:
            view.looked(experiment, look, further)

    def stopping(self) -> None:
        """Tells each."""
        for view in self.views:
            view.stopping()

    def ended(self, experiment: Experiment, store: Store) -> None:
        """Tells each."""
        for view in self.views:
            view.ended(experiment, store)
