"""A page for each claim: what is declared, how it is re-examined, and what published records say."""

from __future__ import annotations

import importlib
import re
import textwrap
from collections.abc import Iterator
from functools import cache

from links import PUBLISHED, ROOT, figures

from harness.contract.formatting import NOTHING, limits, number, quantity
from harness.paper.catalogue import CLAIMS
from harness.paper.claims import Claim, Kind
from harness.paper.papers import title
from harness.paper.run_log import bearing_on
from harness.plans.experiment import Reproduction, Table
from harness.records.store import Store
from harness.reporting import effect_tables
from harness.reporting.claims import phrases, sections
from harness.reporting.claims.sections import Section
from harness.reporting.front import overview
from harness.reporting.markdown import escape, table
from harness.reporting.wording import opened, words
from harness.verdicts.assess import Assessments
from harness.verdicts.verdict import Outcome
from reproductions import answering, holding

ABOUT = """# Claims

What the paper says, as the catalogue declares it before anything runs. The last column is what today's code
makes of the published records that it can read, "–" where there are none. Older reports keep the verdicts of
their own code: each claim's page leads to them, and [Findings](../findings.md) sums them up.
"""
RESTS = {Kind.EXACT: "each metric", Kind.COST: "none of these"}
UNJUDGED = "There is no record yet that today's code judges."


def pages() -> dict[str, str]:
    """Every page by its place in the site: the list of claims, then a page for each."""
    return {"claims/index.md": _index(), **{_uri(claim): "\n".join(_page(claim)) for claim in CLAIMS}}


def uris() -> set[str]:
    """The places of the claims' own pages."""
    return {_uri(claim) for claim in CLAIMS}


def _uri(claim: Claim) -> str:
    return f"claims/{claim.id}.md"


@cache
def stores() -> tuple[tuple[str, tuple[Section, ...]], ...]:
    """Folders of published records that today's code can read, each with its sections."""
    folders = sorted({path.parents[1] for path in (ROOT / "reports").glob("**/records/*.json")}, reverse=True)
    found = ((folder.relative_to(ROOT).as_posix(), Store(folder)) for folder in folders)
    return tuple(
        (name, tuple(sections.sections(Assessments(store)))) for name, store in found if store.records
    )


def evidence(claim: Claim) -> list[tuple[str, Section]]:
    """What the published records say of the claim, the newest folder first."""
    return [(name, s) for name, found in stores() for s in found if s.claim.id == claim.id and s.examined]


def _index() -> str:
    columns = ("claim", "where", "the paper says", "published records")
    links = {title(claim): f"{claim.id}.md" for claim in CLAIMS}
    found = table(Table("", columns, tuple(map(_row, CLAIMS))), links=links)
    return f"{ABOUT}\n{found.replace('](#', '](')}\n"


def _row(claim: Claim) -> tuple[str, ...]:
    found = evidence(claim)
    return title(claim), overview.place(claim), claim.figure, _standing(found[0][1]) if found else NOTHING


def _standing(section: Section) -> str:
    """The verdict, or how many records there are of one that is still to come."""
    waiting = section.verdict.outcome is Outcome.NOT_RUN
    return f"under way: {len(section.records)} records" if waiting else section.verdict.headline


def _page(claim: Claim) -> Iterator[str]:
    said, place, figure = map(escape, (opened(claim.statement), overview.place(claim), claim.figure))
    yield f"# {escape(title(claim))}\n\n*{said}* ({place}). The paper: {figure}.\n"
    yield from _declared(claim)
    reproduction = answering(claim.id)
    if reproduction is None:
        yield f"## How it is re-examined\n\nIt is not: it needs {escape(claim.needs)}.\n"
    else:
        yield from _reproduction(reproduction)
    yield "## Published evidence\n"
    found = evidence(claim)
    for name, section in found:
        yield from _evidence(name, section)
    if not found:
        yield f"{UNJUDGED}\n"
    yield from _older(claim)
    if claim.log_2012 or claim.discussion or bearing_on(claim.id):
        yield "## What others found\n"
        yield from (f"- The authors' run log: {escape(claim.log_2012)}",) * bool(claim.log_2012)
        if runs := bearing_on(claim.id):
            yield f"- Runs of the authors' log that bear on it: {escape(runs)}"
        yield from (f"- Later studies: {escape(claim.discussion)}",) * bool(claim.discussion)


def _declared(claim: Claim) -> Iterator[str]:
    yield f"## Declared before anything ran\n\n- Estimand: {escape(claim.estimand)}"
    if claim.null is not None:
        side = f"; the paper is {claim.side} it" if claim.side else ""
        yield f"- No effect: {number(claim.null)}{side}"
    scale = f" (protocol `{claim.paper_scale}`)" if claim.paper_scale else ""
    yield f"- The paper's setting: {escape(claim.conditions)}{scale}\n"
    rows = tuple(
        (
            words(metric.name),
            "" if metric.paper is None else quantity(metric.paper, metric.unit),
            limits(metric.band, metric.unit),
            "" if metric.logged_2012 is None else quantity(metric.logged_2012, metric.unit),
        )
        for metric in claim.metrics
    )
    yield table(Table("", ("metric", "the paper", "band", "authors' log, 2012"), rows))
    rests = RESTS.get(claim.kind, "the first metric")
    yield f"\nThe verdict rests on {rests}; bands are this project's policy.\n"


def _reproduction(reproduction: Reproduction) -> Iterator[str]:
    module = importlib.import_module(holding(reproduction).module)
    yield f"## How it is re-examined\n\n{_prose(module.__doc__ or '')}\n"
    rows = tuple((p.name, p.summary, p.seeds) for p in reproduction.protocols)
    yield table(Table("", ("protocol", "what it runs", "seeds an arm"), rows))
    yield f"\n```\n./repro.py run {reproduction.name} --dry-run\n./repro.py run {reproduction.name}\n```\n"


def _prose(doc: str) -> str:
    """A docstring's paragraphs as Markdown; those that are indented are commands."""
    return "\n\n".join(map(_paragraph, re.split(r"\n\s*\n", doc.rstrip())))


def _paragraph(part: str) -> str:
    if part.startswith("    "):
        return f"```\n{textwrap.dedent(part)}\n```"
    return escape(part).replace(r"\`", "`")


def _evidence(folder: str, section: Section) -> Iterator[str]:
    yield f"**{escape(_standing(section))}**{_scale(section)}, in `{folder}`.\n"
    if section.verdict.outcome is Outcome.NOT_RUN:
        return
    yield f"{escape(phrases.finding(section))}\n"
    if section.effects and not section.smoke:
        found = effect_tables.effect_table(
            section.claim, section.effects, section.adjusted_p, section.proxy, section.interim
        )
        yield f"{table(found)}\n"
    yield from (f"- {escape(opened(reason))}" for reason in section.verdict.sentences)
    yield ""


def _scale(section: Section) -> str:
    return f" at protocol `{section.verdict.protocol}`" if section.verdict.protocol else ""


def _older(claim: Claim) -> Iterator[str]:
    """Links to the claim in reports that are pages of the repository, with what they drew of it."""
    for path, uri in PUBLISHED.items():
        page = ROOT / path
        if f'id="{claim.id}"' not in page.read_text(encoding="utf-8"):
            continue
        name, drawn = page.parent.name, figures(page.parent).get(claim.id)
        yield f"[The report {name}](../{uri}#{claim.id}), as the code of its own commit judged it.\n"
        yield f"![What that report drew of it](../{drawn}){{ .drawn }}\n" if drawn else ""
