"""What `list`, `status` and `doctor` print: a table for people, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import reproductions
from harness import looks
from harness.claims import Effect
from harness.doctor import examine
from harness.runner import missing
from harness.store import Store
from harness.trials import Record, trial_meaning
from reports import collect
from reports.build import Section

Row = Mapping[str, Any]
CHECKS = {True: "ok", False: "MISSING"}


def claims(store: Store, as_json: bool, console: Console) -> None:
    """Every claim with the paper's figure, the best evidence and the verdict."""
    rows = [_claim(section) for section in collect.sections(store)]
    _show(rows if as_json else [_without(row, "why", "section") for row in rows], as_json, console)


def status(store: Store, why: bool, as_json: bool, console: Console) -> None:
    """What the store has of each experiment; with `why`, of each record."""
    rows = list(_records(store) if why else _experiments(store))
    _show(rows, as_json, console)
    if not rows and not as_json:
        console.print(
            f"no records in {store.root}; './repro.py run relu-speedup --protocol smoke' makes some"
        )
    for sentence in store.damaged:
        console.print(f"[yellow]{sentence}[/yellow]", highlight=False, soft_wrap=True)


def doctor(data_dir: Path | None, results_dir: Path, as_json: bool, console: Console) -> bool:
    """Prints every check; whether all is well."""
    checks = list(examine(data_dir, results_dir))
    rows = [
        {"check": c.name, "state": CHECKS[c.ok], "seen": c.seen, "mend": "" if c.ok else c.mend}
        for c in checks
    ]
    _show(rows, as_json, console)
    return all(c.ok for c in checks)


def _claim(section: Section) -> Row:
    claim, verdict = section.claim, section.verdict
    primary = next(iter(section.effects), None)
    return {
        "claim": claim.id,
        "section": claim.section,
        "paper": claim.figure,
        "ours": "" if primary is None else effect_in_words(primary),
        "protocol": verdict.protocol or "",
        "verdict": verdict.headline,
        "why": section.needs or "; ".join(verdict.reasons),
    }


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def effect_in_words(effect: Effect) -> str:
    """`5.9 × [4.8, 7.2], n = 5`."""
    if effect.estimate is None:
        bound = "" if effect.lower_bound is None else f"≥ {effect.lower_bound:.3g} {effect.unit}, "
        return f"{bound}n = {effect.n}"
    interval = "" if effect.ci95 is None else f" [{effect.ci95.low:.3g}, {effect.ci95.high:.3g}]"
    return f"{effect.estimate:.3g} {effect.unit}{interval}, n = {effect.n}"


def _experiments(store: Store) -> Iterable[Row]:
    for reproduction in reproductions.every():
        for job in collect.jobs(reproduction, store):
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
                    "looks": looks.in_words(looks.standing(job, store)),
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
            for job in collect.under_every_condition(reproduction, protocol, store):
                for run in job.evidence(store).runs:
                    fresh[run.record.key] = (
                        f"{reproduction.name} at {protocol.name}, {run.planned.role} {run.arm}"
                    )
        for old, trial in collect.stale_with_trials(reproduction, store):
            stale[old.key] = _outdated(old, trial_meaning(trial))
    return fresh, stale


def _outdated(record: Record, meaning: str) -> str:
    if record.meaning == meaning:
        return "its plan went another way"
    commit = record.environment.get("git", "unknown")
    return f"the code that can change it means {meaning} now and meant {record.meaning} at commit {commit}"


def _show(rows: Sequence[Row], as_json: bool, console: Console) -> None:
    if as_json:
        print(json.dumps(rows, indent=1, default=asdict))
        return
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name, no_wrap=name in ("claim", "key", "experiment"))
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table, highlight=False, markup=False)
