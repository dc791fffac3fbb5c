"""`repro status`."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

import reproductions
from harness.cli.terminal.tables import WARNING, Row, print_rows, say
from harness.records.keys import code_version
from harness.records.record import Record
from harness.records.store import Store
from harness.verdicts import sequential
from harness.verdicts.assess import Assessments


def show(store: Store, why: bool, as_json: bool, console: Console) -> None:
    """What the store has of each experiment; with `why`, of each record."""
    known = Assessments(store)
    rows = list(_records(known) if why else _experiments(known))
    print_rows(rows, as_json, console)
    if not rows and not as_json:
        say(console, f"no records in {store.root}; './repro.py run relu-speedup --protocol smoke' makes some")
    for sentence in store.damaged:
        say(console, sentence, WARNING)


def _experiments(known: Assessments) -> Iterable[Row]:
    for reproduction in reproductions.every():
        for experiment in known.experiments(reproduction):
            evidence = known.evidence(experiment)
            if evidence.plan.trials:
                yield {
                    "experiment": reproduction.name,
                    "protocol": experiment.protocol.name,
                    "device": experiment.conditions.device,
                    "torch": experiment.conditions.torch,
                    "seeds": experiment.seeds,
                    "stored": len(evidence.plan.trials) - len(evidence.to_run),
                    "known": len(evidence.plan.trials),
                    "to come": evidence.plan.to_come,
                    "looks": sequential.in_words(sequential.valid(experiment, evidence, known.store)),
                }


def _records(known: Assessments) -> Iterable[Row]:
    fresh, stale = _reasons(known)
    for record in known.store.records:
        reason = fresh.get(record.key) or stale.get(record.key) or "no protocol plans this trial any more"
        yield {
            "key": record.key,
            "status": record.status,
            "standing": "fresh" if record.key in fresh else "stale",
            "why": reason,
            "commit": record.made_by,
            "finished": record.finished,
        }


def _reasons(known: Assessments) -> tuple[dict[str, str], dict[str, str]]:
    """Why each fresh and each stale record is so, by key."""
    fresh: dict[str, str] = {}
    stale: dict[str, str] = {}
    for reproduction in reproductions.every():
        for protocol in reproduction.protocols:
            for experiment in known.under_every_condition(reproduction, protocol):
                for run in known.evidence(experiment).runs:
                    fresh[run.record.key] = f"{experiment.name}, {run.planned.role} {run.arm}"
        for old, trial in known.stale(reproduction):
            stale[old.key] = _outdated(old, code_version(trial, old.conditions.device))
    return fresh, stale


def _outdated(record: Record, code: str) -> str:
    if record.code == code:
        return "its plan went another way"
    return f"the code that can change it is version {code} now and was {record.code} ({record.made_by})"
