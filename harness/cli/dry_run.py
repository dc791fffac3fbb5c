"""What `run --dry-run` shows: the trials and the most that they cost, and the plan for a given time."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from harness.cli.tables import say
from harness.cli.work import Asked, Work, tell, work_for
from harness.contract.formatting import spoken
from harness.contract.trial import Trial
from harness.engines.runner import missing
from harness.forecast import cost
from harness.forecast.priorities import Standing, Step
from harness.plans.experiment import Job
from harness.records.keys import key_of
from harness.records.store import Store


def show(asked: Asked, console: Console) -> None:
    """The trials, which of them are in the store, and the most that the others cost."""
    work = work_for(asked)
    tell(work.jobs, work.store, console)
    if asked.budget is not None:
        show_plan(work, asked.budget, console)
    for job in work.jobs:
        _dry(job, work.store, work.device, work.workers, console)


def _dry(job: Job, store: Store, device: str, workers: int, console: Console) -> None:
    plan, left = job.evidence(store).plan, {key for key, _ in missing(job, store)}
    table = Table(
        "key", "role", "arm", "seed", "settings", "at most", "in the store", box=None, pad_edge=False
    )
    for planned in plan.trials:
        key = key_of(planned.trial, job.conditions)
        most = cost.estimate([planned.trial], device, 1, store.records).seconds
        stored = "no" if key in left else "yes"
        table.add_row(
            key,
            planned.role,
            planned.arm,
            str(planned.trial.seed),
            _settings(planned.trial),
            spoken(most),
            stored,
        )
    say(console, f"{job.reproduction.name} at {job.protocol.name}: {job.protocol.summary}", "bold")
    console.print(table, highlight=False, markup=False)
    total = cost.estimate([p.trial for key, p in missing(job, store)], device, workers, store.records)
    source = "at the speed of earlier records" if total.measured else "at an assumed speed"
    say(console, f"{len(left)} trials to run, at most {spoken(total.seconds)} on {workers} workers, {source}")
    if plan.to_come:
        say(console, f"then, once these are known: {plan.to_come}")


def _settings(trial: Trial) -> str:
    shown = {"rate": "rate", "max_epochs": "epochs"}
    values = {label: getattr(trial.settings, name, None) for name, label in shown.items()}
    return ", ".join(f"{label} {value:g}" for label, value in values.items() if value is not None)


def show_plan(work: Work, seconds: float, console: Console) -> None:
    """The plan, and what cannot be done at all."""
    console.print(plan_table(work.plan(seconds), seconds), highlight=False, markup=False)
    for sentence in work.lacking:
        say(console, f"not at all: {sentence}")


KNOWN = {
    Standing.NO_VERDICT: "no verdict yet",
    Standing.INCONCLUSIVE: "inconclusive",
    Standing.DECIDED: "decided",
}


def plan_table(steps: Sequence[Step], seconds: float) -> Table:
    """What will be done within the time and what will not, in this order."""
    table = Table(
        "in this order",
        "protocol",
        "seeds",
        "known",
        "trials",
        "at most",
        "will be done",
        box=None,
        pad_edge=False,
        title=f"The plan for {spoken(seconds)}",
        title_justify="left",
    )
    for step in steps:
        job, most = step.job, spoken(step.seconds) + ("" if step.measured or not step.trials else " (guess)")
        cells = (job.reproduction.name, job.protocol.name, str(job.seeds), KNOWN[step.standing])
        table.add_row(*cells, str(step.trials), most if step.trials else "", step.intent)
    return table
