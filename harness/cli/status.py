"""`repro status`."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

import reproductions
from harness.cli.tables import WARNING, Row, print_rows, say
from harness.engines.runner import missing
from harness.records.keys import trial_meaning
from harness.records.record import Record
from harness.records.store import Store
from harness.verdicts import assess, sequential


def show(store: Store, why: bool, as_json: bool, console: Console) -> None:
    """What the store has of each experiment; with `why`, of each record."""
    rows = list(_records(store) if why else _experiments(store))
    print_rows(rows, as_json, console)
    if not rows and not as_json:
        say(console, f"no records in {store.root}; './repro.py run relu-speedup --protocol smoke' makes some")
    for sentence in store.damaged:
        say(console, sentence, WARNING)


def _experiments(store: Store) -> Iterable[Row]:
    for reproduction in reproductions.every():
        for job in assess.jobs(reproduction, store):
            evidence = job.evidence(store)
            if evidence.plan.trials:
                yield {
                    "experiment": reproduction.name,
                    "protocol": job.protocol.name,
                    "device": job.conditions.device,
                    "torch": job.conditions.torch,
                    "seeds": job.seeds,
                    "stored": len(evidence.plan.trials) - len(missing(job, store)),
                    "known": len(evidence.plan.trials),
                    "to come": evidence.plan.to_come,
                    "looks": sequential.in_words(sequential.standing(job, store)),
                }


def _records(store: Store) -> Iterable[Row]:
    fresh, stale = _standing(store)
    for record in store.records:
        reason = fresh.get(record.key) or stale.get(record.key) or "no protocol plans this trial any more"
        yield {
            "key": record.key,
            "status": record.status,
            "standing": "fresh" if record.key in fresh else "stale",
            "why": reason,
            "commit": record.environment.get("git", ""),
            "finished": record.finished,
        }


def _standing(store: Store) -> tuple[dict[str, str], dict[str, str]]:
    """Why each fresh and each stale record is so, by key."""
    fresh: dict[str, str] = {}
    stale: dict[str, str] = {}
    for reproduction in reproductions.every():
        for protocol in reproduction.protocols:
            for job in assess.under_every_condition(reproduction, protocol, store):
                for run in job.evidence(store).runs:
                    fresh[run.record.key] = (
                        f"{reproduction.name} at {protocol.name}, {run.planned.role} {run.arm}"
                    )
        for old, trial in assess.stale_with_trials(reproduction, store):
            stale[old.key] = _outdated(old, trial_meaning(trial))
    return fresh, stale


def _outdated(record: Record, meaning: str) -> str:
    if record.meaning == meaning:
        return "its plan went another way"
    commit = record.environment.get("git", "unknown")
    return f"the code that can change it means {meaning} now and meant {record.meaning} at commit {commit}"
