"""`repro status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

import reproductions
from harness.cli.terminal.outcomes import styled
from harness.cli.terminal.tables import WARNING, Row, print_rows, say
from harness.contract import plugins
from harness.paper import papers
from harness.plans.experiment import Evidence, Experiment
from harness.records.conditions import Conditions
from harness.records.keys import code_version
from harness.records.record import Record
from harness.records.store import Store
from harness.verdicts import sequential
from harness.verdicts.assess import Assessments
from harness.verdicts.verdict import Verdict
from reproductions import another_paper

UNPLANNED = "no current plan includes this trial; one may, once the trials it depends on have run"
ANOTHER_WAY = "its plan took a different course"


def show(store: Store, why: bool, as_json: bool, console: Console, errors: Console) -> None:
    """Shows what the store has of each experiment; with `why`, why records count or do not.

    Files that are left out are all named with `why`, and with JSON, where the sentences go to `errors`.
    """
    known = Assessments(store)
    if as_json:
        rows = list(_records(known)) if why else [_row(one) for one in _stored(known)]
        print_rows(rows, True, console)
    elif not store.records:
        readable = "readable " if store.damaged else ""
        create = store.command("run relu-speedup --protocol smoke")
        say(console, f"no {readable}records in {store.root}; to create some: {create}")
    elif why:
        _print_reasons(known, console)
    else:
        _print_experiments(list(_stored(known)), store, console)
    for sentence in store.damaged if why or as_json else store.left_out():
        say(errors if as_json else console, sentence, WARNING)


@dataclass(frozen=True)
class StoredExperiment:
    """An experiment, what the store has of it, and what that says about its claims."""

    experiment: Experiment
    evidence: Evidence
    verdicts: tuple[Verdict, ...]
    looks: str

    @property
    def done(self) -> int:
        """Trials that need not run again."""
        return len(self.evidence.plan.trials) - len(self.evidence.to_run)

    @property
    def trials(self) -> str:
        """`42/72`, or `42/72+` if more trials depend on the results of these."""
        plan = self.evidence.plan
        return f"{self.done}/{len(plan.trials)}{'+' if plan.to_come else ''}"


def _stored(known: Assessments) -> Iterator[StoredExperiment]:
    for reproduction in reproductions.every():
        for experiment in known.experiments(reproduction):
            evidence = known.evidence(experiment)
            if evidence.plan.trials:
                verdicts = tuple(known.of(experiment).verdicts.values())
                looks = sequential.in_words(sequential.valid(experiment, evidence, known.store))
                yield StoredExperiment(experiment, evidence, verdicts, looks)


def _row(one: StoredExperiment) -> Row:
    experiment, plan = one.experiment, one.evidence.plan
    return {
        "experiment": experiment.reproduction.name,
        "of paper": another_paper(experiment.reproduction) or papers.ALEXNET.name,
        "protocol": experiment.protocol.name,
        "verdicts": {verdict.claim: verdict.headline for verdict in one.verdicts},
        "device": experiment.conditions.device,
        "torch": experiment.conditions.torch,
        "seeds": experiment.seeds,
        "stored": one.done,
        "known": len(plan.trials),
        "to come": plan.to_come,
        "looks": one.looks,
    }


def _print_experiments(found: Sequence[StoredExperiment], store: Store, console: Console) -> None:
    """Prints a line per experiment, verdict first; conditions only once if all share them."""
    if not found:
        say(console, f"no record counts for today's code; to see why: {store.command('status --why')}")
        return
    several = len({_where(one.experiment.conditions) for one in found}) > 1
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, side in (("verdict", "left"), ("trials", "right"), ("experiment and protocol", "left")):
        table.add_column(name, justify=side, no_wrap=name == "trials", overflow="fold")  # type: ignore[arg-type]
    for one in found:
        table.add_row(_verdicts(one), one.trials, _described(one, several))
    console.print(table, highlight=False)
    if not several:
        say(console, f"All on {_where(found[0].experiment.conditions)}.")
    if any(one.evidence.plan.to_come for one in found):
        say(console, "+: more trials will follow, depending on the results of these.")


def _verdicts(one: StoredExperiment) -> Text:
    """The verdict; with several claims, each claim's verdict and name."""
    if len(one.verdicts) == 1:
        return _headline(one.verdicts[0])
    lines = (_headline(verdict).append(f"\n  {verdict.claim}", "dim") for verdict in one.verdicts)
    return Text("\n").join(lines)


