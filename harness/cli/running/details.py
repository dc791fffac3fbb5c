"""What `run --verbose` adds: the code, the machine, and each experiment's data and speeds."""

from __future__ import annotations

from rich.console import Console

from harness.cli.running.calibrate import speeds
from harness.cli.running.work import Work
from harness.cli.terminal.tables import say
from harness.contract.formatting import count, number
from harness.engines.machine import gpus
from harness.plans.experiment import Experiment
from harness.records import environment
from harness.records.provenance import provenance

CODE = ("commit", "dirty", "source")  # in the first line


def show(work: Work, console: Console) -> None:
    """Shows the environment that records will name, and what costs are based on."""
    found = environment.describe(work.device, gpus.name(work.device))
    here = (f"{name} {value}" for name, value in found.items() if value and name not in CODE)
    say(console, f"code: {provenance()}")
    say(console, f"{'machine' if work.asked.site.here else 'driver'}: {', '.join(here)}")
    say(console, f"results: {work.store.root.resolve()}, {count(len(work.store.records), 'record')}")
    for experiment in work.experiments:
        _show(experiment, work, console)


def _show(experiment: Experiment, work: Work, console: Console) -> None:
    held = experiment.conditions
    where = f", {experiment.data}" if experiment.data else ""
    say(console, f"{experiment.name}: {work.device}, {held.precision}, data {held.data or 'none'}{where}")
    trials = [planned.trial for planned in experiment.evidence(work.store).plan.trials]
    for precision, speed in speeds(trials, work).items():
        worth = f"{number(speed.value / 1e9)} billion multiply-adds per second per worker"
        say(console, f"{experiment.name}: costs in {precision} are based on {worth} ({speed.source})")
