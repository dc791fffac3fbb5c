"""What `list`, `status` and `doctor` print: a table for people, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import reproductions
from harness.cli.doctor import examine
from harness.contract.formatting import NOTHING, duration
from harness.forecast.next_runs import NextRun
from harness.records.keys import code_version
from harness.records.record import Record
from harness.records.store import Store
from harness.reporting.overview import logged, ours, standing
from harness.reporting.sections import Section, leading, sections
from harness.verdicts import sequential
from harness.verdicts.assess import Assessments

Row = Mapping[str, Any]
UNBROKEN = ("claim", "key", "experiment", "protocol", "data")  # columns of a table
CHECKS = {True: "ok", False: "MISSING"}


def claims(store: Store, as_json: bool, console: Console) -> None:
    """Every claim with the paper's figure, the best evidence, the verdict, and what would say more."""
    found = leading(sections(store, Console(stderr=True)))
    if as_json:
        _show([{**_claim(s), "why": s.needs or _because(s), **_next(s)} for s in found], True, console)
        return
    _show([_without(_claim(s), "section", "2012 run", "deviations") for s in found], False, console)
    console.print("\nWhat would say more, and takes at most so long of one core or one GPU:", highlight=False)
    console.print("./repro.py run CLAIM --protocol PROTOCOL", highlight=False)
    _show([{"claim": s.claim.id, **_run(run)} for s in found for run in s.runs], False, console)
    console.print()
    for stand, names in _standings(found).items():
        console.print(f"{stand}: {', '.join(names)}", highlight=False, markup=False)


def status(store: Store, why: bool, as_json: bool, console: Console) -> None:
    """What the store has of each experiment; with `why`, of each record."""
    known = Assessments(store)
    rows = list(_records(known) if why else _experiments(known))
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
    primary = next((replace(one, name="") for one in ours(section)), None)
    return {
        "claim": claim.id,
        "section": claim.section,
        "paper": claim.figure,
        "2012 run": logged(claim),
        "ours": primary.line if primary else "",
        "protocol": verdict.protocol or "",
        "verdict": verdict.headline,
        "deviations": list(section.deviations),
    }


def _because(section: Section) -> str:
    return "; ".join(section.verdict.sentences)


def _next(section: Section) -> Row:
    """Where the claim stands, what to type, and every run that would say more with its data and cost."""
    runs = [
        {**asdict(run), "protocol": run.protocol, "data": run.data, "cost": run.cost} for run in section.runs
    ]
    return {"standing": standing(section), "command": section.next_command, "runs": runs}


def _standings(found: Sequence[Section]) -> dict[str, list[str]]:
    """The claims by where they stand."""
    kinds: dict[str, list[str]] = {}
    for section in found:
        kinds.setdefault(standing(section), []).append(section.claim.id)
    return kinds


def _run(run: NextRun) -> dict[str, str]:
    most = {price.device: duration(price.seconds) for price in run.prices}
    none = dict.fromkeys(("core", "GPU"), NOTHING)
    return {"protocol": run.protocol, "data": run.data, "trials": str(run.trials), **none, **most}


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


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
            stale[old.key] = _outdated(old, code_version(trial))
    return fresh, stale


def _outdated(record: Record, code: str) -> str:
    if record.code == code:
        return "its plan went another way"
    return f"the code that can change it is version {code} now and was {record.code} ({record.made_by})"


def _show(rows: Sequence[Row], as_json: bool, console: Console) -> None:
    if as_json:
        print(json.dumps(rows, indent=1, default=asdict))
        return
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name, no_wrap=name in UNBROKEN)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table, highlight=False, markup=False)