def _headline(verdict: Verdict) -> Text:
    return styled(verdict.outcome, verdict.headline)


def _described(one: StoredExperiment, several: bool) -> Text:
    """The experiment and, below it, what is particular to it."""
    experiment = one.experiment
    said = Text.assemble((experiment.reproduction.name, "bold"), f" {experiment.protocol.name}")
    where = _where(experiment.conditions) if several else ""
    further = filter(None, (another_paper(experiment.reproduction), where, one.looks))
    return said.append("".join(f"\n  {line}" for line in further), "dim")


def _where(conditions: Conditions) -> str:
    return f"{conditions.device}, {conditions.precision}, torch {conditions.torch}"


@dataclass(frozen=True)
class Reason:
    """Why a record counts or does not: in words that many records share, and with its own details."""

    shared: str
    own: str


def _records(known: Assessments) -> Iterator[Row]:
    fresh, stale = _reasons(known)
    for record in known.store.records:
        reason = _reason(record, fresh, stale)
        yield {
            "key": record.key,
            "status": record.status,
            "standing": "fresh" if record.key in fresh else "stale",
            "why": reason.own,
            "commit": record.made_by,
            "finished": record.finished,
        }


def _print_reasons(known: Assessments, console: Console) -> None:
    """Prints the reasons with the number of records for each, most frequent first."""
    fresh, stale = _reasons(known)
    for name, belongs in (("fresh", True), ("stale", False)):
        records = [r for r in known.store.records if (r.key in fresh) is belongs]
        counted = Counter(_reason(r, fresh, stale).shared for r in records)
        console.print(Text(f"{name}: {len(records):,}", "bold"))
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(justify="right", no_wrap=True)
        table.add_column()
        for reason, count in sorted(counted.items(), key=lambda one: (-one[1], one[0])):
            table.add_row(f"{count:,}", Text(reason))
        if counted:
            console.print(table, highlight=False)
    say(console, f"For each record by its key:\n  {known.store.command('status --why --json')}")


def _reason(record: Record, fresh: dict[str, Reason], stale: dict[str, Reason]) -> Reason:
    return fresh.get(record.key) or stale.get(record.key) or _unplanned(record)


def _unplanned(record: Record) -> Reason:
    """Why no plan has the record's trial: its package is missing, or its trial does not follow yet."""
    brought = filter(None, str(record.environment.get("plugins") or "").split(", "))
    here = {name.partition(" ")[0] for name in plugins.versions().split(", ")}
    absent = [name for name in brought if name.partition(" ")[0] not in here]
    said = f"made with {' and '.join(absent)}, not installed here" if absent else UNPLANNED
    return Reason(said, said)


def _reasons(known: Assessments) -> tuple[dict[str, Reason], dict[str, Reason]]:
    """Why each record is fresh or stale, by key."""
    fresh: dict[str, Reason] = {}
    stale: dict[str, Reason] = {}
    every = [
        experiment
        for reproduction in reproductions.every()
        for protocol in reproduction.protocols
        for experiment in known.under_every_condition(reproduction, protocol)
    ]
    # Of experiments that share a trial, one that was requested names it.
    for experiment in sorted(every, key=lambda one: known.asked(one) > 0):
        for run in known.evidence(experiment).runs:
            shared = f"{experiment.name}, {run.planned.role}"
            fresh[run.record.key] = Reason(shared, f"{shared} {run.planned.arm}")
    for reproduction in reproductions.every():
        for old, trial in known.stale(reproduction):
            stale[old.key] = _outdated(old, code_version(trial, old.conditions.device))
    return fresh, stale


def _outdated(record: Record, code: str) -> Reason:
    if record.code == code:
        return Reason(ANOTHER_WAY, ANOTHER_WAY)
    own = f"the code that it depends on is now version {code} and was {record.code} ({record.made_by})"
    return Reason(f"the code that it depends on has changed since {record.made_by}", own)
