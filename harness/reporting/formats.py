"""The formats of a report, and the files among them that are for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from harness.reporting.claims.sections import Section
from harness.reporting.front.origin import EvidenceOrigin
from harness.reporting.results import as_csv, as_json, as_tex, results


class Format(StrEnum):
    """The forms of a report."""

    HTML = "html"
    MD = "md"
    TEX = "tex"
    CSV = "csv"
    JSON = "json"


FILES: Mapping[Format, str] = {
    Format.HTML: "report.html",
    Format.MD: "report.md",
    Format.TEX: "results.tex",
    Format.CSV: "results.csv",
    Format.JSON: "results.json",
}
PAGES = (Format.HTML, Format.MD)  # for people, with figures


def pages_among(formats: Sequence[Format]) -> list[str]:
    """The files for people."""
    return [FILES[one] for one in formats if one in PAGES]


def data_among(formats: Sequence[Format]) -> list[str]:
    """The files for programs."""
    return [FILES[one] for one in formats if one not in PAGES]


def data(sections: Sequence[Section], origin: EvidenceOrigin, formats: Sequence[Format]) -> dict[str, str]:
    """The content of those files."""
    found = results(sections, origin)
    made: Mapping[Format, Callable[[], str]] = {
        Format.JSON: lambda: as_json(found),
        Format.CSV: lambda: as_csv(found),
        Format.TEX: lambda: as_tex(sections),
    }
    return {FILES[one]: make() for one, make in made.items() if one in formats}
