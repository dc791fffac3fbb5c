"""What `run --dry-run` shows: the trials and the most that they cost, and the plan for a given time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from harness.cli.running.work import RunRequest, Work, warn, work_for
from harness.cli.terminal.tables import say
from harness.contract.formatting import duration
from harness.forecast import cost
from harness.forecast.priorities import Standing, Step
from harness.plans.experiment import Evidence, Experiment

TRIALS = ("key", "role", "arm", "seed", "settings", "at most", "in the store")
STEPS = ("in this order", "protocol", "seeds", "known", "trials", "at most", "will be done")
KNOWN = {
    Standing.NO_VERDICT: "no verdict yet",
    Standing.INCONCLUSIVE: "inconclusive",
    Standing.DECIDED: "decided",
}


def show(asked: RunRequest, console: Console) -> None:
    """The trials, which of them are in the store, and the most that the others cost."""
    work = work_for(asked)
    warn(work.experiments, work.store, console)
    if asked.budget is not None:
        show_plan(work, asked.budget, console)
    for experiment in work.experiments:
        _show(experiment, work, console)


def _show(experiment: Experiment, work: Work, console: Console) -> None:
    """One experiment's trials and what is left of them."""
    evidence = experiment.evidence(work.store)
    say(console, f"{experiment.name}: {experiment.protocol.summary}", "bold")
    table = Table(*TRIALS, box=None, pad_edge=False)
    for row in _trials(experiment, evidence, work):
        table.add_row(*row)
    console.print(table, highlight=False, markup=False)
    left = [planned.trial for planned in evidence.to_run]
    total = cost.estimate(left, work.device, work.workers, work.store.records)
    source = "at the speed of earlier records" if total.measured else "at an assumed speed"
    most = duration(total.seconds)
    say(console, f"{len(left)} trials to run, at most {most} on {work.workers} workers, {source}")
    if evidence.plan.to_come:
        say(console, f"then, once these are known: {evidence.plan.to_come}")


def _trials(experiment: Experiment, evidence: Evidence, work: Work) -> Iterator[tuple[str, ...]]:
    records = work.store.records
    left = {experiment.key(planned.trial) for planned in evidence.to_run}
    for planned in evidence.plan.trials:
        trial, key = planned.trial, experiment.key(planned.trial)
        most = duration(cost.estimate([trial], work.device, 1, records).seconds)
        stored = "no" if key in left else "yes"
        yield key, planned.role, planned.arm, str(trial.seed), trial.settings.summary, most, stored


def show_plan(work: Work, seconds: float, console: Console) -> None:
    """The plan, and what cannot be done at all."""
    console.print(plan_table(work.plan(seconds), seconds), highlight=False, markup=False)
    for sentence in work.lacking:
        say(console, f"not at all: {sentence}")


def plan_table(steps: Sequence[Step], seconds: float) -> Table:
    """What will be done within the time and what will not, in this order."""
    title = f"The plan for {duration(seconds)}"
    table = Table(*STEPS, box=None, pad_edge=False, title=title, title_justify="left")
    for step in steps:
        one = step.experiment
        guessed = "" if step.measured else " (guess)"
        most = f"{duration(step.seconds)}{guessed}" if step.trials else ""
        cells = (one.reproduction.name, one.protocol.name, str(one.seeds), KNOWN[step.standing])
        table.add_row(*cells, str(step.trials), most, step.intent)
    return table
