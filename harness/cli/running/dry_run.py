"""What `run --dry-run` shows: the trials and their maximum cost, and the plan for a given time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console

from harness.cli.running import details
from harness.cli.running.calibrate import calibrate, speeds
from harness.cli.running.check import earlier
from harness.cli.running.choices import choose_precision
from harness.cli.running.events import FORMAT
from harness.cli.running.work import RunRequest, Work, warnings, work_for
from harness.cli.terminal.tables import WARNING, Row, print_json, print_rows, say
from harness.contract.formatting import count, duration
from harness.contract.trial import Precision
from harness.forecast import cost, priorities
from harness.forecast.cost import Speed, SpeedSource
from harness.forecast.priorities import Standing, Step
from harness.forecast.speeds import known
from harness.plans.experiment import Evidence, Experiment

TRIALS = ("key", "role", "arm", "seed", "settings", "at most", "in the store")
SHOWN = 12  # letters of a key, as in reports: enough to distinguish trials
STEPS = ("experiment", "protocol", "seeds", "known", "trials", "at most", "will be done")
LONG = 60.0  # seconds, from which a run says beforehand what it will take
SPEEDS = {
    SpeedSource.RECORDS: "at the speed of earlier records",
    SpeedSource.CALIBRATED: "at a speed calibrated on this machine",
    SpeedSource.ASSUMED: "at an assumed speed",
}
KNOWN = {
    Standing.NO_VERDICT: "no verdict yet",
    Standing.INCONCLUSIVE: "inconclusive",
    Standing.DECIDED: "decided",
    Standing.UNDECIDABLE: "gets no verdict",
}


@dataclass(frozen=True)
class TrialPreview:
    """A trial of a plan, and the most seconds it can take."""

    key: str
    role: str
    arm: str
    seed: int
    settings: str
    seconds: float
    stored: bool


@dataclass(frozen=True)
class ExperimentPreview:
    """An experiment's trials, and the most seconds that the remaining ones take on all workers.

    `in_all` and `seconds_in_all` include the trials that depend on results still to come.
    """

    reproduction: str
    protocol: str
    seeds: int
    workers: int
    trials: tuple[TrialPreview, ...]
    to_run: int
    seconds: float
    speed: SpeedSource
    to_come: str
    in_all: int
    seconds_in_all: float


def show(asked: RunRequest, console: Console) -> None:
    """Shows the trials, which of them are in the store, and the maximum cost of the others."""
    work = _work(asked, console)
    if asked.budget is not None:
        show_plan(work, asked.budget, console)
    show_trials(work, console)


def write(asked: RunRequest, console: Console) -> None:
    """Prints the same as one JSON document; warnings go to the console."""
    work = _work(asked, console)
    budget = asked.budget
    steps = None if budget is None else [_as_values(step) for step in _plan(work, budget)]
    experiments = [preview(experiment, work) for experiment in work.experiments]
    told = {"format": FORMAT, "experiments": experiments, "lacking": work.lacking, "budget": budget}
    print_json({**told, "plan": steps})


def _work(asked: RunRequest, console: Console) -> Work:
    work = work_for(asked)
    earlier(asked.check, asked.junit, work.experiments)
    for sentence in warnings(work):
        say(console, sentence, WARNING)
    if asked.verbose:
        details.show(work, console)
    return work


def _as_values(step: Step) -> Row:
    one, standing = step.experiment, KNOWN[step.standing]
    named = {"reproduction": one.reproduction.name, "protocol": one.protocol.name, "seeds": one.seeds}
    cost = {"trials": step.trials, "seconds": step.seconds, "speed": step.speed}
    return {**named, "known": standing, **cost, "intent": step.intent}


def preview(experiment: Experiment, work: Work) -> ExperimentPreview:
    """One experiment's trials and which of them are left."""
    evidence = experiment.evidence(work.store)
    left = [planned.trial for planned in evidence.to_run]
    needed = priorities.needed(experiment, work.store) if evidence.plan.to_come else left
    # Trials to come may be in another precision: what is measured in a trained network is so in fp32.
    priced = speeds([*(planned.trial for planned in evidence.plan.trials), *needed], work)
    total = cost.price(left, work.workers, priced)
    in_all = cost.price(needed, work.workers, priced)
    one_by_one = bool(left) and all(trial.settings.exclusive for trial in left)
    return ExperimentPreview(
        experiment.reproduction.name, experiment.protocol.name, experiment.seeds,
        1 if one_by_one else work.workers,
        tuple(_trials(experiment, evidence, priced)),
        len(left), total.seconds, total.source, evidence.plan.to_come, len(needed), in_all.seconds,
    )  # fmt: skip


