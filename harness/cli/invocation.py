"""One call of `run`: from what was asked to experiments, an engine, a display, and a summary."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli import choices, dry_run
from harness.cli.choices import PrecisionOption
from harness.contract.device import Device
from harness.contract.errors import BadValue, DataError
from harness.contract.formatting import duration
from harness.contract.trial import Status
from harness.data.sources import STAND_IN_NOTICE
from harness.effects.significance import LOOKS
from harness.engines.deadline import Alarm, Deadline
from harness.engines.runner import Limits, run
from harness.forecast import priorities
from harness.forecast.priorities import Step
from harness.plans.experiment import Experiment, Reproduction
from harness.records.store import Store
from harness.verdicts import sequential
from harness.verdicts.sequential import Look

if TYPE_CHECKING:
    from harness.cli.progress import Display
    from harness.engines.local import LocalEngine


@dataclass(frozen=True)
class Asked:
    """The options of `run`; BadValue where two of them contradict each other."""

    reproductions: Sequence[Reproduction]
    protocol: str | None
    seeds: int | None
    device: str
    workers: int | None
    data_dir: Path | None
    results_dir: Path
    until_decided: bool = False
    budget: float | None = None  # seconds
    gpus: int = 1  # that train one network together
    precision: PrecisionOption = PrecisionOption.AUTO

    def __post_init__(self) -> None:
        if self.until_decided and self.seeds is not None:
            raise BadValue(
                f"--seeds {self.seeds} fixes the number of seeds and --until-decided adds them at declared "
                "looks (3, 5, 10): give one of the two"
            )

    def experiments(self, device: Device) -> list[Experiment]:
        """One for each reproduction; those without this protocol are an error only if asked for alone."""
        return [self._experiment(r, device) for r in self._chosen()]

    def feasible(self, device: Device) -> tuple[list[Experiment], list[str]]:
        """The experiments whose data are there, and what the others lack."""
        found: list[Experiment] = []
        lacking: list[str] = []
        for reproduction in self._chosen():
            try:
                found.append(self._experiment(reproduction, device))
            except DataError as error:
                lacking.append(f"{reproduction.name}: {error}")
        return found, lacking

    def _chosen(self) -> Sequence[Reproduction]:
        chosen = self.reproductions
        if self.protocol is not None and len(chosen) > 1:
            chosen = [r for r in chosen if self.protocol in {p.name for p in r.protocols}] or chosen
        return chosen

    def _experiment(self, reproduction: Reproduction, device: Device) -> Experiment:
        return choices.make_experiment(
            reproduction, self.protocol, self.seeds, device, self.data_dir, self.precision
        )


def start(asked: Asked, console: Console) -> bool:
    """Runs all that is missing; whether nothing failed. Ctrl-C checkpoints the running trials and returns."""
    deadline = None if asked.budget is None else Deadline(asked.budget)
    work = _work(asked, console)
    work.store.writable()
    _warn(work.experiments, work.store, console)
    _check_data(work.experiments)
    if deadline is not None:
        _show_plan(work, deadline.left(), console)
    for experiment in work.experiments:
        _declare(experiment, work, console)
    ended = _run(work, deadline, console)
    for experiment in work.experiments:
        _judge_looks(experiment, work.store)
        seeds = _seeds(experiment, work.store) if asked.until_decided else experiment.seeds
        console.print(_state(replace(experiment, seeds=seeds), work.store), highlight=False)
    if deadline is not None:
        console.print(_left(work, deadline), highlight=False, soft_wrap=True)
    return ended


@dataclass(frozen=True)
class Work:
    """What one call is to do, where, and with what."""

    asked: Asked
    store: Store
    device: Device
    workers: int
    experiments: list[Experiment]
    lacking: list[str]

    def plan(self, seconds: float = math.inf) -> list[Step]:
        """The experiments in the order in which they decide most."""
        return priorities.plan(self.experiments, self.store, self.device, self.workers, seconds)


def _work(asked: Asked, console: Console) -> Work:
    device = choices.choose_device(asked.device, asked.gpus)
    workers = choices.choose_workers(asked.workers, device)
    store = Store(asked.results_dir)
    todo, lacking = (asked.experiments(device), []) if asked.budget is None else asked.feasible(device)
    if asked.until_decided:
        todo = [sequential.at_look(experiment, store) for experiment in todo]
    return Work(asked, store, device, workers, todo, lacking)


def _declare(experiment: Experiment, work: Work, console: Console) -> None:
    """Notes beforehand how many seeds were asked for, and whether they come at looks."""
    if work.asked.until_decided:
        sequential.begin(experiment, work.store)
    elif sequential.note_earlier(experiment, work.store):
        console.print(
            f"[yellow]{experiment.name} had a result at fewer seeds: with more, it is judged as at a look "
            "(3, 5 or 10 seeds, wider intervals)[/yellow]",
            highlight=False,
            soft_wrap=True,
        )
    experiment.ask(work.store)


def _run(work: Work, deadline: Deadline | None, console: Console) -> bool:
    """Runs the experiments, round by round; whether nothing failed. SIGTERM stops them as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _like_ctrl_c)
    from harness.cli.progress import Display
    from harness.engines.local import LocalEngine

    def report(experiment: Experiment, look: Look, further: Experiment | None) -> None:
        next_look = f"; on to {further.seeds} seeds" if further else ""
        console.print(f"{experiment.name}: {look.words}{next_look}")

    rounds = _rounds(work, deadline is not None, report)
    due = next(rounds, None)
    if due is None:
        return True
    engine = LocalEngine(work.device, work.workers, work.store.root)
    interrupted = True
    try:
        with Display(console, engine.messages) as display, _limits(deadline, work, engine, display) as limits:
            while due is not None and not limits.enough():
                run(due, engine, work.store, display, limits)
                due = None if limits.enough() else next(rounds, None)
            interrupted = limits.enough()
        if interrupted:
            console.print("The time is up: running trials are saved where they are …")
    except KeyboardInterrupt:
        console.print("\nStopping: running trials are saved where they are …")
        return False
    finally:
        engine.close(at_once=interrupted)
    for record in display.failed:
        console.print(f"[red]trial {record.key} failed:[/red]\n{record.error}", highlight=False)
    return not display.failed


