"""A page of all published reports below a folder, by claim and hardware, from the results.json beside each.

Nothing is judged again: each verdict is the one that the report's own code gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec

from harness.contract.errors import StoreError
from harness.contract.formatting import NOTHING
from harness.paper import papers
from harness.records.files import MALFORMED, read
from harness.reporting.formats import FILES, Format
from harness.reporting.pages import templates, write
from harness.reporting.results import FORMAT


class _Origin(msgspec.Struct):
    records: int
    first: str
    last: str
    hardware: list[str]
    judged_by: str


class _Experiment(msgspec.Struct):
    protocol: str


class _Result(msgspec.Struct):
    claim: str
    leading: bool
    experiment: _Experiment | None
    outcome: str
    qualifier: str


class _Results(msgspec.Struct):
    format: int
    origin: _Origin
    results: list[_Result]


@dataclass(frozen=True)
class Cell:
    """A report's verdict on a claim, with a link to it."""

    words: str
    kind: str
    protocol: str
    link: str


@dataclass(frozen=True)
class PublishedReport:
    """A report: where it is and what its results.json says, or in `trouble` why that cannot be read."""

    link: str
    readable: str  # the same in Markdown, if it is there
    name: str
    hardware: str = NOTHING
    days: str = NOTHING
    records: str = NOTHING
    code: str = NOTHING
    trouble: str = ""
    verdicts: tuple[tuple[str, Cell], ...] = ()

    def verdict(self, claim: str) -> Cell | None:
        """Its verdict on the claim, if anything was run."""
        return dict(self.verdicts).get(claim)


def write_index(folder: Path) -> tuple[Path, Path]:
    """Writes index.html and index.md into the folder; StoreError if there is no report below it."""
    found = published(folder)
    if not found:
        raise StoreError(f"no report below {folder}; './repro.py report --out {folder}/NAME' writes one")
    claims = [(c.id, papers.title(c)) for c in papers.claims() if any(p.verdict(c.id) for p in found)]
    for name in ("index.html", "index.md"):
        page = templates().get_template(f"{name}.j2").render(reports=found, claims=claims)
        write(folder / name, page)
    return folder / "index.html", folder / "index.md"


def published(folder: Path) -> list[PublishedReport]:
    """Every report below the folder, the newest first."""
    found = [_read(path, folder) for path in sorted(folder.rglob(FILES[Format.HTML]))]
    return sorted(found, key=lambda one: (not one.trouble, one.days), reverse=True)


def _read(page: Path, folder: Path) -> PublishedReport:
    in_markdown = page.with_name(FILES[Format.MD])
    link, readable = (
        quote(one.relative_to(folder).as_posix())
        for one in (page, in_markdown if in_markdown.exists() else page)
    )
    name = page.parent.relative_to(folder).as_posix()
    path = page.with_name(FILES[Format.JSON])
    try:
        found = msgspec.json.decode(read(path), type=_Results)
    except FileNotFoundError:
        return PublishedReport(link, readable, name, trouble="rendered by code that wrote no results.json")
    except MALFORMED as error:
        return PublishedReport(link, readable, name, trouble=f"its results.json cannot be read ({error})")
    if found.format != FORMAT:
        return PublishedReport(
            link,
            readable,
            name,
            trouble=f"its results.json has format {found.format}; this version reads {FORMAT}",
        )
    origin = found.origin
    days = " to ".join(dict.fromkeys(moment[:10] for moment in (origin.first, origin.last) if moment))
    hardware = "; ".join(origin.hardware) or NOTHING
    told = (days or NOTHING, f"{origin.records:,}", origin.judged_by or NOTHING)
    return PublishedReport(link, readable, name, hardware, *told, verdicts=_verdicts(found.results, link))


def _verdicts(results: Sequence[_Result], link: str) -> tuple[tuple[str, Cell], ...]:
    known = (one for one in results if one.leading and one.outcome not in ("not run", "smoke"))
    return tuple((one.claim, _cell(one, link)) for one in known)


def _cell(one: _Result, link: str) -> Cell:
    headline = f"{one.outcome} ({one.qualifier})" if one.qualifier else one.outcome
    return Cell(
        headline,
        one.outcome.replace(" ", "-"),
        one.experiment.protocol if one.experiment else "",
        f"{link}#{one.claim}",
    )
