"""What one half of the fault suite found, and its section of `docs/reliability.md`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


@dataclass(frozen=True)
class Findings:
    """What was tried and the outcome; `faults` has a sentence for everything that went wrong."""

    heading: str  # of its section, which must be on the page already
    summary: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    faults: Sequence[str]

    @property
    def text(self) -> str:
        """The section's text: summary, table, faults."""
        table = tabulate(self.rows, self.columns, tablefmt="github")
        return "\n\n".join([self.summary, table, *(f"- {fault}" for fault in self.faults)])


def came(faults: Sequence[str]) -> str:
    """What a summary says about them."""
    return f"{len(faults)} faults, all listed below" if faults else "no fault"


def publish(found: Findings, page: Path = PAGE) -> None:
    """Replaces the content of their section of the page with the findings."""
    text = page.read_text(encoding="utf-8")
    section = re.compile(rf"(?<=^## {re.escape(found.heading)}\n).*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    if not section.search(text):
        raise ValueError(f"{page} has no section '{found.heading}'")
    page.write_text(section.sub(lambda _: f"\n{found.text}\n\n", text).rstrip() + "\n", encoding="utf-8")