def _like_ctrl_c(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _rounds(work: Work, ordered: bool, report: sequential.Report) -> Iterator[list[Experiment]]:
    """Experiments to run together, then those to run after them; nothing where no trial is missing."""
    store = work.store
    groups = priorities.groups(work.plan()) if ordered else [work.experiments]
    for group in groups:
        if not work.asked.until_decided:
            due = [experiment for experiment in group if experiment.evidence(store).to_run]
            yield from [due] * bool(due)
            continue
        due = sequential.settle(group, store, report)
        while due:
            yield due
            done = [e for e in due if e.evidence(store).complete]  # of the others some trial failed
            due = sequential.settle(done, store, report)


@contextmanager
def _limits(deadline: Deadline | None, work: Work, engine: LocalEngine, display: Display) -> Iterator[Limits]:
    """No limits without a deadline; with one, trials are asked to stop in time, and wait for their turn."""
    if deadline is None:
        yield Limits()
        return
    with Alarm(deadline, lambda: display.pace, engine.stop.set) as alarm:
        yield Limits(alarm.enough, work.workers)


def _show_plan(work: Work, seconds: float, console: Console) -> None:
    from harness.cli.progress import plan_table

    console.print(plan_table(work.plan(seconds), seconds), highlight=False)
    for sentence in work.lacking:
        console.print(f"not at all: {sentence}", highlight=False, soft_wrap=True)


def _left(work: Work, deadline: Deadline) -> str:
    """One line: what the time did not suffice for."""
    now = [replace(experiment, seeds=_seeds(experiment, work.store)) for experiment in work.experiments]
    steps = priorities.plan(now, work.store, work.device, work.workers)
    left = [
        f"{s.experiment.reproduction.name} ({s.trials} trials, at most {duration(s.seconds)})"
        for s in steps
        if s.trials
    ]
    if left:
        return f"left for another time: {', '.join(left)}; give the same command again to go on"
    return f"nothing is left to run, {duration(deadline.left())} before the end of the time"


def _judge_looks(experiment: Experiment, store: Store) -> None:
    """Records the look that a plain run has come to, where the experiment is judged by looks."""
    seen = replace(experiment, seeds=_seeds(experiment, store))
    if seen.seeds in LOOKS and sequential.begun(seen, store) and seen.evidence(store).complete:
        sequential.take(seen, store)


def _seeds(experiment: Experiment, store: Store) -> int:
    """The most seeds that the experiment was ever asked for."""
    return experiment.asked(store) or experiment.seeds


def dry(asked: Asked, console: Console) -> None:
    """Prints the trials, which of them are in the store, and the most that the others cost."""
    work = _work(asked, console)
    _warn(work.experiments, work.store, console)
    if asked.budget is not None:
        _show_plan(work, asked.budget, console)
    for experiment in work.experiments:
        dry_run.show(experiment, work.store, work.device, work.workers, console)


def _warn(todo: Sequence[Experiment], store: Store, console: Console) -> None:
    """Says beforehand what a person must know: damaged records, stand-in data."""
    _ = store.records
    for sentence in store.damaged:
        console.print(f"[yellow]{sentence}[/yellow]", highlight=False, soft_wrap=True)
    if any(
        experiment.conditions.data is not None and experiment.conditions.data.stand_in for experiment in todo
    ):
        console.print(f"[yellow]{STAND_IN_NOTICE}[/yellow]", highlight=False, soft_wrap=True)


def _check_data(todo: Sequence[Experiment]) -> None:
    """Nothing is trained on a file that is not what it should be."""
    for root in {e.data for e in todo if e.data is not None and e.protocol.dataset == "cifar10"}:
        from harness.data.cifar10 import verify

        verify(root)


def _state(experiment: Experiment, store: Store) -> str:
    evidence = experiment.evidence(store)
    failed = sum(run.record.status is Status.FAILED for run in evidence.runs)
    left = f", {len(evidence.to_run)} to run" if evidence.to_run else ""
    bad = f", {failed} failed" if failed else ""
    more = "; give the same command again to go on" if left or evidence.plan.to_come else ""
    done = f"{len(evidence.runs) - failed} of {len(evidence.plan.trials)} trials"
    return f"{experiment.name}: {done} in {store.root}{left}{bad}{more}"
