"""`repro list`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from rich.console import Console

from harness.cli.progress import Progress
from harness.cli.tables import Row, print_rows, say
from harness.contract.formatting import spoken
from harness.forecast.ways import Way
from harness.records.store import Store
from harness.reporting import sections
from harness.reporting.first_page import leading, logged, ours, standing
from harness.reporting.section import Section


def show(store: Store, as_json: bool, console: Console, progress: Progress) -> None:
    """Every claim with the paper's figure, the best evidence, the verdict, and what would say more."""
    with progress as tracker:
        found = leading(sections.sections(store, tracker))
    if as_json:
        print_rows([{**_claim(s), "why": s.needs or _because(s), **_next(s)} for s in found], True, console)
        return
    print_rows([_without(_claim(s), "section", "2012 run", "deviations") for s in found], False, console)
    say(console, "\nWhat would say more, and takes at most so long of one core or one GPU:")
    say(console, "./repro.py run CLAIM --protocol PROTOCOL")
    print_rows([{"claim": s.claim.id, **_way(way)} for s in found for way in s.ways], False, console)
    console.print()
    for stand, names in _standings(found).items():
        console.print(f"{stand}: {', '.join(names)}", highlight=False, markup=False)


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
    return "; ".join(section.verdict.reasons)


def _next(section: Section) -> Row:
    """Where the claim stands, what to type, and every run that would say more with its data and cost."""
    runs = [
        {**asdict(way), "protocol": way.protocol, "data": way.data, "cost": way.cost} for way in section.ways
    ]
    return {"standing": standing(section), "command": section.next_command, "runs": runs}


def _standings(found: Sequence[Section]) -> dict[str, list[str]]:
    """The claims by where they stand."""
    kinds: dict[str, list[str]] = {}
    for section in found:
        kinds.setdefault(standing(section), []).append(section.claim.id)
    return kinds


def _way(way: Way) -> dict[str, str]:
    most = {price.device: spoken(price.seconds) for price in way.prices}
    none = dict.fromkeys(("core", "GPU"), "–")
    return {"protocol": way.protocol, "data": way.data, "trials": str(way.trials), **none, **most}


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}
