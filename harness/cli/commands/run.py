"""`repro run`: runs the missing trials, and reports what is there afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli import options
from harness.cli.commands.data import verify_cifar10
from harness.cli.running import detached, details, dry_run
from harness.cli.running.check import check, earlier
from harness.cli.running.dry_run import show_plan, show_trials
from harness.cli.running.rows import Rows
from harness.cli.running.stream import EventStream
from harness.cli.running.trials import Trials
from harness.cli.running.view import RunView, Together
from harness.cli.running.work import RunRequest, Work, warnings, work_for
from harness.cli.terminal.progress import Progress, progress_on
from harness.cli.terminal.tables import FAILURE, say
from harness.contract.errors import BadValue
from harness.contract.formatting import count, duration
from harness.effects.statistics.significance import LOOKS
from harness.engines.deadline import Alarm, Deadline
from harness.engines.messages import Notice
from harness.engines.runner import Limits, run
from harness.engines.signals import stop_requests
from harness.forecast import priorities
from harness.plans.experiment import Experiment
from harness.records.store import Store
from harness.verdicts import sequential

if TYPE_CHECKING:
    from harness.engines.engine import Engine


@dataclass(frozen=True)
class Shown:
    """Where a run is shown, and how much of it; BadValue if two of these contradict each other."""

    json: bool
    quiet: bool
    dry_run: bool
    detach: bool

    def __post_init__(self) -> None:
        if self.detach and (self.json or self.dry_run):
            here = "--json" if self.json else "--dry-run"
            raise BadValue(
                f"{here} prints here, but a run with --detach prints to a file: give one of the two"
            )


def show(asked: RunRequest, shown: Shown) -> bool:
    """Runs here or detached, or previews the run; returns whether nothing failed.

    BadValue for --quiet together with --verbose.
    """
    if shown.quiet and asked.verbose:
        raise BadValue("--quiet shows less and --verbose shows more: give one of the two")
    if shown.json and sys.stdout is None:
        raise BadValue("--json prints to standard output, which is closed: open it, or leave the option out")
    if shown.detach:
        detached.start(asked, options.console())
    elif shown.dry_run:
        preview = dry_run.write if shown.json else dry_run.show
        preview(asked, options.console(stderr=shown.json))
    else:
        others = [EventStream(sys.stdout)] if shown.json else []
        return start(asked, options.console(stderr=shown.json, sparing=shown.quiet), *others)
    return True


def start(asked: RunRequest, console: Console, *others: RunView) -> bool:
    """Runs everything missing; returns whether nothing failed and no verdict says less than under --check.

    The console shows it to the user, and `others` are told the same. Ctrl-C checkpoints the running trials
    and returns.
    """
    deadline = None if asked.budget is None else Deadline(asked.budget)
    work = work_for(asked)
    before = earlier(asked.check, asked.junit, work.experiments)
    work.store.writable()
    work.store.sweep()
    progress = progress_on(console)
    view = Together((Rows(progress), *others))
    view.planned(work)
    for sentence in warnings(work):
        view.heard("", Notice(sentence))
    if asked.verbose:
        details.show(work, console)
        show_trials(work, console)
    elif deadline is None:
        for sentence in dry_run.costs(work):
            say(console, sentence)
    _check_data(_due(work), console)
    if deadline is not None:
        show_plan(work, deadline.left(), console)
    for experiment in work.experiments:
        _declare(experiment, work, view)
    ended = _run(work, deadline, progress, view)
    for experiment in work.experiments:
        _judge_looks(experiment, work.store, view)
        view.ended(_as_run(experiment, work), work.store)
    if deadline is not None:
        say(console, _left(work, deadline))
    if before is None:
        return ended
    return check(before, work.experiments, work.store, console, asked.junit) and ended


def _declare(experiment: Experiment, work: Work, view: RunView) -> None:
    """Records beforehand how many seeds were requested, and whether they are added at looks."""
    if work.asked.until_decided and sequential.settled(experiment, work.store):
        fixed = (
            f"{experiment.name} is decided with a fixed number of seeds: none is added, and no look is taken"
        )
        view.heard("", Notice(fixed))
        return
    if work.asked.until_decided:
        sequential.begin(experiment, work.store)
    elif sequential.note_earlier(experiment, work.store):
        more = (
            f"{experiment.name} already has a result with fewer seeds: with more, it is judged as at a look "
            "(3, 5 or 10 seeds, wider intervals)"
        )
        view.heard("", Notice(more))
    experiment.ask(work.store)


def _run(work: Work, deadline: Deadline | None, progress: Progress, view: RunView) -> bool:
    """Runs the experiments round by round; returns whether nothing failed."""
    rounds = _rounds(work, deadline is not None, view.looked)
    first = next(rounds, None)
    return True if first is None else _run_rounds(chain([first], rounds), work, deadline, progress, view)


def _run_rounds(
    rounds: Iterator[list[Experiment]],
    work: Work,
    deadline: Deadline | None,
    progress: Progress,
    view: RunView,
) -> bool:
    """Runs the rounds; returns whether all finished and nothing failed. SIGTERM stops them like Ctrl-C."""
    engine = work.asked.site.engine(work.device, work.workers, work.store.root)
    with stop_requests(engine.kill) as requests:
        try:
            with (
                progress,
                Trials(view, engine.messages) as seen,
                _limits(deadline, work, engine, seen) as limits,
            ):
                asked = replace(limits, enough=lambda: requests.count > 0 or limits.enough())
                _in_time(rounds, engine, work.store, seen, asked)
                early = limits.enough()
        finally:
            engine.close()
    if deadline is not None and early:
        progress.say("The time is up")
    for record in seen.failed:
        progress.say(f"trial {record.key} failed:", FAILURE)
        progress.say(record.error, FAILURE)
    return not (seen.failed or requests.count or (early and deadline is None))


def _in_time(
    rounds: Iterator[list[Experiment]], engine: Engine, store: Store, seen: Trials, limits: Limits
) -> None:
    """Runs one round after another for as long as the limits allow."""
    for due in rounds:
        if not limits.enough():
            run(due, engine, store, seen, limits)
        if limits.enough():
            return


def _rounds(work: Work, ordered: bool, report: sequential.Report) -> Iterator[list[Experiment]]:
    """Experiments to run together, then those to run after them; nothing if no trial is missing."""
    store = work.store
    groups = priorities.groups(work.plan()) if ordered else [work.experiments]
    for group in groups:
        if not work.asked.until_decided:
            due = [experiment for experiment in group if experiment.evidence(store).to_run]
            if due:
                yield due
            continue
        due = sequential.settle([e for e in group if not sequential.settled(e, store)], store, report)
        while due:
            yield due
            done = [e for e in due if e.evidence(store).complete]  # a trial of the others failed
            due = sequential.settle(done, store, report)


@contextmanager
def _limits(deadline: Deadline | None, work: Work, engine: Engine, seen: Trials) -> Iterator[Limits]:
    """As many trials as the site takes; they end early if a worker or a deadline asks for it."""
    if deadline is None:
        yield Limits(engine.stop.is_set, work.asked.site.under_way(work.asked.workers, work.workers))
        return
    with Alarm(deadline, lambda: seen.pace, engine.stop.set) as alarm:
        yield Limits(alarm.enough, work.workers)


def _left(work: Work, deadline: Deadline) -> str:
    """One line: what there was no time for, or what else ended the run."""
    now = [_as_run(experiment, work) for experiment in work.experiments]
    steps = priorities.plan(now, work.store, work.device, work.workers)
    left = [
        f"{s.experiment.reproduction.name} ({count(s.trials, 'trial')}, at most {duration(s.seconds)}, "
        f"speed {s.speed})"
        for s in steps
        if s.trials
    ]
    spare = deadline.left()
    if left:
        why = "failed or stopped before the time was up" if spare > 0 else "not run for lack of time"
        return f"{why}: {', '.join(left)}; repeat the same command to continue"
    return f"nothing is left to run, with {duration(spare)} to spare"


def _as_run(experiment: Experiment, work: Work) -> Experiment:
    """The experiment with as many seeds as this command runs: at looks they may have become more."""
    return experiment.as_asked(work.store) if work.asked.until_decided else experiment


def _judge_looks(experiment: Experiment, store: Store, view: RunView) -> None:
    """Records and shows the look that a plain run has reached, if the experiment is judged at looks."""
    seen = experiment.as_asked(store)
    if seen.seeds in LOOKS and sequential.begun(seen, store) and seen.evidence(store).complete:
        known = sequential.taken(seen, store)
        if (look := sequential.take(seen, store)) not in known:
            view.looked(seen, look, None)


def _due(work: Work) -> list[Experiment]:
    """The experiments that may train; only their data are checked, since that takes seconds to load torch."""
    if work.asked.until_decided:
        return work.experiments
    return [experiment for experiment in work.experiments if experiment.evidence(work.store).to_run]


def _check_data(todo: Sequence[Experiment], console: Console) -> None:
    """Checks CIFAR-10, so that nothing is trained on files with wrong content."""
    for root in {e.data for e in todo if e.data is not None and e.protocol.dataset == "cifar10"}:
        verify_cifar10(root, progress_on(console))
