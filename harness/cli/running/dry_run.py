"""What `run --dry-run` shows: the trials and the most that they cost, and the plan for a given time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from harness.cli.running.calibrate import calibrate
from harness.cli.running.work import RunRequest, Work, warn, work_for
from harness.cli.terminal.tables import say
from harness.contract.formatting import duration
from harness.contract.trial import Precision
from harness.forecast import cost, kept_speeds, priorities
from harness.forecast.cost import Speed, SpeedSource
from harness.forecast.priorities import Standing, Step
from harness.forecast.telling import telling
from harness.plans.experiment import Evidence, Experiment

TRIALS = ("key", "role", "arm", "seed", "settings", "at most", "in the store")
STEPS = ("in this order", "protocol", "seeds", "known", "trials", "at most", "will be done")
SPEEDS = {
    SpeedSource.RECORDS: "at the speed of earlier records",
    SpeedSource.CALIBRATED: "at a speed calibrated on this machine",
    SpeedSource.ASSUMED: "at an assumed speed",
}
KNOWN = {
    Standing.NO_VERDICT: "no verdict yet",
    Standing.INCONCLUSIVE: "inconclusive",
    Standing.DECIDED: "decided",
    Standing.NEVER_JUDGED: "never judged",
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
    known = _speeds(evidence, work)
    table = Table(*TRIALS, box=None, pad_edge=False)
    for row in _trials(experiment, evidence, known):
        table.add_row(*row)
    console.print(table, highlight=False, markup=False)
    left = [planned.trial for planned in evidence.to_run]
    total = cost.price(left, work.workers, known)
    most = f"at most {duration(total.seconds)} on {work.workers} workers, {SPEEDS[total.source]}"
    say(console, f"{len(left)} trials to run{f', {most}' if left else ''}")
    if evidence.plan.to_come:
        say(console, f"then, once these are known: {evidence.plan.to_come}")


def _speeds(evidence: Evidence, work: Work) -> Mapping[Precision, Speed]:
    """The speeds behind every price of the table and behind their sum."""
    trials = [planned.trial for planned in evidence.plan.trials]
    calibrate(work, trials)
    store, device = work.store, work.device
    records = telling(store, trials, device)
    return cost.speeds(trials, device, records, kept_speeds.kept(store.root, device))


def _trials(
    experiment: Experiment, evidence: Evidence, known: Mapping[Precision, Speed]
) -> Iterator[tuple[str, ...]]:
    left = {experiment.key(planned.trial) for planned in evidence.to_run}
    for planned in evidence.plan.trials:
        trial, key = planned.trial, experiment.key(planned.trial)
        most = duration(cost.price([trial], 1, known).seconds)
        stored = "no" if key in left else "yes"
        yield key, planned.role, planned.arm, str(trial.seed), trial.settings.summary, most, stored


def show_plan(work: Work, seconds: float, console: Console) -> None:
    """The plan, and what cannot be done at all."""
    steps = _plan(work, seconds)
    console.print(plan_table(steps, seconds), highlight=False, markup=False)
    for sentence in speeds_in_words(steps):
        say(console, sentence)
    for sentence in work.lacking:
        say(console, f"not at all: {sentence}")


def _plan(work: Work, seconds: float) -> list[Step]:
    """The plan, by speeds that were measured as far as they can be."""
    steps = work.plan(seconds)
    unsure = (step.experiment for step in steps if step.speed is SpeedSource.ASSUMED)
    trials = [trial for one in unsure for trial in priorities.needed(one, work.store)]
    return work.plan(seconds) if calibrate(work, trials) else steps


def plan_table(steps: Sequence[Step], seconds: float) -> Table:
    """What will be done within the time and what will not, in this order."""
    title = f"The plan for {duration(seconds)}"
    table = Table(*STEPS, box=None, pad_edge=False, title=title, title_justify="left")
    for step in steps:
        one = step.experiment
        most = duration(step.seconds) if step.trials else ""
        cells = (one.reproduction.name, one.protocol.name, str(one.seeds), KNOWN[step.standing])
        table.add_row(*cells, str(step.trials), most, step.intent)
    return table


def speeds_in_words(steps: Sequence[Step]) -> Iterator[str]:
    """What the plan's costs rest on, a sentence for each source; it names its steps if there are several."""
    found: dict[SpeedSource, list[str]] = {}
    for step in steps:
        if step.trials:
            found.setdefault(step.speed, []).append(step.experiment.reproduction.name)
    for source, names in found.items():
        of = f": {', '.join(names)}" if len(found) > 1 else ""
        yield f"costs {SPEEDS[source]}{of}"
