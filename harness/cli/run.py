"""`repro run`: runs what is missing, and says what there is afterwards."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.dry_run import show_plan
from harness.cli.progress import progress_on
from harness.cli.tables import FAILURE, WARNING, say
from harness.cli.work import Asked, Work, tell, work_for
from harness.contract.formatting import spoken
from harness.contract.trial import Status
from harness.effects.intervals import LOOKS
from harness.engines.deadline import Alarm, Deadline
from harness.engines.runner import Limits, missing, run
from harness.forecast import priorities
from harness.plans.experiment import Job
from harness.records.store import Store
from harness.verdicts import sequential
from harness.verdicts.sequential import Look

if TYPE_CHECKING:
    from harness.cli.trials import Trials
    from harness.engines.local import LocalEngine


def start(asked: Asked, console: Console) -> bool:
    """Runs all that is missing; whether nothing failed. Ctrl-C checkpoints the running trials and returns."""
    deadline = None if asked.budget is None else Deadline(asked.budget)
    work = work_for(asked)
    work.store.writable()
    tell(work.jobs, work.store, console)
    _check_data(work.jobs, console)
    if deadline is not None:
        show_plan(work, deadline.left(), console)
    for job in work.jobs:
        _declare(job, work, console)
    ended = _run(work, deadline, console)
    for job in work.jobs:
        _judge_looks(job, work.store)
        reached = replace(job, seeds=_seeds(job, work.store)) if asked.until_decided else job
        say(console, _state(reached, work.store))
    if deadline is not None:
        say(console, _left(work, deadline))
    return ended


def _declare(job: Job, work: Work, console: Console) -> None:
    """Notes beforehand how many seeds were asked for, and whether they come at looks."""
    if work.asked.until_decided:
        sequential.begin(job, work.store)
    elif sequential.note_earlier(job, work.store):
        say(
            console,
            f"{job.reproduction.name} at {job.protocol.name} had a result at fewer seeds: with more, "
            "it is judged as at a look (3, 5 or 10 seeds, wider intervals)",
            WARNING,
        )
    work.store.ask(job.reproduction.name, job.protocol.name, job.conditions, job.seeds)


def _run(work: Work, deadline: Deadline | None, console: Console) -> bool:
    """Runs the jobs, round by round; whether nothing failed. SIGTERM stops them as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _like_ctrl_c)
    from harness.cli.trials import Trials
    from harness.engines.local import LocalEngine

    progress = progress_on(console)

    def tell(job: Job, look: Look, further: Job | None) -> None:
        next_look = f"; on to {further.seeds} seeds" if further else ""
        progress.say(f"{job.reproduction.name} at {job.protocol.name}: {look.words}{next_look}")

    rounds = _rounds(work, deadline is not None, tell)
    waiting = next(rounds, None)
    if waiting is None:
        return True
    engine = LocalEngine(work.device, work.workers, work.store.root, work.asked.gpus)
    interrupted = True
    try:
        with Trials(progress, engine.messages) as seen, _limits(deadline, work, engine, seen) as limits:
            while waiting is not None and not limits.enough():
                run(waiting, engine, work.store, seen, limits)
                waiting = None if limits.enough() else next(rounds, None)
            interrupted = limits.enough()
        if interrupted:
            say(console, "The time is up: running trials are saved where they are …")
    except KeyboardInterrupt:
        say(console, "\nStopping: running trials are saved where they are …")
        return False
    finally:
        engine.close(at_once=interrupted)
    for record in seen.failed:
        say(console, f"trial {record.key} failed:", FAILURE)
        say(console, record.error)
    return not seen.failed


def _like_ctrl_c(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _rounds(work: Work, ordered: bool, tell: sequential.Tell) -> Iterator[list[Job]]:
    """Jobs to run together, then those to run after them; nothing where no trial is missing."""
    store, groups = work.store, [work.jobs]
    if ordered:
        groups = priorities.groups(work.plan())
    for group in groups:
        waiting = (
            sequential.settle(group, store, tell) if work.asked.until_decided else _incomplete(group, store)
        )
        while waiting:
            yield waiting
            done = [
                job for job in waiting if sequential.complete(job, store)
            ]  # of the others some trial failed
            waiting = sequential.settle(done, store, tell) if work.asked.until_decided else []


def _incomplete(todo: Sequence[Job], store: Store) -> list[Job]:
    return [job for job in todo if missing(job, store)]


@contextmanager
def _limits(deadline: Deadline | None, work: Work, engine: LocalEngine, seen: Trials) -> Iterator[Limits]:
    """No limits without a deadline; with one, trials are asked to stop in time, and wait for their turn."""
    if deadline is None:
        yield Limits()
        return
    with Alarm(deadline, lambda: seen.pace, engine.stop.set) as alarm:
        yield Limits(alarm.enough, work.workers)


def _left(work: Work, deadline: Deadline) -> str:
    """One line: what the time did not suffice for."""
    now = [replace(job, seeds=_seeds(job, work.store)) for job in work.jobs]
    steps = priorities.plan(now, work.store, work.device, work.workers)
    left = [
        f"{s.job.reproduction.name} ({s.trials} trials, at most {spoken(s.seconds)})"
        for s in steps
        if s.trials
    ]
    if left:
        return f"left for another time: {', '.join(left)}; give the same command again to go on"
    return f"nothing is left to run, {spoken(deadline.left())} before the end of the time"


def _judge_looks(job: Job, store: Store) -> None:
    """Records the look that a plain run has come to, where the experiment is judged by looks."""
    seen = replace(job, seeds=_seeds(job, store))
    if seen.seeds in LOOKS and sequential.begun(seen, store) and sequential.complete(seen, store):
        sequential.take(seen, store)


def _seeds(job: Job, store: Store) -> int:
    """The most seeds that the experiment was ever asked for."""
    return store.asked(job.reproduction.name, job.protocol.name, job.conditions) or job.seeds


def _check_data(todo: Sequence[Job], console: Console) -> None:
    """Nothing is trained on a file that is not what it should be."""
    for root in {job.data for job in todo if job.data is not None and job.protocol.dataset == "cifar10"}:
        with progress_on(console) as progress, progress.task(f"checking CIFAR-10 in {root}"):
            from harness.data.cifar10 import verify

            verify(root)


def _state(job: Job, store: Store) -> str:
    evidence = job.evidence(store)
    failed = sum(run.record.status is Status.FAILED for run in evidence.runs)
    left = f", {len(missing(job, store))} to run" if missing(job, store) else ""
    bad = f", {failed} failed" if failed else ""
    more = "; give the same command again to go on" if left or evidence.plan.to_come else ""
    done = f"{len(evidence.runs) - failed} of {len(evidence.plan.trials)} trials"
    return f"{job.reproduction.name} at {job.protocol.name}: {done} in {store.root}{left}{bad}{more}"
