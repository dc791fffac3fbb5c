"""`repro list`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from rich.console import Console

from harness.cli.terminal.progress import Progress
from harness.cli.terminal.tables import Row, print_rows, say
from harness.contract.formatting import NOTHING, duration
from harness.forecast.next_runs import NextRun
from harness.records.store import Store
from harness.reporting import beyond
from harness.reporting.beyond import Question
from harness.reporting.overview import P_VALUES, logged, ours, standing
from harness.reporting.sections import Section, leading, sections


def show(store: Store, as_json: bool, console: Console, progress: Progress) -> None:
    """Every claim with the paper's figure, the best evidence, the verdict, and what would say more."""
    with progress as tracker:
        found = leading(sections(store, tracker))
    if as_json:
        print_rows([{**_claim(s), "why": s.needs or _because(s), **_next(s)} for s in found], True, console)
        return
    print_rows(
        [_without(_claim(s), "section", "2012 run", "deviations", *P_VALUES) for s in found], False, console
    )
    say(console, "\nWhat would say more, and takes at most so long of one core or one GPU:")
    say(console, "./repro.py run CLAIM --protocol PROTOCOL")
    print_rows([{"claim": s.claim.id, **_run(run)} for s in found for run in s.runs], False, console)
    say(console, f"\n{beyond.TITLE}; never judged:")
    print_rows([_question(question) for question in beyond.questions(store)], False, console)
    console.print()
    for stand, names in _standings(found).items():
        console.print(f"{stand}: {', '.join(names)}", highlight=False, markup=False)


def _question(asked: Question) -> Row:
    at = asked.assessment.experiment.protocol.name if asked.assessment else ""
    return {"question": asked.reproduction.name, "at": at, "stored": asked.stored, **_run(asked.next_run)}


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
        "p, Student": section.raw_p,
        "p, Holm": section.adjusted_p,
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