def _trials(
    experiment: Experiment, evidence: Evidence, priced: Mapping[Precision, Speed]
) -> Iterator[TrialPreview]:
    left = {experiment.key(planned.trial) for planned in evidence.to_run}
    for planned in evidence.plan.trials:
        trial, key = planned.trial, experiment.key(planned.trial)
        most, said = cost.price([trial], 1, priced).seconds, trial.settings.summary
        yield TrialPreview(key, planned.role, planned.arm, trial.seed, said, most, key not in left)


def show_trials(work: Work, console: Console) -> None:
    """Shows each experiment's trials and which of them are left."""
    for experiment in work.experiments:
        _show(experiment, preview(experiment, work), console)


def _show(experiment: Experiment, found: ExperimentPreview, console: Console) -> None:
    say(console, f"{experiment.name}: {experiment.protocol.summary}", "bold")
    cells = (
        (t.key[:SHOWN], t.role, t.arm, t.seed, t.settings, duration(t.seconds), "yes" if t.stored else "no")
        for t in found.trials
    )
    print_rows([dict(zip(TRIALS, row, strict=True)) for row in cells], False, console)
    for sentence in _costs(found):
        say(console, sentence)


def _costs(found: ExperimentPreview) -> Iterator[str]:
    on = f"on {count(found.workers, 'worker')}, {SPEEDS[found.speed]}"
    most = f", at most {duration(found.seconds)} {on}"
    yield f"{count(found.to_run, 'trial')} to run{most if found.to_run else ''}"
    if found.to_come:
        yield f"then, depending on their results: {found.to_come}"
        # A search may ask for more rates than a plan without results shows, so this is no upper bound.
        yield f"in all about {count(found.in_all, 'trial')}, {duration(found.seconds_in_all)}"


def costs(work: Work) -> Iterator[str]:
    """What experiments will take at most, if that is long, and what else could be run in less time."""
    for experiment in work.experiments:
        if experiment.protocol.smoke:
            continue
        found = preview(experiment, work)
        if found.seconds_in_all >= LONG:
            yield f"{experiment.name}: {'; '.join(_costs(found))}"
            if work.asked.protocol is None and (others := list(_cheaper(experiment, work, found))):
                yield f"this takes less time, with --protocol: {', '.join(others)}"


def _cheaper(experiment: Experiment, work: Work, found: ExperimentPreview) -> Iterator[str]:
    """Other protocols that may give a verdict in less than half the time, with what each takes at most."""
    reproduction, device = experiment.reproduction, work.device
    for protocol in reproduction.protocols:
        if protocol.smoke or not priorities.decidable(reproduction, protocol):
            continue
        at = protocol.at(choose_precision(work.asked.precision, protocol, device))
        trials = priorities.whole(reproduction, at, at.seeds)
        most = cost.price(trials, work.workers, known(work.store, trials, device)).seconds
        if most < found.seconds_in_all / 2:
            yield f"{protocol.name} (at most {duration(most)})"


def show_plan(work: Work, seconds: float, console: Console) -> None:
    """Shows the plan."""
    steps = _plan(work, seconds)
    say(console, f"The plan for {duration(seconds)}, in this order", "bold")
    print_rows(plan_rows(steps), False, console)
    for sentence in speeds_in_words(steps):
        say(console, sentence)


def _plan(work: Work, seconds: float) -> list[Step]:
    """The plan, based on measured speeds wherever possible."""
    steps = work.plan(seconds)
    unsure = (step.experiment for step in steps if step.speed is SpeedSource.ASSUMED)
    trials = [trial for one in unsure for trial in priorities.needed(one, work.store)]
    return work.plan(seconds) if calibrate(work, trials) else steps


def plan_rows(steps: Sequence[Step]) -> list[Row]:
    """What will be done within the time and what will not, in order."""
    rows: list[Row] = []
    for step in steps:
        one = step.experiment
        most = duration(step.seconds) if step.trials else ""
        cells = (one.reproduction.name, one.protocol.name, one.seeds, KNOWN[step.standing])
        rows.append(dict(zip(STEPS, (*cells, step.trials, most, step.intent), strict=True)))
    return rows


def speeds_in_words(steps: Sequence[Step]) -> Iterator[str]:
    """What the plan's costs are based on, one sentence per source; several sources each name their steps."""
    found: dict[SpeedSource, list[str]] = {}
    for step in steps:
        if step.trials:
            found.setdefault(step.speed, []).append(step.experiment.reproduction.name)
    for source, names in found.items():
        of = f": {', '.join(names)}" if len(found) > 1 else ""
        yield f"costs {SPEEDS[source]}{of}"
