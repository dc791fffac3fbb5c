"""Markdown in which no text of a record can become markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from harness.plans.experiment import Table
from harness.reporting.front.summary import Phrase, Sentence
from harness.reporting.tables import kinds, linked
from harness.reporting.wording import text

NO_LINKS: Mapping[str, str] = MappingProxyType({})


def escape(value: object) -> str:
    """One line of text that both Markdown and HTML show verbatim."""
    return _escaped(text(value))


def _cell(said: str, target: str) -> str:
    return f"[{escape(said)}]({target})" if target else escape(said)


@lru_cache(maxsize=100_000)
def _escaped(shown: str) -> str:
    line = " ".join(shown.split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*|~$])|(?<=\])(?=\()|(?<!\w)(?=_)|(?=_(?!\w))", r"\\\1", line)


def paragraphs(lines: str) -> str:
    """Each line as a paragraph of its own."""
    return "\n\n".join(map(escape, lines.splitlines()))


def sentence(parts: Sentence) -> str:
    """A sentence with its emphasis and links."""
    return "".join(map(_part, parts))


def _part(part: Phrase) -> str:
    words = part.words
    before, after = " " * words.startswith(" "), " " * words.endswith(" ")
    said = escape(words) if words.strip() else ""
    said = f"[{said}](#{part.target})" if part.target else f"**{said}**" if part.strong else said
    return f"{before}{said}{after}" if words.strip() else words


def table(value: Table, records: str = "records", links: Mapping[str, str] = NO_LINKS) -> str:
    """The table in GitHub's form, numbers right-aligned, keys as links to their records.

    `links` maps first cells to headings.
    """
    from tabulate import tabulate

    rows = [[_cell(said, record and f"{records}/{record}") for said, record in row] for row in linked(value)]
    for row in rows:
        row[0] = f"[{row[0]}](#{links[row[0]]})" if row[0] in links else row[0]
    sides = ["right" if kind == "figure" else "left" for kind in kinds(value)]
    return tabulate(
        rows,
        headers=[escape(c) if c else "" for c in value.columns],
        tablefmt="pipe",
        colalign=sides if rows else None,
        disable_numparse=True,
    )
