"""`run --dry-run`: the trials, which of them are in the store, and the most that the others cost."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from harness.contract.device import Device
from harness.contract.formatting import duration
from harness.forecast import cost
from harness.plans.experiment import Experiment
from harness.records.store import Store

COLUMNS = ("key", "role", "arm", "seed", "settings", "at most", "in the store")


def show(experiment: Experiment, store: Store, device: Device, workers: int, console: Console) -> None:
    """Prints one experiment's trials and what is left of them."""
    evidence = experiment.evidence(store)
    left = {experiment.key(planned.trial): planned.trial for planned in evidence.to_run}
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for planned in evidence.plan.trials:
        trial, key = planned.trial, experiment.key(planned.trial)
        most = duration(cost.estimate([trial], device, 1, store.records).seconds)
        stored = "no" if key in left else "yes"
        table.add_row(key, planned.role, planned.arm, str(trial.seed), trial.settings.summary, most, stored)
    console.print(f"[bold]{experiment.name}[/bold]: {experiment.protocol.summary}")
    console.print(table, highlight=False)
    total = cost.estimate(list(left.values()), device, workers, store.records)
    source = "at the speed of earlier records" if total.measured else "at an assumed speed"
    most = duration(total.seconds)
    console.print(f"{len(left)} trials to run, at most {most} on {workers} workers, {source}")
    if evidence.plan.to_come:
        console.print(f"then, once these are known: {evidence.plan.to_come}")
