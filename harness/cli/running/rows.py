"""What the user sees while trials run: a row per trial, one for the total, and a line per result."""

from __future__ import annotations

from harness.cli.running.work import Work
from harness.cli.terminal.progress import Activity, Progress
from harness.contract import session
from harness.contract.formatting import duration
from harness.contract.trial import Status
from harness.engines.messages import Message, Notice, Started, Waiting
from harness.engines.runner import Due
from harness.plans.experiment import Experiment
from harness.records.record import Record
from harness.records.schema import Cost, Measured
from harness.records.store import Store
from harness.verdicts.assess import Assessments
from harness.verdicts.sequential import Look
from reproductions import another_paper

STOPPING = "Stopping: running trials are being saved; press Ctrl-C again to end them at once …"


class Rows:
    """A run shown on a terminal, or as lines of text."""

    def __init__(self, progress: Progress) -> None:
        """Rows are drawn while the block of `progress` lasts; sentences can be printed at any time."""
        self.progress = progress
        self.whole = Activity("all trials known so far", total=0, ahead=None)  # their times differ too much
        self.names: dict[str, str] = {}
        self.rows: dict[str, Activity] = {}

    def planned(self, work: Work) -> None:
        """Does nothing: `--dry-run` shows the plan."""

    def queued(self, due: Due) -> None:
        """Adds a trial to the total."""
        if not self.names:
            self.progress.add(self.whole)
        self.names[due.key] = due.words
        self.whole.total = len(self.names)
        self.progress.changed(self.whole)

    def heard(self, key: str, message: Message) -> None:
        """Shows the message in the trial's row; a notice gets its own line."""
        if isinstance(message, Notice):
            self.progress.warn(message.words)
            return
        if key not in self.rows:
            self.rows[key] = self.progress.add(Activity(self.names.get(key, key), ahead="at most "))
        row = self.rows[key]
        if isinstance(message, Waiting):
            row.words = message.reason
            self.progress.changed(row, message.reason)
        elif isinstance(message, Started):
            row.words = ""
            self.progress.changed(row, "started")
        else:
            self._follow(row, message)

    def stored(self, record: Record) -> None:
        """Removes a finished trial's row and prints its line."""
        row = self.rows.pop(record.key, None)
        if row is not None:
            self.progress.remove(row)
        self.whole.done += 1
        self.progress.changed(self.whole)
        name = self.names.get(record.key, record.key)
        self.progress.say(f"{self.whole.done:>4.0f}  {name}: {summary(record)}")

    def looked(self, experiment: Experiment, look: Look, further: Experiment | None) -> None:
        """Prints what the look found."""
        next_look = f"; on to {further.seeds} seeds" if further else ""
        self.progress.say(f"{experiment.name}: {look.words}{next_look}")

    def stopping(self) -> None:
        """Prints that running trials are being stopped."""
        self.progress.say(STOPPING)

    def ended(self, experiment: Experiment, store: Store) -> None:
        """Prints what there is of the experiment, what is left, and what that says about its claims."""
        self.progress.say(state(experiment, store))
        for verdict in Assessments(store).of(experiment.as_asked(store)).verdicts.values():
            why = store.command(f"explain {verdict.claim} --protocol {experiment.protocol.name}")
            self.progress.say(f"{verdict.claim}: {verdict.headline}; to see why: {why}")

    def _follow(self, row: Activity, progress: session.TrialProgress) -> None:
        """Updates a trial's progress."""
        row.follow(progress.epoch, progress.epochs, self.progress.clock())
        row.words = str(progress)
        self.progress.changed(row)


def state(experiment: Experiment, store: Store) -> str:
    """One line: how many trials there are, how many failed, and how many are left."""
    evidence = experiment.evidence(store)
    failed = sum(run.record.status is Status.FAILED for run in evidence.runs)
    left = f", {len(evidence.to_run)} to run" if evidence.to_run else ""
    bad = f", {failed} failed" if failed else ""
    more = "; repeat the same command to continue" if left or evidence.plan.to_come else ""
    planned = len(evidence.plan.trials)
    ok = len(evidence.runs) - failed
    done = f"{ok} of {planned} trials in {store.root}" if planned else "no trials needed"
    paper = another_paper(experiment.reproduction)
    return f"{experiment.name}{f' ({paper})' if paper else ''}: {done}{left}{bad}{more}"


def summary(record: Record) -> str:
    """A record in a few words."""
    if record.error:
        return f"{record.status}: {record.error.strip().splitlines()[-1]}"
    parts = [str(record.status)]
    if record.metrics.get(Measured.REACHED):
        parts.append(f"target reached by epoch {record.metrics[Measured.EPOCHS_HIGH]:g}")
    elif Measured.REACHED in record.metrics:
        parts.append(f"target not reached in {record.metrics[Measured.EPOCHS_LOW]:g} epochs")
    if Cost.SECONDS in record.cost:
        parts.append(duration(record.cost[Cost.SECONDS]))
    return ", ".join(parts)
