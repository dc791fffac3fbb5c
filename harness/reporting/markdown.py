"""Markdown in which nothing that a record says can become markup."""

from __future__ import annotations

import re
from functools import lru_cache

from harness.plans.experiment import Table
from harness.reporting.tables import cells, kinds
from harness.reporting.wording import text


def escape(value: object) -> str:
    """One line of text that Markdown and HTML both show as it is."""
    return _escaped(text(value))


@lru_cache(maxsize=100_000)
def _escaped(shown: str) -> str:
    line = " ".join(shown.split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*|~$])|(?<=\])(?=\()|(?<!\w)(?=_)|(?=_(?!\w))", r"\\\1", line)


def table(value: Table) -> str:
    """The table in GitHub's form, columns of figures flush right."""
    from tabulate import tabulate

    rows = cells(value)
    sides = ["right" if kind == "figure" else "left" for kind in kinds(value)]
    return tabulate(
        [[escape(cell) for cell in row] for row in rows],
        headers=[escape(c) if c else "" for c in value.columns],
        tablefmt="github",
        colalign=sides if rows else None,
        disable_numparse=True,
    )
